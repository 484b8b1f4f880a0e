// The view of a masked model: a sentence with gaps, and what fits into each.
//
// Every token can be hidden in turn: choosing one shows what the model expects there from
// both sides. The view's interface is that of playground_generate.js.
(function (llm) {
  "use strict";

  const MOST_TOKENS = 64; // a page reads them in one go

  // What one model, intact or without a part, makes of a sentence.
  function filler(entry, switches) {
    const { model, ids: special } = entry;
    const start = Number.isInteger(special.start) ? [special.start] : [];
    const end = Number.isInteger(special.end) ? [special.end] : [];
    const most = Math.min(MOST_TOKENS, model.config.context_length - start.length - end.length);
    const read = (ids) => model.forward([...start, ...ids, ...end], switches);
    return {
      most,
      // Logits and attention with the tokens at these places hidden.
      at(tokens, hidden) {
        const ids = tokens.map(({ id }, i) => (hidden.includes(i) ? model.maskId : id));
        const { logits, attention } = read(ids);
        const names = [
          ...start.map((id) => model.tokenizer.text(id)),
          ...tokens.map(({ text }, i) => (hidden.includes(i) ? "___" : text)),
          ...end.map((id) => model.tokenizer.text(id)),
        ];
        return { logits: (place) => logits[place + start.length], attention, names };
      },
    };
  }

  function attentionDetails() {
    const { make } = llm.dom;
    const body = make("div");
    const element = make(
      "details", { class: "llm-more", hidden: true }, make("summary", {}, "Who looks at whom"), body
    );
    let view = null;
    let given = null;
    function draw() {
      if (!element.open || !given || element.hidden) {
        return;
      }
      view = view || llm.attentionView(body);
      const { names, attention } = given;
      const shape = [attention.length, attention[0].length, names.length, names.length];
      view.update(
        { queries: names, keys: names, causal: false, shape },
        (layer, head) => attention[layer][head]
      );
    }
    element.addEventListener("toggle", draw);
    return {
      element,
      show(found) {
        given = found;
        element.hidden = !(llm.attentionView && found && found.names.length);
        draw();
      },
    };
  }

  function filling(shell) {
    const { make, visible } = llm.dom;
    const { percent } = llm.playground;
    const parts = llm.playground.parts();
    const text = llm.playground.tokenText("Your sentence", choose, () => {});
    const legend = make("p", { class: "llm-quiet" },
      "The darker a gap, the less sure the model is. Choose any token: it is hidden, and " +
      "the model says what it expects there.");
    const columns = make("div", { class: "llm-columns" });
    const verdict = make("p", { class: "llm-verdict" });
    const looks = attentionDetails();
    const element = make("div", {}, text.element, legend, columns, verdict);
    let entry = null;
    let tokens = [];
    let chips = [];
    let source = ""; // the text that was read
    let chosen = -1; // the place that the reader chose in it
    let task = 0;

    const nameOf = (id) => entry.model.tokenizer.text(id);
    const fillers = () => {
      const switches = parts.value;
      const isCut = Object.keys(switches).length > 0;
      const intact = { label: entry.name, filler: filler(entry, {}) };
      return isCut
        ? [
          { ...intact, label: `${entry.name}, intact` },
          { label: `${entry.name} without ${parts.words}`, filler: filler(entry, switches) },
        ]
        : [intact];
    };

    function best(logits) {
      const [first] = llm.playground.candidates(logits);
      return { ...first, text: nameOf(first.id) };
    }

    // All gaps at once, in the sentence: each with what fits best.
    function showGaps(found, gaps) {
      chips = tokens.map((token, place) => {
        if (!gaps.includes(place)) {
          return { text: token.text, bits: null, isPrompt: true };
        }
        const { text: word, p } = best(found.logits(place));
        return { text: `[${visible(word).replace(/^##/, "")} ${percent(p)}]`, bits: -Math.log2(p), isPrompt: false };
      });
      // A space between words where the tokens themselves hold none.
      text.update(chips.flatMap((chip, i) => spaced(chip, i)));
    }

    function spaced(chip, i) {
      const before = tokens[i - 1];
      const isApart = before && before.end < tokens[i].start && !/\s/.test(chip.text[0]);
      return [isApart ? { ...chip, text: ` ${chip.text}` } : chip];
    }

    async function showPlace(place) {
      task += 1;
      const mine = task;
      const gaps = tokens.map((_, i) => i).filter((i) => tokens[i].isGap);
      const hidden = gaps.includes(place) ? gaps : [...gaps, place];
      const likeliest = [];
      const made = [];
      for (const { label, filler: one } of fillers()) {
        await llm.dom.slice();
        if (mine !== task) {
          return false;
        }
        const found = one.at(tokens, hidden);
        const logits = found.logits(place);
        likeliest.push({ label, ...best(logits) });
        const bars = llm.playground.bars(nameOf, (id) => take(place, id));
        const own = tokens[place].isGap ? null : tokens[place].id;
        bars.show(llm.playground.candidates(logits, { own }), own);
        const where = tokens[place].isGap ? "fits into the gap" : `could stand for “${visible(tokens[place].text)}”`;
        made.push(make(
          "div", { class: "llm-column llm-panel" },
          make("p", { class: "llm-panel-title" }, `What ${where}, says ${visible(label, false)}:`),
          bars.list, bars.table
        ));
        if (made.length === 1) {
          looks.show(found);
        }
      }
      const rows = () => [...columns.querySelectorAll(".llm-candidate")];
      const held = rows().indexOf(document.activeElement);
      columns.replaceChildren(...made);
      columns.classList.toggle("llm-many", made.length > 1);
      if (held >= 0) {
        (rows()[held] || rows()[0]).focus(); // the hand stays where it was
      }
      const say = ({ text: word, p }) => `“${visible(word)}” (${percent(p)})`;
      verdict.textContent = likeliest.length > 1
        ? `With all parts it expects ${say(likeliest[0])}, and ${say(likeliest[1])} without ${parts.words}.`
        : "";
      return true;
    }

    function choose(place) {
      chosen = place;
      const first = tokens.findIndex(({ isGap }) => isGap);
      const at = place >= 0 ? place : first;
      if (at >= 0) {
        showPlace(at).catch((error) => shell.note(error.message));
      } else {
        hidePlace();
      }
    }

    function hidePlace() {
      columns.replaceChildren();
      verdict.textContent = "";
    }

    // The token goes into the text, where the reader can change it. The next gap comes
    // into view; without one, the place stays.
    function take(place, id) {
      const given = nameOf(id).replace(/^##/, "");
      const rest = shell.text.startsWith(source) ? shell.text.slice(source.length) : "";
      if (tokens.every(({ isGap }, i) => !isGap || i === place)) {
        chosen = place;
      }
      source = llm.playground.replaced(source, tokens[place], given);
      shell.text = source + rest;
      shell.changed();
      shell.rewrite();
    }

    async function read(given) {
      task += 1;
      if (given !== source) {
        chosen = -1; // it was a place of another text
      }
      source = given;
      const { model } = entry;
      text.clear();
      const all = llm.playground.sentence(given, model.tokenizer, model.maskId);
      const one = filler(entry, {});
      tokens = all.slice(0, one.most);
      if (all.length > tokens.length) {
        shell.note(`Only the first ${tokens.length} tokens are read.`);
      }
      const gaps = tokens.map((_, i) => i).filter((i) => tokens[i].isGap);
      if (!tokens.length) {
        text.update([]);
        hidePlace();
        looks.show(null);
        shell.note("Type a sentence, with ___ where a word is missing.");
        return false;
      }
      const found = one.at(tokens, gaps);
      showGaps(found, gaps);
      looks.show(found);
      if (tokens[chosen]) {
        text.select(chosen);
        return true;
      }
      if (gaps.length) {
        return showPlace(gaps[0]);
      }
      hidePlace();
      shell.note("Put ___ where a word is missing, or choose a token to hide it.");
      return true;
    }

    parts.listen(() => shell.rewrite());
    return {
      element,
      foot: make("div", {}, looks.element, parts.element),
      parts,
      buttons: [],
      takers: [],
      label: "Your sentence, with ___ where a word is missing",
      readsBeginning: true,
      action: "Fill",
      open([given], switches = {}) {
        entry = given;
        parts.show(entry.model);
        parts.write(switches);
      },
      read,
      run: read,
      clear: () => read(""),
      stop() {
        task += 1;
      },
      get spoken() {
        return `${chips.map((chip) => chip.text).join(" ")} ${verdict.textContent}`.trim();
      },
      get state() {
        const switches = parts.value;
        return Object.keys(switches).length ? { parts: JSON.stringify(switches) } : {};
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { filling });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
