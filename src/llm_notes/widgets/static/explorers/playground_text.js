// A text as tokens that can be walked through: shaded by surprise, one of them chosen.
//
// It is one stop for the Tab key; arrows move within it. Knows no model.
(function (llm) {
  "use strict";

  const MOST_BITS = 12; // the darkest shade

  // choose(place) is called when the reader comes to a token.
  function tokenText(label, choose) {
    const { make, heat, visible } = llm.dom;
    const element = make("div", {
      class: "llm-tokens", role: "listbox", "aria-label": label, dir: "auto", tabindex: "0",
      "aria-orientation": "horizontal",
    });
    let chips = [];
    let chosen = -1;
    const id = `llm-tokens-${Math.random().toString(36).slice(2)}`;

    function select(place) {
      if (!chips.length) {
        return;
      }
      const next = Math.max(0, Math.min(chips.length - 1, place));
      if (chips[chosen]) {
        chips[chosen].setAttribute("aria-selected", "false");
      }
      chosen = next;
      chips[chosen].setAttribute("aria-selected", "true");
      element.setAttribute("aria-activedescendant", chips[chosen].id);
      choose(chosen);
    }

    const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10 };
    element.addEventListener("keydown", (event) => {
      const ends = { Home: 0, End: chips.length - 1 };
      if (event.key in MOVES || event.key in ends) {
        event.preventDefault();
        select(event.key in ends ? ends[event.key] : chosen + MOVES[event.key]);
      }
    });
    element.addEventListener("click", (event) => {
      const chip = event.target.closest(".llm-token");
      if (chip) {
        select(chips.indexOf(chip));
      }
    });

    // The text of a chip: a line break is shown, and breaks the line.
    function shown(text) {
      return visible(text, false).replace(/↵/g, "↵\n") || "∅";
    }

    function chip(token, place) {
      const made = make("span", {
        class: "llm-token", role: "option", "aria-selected": "false", id: `${id}-${place}`,
      }, shown(token.text));
      return paint(made, token);
    }

    function paint(made, token) {
      made.classList.toggle("llm-prompt", token.isPrompt);
      if (token.bits !== null) {
        heat(made, Math.min(1, token.bits / MOST_BITS));
        const bits = token.bits.toFixed(1);
        made.setAttribute("aria-label", `${visible(token.text)}, ${bits} bits`);
      }
      made.painted = token.bits;
      return made;
    }

    let drawn = [];
    return {
      element,
      select,
      get chosen() {
        return chosen;
      },
      // Draws only what is new: a text grows at its end.
      update(tokens) {
        let same = 0;
        while (same < Math.min(tokens.length, drawn.length) && tokens[same] === drawn[same]) {
          if (chips[same].painted !== tokens[same].bits) {
            paint(chips[same], tokens[same]);
          }
          same += 1;
        }
        chips.splice(same).forEach((old) => old.remove());
        const more = tokens.slice(same).map((token, i) => chip(token, same + i));
        chips.push(...more);
        element.append(...more);
        drawn = tokens.slice();
        if (chosen >= chips.length) {
          chosen = -1;
          element.removeAttribute("aria-activedescendant");
        }
      },
    };
  }

  llm.playground = llm.playground || {};
  llm.playground.tokenText = tokenText;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
