// The parts of a model that can be taken away, one box for each. Knows no model.
(function (llm) {
  "use strict";

  const PARTS = {
    scale: "divide scores by √d_k",
    mask: "causal mask",
    positions: "positions",
    state: "the state carried on",
  };

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
      // Whatever an address says: what is not there stays as it is.
      write(switches) {
        const off = Array.isArray(switches.headsOff) ? switches.headsOff : [];
        for (const [name, box] of Object.entries(boxes)) {
          box.value = switches[name] !== false;
        }
        for (const { layer, head, box } of heads) {
          box.value = !off.some((pair) => pair && pair[0] === layer && pair[1] === head);
        }
      },
      listen(fn) {
        heard = fn;
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { parts });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
