// One place of a text: what the model expected there, and where it looked.
//
// The place after the last token shows what may come next. Taking a candidate writes
// another text. Knows the text's tokens and how they are named, and no model.
(function (llm) {
  "use strict";

  const MOST_TOKENS = 40; // in the view of all heads

  // Where the model looked when it expected this token: a strip, and in words.
  function looks() {
    const { make, visible, heat } = llm.dom;
    const { percent } = llm.playground;
    const which = llm.playground.headChoice();
    const strip = make("div", {
      class: "llm-strip", dir: "auto", tabindex: "0", role: "group",
      "aria-label": "how much it looked at each token", // it scrolls when it is long
    });
    const about = make("p", { class: "llm-quiet" });
    const element = make(
      "div", { class: "llm-looks", hidden: true },
      make("p", { class: "llm-panel-title" }, "Where it looked"), which.element, strip, about
    );
    let view = null;

    function draw() {
      const { tokens, place, attention } = view;
      const weights = llm.playground.weightsOf(attention, which.layer, which.head);
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
    which.listen(draw);
    return {
      element,
      show(tokens, place, attention) {
        element.hidden = !attention;
        if (attention) {
          view = { tokens, place, attention };
          which.fit(attention);
          draw();
        }
      },
    };
  }

  // All heads over the last tokens, where the page has the view for it; made when opened.
  function allHeads() {
    const { make } = llm.dom;
    const body = make("div");
    const element = make(
      "details", { class: "llm-more", hidden: true },
      make("summary", {}, "All heads, over the last tokens"), body
    );
    let view = null;
    let given = null;

    // Row t: the weights of the token that was expected at t + 1; what had left the
    // context has none.
    function rowsOf(tokens, next) {
      const asked = [...tokens.map(({ attention }) => attention), next && next.attention];
      return (place) => asked[place + 1];
    }

    function draw() {
      if (!element.open || element.hidden) {
        return;
      }
      if (!view) {
        view = llm.attentionView(body);
      }
      const { tokens, next } = given;
      const n = Math.min(MOST_TOKENS, tokens.length);
      const from = tokens.length - n;
      const rowOf = rowsOf(tokens, next);
      const names = tokens.slice(from).map(({ text }) => text);
      const shape = [next.attention.length, next.attention[0].length, n, n];
      view.update({ queries: names, keys: names, causal: true, shape }, (layer, head) => {
        const all = new Float32Array(n * n);
        for (let t = 0; t < n; t += 1) {
          const row = rowOf(from + t);
          const weights = row ? row[layer][head] : [];
          const start = from + t + 1 - weights.length; // the token of its first weight
          for (let s = Math.max(from, start); s <= from + t; s += 1) {
            all[t * n + s - from] = weights[s - start];
          }
        }
        return all;
      });
    }
    element.addEventListener("toggle", draw);
    return {
      element,
      show(tokens, next) {
        element.hidden = !(llm.attentionView && next && next.attention && tokens.length > 1);
        given = { tokens, next };
        draw();
      },
    };
  }

  // take(place, id) is called when a candidate is taken.
  function tokenPanel(take) {
    const { make, visible } = llm.dom;
    const title = make("p", { class: "llm-panel-title" });
    let view = null; // what is shown now
    const found = llm.playground.bars((id) => view.name(id), (id) => take(view.place, id));
    const where = looks();
    const heads = allHeads();
    const element = make(
      "div", { class: "llm-panel", hidden: true },
      title, found.list, where.element, found.table, heads.element
    );

    function titleOf(token, own) {
      if (!token) {
        return `What may come next, says ${visible(view.says, false)}: take one, or let it be drawn.`;
      }
      return (
        `Before “${visible(token.text)}” ${visible(view.says, false)} expected (it is number ${own.rank}, ` +
        `${token.bits.toFixed(1)} bits):`
      );
    }

    return {
      element,
      // What is shown is of another model than the one to come.
      wait() {
        element.inert = true;
      },
      // given: {tokens, next, place, settings, name, says}; place tokens.length is the next,
      // name(id) the text of a token, `says` who expects.
      show(given) {
        view = given;
        const { tokens, place, next, settings } = given;
        const token = tokens[place] || null;
        const { logits, attention } = token || next || {};
        element.hidden = false;
        element.inert = false;
        heads.show(tokens, next);
        if (!logits) {
          title.textContent = token
            ? "Nothing stands before the first token: it was not predicted."
            : "What may come next is shown here.";
          found.show([]);
          where.show(tokens, place, null);
          return;
        }
        const before = tokens.slice(0, place);
        const own = token ? token.id : null;
        const rows = llm.playground.candidates(logits, {
          own, settings, ids: before.map(({ id }) => id),
          nPrompt: before.filter(({ isPrompt }) => isPrompt).length,
        });
        title.textContent = titleOf(token, rows.find(({ id }) => id === own));
        found.show(rows, own);
        where.show(tokens, place, attention);
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { tokenPanel });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
