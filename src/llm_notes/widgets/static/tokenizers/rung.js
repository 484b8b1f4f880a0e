// The place of one tokenizer in the explorer: its name, its numbers, its chips.
//
// For byte-pair encoding it has a slider that undoes merges. Knows one tokenizer's twin
// and what was cut (cutting.js); knows nothing of the other tokenizers beside it.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};

  const NOTHING = { total: 0, unknown: 0, ids: [], pieces: [] };
  const count = (n) => n.toLocaleString("en-US");
  const many = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
  const ratio = (a, b) => (b ? (a / b).toFixed(2) : "–");

  function shortened(text, most) {
    const characters = Array.from(text.slice(0, 2 * most + 2));
    return characters.length > most ? characters.slice(0, most).join("") + "…" : text;
  }

  function quoted(text) {
    return `“${llm.dom.visible(shortened(text, 60))}”`;
  }

  // A slider that undoes the merges of byte-pair encoding, for the rung of that kind.
  function mergeSlider(twin, redraw) {
    const { make } = llm.dom;
    let steps = [];
    const slider = llm.dom.slider({
      label: "merges applied", min: 0, max: 0, value: 0,
      format: (n) => `${count(n)} of ${count(steps.length)}`,
    });
    const note = make("p", { class: "llm-quiet" });
    function say() {
      const id = steps[slider.value - 1];
      const [a, b] = id === undefined ? [] : twin.parts(id);
      const none = steps.length
        ? "No merge yet: each byte is a token."
        : "No merge joins bytes of this text.";
      note.textContent = id === undefined
        ? none
        : `The last one joins ${quoted(twin.text(a))} and ${quoted(twin.text(b))} ` +
          `to ${quoted(twin.text(id))}, which became token ${count(id)}.`;
    }
    slider.listen(() => {
      say();
      redraw();
    });
    return {
      element: make("div", {}, llm.dom.controls(slider), note),
      // A new text: all its merges, unless the hand has chosen fewer.
      update(ids) {
        const wasFull = slider.value >= steps.length;
        const chosen = slider.value;
        steps = llm.tokenizers.mergesUsed(twin, ids);
        slider.input.max = steps.length;
        slider.input.disabled = !steps.length;
        slider.value = wasFull ? steps.length : Math.min(chosen, steps.length);
        say();
      },
      get highest() {
        return slider.value ? steps[slider.value - 1] : 0;
      },
      get isFull() {
        return slider.value >= steps.length;
      },
    };
  }

  // data: {classes, maxTokens}; leave: see chips.js.
  function rungOf({ name, file }, data, leave) {
    const { make } = llm.dom;
    const twin = llm.tokenizers.read(file, data.classes);
    const numbers = make("p", { class: "llm-quiet" });
    const rest = make("p", { class: "llm-quiet" });
    const chips = llm.tokenizers.chips(`tokens of ${name}`, leave);
    let result = NOTHING;
    let shown = result;
    let text = "";

    function draw() {
      shown = result;
      if (merges && !merges.isFull) {
        const { tokensAfter } = llm.tokenizers;
        const after = tokensAfter(twin, result.ids, merges.highest, data.maxTokens);
        shown = { ...result, ...after };
      }
      const lost = twin.kind === "character" ? "without a token" : "unknown";
      numbers.textContent =
        `${many(shown.total, "token")}, ` +
        `${ratio(Array.from(text).length, shown.total)} characters per token` +
        (shown.unknown ? `, ${count(shown.unknown)} ${lost}` : "");
      chips.draw(shown.pieces);
      const hidden = shown.total - shown.pieces.length;
      rest.textContent = hidden ? `… and ${many(hidden, "more token")}, not drawn` : "";
    }
    const merges = twin.kind === "byte_pair" ? mergeSlider(twin, draw) : null;
    const head = make(
      "p", { class: "llm-rung-head" }, make("strong", {}, llm.dom.visible(name)),
      make("span", { class: "llm-quiet" }, `vocabulary ${count(twin.vocabSize)}`)
    );
    return {
      name, twin, chips,
      element: make(
        "div", { class: "llm-rung" },
        head, numbers, merges && merges.element, chips.element, rest
      ),
      update(given, source) {
        result = given;
        text = source;
        if (merges) {
          merges.update(result.ids);
        }
        draw();
      },
      get total() {
        return result.total;
      },
      row() {
        const [characters, bytes] = [
          Array.from(text).length, llm.tokenizers.text.bytesOf(text).length,
        ];
        const { total, unknown } = result;
        return [
          name, count(twin.vocabSize), count(total), count(unknown),
          ratio(characters, total), ratio(bytes, total), ratio(total, bytes),
        ];
      },
    };
  }

  // What is known of one token, as children of the line below the tokens.
  function details({ name, twin }, piece, source) {
    const { make } = llm.dom;
    const bytes = `${piece.bytes.length === 1 ? "byte" : "bytes"} ` +
      llm.tokenizers.hexadecimal(piece.bytes);
    const parts = piece.id === null ? null : twin.parts(piece.id);
    const said = [
      name,
      piece.id === null ? "no token: this tokenizer refuses it" : `id ${count(piece.id)}`,
      bytes,
      source === piece.text ? null : `stands for ${quoted(source)}`,
      parts && `made of ${parts.map((id) => quoted(twin.text(id))).join(" and ")}`,
    ];
    return [
      make("strong", {}, quoted(piece.text)),
      " " + said.filter((one) => one !== null).join("; "),
    ];
  }

  llm.tokenizers.rung = { rungOf, details, shortened, many, NOTHING };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
