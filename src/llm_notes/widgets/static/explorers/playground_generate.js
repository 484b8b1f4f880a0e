// The view of causal models: each continues the text in a column of its own.
//
// A view is {element, foot, buttons, takers, open(entries), read(text), run(text), stop(),
// settle?(text), clear(), state, restore(state), spoken}. It knows the playground by what
// is handed over: shell = {ask, note(text), changed(), refocus()}.
(function (llm) {
  "use strict";

  function compared(columns, words) {
    const bits = (column) => column.bits.toFixed(2);
    if (columns.length < 2 || columns.some((column) => column.bits === null)) {
      return "";
    }
    const [intact, cut] = columns;
    if (intact.entry === cut.entry) {
      return `Your text costs ${bits(intact)} bits per byte with all parts, and ` +
        `${bits(cut)} without ${words}.`;
    }
    const best = columns.reduce((a, b) => (a.bits < b.bits ? a : b));
    return `Your text surprises ${best.label} least: ${bits(best)} bits per byte.`;
  }

  function generating(shell) {
    const { make, button, choice } = llm.dom;
    const columnsBox = make("div", { class: "llm-columns" });
    const drawnWith = make("p", { class: "llm-quiet llm-drawn-with", role: "status" });
    const verdict = make("p", { class: "llm-verdict" });
    const legend = make("p", { class: "llm-quiet" },
      "The darker a token, the more it surprised the model. Point at one to see what the " +
      "model expected there; choose it to keep that in view.");
    const table = llm.dom.numbers("The text, token by token", "The text in numbers");
    const knobs = llm.playground.knobs();
    const parts = llm.playground.parts();
    const panel = llm.playground.tokenPanel(take);
    const another = button({
      label: "Another", description: "Write another text from the same beginning",
    });
    const step = button({ label: "Step", description: "Write one token more" });
    const undo = button({ label: "Undo", description: "Take the last token back" });
    const where = choice({
      label: "computed", value: "page", options: [["page", "in the page"], ["python", "in Python"]],
    });
    where.element.hidden = true;
    const element = make("div", {}, columnsBox, drawnWith, verdict, panel.element, legend);
    const foot = make(
      "div", {}, knobs.element, parts.element, table.element
    );
    let entries = [];
    let columns = [];
    let pinned = null; // {column, place} that the reader chose
    let lastText = null;
    let lastSettings = null; // of the last text from its beginning
    let isWriting = false;
    let nWritings = 0; // how many have begun
    let nRuns = 0; // and how many from the beginning of the text

    // --- one place in view ---------------------------------------------------
    function draw(column, place) {
      const { tokens, next } = column.writing;
      panel.show({
        tokens, next, place: place < 0 ? tokens.length : place,
        settings: knobs.value, name: column.name,
        says: columns.length > 1 ? column.label : "the model",
      });
    }

    // What the reader chose, or else what may come next.
    function drawPinned() {
      const { column, place } = pinned || { column: columns[0], place: -1 };
      draw(column, column.writing.tokens[place] ? place : -1);
    }

    function choose(column, place) {
      columns.filter((other) => other !== column).forEach(({ text }) => text.clear());
      pinned = place < 0 ? null : { column, place };
      draw(column, place);
    }

    // While the mouse goes over the text, what is below the panel does not jump.
    function preview(column, place) {
      const { style, offsetHeight } = panel.element;
      style.minHeight = place < 0 ? "" : `${offsetHeight}px`;
      if (isWriting) {
        return;
      }
      if (place < 0) {
        drawPinned();
      } else {
        draw(column, place);
      }
    }

    async function take(place, id) {
      const { column } = pinned || { column: columns[0] };
      const chosen = pinned !== null;
      await tried(() => column.writing.replace(place, id));
      if (chosen) {
        column.text.select(place);
      }
      settled();
    }

    // --- columns -------------------------------------------------------------
    function makeReader(entry, switches) {
      return () =>
        where.value === "python" && entry.inPython
          ? llm.writing.kernelReader(shell.ask, entry.name)
          : llm.writing.reader(entry.model, switches);
    }

    function columnOf(entry, label, switches) {
      return llm.playground.column(entry, label, {
        makeReader: makeReader(entry, switches), choose, preview,
        facts: entries.length > 1 ? entry.facts : "",
      });
    }

    // A text that is written anew keeps the height of the one before until it is there:
    // nothing below it jumps.
    const tallest = () => Math.max(0, ...columns.map(({ text }) => text.element.offsetHeight));
    function keepHeight(height) {
      columns.forEach(({ text }) => {
        text.element.style.minHeight = height ? `${height}px` : "";
      });
    }

    function makeColumns() {
      const height = tallest();
      stop();
      const switches = entries.length === 1 ? parts.value : {};
      const isCut = Object.keys(switches).length > 0;
      columns = entries.map((entry) =>
        columnOf(entry, isCut ? `${entry.name}, intact` : entry.name, {})
      );
      if (isCut) {
        const label = `${entries[0].name} without ${parts.words}`;
        columns.push(columnOf(entries[0], label, switches));
      }
      pinned = null;
      lastText = null;
      panel.wait();
      columnsBox.replaceChildren(...columns.map((column) => column.element));
      columnsBox.classList.toggle("llm-many", columns.length > 1);
      keepHeight(height);
    }

    // --- work ----------------------------------------------------------------
    async function tried(work) {
      try {
        return await work();
      } catch (error) {
        shell.note(error.message);
        return false;
      }
    }

    // With which knobs the text was drawn, when they stand otherwise now.
    function tellSettings() {
      const drawn = columns.flatMap(({ writing }) => writing.tokens)
        .filter(({ isPrompt, settings }) => !isPrompt && settings)
        .map(({ settings }) => knobs.otherThan(settings));
      const other = isWriting ? null : drawn.find(Boolean);
      const how = drawn.every(Boolean) ? "Written" : "Partly written";
      const words = other ? `${how} with ${other}; press Write for the new settings.` : "";
      if (words !== drawnWith.textContent) {
        drawnWith.textContent = words; // spoken once, not at every move
      }
    }

    function settled() {
      tellSettings();
      verdict.textContent = compared(columns, parts.words);
      const [{ writing, name }] = columns;
      table.update(
        ["place", "token", "probability", "bits", "from"],
        writing.tokens.map(({ id, bits, isPrompt }, i) => [
          i + 1, name(id), bits === null ? "" : (2 ** -bits).toPrecision(3),
          bits === null ? "" : bits.toFixed(2), isPrompt ? "you" : "the model",
        ])
      );
      drawPinned();
    }

    async function read(text) {
      lastText = text;
      const ended = await Promise.all(
        columns.map(({ writing }) => tried(() => writing.read(text)))
      );
      if (ended.every(Boolean)) {
        settled();
      }
      return ended.every(Boolean);
    }

    async function write(n) {
      const mine = columns;
      nWritings += 1;
      const own = nWritings;
      isWriting = true;
      const settings = knobs.value;
      try {
        // One after the other, so that each has its own speed.
        for (const column of mine) {
          const ended = await tried(() => column.write(n, settings));
          if (!ended || mine !== columns) {
            return false;
          }
        }
      } finally {
        if (own === nWritings) {
          isWriting = false;
        }
      }
      settled();
      return true;
    }

    function stop() {
      isWriting = false;
      columns.forEach(({ writing }) => writing.stop());
    }

    // The knobs were moved, by the reader or for them.
    function refresh() {
      tellSettings();
      if (columns.length && !panel.element.hidden) {
        drawPinned();
      }
    }

    const said = () =>
      columns.map((column) => `${column.label} wrote: ${column.written}`).join(" ");

    // Goes on from what is written when the prompt is the same.
    async function more(text, n) {
      if (text === lastText || (await read(text))) {
        return write(n);
      }
      return false;
    }

    another.listen(() => {
      if (knobs.isCertain) {
        shell.note("There is no other text: with temperature 0 or top-k 1 nothing is drawn, " +
          "the likeliest token is always taken.");
        return;
      }
      if (shell.text) {
        knobs.nextSeed();
      }
      shell.rewrite();
    });
    step.listen(() => shell.act((text) => more(text, 1)));
    undo.listen(() => shell.act(async () => {
      if (!columns.some(({ written }) => written)) {
        shell.note("The model has written nothing that could be taken back.");
      }
      await Promise.all(columns.map(({ writing }) => writing.undo()));
      settled();
      return false;
    }, false));
    parts.listen(() => {
      makeColumns();
      shell.rewrite();
    });
    knobs.listen(() => {
      refresh();
      shell.changed();
    });
    where.listen(() => {
      makeColumns();
      shell.rewrite();
    });

    return {
      element, foot, knobs, parts, panel, step,
      buttons: [another, step],
      takers: [undo],
      fields: [where],
      label: "Your text (Enter lets the model write)",
      action: "Write",
      get columns() {
        return columns;
      },
      open(given, switches = {}) {
        entries = given;
        where.element.hidden = !(shell.ask && entries.some(({ inPython }) => inPython));
        const { model } = entries[0];
        const single = entries.length === 1 && model.switches.length > 0;
        parts.show(model);
        parts.write(switches);
        parts.element.hidden = !single;
        parts.element.open = parts.element.open || Object.keys(switches).length > 0;
        makeColumns();
      },
      rebuild: makeColumns,
      read,
      async run(text) {
        if (!text) {
          await read(text);
          keepHeight(0);
          shell.note("Type a few words first: a model continues what it reads.");
          return false;
        }
        nRuns += 1;
        const own = nRuns;
        const before = text === lastText ? said() : null;
        const settings = JSON.stringify(knobs.value);
        keepHeight(tallest());
        try {
          const done = (await read(text)) && (await write(knobs.value.length));
          if (done && before === said()) {
            shell.note(settings === lastSettings
              ? "The same seed and knobs give the same text: press Another, or change a knob below."
              : "The same text was drawn again: with these knobs no other token is likely.");
          }
          lastSettings = settings;
          return done;
        } finally {
          if (own === nRuns) {
            keepHeight(0);
          }
        }
      },
      more,
      refresh,
      // After a stop: the last token is read, and what is shown is of the text as it is.
      settle: (text) => more(text, 0),
      stop,
      clear: () => read(""),
      select: (place) => columns[0].text.select(place),
      // Back to what may come next.
      release() {
        columns.forEach(({ text }) => text.clear());
        pinned = null;
        drawPinned();
      },
      get spoken() {
        return `${said()} ${verdict.textContent}`.trim();
      },
      get state() {
        const switches = parts.value;
        return {
          ...knobs.changed,
          ...(Object.keys(switches).length ? { parts: JSON.stringify(switches) } : {}),
        };
      },
      restore(state) {
        knobs.reset();
        knobs.write(state);
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { generating });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
