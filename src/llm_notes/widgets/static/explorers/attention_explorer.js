// The explorer of attention: which text, which kind of attention, and a field to type in.
//
// data: {texts: [{title, items: [item]}], pair: whether a typed text may bring a second
// one}; an item is attention_data.js's, with its kind. How it is drawn is attention.js's.
(function (llm) {
  "use strict";

  // A field for the reader's own text, where a kernel computes the weights.
  function ownText(host, data, add) {
    const { make, textField, button, controls } = llm.dom;
    const field = textField({ label: "Your own text (Python computes)", maxLength: 300 });
    const second = textField({
      label: "Its translation (empty: the model writes it)", maxLength: 300,
    });
    const press = button({ label: "Show" });
    const note = make("p", { role: "status", class: "llm-quiet" });
    async function send() {
      note.textContent = "Python computes …";
      press.element.disabled = true;
      try {
        add((await host.ask({ text: field.value, target: second.value })).text);
        note.textContent = "";
      } catch (error) {
        note.replaceChildren(make("span", { role: "alert" }, error.message));
      }
      press.element.disabled = false;
    }
    press.listen(send);
    for (const { input } of [field, second]) {
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.isComposing) {
          event.preventDefault();
          send();
        }
      });
    }
    const fields = data.pair ? [field.element, second.element] : [field.element];
    return make("div", {}, ...fields, controls(press), note);
  }

  llm.widgets = llm.widgets || {};
  llm.widgets.attention = function (mount, data, host) {
    const { choice, make, controls } = llm.dom;
    const texts = [...data.texts];
    const which = choice({
      label: "text", value: 0, options: texts.map(({ title }, i) => [i, title]),
    });
    // One choice of kinds for all texts: those that a text does not have fall to its first.
    const kinds = [...new Set(texts.flatMap(({ items }) => items.map(({ kind }) => kind)))];
    const kind = choice({
      label: "attention", value: kinds[0], options: kinds.map((one) => [one, one]),
    });
    const chooseText = controls(which);
    chooseText.hidden = texts.length < 2;
    const place = make("div", {});
    mount.classList.add("llm-attention");
    mount.append(chooseText);
    if (host.ask) {
      mount.append(ownText(host, data, (text) => {
        texts.push(text);
        which.add(texts.length - 1, text.title);
        chooseText.hidden = false;
        which.value = texts.length - 1;
        draw();
      }));
    }
    mount.append(
      ...(kinds.length > 1 ? [controls(kind)] : []), place,
      make("p", { class: "llm-quiet" }, "Weights are rounded to 1/65,535.")
    );
    const view = llm.attentionView(place);

    function draw() {
      const { items } = texts[which.value];
      const stored = items.find((one) => one.kind === kind.value) || items[0];
      kind.value = stored.kind;
      const { item, read } = llm.attentionData(stored);
      view.update(item, read);
    }
    const stateNow = () => ({ text: which.value, kind: kind.value, ...view.state });
    let known = ""; // the state that the address has, or that the page came with
    // To walk through changes nothing: then the address stays as it is.
    function remember() {
      const state = stateNow();
      if (JSON.stringify(state) === known) {
        return;
      }
      known = JSON.stringify(state);
      // A text that was typed is not on the page when the link is opened.
      const isThere = which.value < data.texts.length;
      llm.fragment.set(host.key, isThere ? state : null);
    }
    for (const control of [which, kind]) {
      control.listen(draw);
    }
    function follow() {
      const saved = llm.fragment.get(host.key);
      if (saved) {
        which.value = data.texts[saved.text] ? saved.text : 0;
        kind.value = kinds.includes(saved.kind) ? saved.kind : kinds[0];
      }
      draw();
      if (saved) {
        view.restore(saved);
      }
      known = JSON.stringify(stateNow());
    }
    for (const event of ["click", "keyup", "input"]) {
      mount.addEventListener(event, remember);
    }
    if (host.key !== null) {
      llm.fragment.listen(follow);
    }
    follow();
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
