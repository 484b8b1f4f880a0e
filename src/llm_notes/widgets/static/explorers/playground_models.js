// The models of a playground: each is read when it is first asked for, and once.
//
// An entry is {name, about, facts, task, prompts, inPython, model, ids}; `ids` are the
// tokens with a part to play that the bundle names. Knows nothing of the page.
(function (llm) {
  "use strict";

  function factsOf({ n_parameters: n, bits_per_byte: bits }) {
    return [
      n && `${n >= 1e6 ? `${(n / 1e6).toFixed(2)} million` : n.toLocaleString("en")} parameters`,
      bits && `${bits.toFixed(2)} bits per byte on text that it has not read`,
    ].filter(Boolean).join(", ");
  }

  // data: of the playground; file(name): see llm.start. load(name) -> Promise(entry).
  function models(data, file) {
    const loading = new Map();

    async function loaded(description) {
      const json = await file(description.file);
      await llm.dom.slice(); // the decoding below takes a moment: paint first
      const bundle = llm.bundle.read(json);
      return {
        ...description,
        facts: factsOf(description),
        inPython: description.in_python,
        ids: bundle.header.ids || {},
        model: llm.models.load(bundle, data.unicode_classes),
      };
    }
    return {
      names: (task) => data.models.filter((one) => one.task === task).map(({ name }) => name),
      describe: (name) => data.models.find((one) => one.name === name),
      load(name) {
        if (!loading.has(name)) {
          const promise = loaded(this.describe(name));
          promise.catch(() => loading.delete(name)); // a second try may do better
          loading.set(name, promise);
        }
        return loading.get(name);
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { models, factsOf });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
