// A tour: a panel with steps, each of which prepares something and points at one part.
//
// A step is {title, text(), prepare(), at() -> element, leave?(), isWatched?}: one to be
// watched points before it prepares, too. Escape ends the tour; nothing lies above
// anything else. Knows nothing about what is shown.
(function (llm) {
  "use strict";

  const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven"];

  function tour(steps) {
    const { make, button } = llm.dom;
    const open = button({ label: `Take the tour: ${NUMBERS[steps.length]} steps` });
    const text = make("p", { role: "status" });
    const back = button({ label: "Back" });
    const next = button({ label: "Next" });
    const end = button({ label: "End", description: "End the tour" });
    const panel = make(
      "div", { class: "llm-tour", role: "group", "aria-label": "Tour", hidden: true },
      text, llm.dom.controls(back, next, end)
    );
    let place = -1;
    let pointed = null;

    function point(at) {
      if (pointed) {
        pointed.classList.remove("llm-pointed");
      }
      pointed = at;
      if (at) {
        at.classList.add("llm-pointed");
        at.scrollIntoView({
          block: "nearest", behavior: llm.dom.reducedMotion() ? "auto" : "smooth",
        });
      }
    }

    // isFocused: whether the hand goes on where the tour was opened.
    async function show(given, isFocused = true) {
      const before = steps[place];
      const step = steps[given];
      place = step ? given : -1;
      panel.hidden = !step;
      open.element.hidden = Boolean(step);
      point(null);
      if (step) {
        const title = make("strong", {}, `${place + 1} of ${steps.length}. ${step.title} `);
        text.replaceChildren(title, step.text());
        back.element.disabled = place === 0;
        next.element.textContent = place === steps.length - 1 ? "Done" : "Next";
      } else if (isFocused) {
        open.element.focus();
      }
      if (before && before.leave) {
        await before.leave();
      }
      if (step && steps[place] === step) {
        if (step.isWatched) {
          point(step.at());
        }
        await step.prepare();
        if (steps[place] === step) {
          point(step.at());
        }
      }
    }

    open.listen(() => {
      show(0);
      next.element.focus();
    });
    back.listen(() => {
      show(place - 1);
      next.element.focus(); // a disabled button would lose the hand
    });
    next.listen(() => show(place === steps.length - 1 ? -1 : place + 1));
    end.listen(() => show(-1));
    return {
      open: open.element,
      panel,
      get isOpen() {
        return place >= 0;
      },
      end: (isFocused = true) => show(-1, isFocused),
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { tour });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
