// A control in the markup of an explorer as one thing: the place of its value in the
// list, whatever kind of element shows it.
//
// A field is {index (get and set), listen(fn), element}. Setting tells nobody.
(function (llm) {
  "use strict";

  if (llm.explore && llm.explore.fieldOf) {
    return; // a second run would give the same names again
  }

  let nNames = 0; // for attributes that need a name of their own on the page

  function freshName() {
    do {
      nNames += 1;
    } while (document.getElementById(`llm-explore-${nNames}`));
    return `llm-explore-${nNames}`;
  }

  function field(element, inputs, read, write) {
    return {
      element,
      get index() {
        return read();
      },
      set index(value) {
        write(value);
      },
      listen(fn) {
        inputs.forEach((input) => input.addEventListener("input", fn));
      },
    };
  }

  function slider(element, texts) {
    const input = element.querySelector("input");
    const output = element.querySelector("output");
    const read = () => Number(input.value);
    const show = () => {
      output.textContent = texts[read()];
      input.setAttribute("aria-valuetext", texts[read()]);
    };
    input.addEventListener("input", show);
    return field(element, [input], read, (index) => {
      input.value = index;
      show();
    });
  }

  function dropdown(element) {
    const input = element.querySelector("select");
    const write = (index) => {
      input.selectedIndex = index;
    };
    return field(element, [input], () => input.selectedIndex, write);
  }

  function checkbox(element) {
    const input = element.querySelector("input");
    const write = (index) => {
      input.checked = index === 1;
    };
    return field(element, [input], () => (input.checked ? 1 : 0), write);
  }

  function radio(element) {
    const inputs = [...element.querySelectorAll("input")];
    // Grouped by a name, and the same explorer may be twice on the page.
    const name = freshName();
    const start = Math.max(0, inputs.findIndex((input) => input.checked));
    inputs.forEach((input) => input.setAttribute("name", name));
    inputs[start].checked = true;
    const write = (index) => {
      inputs[index].checked = true;
    };
    return field(element, inputs, () => inputs.findIndex((one) => one.checked), write);
  }

  // Takes what is typed when it is one of the listed texts, else on Enter or when the
  // reader goes on; what fits none stays with a word about what is allowed.
  function text(element, texts) {
    const { make } = llm.dom;
    const input = element.querySelector("input");
    const [listName, noteName] = [freshName(), `${freshName()}-note`];
    const list = make("datalist", { id: listName });
    list.append(...texts.map((one) => make("option", { value: one })));
    const note = make("p", { id: noteName, class: "llm-explore-note", role: "alert" });
    element.append(list, note);
    input.setAttribute("list", listName);
    input.setAttribute("aria-describedby", noteName);
    let index = texts.indexOf(input.defaultValue);
    input.value = texts[index];

    function judge(place, typed) {
      note.textContent = place < 0 ? llm.explore.notListed(typed, texts) : "";
      input.setAttribute("aria-invalid", String(place < 0));
      if (place >= 0) {
        index = place;
      }
    }
    const made = field(element, [], () => index, (place) => {
      judge(place, "");
      input.value = texts[place];
    });
    made.listen = (fn) => {
      input.addEventListener("input", () => {
        if (texts.includes(input.value)) {
          judge(texts.indexOf(input.value), "");
          fn();
        }
      });
      input.addEventListener("change", () => {
        const place = llm.explore.nearest(input.value, texts);
        judge(place, llm.dom.visible(input.value.slice(0, 100)));
        if (place >= 0) {
          input.value = texts[place];
          fn();
        }
      });
    };
    return made;
  }

  const KINDS = { slider, dropdown, checkbox, radio, text };

  function fieldOf(element, texts) {
    return KINDS[element.getAttribute("data-llm-control")](element, texts);
  }

  llm.explore = Object.assign(llm.explore || {}, { fieldOf });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
