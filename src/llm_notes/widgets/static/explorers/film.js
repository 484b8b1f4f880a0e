// A film of a training: one slider moves the curve's marker, a text, attention, weights.
//
// data: {frames: [{step, train, validation, text}], curves, attention: [item] or null,
// matrix or null, bytes_per_token or null}; items are attention_explorer.js's. Pictures
// are drawn by film_pictures.js and attention_matrix.js.
(function (llm) {
  "use strict";

  const PAUSE = 700; // ms from picture to picture

  // The attention of one head, chosen by layer and head.
  function headPanel(stored, changed) {
    const { make, choice, controls } = llm.dom;
    const [nLayers, nHeads] = stored[0].shape;
    const counted = (n) => Array.from({ length: n }, (_, i) => [i, String(i)]);
    const layer = choice({ label: "layer", value: 0, options: counted(nLayers) });
    const head = choice({ label: "head", value: 0, options: counted(nHeads) });
    const matrix = llm.attentionMatrix();
    const opened = stored.map(() => null);
    layer.listen(changed);
    head.listen(changed);
    const chosen = [...(nLayers > 1 ? [layer] : []), ...(nHeads > 1 ? [head] : [])];
    return {
      layer, head,
      element: make("section", { class: "llm-film-heads" },
        make("p", { class: "llm-panel-title" }, "Attention of one head"),
        controls(...chosen), matrix.element),
      show(place, step) {
        opened[place] = opened[place] || llm.attentionData(stored[place]);
        const { item, read } = opened[place];
        const about = `Attention of layer ${layer.value}, head ${head.value} at step ${step}: ` +
          `mean weight ${llm.attentionParts.habit(item, read(layer.value, head.value))}.`;
        matrix.draw(item, read(layer.value, head.value), about);
        matrix.mark(null, -1);
        return about;
      },
    };
  }

  // Plays from picture to picture. Where motion is unwanted, each press goes one on.
  function player(slider, last, moved) {
    const { button, reducedMotion } = llm.dom;
    const press = button({ label: "Play" });
    let timer = 0;
    function show() {
      const [verb, description] = timer
        ? ["Pause", "Stay at this moment"]
        : reducedMotion()
          ? ["Step", "Go to the next moment, after the last one to the first"]
          : ["Play", "Go from moment to moment"];
      press.element.textContent = verb;
      press.element.title = description;
    }
    function stop() {
      clearInterval(timer);
      timer = 0;
      show();
    }
    press.listen(() => {
      if (timer) {
        stop();
        moved(false);
        return;
      }
      if (reducedMotion()) {
        slider.value = slider.value >= last ? 0 : slider.value + 1;
        moved(false);
        return;
      }
      if (slider.value >= last) {
        slider.value = 0;
        moved(true);
      }
      timer = setInterval(() => {
        if (!press.element.isConnected || slider.value >= last) {
          stop();
          return;
        }
        slider.value += 1;
        moved(slider.value < last);
      }, PAUSE);
      show();
    });
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", () => {
      const wasPlaying = timer > 0;
      stop();
      if (wasPlaying) {
        moved(false);
      }
    });
    show();
    return { element: press.element, stop };
  }

  function facts({ step, train, validation }, bytesPerToken) {
    const number = (name, value) => {
      if (value === null) {
        return null;
      }
      const bits = bytesPerToken
        ? ` (${(value / Math.LN2 / bytesPerToken).toFixed(3)} bits per byte)` : "";
      return `${name} loss ${value.toFixed(3)}${bits}`;
    };
    const losses = [number("training", train), number("validation", validation)];
    return `Step ${step}: ${losses.filter(Boolean).join(", ") || "no loss yet"}.`;
  }

  llm.widgets = llm.widgets || {};
  llm.widgets.film = function (mount, data, host) {
    const { make, slider, controls, numbers, announcer, visible } = llm.dom;
    const { frames } = data;
    const last = frames.length - 1;
    const steps = frames.map(({ step }) => step);
    const time = slider({
      label: "moment", min: 0, max: last, value: last,
      format: (i) => `step ${steps[i].toLocaleString("en")} (${i + 1} of ${frames.length})`,
    });
    const about = make("p", { class: "llm-panel-title llm-film-facts" });
    const text = make("pre", { class: "llm-film-text", dir: "auto", tabindex: "0", role: "group",
      "aria-label": "what the model writes" });
    const sample = make("section", {},
      make("p", { class: "llm-panel-title" }, "What the model writes"), text);
    const curve = llm.film.curve(data.curves, steps, (place) => {
      time.value = place;
      play.stop();
      update(false);
    });
    const heads = data.attention && headPanel(data.attention, () => update(false));
    const weights = data.matrix && llm.film.weights(data.matrix);
    const table = numbers("The moments of the film");
    const spoken = announcer();
    const play = player(time, last, update);

    function update(playing) {
      const place = time.value;
      const frame = frames[place];
      const words = facts(frame, data.bytes_per_token);
      about.textContent = words;
      text.textContent = frame.text === null ? "" : lines(frame.text);
      curve.mark(place, `Loss by steps, a line marks the moment. ${words}`);
      if (heads) {
        heads.show(place, frame.step);
      }
      if (weights) {
        weights.show(place, frame.step);
      }
      if (!playing) {
        spoken.say(words + (frame.text ? ` It writes: ${visible(frame.text.slice(0, 200), false)}` : ""));
        const chosen = heads ? { layer: heads.layer.value, head: heads.head.value } : {};
        llm.fragment.set(host.key, { step: frame.step, ...chosen });
      }
    }

    // Line breaks of a sample stay; what else cannot be seen is made visible.
    function lines(given) {
      return given.split("\n").map((line) => visible(line, false)).join("\n");
    }

    const number = (value) => (value === null ? "–" : value.toFixed(4));
    table.update(
      ["step", "training loss", "validation loss"],
      frames.map(({ step, train, validation }) => [step, number(train), number(validation)])
    );
    time.listen(() => {
      play.stop();
      update(false);
    });
    mount.classList.add("llm-film");
    const panels = [
      ...(frames[0].text === null ? [] : [sample]),
      ...(heads ? [heads.element] : []), ...(weights ? [weights.element] : []),
    ];
    mount.append(
      controls(time, play), about, curve.element,
      make("div", { class: "llm-film-panels" }, panels), table.element, spoken.element
    );

    function follow() {
      const saved = llm.fragment.get(host.key);
      const place = saved ? steps.indexOf(saved.step) : -1;
      time.value = place < 0 ? last : place;
      for (const name of saved && heads ? ["layer", "head"] : []) {
        heads[name].value = saved[name]; // an unknown one falls to the first
      }
      update(true); // neither speaks nor writes into the address
    }
    if (host.key !== null) {
      llm.fragment.listen(follow);
    }
    follow();
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
