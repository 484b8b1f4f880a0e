// One model with one text: what it reads, writes and how fast. Knows no other column.
(function (llm) {
  "use strict";

  // entry: {name, model}; makeReader(switches): see llm.writing.
  function column(entry, label, switches, makeReader, choose) {
    const { make } = llm.dom;
    const { tokenizer } = entry.model;
    const heading = make("p", { class: "llm-column-title" }, label);
    const facts = make("p", { class: "llm-quiet" });
    const text = llm.playground.tokenText(`Text of ${label}`, (place) => choose(self, place));
    const element = make("div", { class: "llm-column" }, heading, text.element, facts);
    let speed = null;

    const writing = llm.writing.writing(
      entry.model, () => makeReader(switches), () => show()
    );

    function show() {
      text.update(writing.tokens);
      const prompt = writing.tokens.filter(({ isPrompt }) => isPrompt);
      const bits = llm.writing.bitsPerByte(prompt, tokenizer);
      const parts = [`${writing.tokens.length} tokens`];
      if (bits !== null) {
        parts.push(`your text: ${bits.toFixed(2)} bits per byte`);
      }
      if (speed) {
        parts.push(`${Math.round(speed).toLocaleString("en")} tokens/s`);
      }
      if (writing.slid) {
        parts.push("the beginning has left the context");
      }
      facts.textContent = parts.join(" · ");
    }

    const self = {
      element,
      entry,
      label,
      text,
      writing,
      name: (id) => tokenizer.text(id),
      get bits() {
        const prompt = writing.tokens.filter(({ isPrompt }) => isPrompt);
        return llm.writing.bitsPerByte(prompt, tokenizer);
      },
      get written() {
        const ids = writing.tokens.filter((t) => !t.isPrompt).map(({ id }) => id);
        return tokenizer.decode(ids);
      },
      async write(n, settings) {
        const before = writing.tokens.length;
        const started = performance.now();
        const ended = await writing.write(n, settings);
        const n2 = writing.tokens.length - before;
        if (ended && n2 > 4) {
          speed = (1000 * n2) / (performance.now() - started);
        }
        show();
        return ended;
      },
    };
    return self;
  }

  llm.playground = llm.playground || {};
  llm.playground.column = column;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
