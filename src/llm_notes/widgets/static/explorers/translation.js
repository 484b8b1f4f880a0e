// Translate, and see which source words each written word looked at.
//
// data: {about, file, texts, unicode_classes}. The page encodes the source once, then
// writes greedily; the weights of the cross-attention are the alignment.
(function (llm) {
  "use strict";

  const MOST = 60; // tokens written at most

  llm.widgets = llm.widgets || {};

  llm.widgets.translation = function (mount, data, host) {
    const { make, choice, textField, button, controls, visible } = llm.dom;
    const examples = choice({
      label: "a sentence", value: data.texts[0], options: data.texts.map((t) => [t, t]),
    });
    const field = textField({ label: "Your sentence", value: data.texts[0], maxLength: 300 });
    const press = button({ label: "Translate" });
    press.element.classList.add("llm-main");
    const note = make("p", { class: "llm-quiet", role: "status" });
    const result = make("p", { class: "llm-result", dir: "auto", role: "status" });
    const place = make("div", { class: "llm-attention" });
    let loading = null;
    let view = null;

    function load() {
      if (!loading) {
        loading = host.file(data.file).then((json) =>
          llm.models.load(llm.bundle.read(json), data.unicode_classes)
        );
        loading.catch(() => {
          loading = null;
        });
      }
      return loading;
    }

    async function write(model, source) {
      const session = model.start(model.encode(source));
      const written = [];
      const cross = [];
      let id = model.bosId;
      while (written.length < MOST && !session.isFull) {
        const step = session.push(id);
        id = llm.sampling.ranked(step.logits)[0];
        written.push(id);
        cross.push(step.cross);
        if (id === model.eosId) {
          break;
        }
        await llm.dom.slice();
      }
      return { written, cross };
    }

    async function translate() {
      note.textContent = "";
      try {
        const model = await load();
        const source = [...model.sourceTokenizer.encode(field.value), model.eosId];
        const { written, cross } = await write(model, source);
        const text = written.filter((id) => id !== model.eosId);
        result.textContent = model.targetTokenizer.decode(text) || "∅";
        const name = (tokenizer) => (id) =>
          id === model.eosId ? "end" : visible(tokenizer.text(id));
        view = view || llm.attentionView(place);
        const item = {
          queries: written.map(name(model.targetTokenizer)),
          keys: source.map(name(model.sourceTokenizer)),
          causal: false,
          shape: [cross[0].length, cross[0][0].length, written.length, source.length],
        };
        view.update(item, (layer, head) => {
          const all = new Float32Array(written.length * source.length);
          cross.forEach((layers, t) => all.set(layers[layer][head], t * source.length));
          return all;
        });
        llm.fragment.set(host.key, { text: field.value });
      } catch (error) {
        note.replaceChildren(make("span", { role: "alert" }, error.message));
      }
    }

    press.listen(translate);
    field.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        translate();
      }
    });
    examples.listen((text) => {
      field.value = text;
      translate();
    });
    mount.classList.add("llm-translation");
    mount.append(
      ...(data.texts.length > 1 ? [controls(examples)] : []),
      make("p", { class: "llm-quiet" }, data.about), field.element, controls(press), note,
      result, place
    );
    const saved = llm.fragment.get(host.key);
    if (saved && typeof saved.text === "string") {
      field.value = saved.text;
    }
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
