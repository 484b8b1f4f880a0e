// Moves the pictures of an explorer in a page that has no kernel.
//
// Every explorer brings its scripts with it and calls start: it takes only those that
// no earlier call has taken. It knows nothing about what is drawn.
(function (llm) {
  "use strict";

  // A value as the address shows it: 0.7, not "0.7".
  function short(text) {
    return String(Number(text)) === text ? Number(text) : text;
  }

  // The place of a value from an address; -1 when the control does not have it.
  function placeOf(value, texts) {
    const exact = texts.indexOf(String(value));
    return exact < 0 && typeof value === "number"
      ? texts.findIndex((text) => Number(text) === value)
      : exact;
  }

  // The controls of an explorer, without the one whose values stand side by side.
  function controlsOf(root, data) {
    const elements = [...root.querySelectorAll("[data-llm-control]")];
    const places = data.texts.map((_, i) => i).filter((i) => i !== data.compare);
    const controls = places.map((i, j) => ({
      place: i,
      name: data.names[i],
      label: data.labels[i],
      texts: data.texts[i],
      start: data.start[i],
      field: llm.explore.fieldOf(elements[j], data.texts[i]),
    }));
    const textOf = (one) => one.texts[one.field.index];
    return {
      all: controls,
      chosen() {
        const chosen = data.start.slice();
        controls.forEach((one) => (chosen[one.place] = one.field.index));
        return chosen;
      },
      atStart: () => controls.every((one) => one.field.index === one.start),
      reset: () => controls.forEach((one) => (one.field.index = one.start)),
      said: () => controls.map((one) => `${one.label} ${textOf(one)}`).join(", "),
      state: () =>
        Object.fromEntries(controls.map((one) => [one.name, short(textOf(one))])),
      // Values that a control does not have leave it where it is.
      follow(state) {
        for (const { name, texts, field } of controls) {
          const place = name in state ? placeOf(state[name], texts) : -1;
          if (place >= 0) {
            field.index = place;
          }
        }
      },
    };
  }

  function addPlayers(controls, update) {
    return controls.all
      .filter((one) => one.field.element.hasAttribute("data-llm-play"))
      .map((one) => {
        const made = llm.explore.player(one.field, one.label, one.texts.length, update);
        one.field.element.append(made.element);
        return made;
      });
  }

  function attach(root, key) {
    const data = JSON.parse(
      root.querySelector('script[type="application/json"]').textContent
    );
    const controls = controlsOf(root, data);
    const pictures = llm.explore.pictures(root, data);
    const link = llm.explore.linker(() => llm.fragment.link(key, controls.state()));
    const resetButton = llm.dom.button({ label: "Reset" });
    const spoken = llm.dom.announcer();

    // While a slider plays, neither the voice nor the address keeps pace.
    function update(playing) {
      pictures.show(controls.chosen());
      link.forget();
      if (!playing) {
        spoken.say(pictures.several ? controls.said() : pictures.description());
        llm.fragment.set(key, controls.atStart() ? null : controls.state());
      }
    }
    const players = addPlayers(controls, update);
    function moved() {
      players.forEach((one) => one.stop());
      update(false);
    }
    function followAddress() {
      const state = llm.fragment.get(key);
      if (state) {
        players.forEach((one) => one.stop());
        controls.follow(state);
        pictures.show(controls.chosen());
        link.forget();
        llm.fragment.reveal(key, root);
      }
    }

    controls.all.forEach((one) => one.field.listen(moved));
    resetButton.listen(() => {
      controls.reset();
      moved();
    });
    const foot = root.querySelector(".llm-explore-foot");
    foot.prepend(resetButton.element, ...link.elements);
    if (pictures.table) {
      foot.before(pictures.table.element);
    }
    foot.after(spoken.element);
    llm.fragment.listen(followAddress);
    followAddress();
    // A browser may bring back a control's old position when it reloads a page.
    pictures.show(controls.chosen());
  }

  function start() {
    for (const root of document.querySelectorAll("[data-llm-explore]:not([data-ready])")) {
      root.setAttribute("data-ready", "");
      const key = root.getAttribute("data-llm-key");
      const same = [...document.querySelectorAll("[data-llm-key][data-ready]")].filter(
        (one) => one.getAttribute("data-llm-key") === key
      ).length;
      attach(root, same > 1 ? `${key}-${same}` : key);
    }
  }

  llm.explore = Object.assign(llm.explore || {}, { start });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
