// The knobs of the draw and the parts that can be taken away. Knows no model.
(function (llm) {
  "use strict";

  const PARTS = {
    scale: "divide scores by √d_k",
    mask: "causal mask",
    positions: "positions",
    state: "the state carried on",
  };

  // Returns {element, value, write(state), listen(fn)}: settings of llm.sampling.apply,
  // and `seed` and `length`.
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
    const seed = () => Math.abs(Number.parseInt(fields.seed.value, 10)) || 0;
    return {
      element,
      get value() {
        const read = Object.entries(fields).map(([name, field]) => [name, field.value]);
        return { ...Object.fromEntries(read), seed: seed() };
      },
      write(state) {
        for (const [name, field] of Object.entries(fields)) {
          if (state[name] !== undefined) {
            field.value = name === "seed" ? String(state[name]) : state[name];
          }
        }
      },
      listen(fn) {
        Object.values(fields).forEach((field) => field.listen(fn));
      },
    };
  }

  // The parts of a model: {element, value: switches, show(model), listen(fn)}.
  function parts() {
    const { make, checkbox, controls } = llm.dom;
    const body = make("div", {});
    const element = make(
      "details", { class: "llm-more" },
      make("summary", {}, "Take parts away, and see what breaks"), body
    );
    let boxes = {};
    let heads = [];
    let heard = () => {};

    function headGrid({ n_layers: nLayers, n_heads: nHeads }) {
      const rows = Array.from({ length: nLayers }, (_, layer) =>
        Array.from({ length: nHeads }, (_, head) => {
          const box = checkbox({ label: `layer ${layer}, head ${head}`, value: true });
          box.listen(() => heard());
          return { layer, head, box };
        })
      );
      heads = rows.flat();
      const legend = make("legend", {}, "attention heads");
      return make("fieldset", { class: "llm-heads" }, legend,
        controls(...heads.map(({ box }) => box)));
    }

    return {
      element,
      show(model) {
        boxes = {};
        heads = [];
        for (const name of model.switches.filter((one) => PARTS[one])) {
          boxes[name] = checkbox({ label: PARTS[name], value: true });
          boxes[name].listen(() => heard());
        }
        const grid = model.switches.includes("headsOff") ? headGrid(model.config) : null;
        const back = llm.dom.button({ label: "Put all back" });
        back.listen(() => {
          [...Object.values(boxes), ...heads.map(({ box }) => box)].forEach((box) => {
            box.value = true;
          });
          heard();
        });
        body.replaceChildren(controls(...Object.values(boxes), back));
        body.append(...[grid].filter(Boolean));
        element.hidden = !model.switches.length;
      },
      // {} when nothing is taken away.
      get value() {
        const off = Object.entries(boxes).filter(([, box]) => !box.value);
        const silent = heads.filter(({ box }) => !box.value);
        const value = Object.fromEntries(off.map(([name]) => [name, false]));
        return silent.length
          ? { ...value, headsOff: silent.map(({ layer, head }) => [layer, head]) }
          : value;
      },
      get words() {
        const off = Object.entries(boxes).filter(([, box]) => !box.value);
        const names = off.map(([name]) => PARTS[name]);
        const silent = heads.filter(({ box }) => !box.value);
        return [...names, ...silent.map(({ layer, head }) => `head ${head} of layer ${layer}`)]
          .join(", ");
      },
      write(switches) {
        for (const [name, box] of Object.entries(boxes)) {
          box.value = switches[name] !== false;
        }
        for (const { layer, head, box } of heads) {
          box.value = !(switches.headsOff || []).some(([l, h]) => l === layer && h === head);
        }
      },
      listen(fn) {
        heard = fn;
      },
    };
  }

  llm.playground = llm.playground || {};
  llm.playground.knobs = knobs;
  llm.playground.parts = parts;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
