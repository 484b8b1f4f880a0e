// The view of an encoder and a decoder: a sentence, its translation, and the alignment.
//
// The likeliest token is taken at each place; another can be chosen, and the rest follows
// from it. The view's interface is that of playground_generate.js.
(function (llm) {
  "use strict";

  // One translation: {run(ids, from), tokens, cross, ...}; its tokens are those of
  // llm.playground.tokenText, and the last one ends the sentence.
  function translation(entry, label, switches, hooks) {
    const { make, visible } = llm.dom;
    const { model } = entry;
    const { targetTokenizer: target } = model;
    const text = llm.playground.tokenText(
      `Translation by ${label}`, (place) => hooks.choose(self, place),
      (place) => hooks.preview(self, place)
    );
    const which = llm.playground.headChoice();
    const table = llm.playground.alignment("Where each token of the translation looked");
    const facts = make("p", { class: "llm-quiet llm-facts" });
    const box = make("div", { hidden: true }, which.element, table.element);
    const element = make(
      "div", { class: "llm-column" },
      make("p", { class: "llm-column-title" }, visible(label, false)), text.element, facts, box
    );
    let names = []; // of the source's tokens
    let memory = null;
    let tokens = [];

    function tokenOf(id, { logits, cross }) {
      const p = llm.sampling.softmax(logits)[id];
      const space = llm.playground.hasSpaces(target) || !tokens.length ? "" : " ";
      const shown = id === model.eosId ? "⏹" : space + target.text(id);
      return { id, text: shown, bits: -Math.log2(Math.max(p, 1e-300)), logits, cross, isPrompt: false };
    }

    function drawTable() {
      box.hidden = !tokens.length;
      if (tokens.length) {
        which.fit(tokens[0].cross);
        table.update(
          tokens.map((token) => token.text.trim() || token.text), names,
          tokens.map(({ cross }) => llm.playground.weightsOf(cross, which.layer, which.head))
        );
      }
    }
    which.listen(drawTable);

    // Writes on until the sentence ends; mine() says whether that is still wanted.
    async function decode(given, mine) {
      const session = model.start(memory, switches);
      const started = performance.now();
      let n = 0;
      let last = session.push(model.bosId);
      for (const token of given) {
        last = session.push(token.id);
        n += 1;
      }
      const ended = () => tokens.length && tokens[tokens.length - 1].id === model.eosId;
      while (!ended()) {
        const id = llm.sampling.ranked(last.logits)[0];
        tokens = [...tokens, tokenOf(id, last)];
        n += 1;
        text.update(tokens);
        if (ended() || session.isFull) {
          break;
        }
        await llm.dom.slice();
        if (!mine()) {
          return false;
        }
        last = session.push(id);
      }
      const speed = (1000 * n) / Math.max(0.1, performance.now() - started);
      const end = ended() ? "" : " · the context is full";
      facts.textContent =
        `${names.length} tokens read, ${tokens.length} written · ${Math.round(speed)} tokens/s${end}`;
      text.update(tokens);
      drawTable();
      return true;
    }

    const self = {
      element, label, text,
      get tokens() {
        return tokens;
      },
      get written() {
        return target.decode(tokens.map(({ id }) => id).filter((id) => id !== model.eosId));
      },
      get bits() {
        return tokens.reduce((sum, { bits }) => sum + bits, 0) / Math.max(1, tokens.length);
      },
      name: (id) => (id === model.eosId ? "end of the sentence" : target.text(id)),
      async run(ids, mine) {
        names = ids.map((id) => model.sourceTokenizer.text(id));
        tokens = [];
        text.update(tokens);
        drawTable();
        memory = ids.length ? model.encode(ids, switches) : null;
        if (!ids.length) {
          facts.textContent = "";
          return true;
        }
        return decode([], mine);
      },
      // Another token at a place, and what follows from it.
      async replace(place, id, mine) {
        const kept = tokens.slice(0, place);
        const { logits, cross } = tokens[place];
        tokens = kept;
        tokens = [...kept, tokenOf(id, { logits, cross })];
        text.update(tokens);
        return decode(tokens, mine);
      },
    };
    return self;
  }

  function translating(shell) {
    const { make, visible } = llm.dom;
    const columnsBox = make("div", { class: "llm-columns" });
    const verdict = make("p", { class: "llm-verdict" });
    const legend = make("p", { class: "llm-quiet" },
      "The darker a token, the less sure the model was. Choose one to see what else it " +
      "weighed; take that, and the rest follows from it.");
    const parts = llm.playground.parts();
    const title = make("p", { class: "llm-panel-title" });
    const bars = llm.playground.bars((id) => view.column.name(id), take);
    const panel = make("div", { class: "llm-panel", hidden: true }, title, bars.list, bars.table);
    const element = make("div", {}, columnsBox, verdict, panel, legend);
    let entry = null;
    let columns = [];
    let view = null; // {column, place} in the panel
    let task = 0;

    function wanted() {
      task += 1;
      const mine = task;
      return () => mine === task;
    }

    function draw(column, place) {
      const token = column.tokens[place];
      panel.hidden = !token;
      if (token) {
        view = { column, place };
        const found = llm.playground.candidates(token.logits, { own: token.id });
        const own = found.find(({ id }) => id === token.id);
        title.textContent =
          `For “${visible(column.name(token.id))}” (number ${own.rank}) the model weighed:`;
        bars.show(found, token.id);
      }
    }

    let pinned = null;
    function choose(column, place) {
      columns.filter((other) => other !== column).forEach(({ text }) => text.clear());
      pinned = place < 0 ? null : { column, place };
      draw(column, place);
    }
    // What was pointed at last stays, so that the mouse can come and take a candidate.
    function preview(column, place) {
      const shown = place < 0 ? pinned : { column, place };
      if (shown) {
        draw(shown.column, shown.place);
      }
    }

    async function take(id) {
      const { column, place } = view;
      await shell.act(async () => {
        const done = await column.replace(place, id, wanted());
        if (done) {
          column.text.select(place);
        }
        return done;
      });
    }

    // What is translated anew keeps its height until it is there: nothing below it jumps.
    function keepHeight() {
      columnsBox.style.minHeight = `${columnsBox.offsetHeight}px`;
    }

    function freeHeight() {
      columnsBox.style.minHeight = "";
    }

    function makeColumns() {
      keepHeight();
      const switches = parts.value;
      const isCut = Object.keys(switches).length > 0;
      const hooks = { choose, preview };
      columns = [translation(entry, isCut ? `${entry.name}, intact` : entry.name, {}, hooks)];
      if (isCut) {
        columns.push(translation(entry, `${entry.name} without ${parts.words}`, switches, hooks));
      }
      columnsBox.replaceChildren(...columns.map((column) => column.element));
      columnsBox.classList.toggle("llm-many", columns.length > 1);
    }

    function compared() {
      const [intact, cut] = columns;
      if (!cut) {
        return "";
      }
      const per = `${intact.bits.toFixed(2)} bits per token with all parts, ${cut.bits.toFixed(2)} without`;
      return intact.written === cut.written
        ? `Both write the same: ${per} ${parts.words}.`
        : `The translation is another one: ${per} ${parts.words}.`;
    }

    async function run(given) {
      const mine = wanted();
      keepHeight();
      pinned = null;
      panel.hidden = true;
      const { model } = entry;
      const most = model.config.context_length;
      let ids = given.trim() ? model.sourceTokenizer.encode(given.trim()) : [];
      if (ids.length > most) {
        ids = ids.slice(0, most);
        shell.note(`Only the first ${most} tokens are read.`);
      } else if (!ids.length) {
        shell.note("Type or choose a sentence first.");
      } else if (ids.includes(model.sourceTokenizer.unknownId)) {
        shell.note("The model does not know some of these words: they are [UNK] to it.");
      }
      const done = await Promise.all(columns.map((column) => column.run(ids, mine)));
      const isWhole = done.every(Boolean) && ids.length > 0;
      verdict.textContent = isWhole ? compared() : "";
      if (mine()) {
        freeHeight();
      }
      return isWhole;
    }

    parts.listen(() => {
      makeColumns();
      shell.rewrite();
    });
    return {
      element,
      foot: parts.element,
      parts,
      buttons: [],
      takers: [],
      label: "A sentence to translate",
      readsBeginning: true,
      action: "Translate",
      open([given], switches = {}) {
        entry = given;
        parts.show(entry.model);
        parts.write(switches);
        makeColumns();
      },
      read: run,
      run,
      clear: () => run(""),
      stop() {
        wanted();
        freeHeight();
      },
      get spoken() {
        const written = columns.map((column) => `${column.label}: ${column.written}`).join(" ");
        return `${written} ${verdict.textContent}`.trim();
      },
      get state() {
        const switches = parts.value;
        return Object.keys(switches).length ? { parts: JSON.stringify(switches) } : {};
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { translating });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
