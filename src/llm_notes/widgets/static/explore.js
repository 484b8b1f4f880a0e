// Moves the pictures of an explorer in a page that has no kernel.
//
// Every explorer brings this script with it, so it runs once per explorer: it takes
// only those that no earlier run has taken. It knows nothing about what is drawn.
// Data becomes text or the source of an <img>, never markup.
(function () {
  "use strict";

  function pictureSource(svg) {
    return "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
  }

  function chosenIndex(field) {
    if (field.type === "checkbox") {
      return field.checked ? 1 : 0;
    }
    return field.tagName === "SELECT" ? field.selectedIndex : Number(field.value);
  }

  function start(root) {
    root.setAttribute("data-ready", "");
    const data = JSON.parse(
      root.querySelector('script[type="application/json"]').textContent
    );
    const fields = Array.from(root.querySelectorAll("input, select"));
    const holder = root.querySelector(".llm-explore-frame");
    const status = root.querySelector(".llm-explore-status");
    const first = holder.firstElementChild;
    let shown = null; // the view on the page; null until the first move
    let timer = 0;

    function element(frame) {
      if (frame === null) {
        return first;
      }
      const isPicture = frame.svg !== undefined;
      const made = document.createElement(isPicture ? "img" : "pre");
      if (isPicture) {
        made.className = "dark-light";
        made.src = pictureSource(frame.svg);
      } else {
        made.setAttribute("aria-live", "polite");
        made.dir = "auto";
        made.textContent = frame.text;
      }
      return made;
    }

    // The new picture takes the old one's place only when it is ready to be painted:
    // no flicker. A faster hand than the decoder leaves the last picture standing.
    function place(made, view) {
      function swap() {
        if (shown === view) {
          holder.replaceChildren(made);
        }
      }
      if (made.tagName === "IMG" && made.decode) {
        made.decode().then(swap, swap);
      } else {
        swap();
      }
    }

    function update() {
      let index = 0;
      fields.forEach(function (field, i) {
        const chosen = chosenIndex(field);
        index = index * data.texts[i].length + chosen;
        if (field.type === "range") {
          const text = data.texts[i][chosen];
          field.setAttribute("aria-valuetext", text);
          field.closest(".llm-explore-control").querySelector("output").textContent =
            text;
        }
      });
      const view = data.views[index];
      if (view === shown) {
        return;
      }
      shown = view;
      const description = data.descriptions[view[1]];
      const made = element(data.frames[view[0]]);
      if (made.tagName === "IMG") {
        made.alt = description;
      }
      place(made, view);
      // Speak when the hand rests, not at every step of a slider on its way.
      clearTimeout(timer);
      timer = setTimeout(function () {
        status.textContent = description;
      }, 400);
    }

    fields.forEach(function (field) {
      field.addEventListener("input", update);
    });
    // A browser may bring back a control's old position when it reloads a page.
    const atStart = fields.every(function (field) {
      return field.tagName === "SELECT"
        ? field.options[field.selectedIndex].defaultSelected
        : field.type === "checkbox"
          ? field.checked === field.defaultChecked
          : field.value === field.defaultValue;
    });
    if (!atStart) {
      update();
    }
  }

  document
    .querySelectorAll("[data-llm-explore]:not([data-ready])")
    .forEach(start);
})();
