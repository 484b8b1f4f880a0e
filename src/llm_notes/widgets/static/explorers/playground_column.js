// One model with one text: what it reads, writes and how fast. Knows no other column.
(function (llm) {
  "use strict";

  // entry: {name, model}; hooks: {makeReader(), choose(column, place),
  // preview(column, place), facts: text}.
  function column(entry, label, hooks) {
    const { make, visible } = llm.dom;
    const { tokenizer } = entry.model;
    const heading = make("p", { class: "llm-column-title" }, visible(label, false));
    const known = make("p", { class: "llm-quiet" }, hooks.facts);
    const facts = make("p", { class: "llm-quiet llm-facts" });
    const text = llm.playground.tokenText(
      `Text of ${label}`, (place) => hooks.choose(self, place),
      (place) => hooks.preview(self, place)
    );
    const element = make("div", { class: "llm-column" }, heading, known, text.element, facts);
    let speed = null;

    const writing = llm.writing.writing(entry.model, hooks.makeReader, () => show());
    const prompt = () => writing.tokens.filter(({ isPrompt }) => isPrompt);

    function show() {
      text.update(writing.tokens);
      const bits = self.bits;
      const n = writing.tokens.length;
      facts.textContent = [
        n === 1 ? "1 token" : `${n} tokens`,
        bits === null ? null : `your text: ${bits.toFixed(2)} bits per byte`,
        speed && `${Math.round(speed).toLocaleString("en")} tokens/s`,
        writing.slid ? "the beginning has left the context" : null,
      ].filter(Boolean).join(" · ");
    }

    const self = {
      element,
      entry,
      label,
      text,
      writing,
      name: (id) => tokenizer.text(id),
      get bits() {
        return llm.writing.bitsPerByte(prompt(), tokenizer);
      },
      get speed() {
        return speed;
      },
      get written() {
        const ids = writing.tokens.filter((t) => !t.isPrompt).map(({ id }) => id);
        return tokenizer.decode(ids);
      },
      async write(n, settings) {
        const before = writing.tokens.length;
        const started = performance.now();
        const ended = await writing.write(n, settings);
        const written = writing.tokens.length - before;
        if (ended && written > 4) {
          speed = (1000 * written) / (performance.now() - started);
        }
        show();
        return ended;
      },
    };
    return self;
  }

  llm.playground = Object.assign(llm.playground || {}, { column });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
