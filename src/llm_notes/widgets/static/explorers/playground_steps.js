// What the tour of a playground says, and how it sets the playground for each step.
//
// Knows the view of causal models and the shell that holds it, as handed over.
(function (llm) {
  "use strict";

  // Long enough that it matters where its tokens stand.
  const LONG =
    "A name refers to an object. The same object may have several names. When a name is " +
    "assigned again, the object itself does not change, and the other names still refer " +
    "to it. An object that no name refers to any more may be removed by the interpreter.";

  // shell: {act(fn), rewrite(), text (get and set), entry, write: element, element}.
  function steps(view, shell) {
    const { knobs, parts, panel } = view;
    let own = null; // what the reader had set, while the tour sets it otherwise

    const readOnly = () => shell.act((text) => view.read(text), false);
    const showLast = () => shell.act(async (text) => {
      if (!view.columns[0].writing.next) {
        await view.read(text);
      }
      if (view.columns[0].writing.tokens.length < 2) {
        await view.more(text, 20);
      }
      view.select(view.columns[0].writing.tokens.length - 1);
      return false;
    });
    const canLosePositions = () =>
      shell.entry && shell.entry.model.switches.includes("positions");
    function withParts(switches) {
      return shell.act(async () => {
        parts.write(switches);
        view.rebuild();
        return view.run(shell.text);
      });
    }

    return [
      {
        title: "A text becomes tokens.",
        text: () => "Each box is one token. Its shade tells how much it surprised the model: " +
          "the first one most, for nothing stands before it.",
        prepare: readOnly, at: () => view.element.firstChild,
      },
      {
        title: "The model expects.",
        text: () => "At each place it gives a probability to every token that it knows. " +
          "These are the likeliest, for the token that is chosen.",
        prepare: showLast, at: () => panel.element,
      },
      {
        title: "One is drawn.",
        text: () => "Press “Step” a few times: predict, draw, append. Or take a candidate " +
          "yourself, and the text goes another way.",
        prepare: () => shell.act(async (text) => {
          await view.more(text, 1);
          view.release();
          return false;
        }),
        at: () => view.step.element,
      },
      {
        title: "The knobs change the draw, not the model.",
        text: () => "At temperature 0 the likeliest token is always taken. Watch whether " +
          "the text begins to repeat itself. The knobs are open below it.",
        isWatched: true,
        prepare: () => {
          own = { temperature: knobs.value.temperature, isOpen: knobs.element.open };
          knobs.element.open = true;
          knobs.write({ temperature: 0 });
          return shell.rewrite();
        },
        leave: () => {
          if (own) {
            knobs.write(own);
            knobs.element.open = own.isOpen;
            own = null;
            view.refresh();
          }
        },
        at: () => view.element.firstChild,
      },
      {
        title: "Every part is there for a reason.",
        text: () => (canLosePositions()
          ? "Here the positions are taken away: where a token stands no longer changes who " +
            "looks at it. Compare what the text costs now."
          : "Models with attention can lose their parts here. This one has none of them."),
        prepare: () => {
          if (!canLosePositions()) {
            return readOnly();
          }
          own = { text: shell.text, switches: parts.value, isOpen: parts.element.open };
          parts.element.open = true;
          shell.text = LONG;
          return withParts({ positions: false });
        },
        leave: () => {
          const { text, switches, isOpen } = own || {};
          if (!own) {
            return null;
          }
          own = null;
          parts.element.open = isOpen;
          shell.text = text;
          return withParts(switches);
        },
        at: () => (canLosePositions() ? view.element.firstChild : shell.element),
      },
      {
        title: "It is a small model.",
        text: () => `${shell.entry ? shell.entry.about : ""} It has learnt form, and few ` +
          "facts: what it writes is fluent before it is true. Now write something yourself.",
        prepare: () => {}, at: () => shell.write,
      },
    ];
  }

  llm.playground = Object.assign(llm.playground || {}, { steps });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
