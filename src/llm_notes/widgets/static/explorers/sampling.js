// One next-token distribution, every knob of the draw, and draws that are counted.
//
// data: {contexts: [{text, ids, logits}], tokens: [text], start, knobs}; logits are base64
// of 32-bit floats, `knobs` gives [lowest, highest, step] of each slider. In a kernel
// Python computes the logits after a text of the reader's. Knows no model.
(function (llm) {
  "use strict";

  const TOP_K = [1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500];
  const LONGEST = 60; // characters of a text in the list of texts

  function floats(base64) {
    const letters = atob(base64);
    return new Float32Array(Uint8Array.from(letters, (c) => c.charCodeAt(0)).buffer);
  }

  // The end of a text is what the next token depends on most.
  const ending = (text) => (text.length > LONGEST ? `…${text.slice(-LONGEST)}` : text);

  // A slider over a list of numbers, of which the last is "off" and reads as 0.
  function topKSlider(start) {
    const numbers = [...new Set([...TOP_K, start])].filter(Boolean).sort((a, b) => a - b);
    const off = numbers.length;
    const placeOf = (k) => (k && numbers.includes(k) ? numbers.indexOf(k) : off);
    const slider = llm.dom.slider({
      label: "top-k", min: 0, max: off, value: placeOf(start),
      format: (place) => (place === off ? "off" : String(numbers[place])),
    });
    return {
      element: slider.element,
      listen: slider.listen,
      get value() {
        return slider.value === off ? 0 : numbers[slider.value];
      },
      set value(k) {
        slider.value = placeOf(k);
      },
    };
  }

  function knobs({ start, knobs: ranges }) {
    const off = (value) => (x) => (x === value ? "off" : String(x));
    const slider = (name, label, format) => {
      const [min, max, step] = ranges[name];
      return llm.dom.slider({ label, min, max, step, value: start[name], format });
    };
    return {
      temperature: slider("temperature", "temperature", (t) => (t ? String(t) : "0, greedy")),
      topK: topKSlider(start.topK),
      topP: slider("topP", "top-p", off(1)),
      minP: slider("minP", "min-p", off(0)),
      repetition: slider("repetition", "repetition penalty", off(1)),
    };
  }

  // In a kernel: a text of the reader's, and what Python answers.
  function ownText(ask, take) {
    const { make, textField, button, controls } = llm.dom;
    const field = textField({ label: "Your own text (Python computes)", maxLength: 2000 });
    const press = button({ label: "Show" });
    const note = make("p", { role: "status", class: "llm-quiet" });
    async function send() {
      if (press.element.disabled) {
        return;
      }
      press.element.disabled = true;
      note.textContent = "Python computes …";
      try {
        take((await ask({ text: field.value })).context);
        note.textContent = "";
      } catch (error) {
        note.textContent = error.message;
      }
      press.element.disabled = false;
    }
    press.listen(send);
    field.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        send();
      }
    });
    return [field.element, controls(press), note];
  }

  // Draws from one stream of uniform numbers: hundred at once are the same as one by one.
  function urn() {
    let uniform = null;
    const made = {
      tally: new Map(), n: 0, last: null,
      empty(seed) {
        uniform = llm.sampling.random(seed);
        made.tally = new Map();
        made.n = 0;
        made.last = null;
      },
      draw(probabilities, times) {
        for (let i = 0; i < times; i += 1) {
          made.last = llm.sampling.draw(probabilities, uniform());
          made.tally.set(made.last, (made.tally.get(made.last) || 0) + 1);
          made.n += 1;
        }
      },
    };
    return made;
  }

  llm.widgets = llm.widgets || {};

  llm.widgets.sampling = function (mount, data, host) {
    const { make, choice, textField, button, controls } = llm.dom;
    const contexts = data.contexts.map((one) => ({ ...one, logits: floats(one.logits) }));
    const which = choice({
      label: "after the text", value: 0,
      options: contexts.map(({ text }, i) => [i, ending(text)]),
    });
    const fullText = make("div", {
      class: "llm-sampling-text", dir: "auto", tabindex: "0", role: "group",
      "aria-label": "the text before", // it scrolls when it is long
    });
    const fields = knobs(data);
    const reset = button({ label: "Reset the knobs" });
    const [facts, filters] = [make("p", { class: "llm-facts" }), make("p", { class: "llm-quiet" })];
    const { bars, outcome, facts: sentences } = llm.samplingBars;
    const picture = bars(data.tokens);
    const seed = textField({ label: "seed", value: "1", maxLength: 9 });
    seed.element.classList.add("llm-short");
    const [one, hundred] = [button({ label: "Draw one" }), button({ label: "Draw a hundred" })];
    const clear = button({ label: "Forget the draws" });
    const drawn = make("p", { role: "status", class: "llm-quiet llm-sampling-drawn" });
    const spoken = llm.dom.announcer();
    const draws = urn();
    let found = null;

    const settings = () =>
      Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
    const show = () => picture.show(found, draws.tally, draws.n, draws.last);
    const seedNumber = () => Math.abs(Number.parseInt(seed.value, 10)) || 0;

    // What is not as the page came; null when nothing is.
    function state() {
      const all = { text: which.value, seed: seedNumber(), ...settings() };
      const start = { text: 0, seed: 1, ...data.start };
      const moved = Object.entries(all).filter(([name, value]) => value !== start[name]);
      return moved.length ? Object.fromEntries(moved) : null;
    }

    function compute() {
      const { text, logits, ids } = contexts[which.value];
      fullText.textContent = text.length > LONGEST ? text : "";
      found = outcome(logits, ids, settings());
      [facts.textContent, filters.textContent] = sentences(found);
      draws.empty(seedNumber());
      drawn.textContent = "Nothing drawn yet.";
      show();
    }

    function changed() {
      compute();
      spoken.say(`${facts.textContent} ${filters.textContent}`);
      llm.fragment.set(host.key, state());
    }

    function draw(times) {
      draws.draw(found.after, times);
      const { last, n, tally } = draws;
      const name = `“${picture.name(last)}”, probability ${found.after[last].toFixed(3)}`;
      const many = `${n} ${n === 1 ? "draw" : "draws"}, ${tally.size} different ` +
        `${tally.size === 1 ? "token" : "tokens"}`;
      drawn.textContent = times === 1 ? `Drawn: ${name}. ${many}.` : `${many}.`;
      show();
    }

    // A wish of the address; what is no number or not there stays as the page came.
    function follow(wish) {
      const number = (name, other) => (typeof wish[name] === "number" ? wish[name] : other);
      for (const [name, field] of Object.entries(fields)) {
        field.value = number(name, data.start[name]);
      }
      which.value = contexts[number("text", 0)] ? number("text", 0) : 0;
      seed.value = String(number("seed", 1));
    }

    // What is no number becomes the one that it counts as.
    seed.input.addEventListener("change", () => {
      seed.value = String(seedNumber());
    });
    one.listen(() => draw(1));
    hundred.listen(() => draw(100));
    clear.listen(compute);
    reset.listen(() => {
      follow({ text: which.value, seed: seedNumber() });
      changed();
    });
    [which, seed, ...Object.values(fields)].forEach((field) => field.listen(changed));
    llm.fragment.listen(() => {
      const wish = llm.fragment.get(host.key);
      if (wish) {
        follow(wish);
        compute();
      }
    });

    mount.classList.add("llm-sampling");
    const own = host.ask
      ? ownText(host.ask, (context) => {
        contexts.push({ ...context, logits: floats(context.logits) });
        which.add(contexts.length - 1, ending(context.text));
        which.value = contexts.length - 1;
        changed();
      })
      : [];
    const knobRow = controls(...Object.values(fields), reset);
    knobRow.classList.add("llm-sampling-knobs");
    mount.append(
      ...own, controls(which), fullText, knobRow, facts, filters,
      controls(one, hundred, clear, seed), drawn, ...picture.elements, picture.table,
      spoken.element
    );
    follow(llm.fragment.get(host.key) || {});
    compute();
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
