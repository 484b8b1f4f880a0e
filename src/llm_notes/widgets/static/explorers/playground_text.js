// A text as tokens that can be walked through: shaded by surprise, one of them chosen.
//
// It is one stop for the Tab key; arrows move within it. Knows no model.
(function (llm) {
  "use strict";

  const MOST_BITS = 12; // the darkest shade

  // choose(place): the reader came to a token, or left all (-1). preview(place): the
  // mouse is over a token, or over none (-1).
  function tokenText(label, choose, preview) {
    const { make, heat, visible } = llm.dom;
    const element = make("div", {
      class: "llm-tokens", role: "listbox", "aria-label": visible(label, false), dir: "auto",
      tabindex: "0", "aria-orientation": "horizontal",
    });
    let chips = [];
    let drawn = []; // the token of each chip
    let chosen = -1;
    let over = -1;
    const id = `llm-tokens-${Math.random().toString(36).slice(2)}`;

    function mark(place) {
      if (chips[chosen]) {
        chips[chosen].setAttribute("aria-selected", "false");
      }
      chosen = chips[place] ? place : -1;
      if (chosen < 0) {
        element.removeAttribute("aria-activedescendant");
      } else {
        chips[chosen].setAttribute("aria-selected", "true");
        element.setAttribute("aria-activedescendant", chips[chosen].id);
      }
    }

    // Only the box itself scrolls: the page stays where the reader put it.
    function reveal(chip) {
      const [top, bottom] = [chip.offsetTop, chip.offsetTop + chip.offsetHeight];
      if (top < element.scrollTop) {
        element.scrollTop = top - 8;
      } else if (bottom > element.scrollTop + element.clientHeight) {
        element.scrollTop = bottom - element.clientHeight + 8;
      }
    }

    function select(place) {
      if (chips.length) {
        mark(Math.max(0, Math.min(chips.length - 1, place)));
        reveal(chips[chosen]);
        choose(chosen);
      }
    }

    const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10 };
    element.addEventListener("keydown", (event) => {
      const ends = { Home: 0, End: chips.length - 1 };
      if (event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      if (event.key in MOVES || event.key in ends) {
        event.preventDefault();
        const from = chosen < 0 && event.key in MOVES ? chips.length : chosen;
        select(event.key in ends ? ends[event.key] : from + MOVES[event.key]);
      } else if (event.key === "Escape" && chosen >= 0) {
        event.stopPropagation();
        mark(-1);
        choose(-1);
      }
    });
    const placeOf = (event) => chips.indexOf(event.target.closest(".llm-token"));
    element.addEventListener("click", (event) => {
      const place = placeOf(event);
      if (place >= 0 && place === chosen) {
        mark(-1);
        choose(-1);
      } else if (place >= 0) {
        select(place);
      }
    });
    function hover(place) {
      if (place !== over) {
        over = place;
        preview(place);
      }
    }
    element.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") {
        hover(placeOf(event));
      }
    });
    element.addEventListener("pointerleave", () => hover(-1));

    // A line break is shown in the chip, and breaks the line behind it.
    function makeChip(token, place) {
      const ends = token.text.endsWith("\n");
      const shown = visible(token.text, false).replace(/↵(?!$)/g, "↵\n") || "∅";
      const chip = make("span", {
        class: "llm-token", role: "option", "aria-selected": "false", id: `${id}-${place}`,
      }, shown);
      chip.classList.toggle("llm-prompt", token.isPrompt);
      paint(chip, token);
      return ends ? [chip, document.createTextNode("\n")] : [chip];
    }

    function paint(chip, token) {
      if (token.bits !== null) {
        heat(chip, Math.min(1, token.bits / MOST_BITS));
        const bits = token.bits.toFixed(1);
        chip.setAttribute("aria-label", `${visible(token.text)}, ${bits} bits`);
      }
      chip.painted = token.bits;
    }

    function cut(n) {
      if (n < chips.length) {
        const range = document.createRange();
        range.setStartBefore(chips[n]);
        range.setEndAfter(element.lastChild);
        range.deleteContents();
        chips.length = n;
      }
    }

    return {
      element,
      select,
      clear: () => mark(-1),
      get chosen() {
        return chosen;
      },
      // Draws only what is new: a text grows at its end.
      update(tokens) {
        const isAtEnd =
          element.scrollTop + element.clientHeight >= element.scrollHeight - 8;
        let same = 0;
        while (same < Math.min(tokens.length, drawn.length) && tokens[same] === drawn[same]) {
          if (chips[same].painted !== tokens[same].bits) {
            paint(chips[same], tokens[same]);
          }
          chips[same].classList.toggle("llm-prompt", tokens[same].isPrompt);
          same += 1;
        }
        cut(same);
        for (let place = same; place < tokens.length; place += 1) {
          const nodes = makeChip(tokens[place], place);
          chips.push(nodes[0]);
          element.append(...nodes);
        }
        drawn = tokens.slice();
        if (chosen >= chips.length) {
          mark(-1);
        }
        if (isAtEnd && chips.length > same) {
          element.scrollTop = element.scrollHeight;
        }
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { tokenText });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
