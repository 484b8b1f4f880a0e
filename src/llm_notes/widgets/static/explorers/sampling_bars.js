// What the knobs of the draw do to one distribution: the numbers, and bars for them.
//
// Grey is a token's probability before the knobs, blue after them, and a mark is its
// share of the draws. Knows no control and no model.
(function (llm) {
  "use strict";

  const N_SHOWN = 20;
  const N_LISTED = 100;
  const MANY = 10; // draws; the share of one draw is 0 or 1 and says nothing
  const LONGEST = 40; // characters of a token's text

  const whole = (n) => n.toLocaleString("en");

  function share(p) {
    if (p === 0) {
      return "0";
    }
    return p < 0.0005 ? "<0.001" : p.toFixed(3);
  }

  function clipped(text) {
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  }

  const entropy = (p) =>
    p.reduce((sum, x) => (x > 0 ? sum - x * Math.log2(x) : sum), 0);

  // The distribution before and after, what is kept, and who was ruled out by whom.
  // byFilter: [[name, tokens, probability that they held before]], in the filters' order.
  function outcome(logits, ids, settings) {
    const before = llm.sampling.softmax(logits);
    const { logits: z, removedBy } = llm.sampling.apply(logits, settings, ids, ids.length);
    const after = llm.sampling.softmax(z);
    const filters = new Map(["temperature", "top-k", "top-p", "min-p"].map((n) => [n, [0, 0]]));
    let nKept = 0;
    let keptMass = 0;
    before.forEach((p, i) => {
      if (z[i] !== -Infinity) {
        nKept += 1;
        keptMass += p;
      } else if (removedBy[i]) {
        const found = filters.get(removedBy[i]);
        found[0] += 1;
        found[1] += p;
      }
    });
    const byFilter = [...filters].filter(([, [n]]) => n).map(([name, held]) => [name, ...held]);
    const order = llm.sampling.ranked(before);
    return { before, after, removedBy, nKept, keptMass, byFilter, order };
  }

  function facts(found) {
    const { before, after, nKept, keptMass, byFilter } = found;
    const removed = byFilter.map(([name, n, p], i) =>
      `by ${name} ${whole(n)} ${n === 1 ? "token" : "tokens"} with ${share(p)}` +
      (i ? "" : " of the probability"));
    return [
      `Kept: ${whole(nKept)} of ${whole(before.length)} tokens, which held ` +
        `${share(keptMass)} of the probability. Entropy ${entropy(before).toFixed(2)} → ` +
        `${entropy(after).toFixed(2)} bits.`,
      removed.length
        ? `Ruled out: ${removed.join(", ")}.`
        : "Nothing is ruled out.",
    ];
  }

  // tokens: the text of each. show(found, tally, nDrawn, last): tally is a Map of counts
  // by token, `last` the token that was drawn last, or null.
  function bars(tokens) {
    const { make, visible } = llm.dom;
    const name = (id) => clipped(visible(tokens[id].slice(0, LONGEST + 1)));
    const rows = make("ol", { class: "llm-sampling-rows" });
    const rest = make("p", { class: "llm-sampling-rest" });
    const table = llm.dom.numbers(
      `The ${N_LISTED} likeliest tokens, before and after the knobs`
    );

    function bar(part, kind) {
      const made = make("span", { class: `llm-sampling-bar ${kind}` });
      made.style.width = part ? `max(1px, ${(100 * part).toFixed(2)}%)` : "0";
      return made;
    }

    function mark(part) {
      const made = make("span", { class: "llm-sampling-mark" });
      made.style.left = `${(100 * Math.min(1, part)).toFixed(2)}%`;
      return made;
    }

    function rowOf(id, { before, after, removedBy }, largest, tally, nDrawn, last) {
      const count = tally.get(id) || 0;
      const drawn = nDrawn ? `${count} of ${nDrawn} draws` : "";
      const out = removedBy[id] ? `ruled out by ${removedBy[id]}` : "";
      const kinds = [removedBy[id] ? "llm-ruled-out" : "", id === last ? "llm-last" : ""];
      return make("li", { class: kinds.join(" ").trim() || null },
        make("span", { class: "llm-candidate-text", dir: "auto" }, name(id)),
        make("span", { class: "llm-sampling-bars", "aria-hidden": "true" },
          bar(before[id] / largest, "llm-before"), bar(after[id] / largest, "llm-after"),
          nDrawn >= MANY && !out ? mark(count / nDrawn / largest) : null),
        make("span", { class: "llm-share" }, `${share(before[id])} → ${share(after[id])}`),
        make("small", {}, out || drawn));
    }

    function show(found, tally, nDrawn, last) {
      const { before, after, order, removedBy } = found;
      const shown = order.slice(0, N_SHOWN);
      const largest = Math.max(...shown.map((id) => Math.max(before[id], after[id])));
      rows.replaceChildren(
        ...shown.map((id) => rowOf(id, found, largest, tally, nDrawn, last))
      );
      const others = order.slice(N_SHOWN);
      const sum = (p) => share(others.reduce((total, id) => total + p[id], 0));
      const nOthers = others.reduce((n, id) => n + (tally.get(id) || 0), 0);
      rest.textContent = others.length
        ? `The other ${whole(others.length)} tokens together: ${sum(before)} → ${sum(after)}` +
          (nDrawn ? `, ${nOthers} of ${nDrawn} draws.` : ".")
        : "";
      table.update(
        ["token", "before", "after", "ruled out by", "draws", "share of draws"],
        order.slice(0, N_LISTED).map((id) => {
          const count = tally.get(id) || 0;
          return [
            clipped(tokens[id]), before[id].toFixed(5), after[id].toFixed(5),
            removedBy[id] || "", count, nDrawn ? (count / nDrawn).toFixed(3) : "",
          ];
        })
      );
    }

    const key = (kind, text) =>
      make("span", { class: "llm-sampling-key" },
        make("span", { class: kind, "aria-hidden": "true" }), ` ${text}`);
    const legend = make("p", { class: "llm-quiet llm-sampling-legend" },
      key("llm-before", "before the knobs"), key("llm-after", "after them"),
      key("llm-mark", `share of the draws, from ${MANY} draws on`));
    return { elements: [legend, rows, rest], table: table.element, show, name };
  }

  llm.samplingBars = { outcome, facts, bars };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
