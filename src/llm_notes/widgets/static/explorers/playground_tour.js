// Six steps that explain what is seen. Each sets the playground and points at one part.
//
// Knows the playground by the functions that it hands over; Escape ends the tour.
(function (llm) {
  "use strict";

  // steps: [{title, text, prepare(), at: element or null}]
  function tour(steps) {
    const { make, button } = llm.dom;
    const open = button({ label: "Take the tour: six steps" });
    const text = make("p", { role: "status" });
    const back = button({ label: "Back" });
    const next = button({ label: "Next" });
    const end = button({ label: "End the tour" });
    const panel = make(
      "div", { class: "llm-tour", hidden: true }, text, llm.dom.controls(back, next, end)
    );
    const element = make("div", {}, open.element, panel);
    let place = -1;

    function point(at) {
      for (const { at: other } of steps) {
        other().classList.remove("llm-pointed");
      }
      if (at) {
        at.classList.add("llm-pointed");
      }
    }

    function show(given) {
      place = given;
      const step = steps[place];
      const isOpen = Boolean(step);
      panel.hidden = !isOpen;
      open.element.hidden = isOpen;
      point(isOpen ? step.at() : null);
      if (isOpen) {
        const title = make("strong", {}, `${place + 1} of ${steps.length}. ${step.title} `);
        text.replaceChildren(title, step.text);
        back.element.disabled = place === 0;
        next.element.textContent = place === steps.length - 1 ? "Done" : "Next";
        step.prepare();
      } else {
        open.element.focus();
      }
    }

    open.listen(() => {
      show(0);
      next.element.focus();
    });
    back.listen(() => show(place - 1));
    next.listen(() => show(place === steps.length - 1 ? -1 : place + 1));
    end.listen(() => show(-1));
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        show(-1);
      }
    });
    return { element };
  }

  llm.playground = llm.playground || {};
  llm.playground.tour = tour;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
