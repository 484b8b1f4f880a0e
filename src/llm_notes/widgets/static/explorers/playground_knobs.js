// The knobs of the draw. Knows no model.
(function (llm) {
  "use strict";

  const N_SEEDS = 1e9; // what the field has room for

  // Returns {element, value, changed, isCertain, write(state), nextSeed(), listen(fn)}:
  // settings of llm.sampling.apply, and `seed` and `length`; `changed` holds those not at
  // their start. isCertain: every seed draws the same.
  function knobs() {
    const { slider, choice, textField, make } = llm.dom;
    const off = (start) => (x) => (x === start ? "off" : String(x));
    const fields = {
      temperature: slider({ label: "temperature", min: 0, max: 2, step: 0.1, value: 0.8 }),
      topK: choice({
        label: "top-k", value: 0,
        options: [[0, "off"], ...[1, 2, 5, 10, 20, 50, 200].map((k) => [k, String(k)])],
      }),
      topP: slider({
        label: "top-p", min: 0.05, max: 1, step: 0.05, value: 1, format: off(1),
      }),
      minP: slider({
        label: "min-p", min: 0, max: 0.5, step: 0.01, value: 0, format: off(0),
      }),
      repetition: slider({
        label: "repetition penalty", min: 1, max: 2, step: 0.05, value: 1, format: off(1),
      }),
      length: choice({
        label: "tokens to write", value: 60,
        options: [10, 30, 60, 120, 300].map((n) => [n, String(n)]),
      }),
      seed: textField({ label: "seed", value: "1", maxLength: 9 }),
    };
    fields.seed.input.setAttribute("inputmode", "numeric");
    fields.seed.element.classList.add("llm-short");
    const element = make(
      "details", { class: "llm-more" }, make("summary", {}, "How the next token is drawn"),
      llm.dom.controls(...Object.values(fields))
    );
    const starts = Object.entries(fields).map(([name, field]) => [name, field.value]);
    const seed = () => Math.abs(Number.parseInt(fields.seed.value, 10)) || 0;
    // What is no number becomes the one that it counts as.
    fields.seed.input.addEventListener("change", () => {
      fields.seed.value = String(seed());
    });
    return {
      element,
      get value() {
        const read = Object.entries(fields).map(([name, field]) => [name, field.value]);
        return { ...Object.fromEntries(read), seed: seed() };
      },
      get changed() {
        const moved = starts.filter(([name, start]) => fields[name].value !== start);
        return Object.fromEntries(moved.map(([name]) => [name, this.value[name]]));
      },
      get isCertain() {
        return fields.temperature.value === 0 || fields.topK.value === 1;
      },
      nextSeed() {
        fields.seed.value = String((seed() + 1) % N_SEEDS);
      },
      reset() {
        starts.forEach(([name, start]) => (fields[name].value = start));
      },
      write(state) {
        for (const [name, field] of Object.entries(fields)) {
          if (Number.isFinite(state[name])) {
            field.value = name === "seed" ? String(state[name]) : state[name];
          }
        }
      },
      listen(fn) {
        Object.values(fields).forEach((field) => field.listen(fn));
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { knobs });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
