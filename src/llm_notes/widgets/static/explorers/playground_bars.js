// Candidates for one place as bars; each is a button, for it can be taken.
//
// Also where heads looked: weights of one layer, of a head or of all. Knows no model.
(function (llm) {
  "use strict";

  const N_CANDIDATES = 8;

  const percent = (p) =>
    (p >= 0.0995 ? `${(100 * p).toFixed(0)} %` : `${(100 * p).toPrecision(2)} %`);

  // The likeliest tokens, and `own` when it is none of them: [{id, p, rank, removedBy}].
  // settings: of llm.sampling.apply; null when nothing is drawn.
  function candidates(logits, { own = null, settings = null, ids = [], nPrompt = 0 } = {}) {
    const p = llm.sampling.softmax(logits);
    const removedBy = settings
      ? llm.sampling.apply(logits, settings, ids, nPrompt).removedBy : [];
    const order = llm.sampling.ranked(p);
    const shown = order.slice(0, N_CANDIDATES);
    if (own !== null && !shown.includes(own)) {
      shown.push(own);
    }
    return shown.map((id) => ({
      id, p: p[id], removedBy: removedBy[id] || null, rank: order.indexOf(id) + 1,
    }));
  }

  // name(id): the text of a token; take(id) is called when a candidate is taken.
  function bars(name, take) {
    const { make, visible } = llm.dom;
    const list = make("ul", { class: "llm-candidates" });
    const table = llm.dom.numbers("Candidates at this place", "The numbers");

    function row(one, own) {
      const bar = make("span", { class: "llm-bar" });
      bar.style.width = `${Math.max(0.5, 100 * one.p)}%`;
      const button = make(
        "button",
        { type: "button", class: "llm-candidate", "aria-current": one.id === own && "true" },
        make("span", { class: "llm-candidate-text", dir: "auto" }, visible(name(one.id))),
        make("span", { class: "llm-bar-box" }, bar),
        make("span", { class: "llm-share" }, percent(one.p)),
        one.removedBy ? make("small", {}, `ruled out by ${one.removedBy}`) : null
      );
      button.addEventListener("click", () => take(one.id));
      return make("li", { class: one.removedBy ? "llm-ruled-out" : null }, button);
    }

    return {
      list,
      table: table.element,
      // found: from candidates(); own: the id that stands there, or null.
      show(found, own = null) {
        const at = [...list.children].findIndex((li) => li.contains(document.activeElement));
        list.replaceChildren(...found.map((one) => row(one, own)));
        if (at >= 0 && list.children[at]) {
          list.children[at].firstChild.focus(); // the hand stays where it was
        }
        table.update(
          ["rank", "token", "id", "probability", "ruled out by"],
          found.map((c) => [c.rank, name(c.id), c.id, c.p.toFixed(4), c.removedBy || ""])
        );
      },
    };
  }

  // Weights of one head, or the mean over the heads of a layer.
  function weightsOf(attention, layer, head) {
    const heads = attention[layer];
    return head >= 0
      ? heads[head]
      : Float32Array.from(heads[0], (_, s) =>
        heads.reduce((sum, weights) => sum + weights[s], 0) / heads.length);
  }

  // Two choices: {element, layer, head, fit(attention), listen(fn)}; head -1 is the mean.
  function headChoice() {
    const { make, choice, controls } = llm.dom;
    const element = make("div");
    let fields = null;
    let shape = "";
    let heard = () => {};
    return {
      element,
      get layer() {
        return fields[0].value;
      },
      get head() {
        return fields[1].value;
      },
      fit(attention) {
        const given = `${attention.length}x${attention[0].length}`;
        if (given === shape) {
          return;
        }
        shape = given;
        const layers = attention.map((_, i) => [i, String(i)]);
        const heads = [[-1, "mean"], ...attention[0].map((_, i) => [i, String(i)])];
        fields = [
          choice({ label: "layer", options: layers, value: layers.length - 1 }),
          choice({ label: "head", options: heads, value: -1 }),
        ];
        fields.forEach((field) => field.listen(() => heard()));
        element.replaceChildren(controls(...fields));
      },
      listen(fn) {
        heard = fn;
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, {
    percent, candidates, bars, weightsOf, headChoice,
  });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
