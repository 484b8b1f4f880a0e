// The knobs of the draw. Knows no model.
(function (llm) {
  "use strict";

  // What changes the distribution: its label, and the value at which it does nothing.
  const DRAWS = {
    temperature: ["temperature", null],
    topK: ["top-k", 0],
    topP: ["top-p", 1],
    minP: ["min-p", 0],
    repetition: ["repetition penalty", 1],
  };
  const N_SEEDS = 1e9; // what the field has room for

  const shown = (name, value) => (value === DRAWS[name][1] ? "off" : String(value));

  // Returns {element, value, changed, isCertain, otherThan(settings), write(state),
  // nextSeed(), listen(fn)}: settings of llm.sampling.apply, and `seed` and `length`;
  // `changed` holds those not at their start. isCertain: every seed draws the same.
  // otherThan: in words, what gave another distribution than now, or "".
  function knobs() {
    const { slider, choice, textField, make } = llm.dom;
    const known = (name) => ({
      label: DRAWS[name][0], value: DRAWS[name][1], format: (x) => shown(name, x),
    });
    const fields = {
      temperature: slider({ ...known("temperature"), min: 0, max: 2, step: 0.1, value: 0.8 }),
      topK: choice({
        ...known("topK"),
        options: [[0, "off"], ...[1, 2, 5, 10, 20, 50, 200].map((k) => [k, String(k)])],
      }),
      topP: slider({ ...known("topP"), min: 0.05, max: 1, step: 0.05 }),
      minP: slider({ ...known("minP"), min: 0, max: 0.5, step: 0.01 }),
      repetition: slider({ ...known("repetition"), min: 1, max: 2, step: 0.05 }),
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
      otherThan(settings) {
        return Object.keys(DRAWS)
          .filter((name) => settings[name] !== fields[name].value)
          .map((name) => `${DRAWS[name][0]} ${shown(name, settings[name])}`)
          .join(", ");
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
