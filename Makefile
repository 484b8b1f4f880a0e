# make book     executes the chapters and builds the pages (again: only what changed)
# make test     proves all of it: style, package, chapters, pages in a real browser
# make serve    shows the built pages on this machine
# make lab      opens the chapters in JupyterLab, where sliders call Python
# make clean    removes what was built (not .venv)
#
# Each one first makes the environment .venv, if it is not there or out of date.

PYTHON ?= python3
PORT   ?= 8000
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := book
.PHONY: book test serve lab clean repository

book: $(READY)
	@$(BIN)/jupyter-book build . -n -W --keep-going -q
	@echo
	@echo "The book is built. Open  _build/html/index.html  or type  make serve"

test: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m pytest tests

serve: book
	@echo "Stop with Ctrl-C."
	@$(BIN)/python book/_ext/serve.py --port $(PORT)

lab: $(READY)
	$(BIN)/jupyter lab notebooks

clean:
	rm -rf _build

repository: $(READY)
	@test -n "$(URL)" || { echo "usage: make repository URL=https://github.com/you/llm-notes"; exit 2; }
	$(BIN)/python book/_ext/set_repository.py "$(URL)"

# Modules are compiled when they are first imported: most of them never are.
# The stamp is newer than the two files that say what has to be installed. The last
# line runs only when all before it went well.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "LLM Notes needs Python 3.11 or newer; '$(PYTHON)' is missing or older."; \
	  echo "Name another one like this:  make book PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "No environment could be made; on Debian: apt install python3-venv"; exit 1; }
	@echo "Installing the pinned versions into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
