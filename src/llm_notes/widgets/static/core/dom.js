// Elements for explorers: made by DOM calls alone, so that text from data stays text.
//
// Knows how a control, a table and a spoken line look in the book; knows no explorer.
// A control is {element, input, value, listen(fn)}: put `element` on the page.
(function (llm) {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const NAMED = {
    "\n": "↵", "\r": "␍", "\t": "⇥", "\x7f": "␡", "\u200b": "U+200B",
  };
  // Control characters, marks of direction, line separators, lone surrogates.
  const UNSEEN =
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== false) {
        element.setAttribute(name, value === true ? "" : String(value));
      }
    }
    element.append(...children.flat().filter((child) => child !== null));
    return element;
  }

  // make("p", {class: "a"}, "text", child): strings become text nodes, never markup.
  function make(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }

  function svg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }

  function visibleCharacter(character) {
    if (NAMED[character]) {
      return NAMED[character];
    }
    const code = character.codePointAt(0);
    return code < 0x20
      ? String.fromCharCode(0x2400 + code)
      : "U+" + code.toString(16).toUpperCase().padStart(4, "0");
  }

  // As llm_notes.viz.visible: each character that cannot be seen becomes one that can.
  // With `edges`, spaces at either end become "␣".
  function visible(text, edges = true) {
    const shown = String(text).replace(UNSEEN, visibleCharacter);
    if (!edges) {
      return shown;
    }
    const core = shown.replace(/^ +| +$/g, "");
    if (!core) {
      return "␣".repeat(shown.length);
    }
    const before = shown.length - shown.replace(/^ +/, "").length;
    return "␣".repeat(before) + core + "␣".repeat(shown.length - before - core.length);
  }

  function control(input, element, read, write) {
    return {
      element,
      input,
      get value() {
        return read();
      },
      set value(value) {
        write(value);
      },
      listen(fn) {
        input.addEventListener("input", () => fn(read()));
      },
    };
  }

  function labelled(label, kind, ...children) {
    const name = make("span", { class: "llm-label" }, label);
    return make("label", { class: `llm-control llm-${kind}` }, name, ...children);
  }

  // `format` turns a value into the text that is shown and read aloud.
  function slider({ label, min, max, step = 1, value = min, format = String }) {
    const input = make("input", {
      type: "range", min, max, step, value, autocomplete: "off",
    });
    const output = make("output", { "aria-live": "off" });
    const show = () => {
      const text = format(Number(input.value));
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    };
    input.addEventListener("input", show);
    show();
    const write = (given) => {
      input.value = given;
      show();
    };
    const element = labelled(label, "slider", input, output);
    return control(input, element, () => Number(input.value), write);
  }

  // options: [[value, text], ...]; a value is a string or a number.
  function choice({ label, options: given, value }) {
    const options = [...given];
    const entries = options.map(([, text]) => make("option", {}, visible(text, false)));
    const input = make("select", { autocomplete: "off" }, entries);
    const write = (given) => {
      const place = options.findIndex(([key]) => key === given);
      input.selectedIndex = place < 0 ? 0 : place;
    };
    write(value);
    const read = () => options[input.selectedIndex][0];
    const made = control(input, labelled(label, "choice", input), read, write);
    // One more choice, for what the reader adds.
    made.add = (key, text) => {
      options.push([key, text]);
      input.append(make("option", {}, visible(text, false)));
    };
    return made;
  }

  function checkbox({ label, value = false }) {
    const input = make("input", { type: "checkbox", autocomplete: "off" });
    input.checked = value;
    const name = make("span", { class: "llm-label" }, label);
    const element = make("label", { class: "llm-control llm-checkbox" }, input, name);
    const write = (given) => {
      input.checked = Boolean(given);
    };
    return control(input, element, () => input.checked, write);
  }

  function textField({ label, value = "", rows = 1, maxLength = null }) {
    const attributes = { autocomplete: "off", spellcheck: "false", maxlength: maxLength };
    const input = rows > 1
      ? make("textarea", { ...attributes, rows })
      : make("input", { ...attributes, type: "text" });
    input.dir = "auto";
    input.value = value;
    const write = (given) => {
      input.value = given;
    };
    return control(input, labelled(label, "text", input), () => input.value, write);
  }

  function button({ label, description = null }) {
    const element = make(
      "button", { type: "button", class: "llm-button", title: description }, label
    );
    return { element, input: element, listen: (fn) => element.addEventListener("click", fn) };
  }

  function controls(...given) {
    const elements = given.map((one) => one.element || one);
    return make("div", { class: "llm-controls" }, elements);
  }

  // A table behind one click; it is built when it is opened, and not before.
  function numbers(caption, label = "The numbers") {
    const table = make("table");
    const scroll = make(
      "div", { class: "llm-scroll", tabindex: "0", role: "group", "aria-label": caption },
      table
    );
    const element = make(
      "details", { class: "llm-numbers" }, make("summary", {}, label), scroll
    );
    let content = { head: [], rows: [] };
    function build() {
      const cell = (tag, attributes) => (text) =>
        make(tag, { ...attributes, dir: "auto" }, visible(text));
      table.replaceChildren(
        make("caption", {}, caption),
        make("thead", {}, make("tr", {}, content.head.map(cell("th", { scope: "col" })))),
        make("tbody", {}, content.rows.map((row) => make("tr", {}, row.map(cell("td")))))
      );
    }
    element.addEventListener("toggle", () => element.open && build());
    return {
      element,
      update(head, rows) {
        content = { head, rows };
        if (element.open) {
          build();
        }
      },
    };
  }

  // A line for screen readers; it speaks when the hand rests, not at every step.
  function announcer(pause = 400) {
    const element = make("p", { class: "llm-spoken", role: "status" });
    let timer = 0;
    return {
      element,
      say(text) {
        clearTimeout(timer);
        timer = setTimeout(() => {
          element.textContent = text;
        }, pause);
      },
    };
  }

  // The colour of a weight from 0 to 1; the text on it stays legible in both themes.
  function heat(element, weight) {
    const share = Math.max(0, Math.min(1, Number(weight) || 0));
    element.classList.add("llm-heat");
    // Where white ink has more contrast than black, in the light theme and the dark.
    element.classList.toggle("llm-hot", share > 0.75);
    element.classList.toggle("llm-warm", share > 0.58);
    element.style.setProperty("--llm-weight", `${(100 * share).toFixed(1)}%`);
    return element;
  }

  function reducedMotion() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  // Resolves after the browser had time to paint and to take what was typed. A message
  // comes sooner than a timer, which browsers hold back to 4 ms and more.
  function slice() {
    return new Promise((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        channel.port1.close();
        resolve();
      };
      channel.port2.postMessage(null);
    });
  }

  llm.dom = {
    make, svg, visible, slider, choice, checkbox, textField, button, controls, numbers,
    announcer, heat, reducedMotion, slice,
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
