// One token of a text: what the model expected there, and where it looked.
//
// Candidates are buttons: taking one writes another text. Knows the text's tokens and
// how they are named, and no model.
(function (llm) {
  "use strict";

  const N_CANDIDATES = 8;

  const percent = (p) => (p >= 0.0995 ? `${(100 * p).toFixed(0)} %` : `${(100 * p).toPrecision(2)} %`);

  function candidates(token, settings, ids, nPrompt) {
    const p = llm.sampling.softmax(token.logits);
    const { removedBy } = llm.sampling.apply(token.logits, settings, ids, nPrompt);
    const order = llm.sampling.ranked(p);
    const shown = order.slice(0, N_CANDIDATES);
    if (!shown.includes(token.id)) {
      shown.push(token.id);
    }
    return shown.map((id) => ({
      id, p: p[id], removedBy: removedBy[id], rank: order.indexOf(id) + 1,
    }));
  }

  // The mean over heads, or one head: weights over the tokens before.
  function weightsOf(attention, layer, head) {
    const heads = attention[layer];
    if (head >= 0) {
      return heads[head];
    }
    return heads[0].map((_, s) => heads.reduce((sum, h) => sum + h[s], 0) / heads.length);
  }

  // take(place, id) is called when a candidate is taken.
  function tokenPanel(take) {
    const { make, visible, heat, choice } = llm.dom;
    const title = make("p", { class: "llm-panel-title" });
    const list = make("ul", { class: "llm-candidates" });
    const strip = make("p", { class: "llm-strip", dir: "auto" });
    const about = make("p", { class: "llm-quiet" });
    const looks = make("div", { class: "llm-looks" });
    const table = llm.dom.numbers("Candidates at this place", "The numbers");
    const element = make(
      "div", { class: "llm-panel", hidden: true }, title, list, looks, table.element
    );
    let view = null; // what is shown now
    let layer = null;
    let head = null;

    function candidateRow(one, token, name) {
      const bar = make("span", { class: "llm-bar" });
      bar.style.width = `${Math.max(0.5, 100 * one.p)}%`;
      const label = make("span", { class: "llm-candidate-text", dir: "auto" }, visible(name(one.id)));
      const note = one.removedBy ? make("small", {}, `ruled out by ${one.removedBy}`) : null;
      const button = make(
        "button",
        { type: "button", class: "llm-candidate", "aria-current": one.id === token.id },
        label, make("span", { class: "llm-bar-box" }, bar),
        make("span", { class: "llm-share" }, percent(one.p)), note
      );
      button.addEventListener("click", () => take(view.place, one.id));
      return make("li", { class: one.removedBy ? "llm-ruled-out" : null }, button);
    }

    function showLooks() {
      const { tokens, place } = view;
      const { attention } = tokens[place];
      if (!attention) {
        looks.replaceChildren();
        return;
      }
      const weights = weightsOf(attention, layer.value, head.value);
      // After a full context was cut, the weights are over its last tokens only.
      const first = place - weights.length;
      strip.replaceChildren(
        ...tokens.slice(first, place).map(({ text }, i) =>
          heat(make("span", { class: "llm-token" }, visible(text, false)), weights[i])
        )
      );
      const order = llm.sampling.ranked(weights).slice(0, 3);
      about.textContent = `Looks most at ${order
        .map((s) => `“${visible(tokens[first + s].text)}” (${percent(weights[s])})`)
        .join(", ")}.`;
    }

    function makeLooks(attention) {
      const layers = attention.map((_, i) => [i, String(i)]);
      const heads = [[-1, "mean"], ...attention[0].map((_, i) => [i, String(i)])];
      const shape = `${layers.length}x${heads.length}`;
      if (looks.dataset.shape === shape && looks.firstChild) {
        return;
      }
      looks.dataset.shape = shape;
      layer = choice({ label: "layer", options: layers, value: layers.length - 1 });
      head = choice({ label: "head", options: heads, value: -1 });
      layer.listen(showLooks);
      head.listen(showLooks);
      const name = make("p", { class: "llm-panel-title" }, "Where it looked");
      looks.replaceChildren(name, llm.dom.controls(layer, head), strip, about);
    }

    return {
      element,
      hide() {
        element.hidden = true;
      },
      // settings: of the draws; name(id): the text of a token.
      show(tokens, place, settings, name) {
        view = { tokens, place };
        const token = tokens[place];
        element.hidden = false;
        if (!token || !token.logits) {
          title.textContent = "Nothing stands before the first token: it was not predicted.";
          list.replaceChildren();
          looks.replaceChildren();
          table.update(["token", "probability"], []);
          return;
        }
        const ids = tokens.slice(0, place).map(({ id }) => id);
        const nPrompt = tokens.slice(0, place).filter(({ isPrompt }) => isPrompt).length;
        const found = candidates(token, settings, ids, nPrompt);
        const own = found.find(({ id }) => id === token.id);
        title.textContent =
          `Before “${visible(token.text)}” the model expected (it is number ${own.rank}, ` +
          `${token.bits.toFixed(1)} bits):`;
        list.replaceChildren(...found.map((one) => candidateRow(one, token, name)));
        table.update(
          ["rank", "token", "id", "probability", "ruled out by"],
          found.map((c) => [c.rank, name(c.id), c.id, c.p.toFixed(4), c.removedBy || ""])
        );
        if (token.attention) {
          makeLooks(token.attention);
        }
        showLooks();
      },
    };
  }

  llm.playground = llm.playground || {};
  llm.playground.tokenPanel = tokenPanel;
  llm.playground.percent = percent;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
