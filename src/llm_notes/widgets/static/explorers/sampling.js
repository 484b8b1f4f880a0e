// One next-token distribution, and what each knob of the draw does to it.
//
// data: {contexts: [{text, ids, logits}], tokens: [text], start}; logits are base64 of
// 32-bit floats. Bars show a token before the knobs and after. Knows no model.
(function (llm) {
  "use strict";

  const N_SHOWN = 14;

  const entropy = (p) =>
    p.reduce((sum, x) => (x > 0 ? sum - x * Math.log2(x) : sum), 0);

  function floats(base64) {
    const letters = atob(base64);
    return new Float32Array(Uint8Array.from(letters, (c) => c.charCodeAt(0)).buffer);
  }

  // The distribution before and after, and who was ruled out by whom.
  function outcome(logits, ids, settings) {
    const before = llm.sampling.softmax(logits);
    const { logits: z, removedBy } = llm.sampling.apply(logits, settings, ids, ids.length);
    const after = llm.sampling.softmax(z);
    const keptMass = before.reduce((sum, p, i) => sum + (after[i] > 0 ? p : 0), 0);
    const nKept = after.reduce((n, p) => n + (p > 0), 0);
    return { before, after, removedBy, keptMass, nKept, order: llm.sampling.ranked(before) };
  }

  llm.widgets = llm.widgets || {};

  llm.widgets.sampling = function (mount, data, host) {
    const { make, choice, slider, textField, button, controls, visible } = llm.dom;
    const off = (start) => (x) => (x === start ? "off" : String(x));
    let contexts = data.contexts.map((one) => ({ ...one, logits: floats(one.logits) }));
    const which = choice({
      label: "after the text", value: 0,
      options: contexts.map(({ text }, i) => [i, text]),
    });
    const { start } = data;
    const fields = {
      temperature: slider({
        label: "temperature", min: 0, max: 2, step: 0.1, value: start.temperature,
      }),
      topK: choice({
        label: "top-k", value: start.topK,
        options: [[0, "off"], ...[1, 2, 3, 5, 10, 20, 50, 200].map((k) => [k, String(k)])],
      }),
      topP: slider({
        label: "top-p", min: 0.05, max: 1, step: 0.05, value: start.topP, format: off(1),
      }),
      minP: slider({
        label: "min-p", min: 0, max: 0.5, step: 0.01, value: start.minP, format: off(0),
      }),
      repetition: slider({
        label: "repetition penalty", min: 1, max: 2, step: 0.05, value: start.repetition,
        format: off(1),
      }),
    };
    const facts = make("p", { role: "status", class: "llm-facts" });
    const rows = make("ol", { class: "llm-sampling-rows" });
    const rest = make("p", { class: "llm-quiet" });
    const seed = textField({ label: "seed", value: "1", maxLength: 9 });
    seed.element.classList.add("llm-short");
    const one = button({ label: "Draw one" });
    const hundred = button({ label: "Draw a hundred" });
    const clear = button({ label: "Forget the draws" });
    const drawn = make("p", { role: "status", class: "llm-quiet" });
    const table = llm.dom.numbers("Tokens before and after the knobs");
    let tally = new Map();
    let nDrawn = 0;

    const settings = () =>
      Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));

    function bar(share, kind) {
      const made = make("span", { class: `llm-sampling-bar ${kind}` });
      made.style.width = `${(100 * share).toFixed(2)}%`;
      return made;
    }

    function rowOf(id, found, largest) {
      const { before, after, removedBy } = found;
      const count = tally.get(id) || 0;
      const share = nDrawn ? `${count} of ${nDrawn} draws` : "";
      const out = removedBy[id] ? `ruled out by ${removedBy[id]}` : "";
      return make("li", { class: removedBy[id] ? "llm-ruled-out" : null },
        make("span", { class: "llm-candidate-text", dir: "auto" }, visible(data.tokens[id])),
        make("span", { class: "llm-sampling-bars", "aria-hidden": "true" },
          bar(before[id] / largest, "llm-before"), bar(after[id] / largest, "llm-after")),
        make("span", { class: "llm-share" },
          `${before[id].toFixed(3)} → ${after[id].toFixed(3)}`),
        make("small", {}, [out, share].filter(Boolean).join(", ")));
    }

    function show() {
      const { logits, ids } = contexts[which.value];
      const found = outcome(logits, ids, settings());
      const shown = found.order.slice(0, N_SHOWN);
      const largest = Math.max(...shown.map((id) => Math.max(found.before[id], found.after[id])));
      rows.replaceChildren(...shown.map((id) => rowOf(id, found, largest)));
      const sum = (p) => 1 - shown.reduce((total, id) => total + p[id], 0);
      const others = data.tokens.length - shown.length;
      rest.textContent = others > 0
        ? `The other ${others.toLocaleString("en")} tokens together: ` +
          `${Math.max(0, sum(found.before)).toFixed(3)} → ${Math.max(0, sum(found.after)).toFixed(3)}.`
        : "";
      facts.textContent =
        `Kept: ${found.nKept.toLocaleString("en")} of ${data.tokens.length.toLocaleString("en")} ` +
        `tokens, which held ${found.keptMass.toFixed(3)} of the probability. Entropy ` +
        `${entropy(found.before).toFixed(2)} → ${entropy(found.after).toFixed(2)} bits.`;
      table.update(
        ["token", "before", "after", "ruled out by", "draws"],
        found.order.slice(0, 100).map((id) => [
          data.tokens[id], found.before[id].toFixed(5), found.after[id].toFixed(5),
          found.removedBy[id] || "", tally.get(id) || 0,
        ])
      );
      return found;
    }

    function forget() {
      tally = new Map();
      nDrawn = 0;
      drawn.textContent = "";
    }

    function draw(n) {
      const { after } = show();
      const number = Math.abs(Number.parseInt(seed.value, 10)) || 0;
      const uniform = llm.sampling.random(number * 1000003 + nDrawn);
      let last = 0;
      for (let i = 0; i < n; i += 1) {
        last = llm.sampling.draw(after, uniform());
        tally.set(last, (tally.get(last) || 0) + 1);
        nDrawn += 1;
      }
      drawn.textContent = n === 1
        ? `Drawn: “${visible(data.tokens[last])}”.`
        : `${nDrawn} draws, ${tally.size} different tokens.`;
      show();
    }

    function changed() {
      forget();
      show();
      llm.fragment.set(host.key, { text: which.value, ...settings() });
    }

    one.listen(() => draw(1));
    hundred.listen(() => draw(100));
    clear.listen(() => {
      forget();
      show();
    });
    [which, ...Object.values(fields)].forEach((field) => field.listen(changed));
    seed.listen(() => {
      forget();
      show();
    });

    mount.classList.add("llm-sampling");
    if (host.ask) {
      const own = textField({ label: "Your own text (Python computes)", maxLength: 300 });
      const press = button({ label: "Show" });
      const note = make("p", { role: "status", class: "llm-quiet" });
      press.listen(async () => {
        try {
          const { context } = await host.ask({ text: own.value });
          contexts = [...contexts, { ...context, logits: floats(context.logits) }];
          which.add(contexts.length - 1, context.text);
          which.value = contexts.length - 1;
          note.textContent = "";
          changed();
        } catch (error) {
          note.textContent = error.message;
        }
      });
      mount.append(own.element, controls(press), note);
    }
    mount.append(
      controls(which), controls(...Object.values(fields)), facts, rows, rest,
      controls(one, hundred, clear, seed), drawn, table.element
    );
    const saved = llm.fragment.get(host.key) || {};
    for (const [name, field] of Object.entries(fields)) {
      if (typeof saved[name] === "number") {
        field.value = saved[name];
      }
    }
    which.value = contexts[saved.text] ? saved.text : 0;
    show();
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
