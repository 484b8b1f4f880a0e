// The buttons of an explorer: play a slider, back to the start, link to this view.
//
// Knows fields and addresses, not pictures. Made here and not in the markup, because
// without scripts there is nothing for them to do.
(function (llm) {
  "use strict";

  const PAUSE = 800; // ms for one picture of a series

  // A button that moves the field through its n values and stops at the last one.
  // Readers who asked for less motion get one step for each press.
  function player(field, label, n, moved) {
    const { make, reducedMotion } = llm.dom;
    const look = { type: "button", class: "llm-button llm-explore-play" };
    const element = make("button", look);
    let timer = 0;

    function show() {
      const [sign, verb] = timer
        ? ["❚❚", "Stop"]
        : reducedMotion() ? ["▶❘", "Step"] : ["▶", "Play"];
      element.replaceChildren(
        make("span", { "aria-hidden": "true" }, sign),
        make("span", { class: "llm-spoken" }, `${verb} ${label}`)
      );
      element.setAttribute("title", verb);
    }
    function stop() {
      if (timer) {
        clearTimeout(timer);
        timer = 0;
        show();
        moved(false);
      }
    }
    function step() {
      field.index = (field.index + 1) % n;
      if (field.index === n - 1 || reducedMotion()) {
        clearTimeout(timer);
        timer = 0;
        show();
        return moved(false);
      }
      timer = setTimeout(step, PAUSE);
      return moved(true);
    }
    element.addEventListener("click", () => {
      if (timer) {
        stop();
      } else {
        step();
        show();
      }
    });
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", () => {
      stop();
      show();
    });
    show();
    return { element, stop };
  }

  // A button that copies an address; where the browser keeps the clipboard to itself
  // (a file on disk), the address is shown, selected, to be copied by hand.
  function linker(addressOf) {
    const { make, button } = llm.dom;
    const copy = button({ label: "Link to this view" });
    const done = make("span", { class: "llm-quiet", role: "status" });
    const input = make("input", { type: "text", readonly: true });
    const byHand = make(
      "label", { class: "llm-explore-address" },
      make("span", {}, "Copy this address:"), input
    );
    function show(copied) {
      done.textContent = copied ? "Copied" : "";
      if (!copied) {
        done.after(byHand);
        input.value = addressOf();
        input.focus();
        input.select();
      }
    }
    copy.listen(() => {
      try {
        const copying = navigator.clipboard.writeText(addressOf());
        copying.then(() => show(true), () => show(false));
      } catch {
        show(false);
      }
    });
    function forget() {
      done.textContent = "";
      byHand.remove();
    }
    return { elements: [copy.element, done], forget };
  }

  llm.explore = Object.assign(llm.explore || {}, { player, linker });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
