// Fill a gap from both sides: a masked language model in the page.
//
// data: {about, file, texts, gap, unicode_classes}. The reader writes ___ where a word is
// missing; the model names what could stand there, and where it looked.
(function (llm) {
  "use strict";

  const N_SHOWN = 8;

  llm.widgets = llm.widgets || {};

  llm.widgets.gap = function (mount, data, host) {
    const { make, choice, textField, button, controls, visible, heat } = llm.dom;
    const examples = choice({
      label: "begin with", value: data.texts[0], options: data.texts.map((t) => [t, t]),
    });
    const field = textField({
      label: `Your text, with ${data.gap} where a word is missing`, value: data.texts[0],
      rows: 2, maxLength: 600,
    });
    const press = button({ label: "Fill the gaps" });
    press.element.classList.add("llm-main");
    const note = make("p", { class: "llm-quiet", role: "status" });
    const results = make("div", {});
    const table = llm.dom.numbers("What could stand in each gap");
    const spoken = llm.dom.announcer();
    let loading = null;

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

    // The tokens of a text with masks in its gaps, between the two special tokens.
    function idsOf(model, text) {
      const parts = text.split(data.gap).map((part) => model.tokenizer.encode(part));
      const inner = parts.flatMap((ids, i) => (i ? [model.maskId, ...ids] : ids));
      return [model.ids.start, ...inner, model.ids.end];
    }

    function gapPanel(model, ids, place, read, number) {
      const p = llm.sampling.softmax(read.logits[place]);
      const best = llm.sampling.ranked(p).slice(0, N_SHOWN);
      const rows = best.map((id) => {
        const bar = make("span", { class: "llm-bar" });
        bar.style.width = `${Math.max(0.5, 100 * p[id])}%`;
        return make("li", {},
          make("span", { class: "llm-candidate-text", dir: "auto" },
            visible(model.tokenizer.text(id))),
          make("span", { class: "llm-bar-box" }, bar),
          make("span", { class: "llm-share" }, p[id].toFixed(3)));
      });
      const last = read.attention[read.attention.length - 1];
      const n = ids.length;
      const looked = ids.map((_, s) =>
        last.reduce((sum, head) => sum + head[place * n + s], 0) / last.length
      );
      const strip = make("p", {
        class: "llm-strip", dir: "auto", tabindex: "0", role: "group",
        "aria-label": "tokens, shaded by the weight on them",
      }, ids.flatMap((id, s) => [
        heat(make("span", { class: "llm-token" }, visible(model.tokenizer.text(id))), looked[s]),
        " ",
      ]));
      return {
        best, p,
        element: make("div", { class: "llm-panel" },
          make("p", { class: "llm-panel-title" }, `Gap ${number}`),
          make("ul", { class: "llm-candidates llm-gap-rows" }, rows),
          make("p", { class: "llm-panel-title" }, "Where it looked, last layer"), strip),
      };
    }

    async function fill() {
      note.textContent = "";
      try {
        const model = await load();
        const ids = idsOf(model, field.value);
        const places = ids.flatMap((id, i) => (id === model.maskId ? [i] : []));
        if (!places.length) {
          note.textContent = `Write ${data.gap} where a word is missing.`;
          return;
        }
        await llm.dom.slice();
        const read = model.forward(ids);
        const panels = places.map((place, i) => gapPanel(model, ids, place, read, i + 1));
        results.replaceChildren(...panels.map(({ element }) => element));
        table.update(["gap", "token", "probability"], panels.flatMap(({ best, p }, i) =>
          best.map((id) => [i + 1, model.tokenizer.text(id), p[id].toFixed(5)])));
        spoken.say(panels.map(({ best }, i) =>
          `Gap ${i + 1}: ${visible(model.tokenizer.text(best[0]))}`).join(". "));
        llm.fragment.set(host.key, { text: field.value.slice(0, 300) });
      } catch (error) {
        note.replaceChildren(make("span", { role: "alert" }, error.message));
      }
    }

    press.listen(fill);
    field.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        fill();
      }
    });
    examples.listen((text) => {
      field.value = text;
      fill();
    });
    mount.classList.add("llm-gap");
    mount.append(
      ...(data.texts.length > 1 ? [controls(examples)] : []),
      make("p", { class: "llm-quiet" }, data.about), field.element, controls(press), note,
      results, table.element, spoken.element
    );
    const saved = llm.fragment.get(host.key);
    if (saved && typeof saved.text === "string") {
      field.value = saved.text;
    }
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
