// Fields that find a word, and lists of words to walk along.
//
// A list is one stop for Tab; arrows move within it, Enter takes the word. Knows words
// and cosines; no vector and no map.
(function (llm) {
  "use strict";

  const MOST_SUGGESTED = 30;
  let counter = 0;

  // How words are found: the very word, else one that differs in capitals, else one that
  // begins so.
  function finder(words) {
    const exact = new Map(words.map((word, i) => [word, i]));
    const lower = words.map((word) => word.toLowerCase());
    const beginning = (text) => {
      const found = [];
      const wanted = text.toLowerCase();
      for (let i = 0; i < words.length && found.length < MOST_SUGGESTED; i += 1) {
        if (lower[i].startsWith(wanted)) {
          found.push(i);
        }
      }
      return found;
    };
    return {
      beginning,
      find(text) {
        const trimmed = text.trim();
        for (const one of [text, trimmed]) {
          if (exact.has(one)) {
            return exact.get(one);
          }
        }
        return trimmed ? lower.indexOf(trimmed.toLowerCase()) : -1;
      },
    };
  }

  // A text field with suggestions. choose(place) once the text is a word.
  function wordField({ label, words, search, short, choose }) {
    const { make, textField } = llm.dom;
    const field = textField({ label, maxLength: 200 });
    counter += 1;
    const id = `llm-words-${counter}-${Math.random().toString(36).slice(2)}`;
    const suggestions = make("datalist", { id });
    const note = make("span", { class: "llm-word-note", id: `${id}-note` });
    field.input.setAttribute("list", id);
    field.input.setAttribute("aria-describedby", `${id}-note`);
    // Beside the label: what is wrong with a word is not the field's name.
    const element = make("div", { class: "llm-word-field" }, field.element, suggestions, note);
    let place = -1;

    const say = (text) => {
      note.textContent = text;
      field.input.setAttribute("aria-invalid", String(Boolean(text)));
    };

    function suggest() {
      suggestions.replaceChildren(...search.beginning(field.value.trim()).map((i) =>
        make("option", { value: words[i] })));
    }

    function take(found) {
      say("");
      if (found !== place) {
        place = found;
        choose(found);
      }
    }

    field.input.addEventListener("focus", () => suggest());
    field.input.addEventListener("input", () => {
      suggest();
      const found = words.indexOf(field.value);
      if (found >= 0) {
        take(found);
      } else {
        say("");
      }
    });
    const settle = (first) => {
      const typed = field.value;
      const found = search.find(typed);
      const best = found < 0 && first && typed.trim() ? search.beginning(typed.trim())[0] : found;
      if (best >= 0) {
        field.value = words[best];
        take(best);
      } else {
        say(typed.trim() ? `${short(typed.trim())} is not among the words` : "type a word");
      }
    };
    field.input.addEventListener("change", () => settle(false));
    field.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        settle(true);
      }
    });
    return {
      element, input: field.input,
      get place() {
        return place;
      },
      set place(given) {
        place = given;
        field.value = words[given];
        say("");
      },
    };
  }

  // Ranked words with their cosines. choose(place): a word was taken.
  function rankedList(label, choose) {
    const { make } = llm.dom;
    const element = make("ol", { class: "llm-ranked", "aria-label": label });
    let buttons = [];
    let hasFocus = 0;

    function stopAt(i) {
      hasFocus = i;
      buttons.forEach((one, j) => one.setAttribute("tabindex", i === j ? "0" : "-1"));
    }
    element.addEventListener("keydown", (event) => {
      const last = buttons.length - 1;
      const moves = { ArrowUp: hasFocus - 1, ArrowDown: hasFocus + 1, Home: 0, End: last };
      const next = moves[event.key];
      if (buttons[next]) {
        event.preventDefault();
        stopAt(next);
        buttons[next].focus();
      }
    });
    return {
      element,
      // rows: [{place, name, cosine, note}]
      show(rows) {
        const held = element.contains(document.activeElement);
        buttons = rows.map(({ place, name, cosine, note }, i) => {
          const bar = make("span", { class: "llm-ranked-bar", "aria-hidden": "true" });
          bar.style.width = `${(100 * Math.max(0, cosine)).toFixed(1)}%`;
          const one = make("button", { type: "button", class: "llm-ranked-word" },
            make("span", { class: "llm-ranked-name", dir: "auto" }, name), " ",
            make("span", { class: "llm-ranked-room", "aria-hidden": "true" }, bar),
            make("span", { class: "llm-ranked-cosine" }, cosine.toFixed(3)),
            note ? make("span", { class: "llm-quiet llm-ranked-note" }, ` ${note}`) : null);
          one.addEventListener("click", () => {
            stopAt(i);
            choose(place);
          });
          return one;
        });
        element.replaceChildren(...buttons.map((one) => make("li", {}, one)));
        stopAt(0);
        if (held && buttons.length) {
          buttons[0].focus();
        }
      },
    };
  }

  llm.embedding = Object.assign(llm.embedding || {}, { finder, wordField, rankedList });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
