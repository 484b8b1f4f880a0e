// A question with choices. Each choice has its reason, which appears when it is taken.
//
// data: {text, options: [{text, reason, right}]}. Knows no subject.
(function (llm) {
  "use strict";

  llm.widgets = llm.widgets || {};
  let count = 0; // radio buttons of one question share a name, of two never

  llm.widgets.question = function (mount, data) {
    const { make } = llm.dom;
    count += 1;
    const name = `llm-question-${count}-${Math.random().toString(36).slice(2)}`;
    const answer = make("p", { class: "llm-answer", role: "status" });

    function choose(option) {
      const word = option.right ? "Right. " : "Not this one. ";
      answer.classList.toggle("llm-right", option.right);
      answer.classList.toggle("llm-wrong", !option.right);
      answer.replaceChildren(make("strong", {}, word), option.reason);
    }

    const choices = data.options.map((option) => {
      const input = make("input", { type: "radio", name, autocomplete: "off" });
      input.addEventListener("change", () => choose(option));
      return make("label", { class: "llm-choice-line" }, input, make("span", {}, option.text));
    });
    const legend = make("legend", {}, data.text);
    mount.append(make("fieldset", { class: "llm-question" }, legend, choices), answer);
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
