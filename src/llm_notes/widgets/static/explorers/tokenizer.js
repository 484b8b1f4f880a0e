// One text, cut by several tokenizers: their tokens side by side, in the page.
//
// data: {tokenizers: [{name, file}], classes, texts, size, maxTokens, maxCharacters}.
// Without a kernel the twins in static/tokenizers/ cut; in a kernel Python does, and
// answers {text} with {rungs: [{ids, pieces: [[id, start, end], …]}, …]}.
(function (llm) {
  "use strict";

  llm.widgets = llm.widgets || {};

  const HINT =
    "Point at a token, or move with the arrow keys: its number and bytes stand here.";
  const LONGEST_LINK = 1500; // characters of a text that goes into the page's address
  const OWN = -1; // the choice of a text that is no example

  llm.widgets.tokenizer = function (mount, data, host) {
    const { make } = llm.dom;
    const { rungOf, details, shortened, many, NOTHING } = llm.tokenizers.rung;
    let latest = 0; // the number of the newest text; older work is dropped
    let bytes = new Uint8Array();
    // A text field knows one kind of line break.
    const texts = data.texts.map((text) => text.replace(/\r\n?/g, "\n"));

    const example = llm.dom.choice({
      label: "example",
      options: [
        ...texts.map((text, i) => [i, shortened(text, 40)]),
        [OWN, "(your own text)"],
      ],
      value: 0,
    });
    // A browser takes seconds to lay out a line of a megabyte, so it may not arrive.
    const field = llm.dom.textField({
      label: "text", value: texts[0], rows: 3, maxLength: data.maxCharacters,
    });
    const note = make("p", { class: "llm-quiet", role: "status" });
    const panel = make("p", { class: "llm-token-details" }, HINT);
    const table = llm.dom.numbers("One text, each tokenizer");
    const spoken = llm.dom.announcer();
    const rungs = data.tokenizers.map((one, i) =>
      rungOf(one, data, (direction, byte) => {
        const next = rungs[i + direction];
        if (next) {
          next.chips.focus(next.chips.placeAt(byte));
        }
      })
    );
    const grid = make("div", { class: "llm-rungs" }, rungs.map((rung) => rung.element));

    function show(rung, piece) {
      const own = bytes.subarray(piece.start, piece.end);
      const source = llm.tokenizers.text.labelOfBytes(own);
      rungs.forEach((one) => one.chips.mark(piece.start, piece.end));
      panel.replaceChildren(...details(rung, piece, source));
    }

    function hide() {
      rungs.forEach((one) => one.chips.mark(0, 0));
      panel.replaceChildren(HINT);
    }

    function showChip(element) {
      const button = element && element.closest(".llm-chip");
      const rung = button && rungs.find((one) => one.chips.element.contains(button));
      if (rung) {
        show(rung, rung.chips.pieceOf(button));
      }
      return Boolean(rung);
    }

    // A script or a link may bring more than the field takes from a hand. No character
    // is cut in two.
    function fitting(text) {
      const { maxCharacters } = data;
      return text.length <= maxCharacters
        ? text
        : text.slice(0, maxCharacters).replace(/[\ud800-\udbff]$/, "");
    }

    function sizes(text) {
      const n = Array.from(text).length;
      const size = `${many(n, "character")}, ${many(bytes.length, "byte")} in UTF-8.`;
      return text.length < data.maxCharacters - 1
        ? size
        : `${size} The field is full: a longer text is cut off here.`;
    }

    async function cutInKernel(text, isCurrent) {
      const answer = await host.ask({ text });
      if (isCurrent()) {
        answer.rungs.forEach((one, i) =>
          rungs[i].update(llm.tokenizers.fromAnswer(rungs[i].twin, one, text), text)
        );
      }
    }

    async function cutInPage(text, isCurrent) {
      for (const rung of rungs) {
        const result = await llm.tokenizers.cut(
          rung.twin, text, data.maxTokens, isCurrent
        );
        if (!result) {
          return;
        }
        rung.update(result, text);
      }
    }

    async function update() {
      latest += 1;
      const own = latest;
      const isCurrent = () => own === latest;
      const text = fitting(field.value);
      grid.setAttribute("aria-busy", "true");
      try {
        llm.tokenizers.text.requireEncodable(text);
        bytes = llm.tokenizers.text.bytesOf(text);
        note.textContent = sizes(text);
        hide();
        await (host.ask ? cutInKernel : cutInPage)(text, isCurrent);
      } catch (error) {
        if (isCurrent()) {
          note.textContent = `This text cannot be cut: ${error.message}`;
          rungs.forEach((rung) => rung.update(NOTHING, ""));
        }
      }
      if (isCurrent()) {
        grid.removeAttribute("aria-busy");
        table.update(
          [
            "tokenizer", "vocabulary", "tokens", "unknown",
            "characters per token", "bytes per token", "tokens per byte",
          ],
          rungs.map((rung) => rung.row())
        );
        spoken.say(
          rungs.map((one) => `${one.name}: ${many(one.total, "token")}`).join("; ")
        );
      }
    }

    function remember() {
      const place = texts.indexOf(field.value);
      const fits = field.value.length <= LONGEST_LINK;
      example.value = place < 0 ? OWN : place;
      llm.fragment.set(
        host.key, place >= 0 ? { example: place } : fits ? { text: field.value } : null
      );
    }

    function restore() {
      const state = llm.fragment.get(host.key);
      if (state && typeof state.text === "string") {
        field.value = fitting(state.text);
      } else if (state && Number.isInteger(state.example) && texts[state.example]) {
        field.value = texts[state.example];
      }
      const place = texts.indexOf(field.value);
      example.value = place < 0 ? OWN : place;
      update();
    }

    field.listen(() => {
      remember();
      update();
    });
    example.listen((place) => {
      if (place === OWN) {
        field.input.focus();
        field.input.select();
        return;
      }
      field.value = texts[place];
      remember();
      update();
    });
    grid.addEventListener("mouseover", (event) => showChip(event.target));
    grid.addEventListener("focusin", (event) => showChip(event.target));
    grid.addEventListener("click", (event) => showChip(event.target));
    grid.addEventListener("mouseleave", () => {
      if (!(grid.contains(document.activeElement) && showChip(document.activeElement))) {
        hide();
      }
    });

    const size = host.ask
      ? "Python cuts the text."
      : `The ${many(rungs.length, "tokenizer")} in this page: ${data.size}.`;
    mount.append(
      llm.dom.controls(example, field), note, grid, panel, table.element,
      make("p", { class: "llm-quiet" }, size), spoken.element
    );
    llm.fragment.listen(restore);
    llm.fragment.reveal(host.key, mount);
    restore();
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
