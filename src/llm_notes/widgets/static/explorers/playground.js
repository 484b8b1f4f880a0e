// Language models to play with: type, watch the tokens come, ask each one why.
//
// data: {models: [{name, about, file}], prompts: [text], unicode_classes, tour}. The
// models are files of the page and are read when the playground is about to be seen.
(function (llm) {
  "use strict";

  const MAX_PROMPT = 2000; // characters; more is cut, and said
  const ALL = "all side by side";
  const LONG = "If the object does not define this method, the result of the operation is";

  llm.widgets = llm.widgets || {};

  llm.widgets.playground = function (mount, data, host) {
    const { make, choice, textField, button, controls, checkbox } = llm.dom;
    const loaded = new Map(); // name -> promise of {name, model}

    // --- what the reader sees ------------------------------------------------
    const names = data.models.map(({ name }) => name);
    const options = [...names, ...(names.length > 1 ? [ALL] : [])].map((n) => [n, n]);
    const which = choice({ label: "model", options, value: names[0] });
    const about = make("p", { class: "llm-quiet" });
    const examples = choice({
      label: "begin with", value: data.prompts[0],
      options: data.prompts.map((text) => [text, text]),
    });
    const prompt = textField({
      label: "Your text (Enter writes on, Shift+Enter begins a line)",
      value: data.prompts[0], rows: 2,
    });
    const write = button({ label: "Write" });
    write.element.classList.add("llm-main");
    const step = button({ label: "One token" });
    const undo = button({ label: "Undo one" });
    const stop = button({ label: "Stop" });
    const inPython = host.ask ? checkbox({ label: "Python computes" }) : null;
    const note = make("p", { class: "llm-quiet", role: "status" });
    const columnsBox = make("div", { class: "llm-columns" });
    const verdict = make("p", { class: "llm-verdict" });
    const legend = make("p", { class: "llm-quiet" },
      "The darker a token, the more it surprised the model. Choose one to see why.");
    const knobs = llm.playground.knobs();
    const parts = llm.playground.parts();
    const spoken = llm.dom.announcer();
    const panel = llm.playground.tokenPanel(take);

    // --- models --------------------------------------------------------------
    function load(name) {
      if (!loaded.has(name)) {
        const { file } = data.models.find((model) => model.name === name);
        const promise = host.file(file).then((json) => ({
          name,
          model: llm.models.load(llm.bundle.read(json), data.unicode_classes),
        }));
        promise.catch(() => loaded.delete(name)); // a second try may do better
        loaded.set(name, promise);
      }
      return loaded.get(name);
    }

    const chosenNames = () => (which.value === ALL ? names : [which.value]);

    function makeReader(entry) {
      return (switches) =>
        inPython && inPython.value
          ? llm.writing.kernelReader(host.ask, entry.name)
          : llm.writing.reader(entry.model, switches);
    }

    // --- columns -------------------------------------------------------------
    let columns = [];
    let shown = null; // {column, place}

    function choose(column, place) {
      shown = { column, place };
      panel.show(column.writing.tokens, place, knobs.value, column.name);
      column.element.after(panel.element);
      panel.element.style.gridColumn = "1 / -1";
    }

    async function take(place, id) {
      const { column } = shown;
      column.text.element.focus();
      await column.writing.replace(place, id);
      column.text.select(place);
    }

    async function rebuild() {
      columns.forEach((column) => column.writing.stop());
      const entries = await Promise.all(chosenNames().map(load));
      const single = entries.length === 1;
      if (single) {
        parts.show(entries[0].model);
        parts.write(wanted.switches || {});
        wanted.switches = null;
      }
      parts.element.hidden = !single || !entries[0].model.switches.length;
      makeColumns(entries);
    }

    function makeColumns(entries) {
      const switches = entries.length === 1 ? parts.value : {};
      const isCut = Object.keys(switches).length > 0;
      columns.forEach((column) => column.writing.stop());
      columns = entries.map((entry) =>
        llm.playground.column(
          entry, isCut ? `${entry.name}, intact` : entry.name, {}, makeReader(entry), choose
        )
      );
      if (isCut) {
        const label = `${entries[0].name} without ${parts.words}`;
        columns.push(llm.playground.column(
          entries[0], label, switches, makeReader(entries[0]), choose
        ));
      }
      panel.hide();
      columnsBox.replaceChildren(...columns.map(({ element }) => element), panel.element);
      columnsBox.classList.toggle("llm-many", columns.length > 1);
      const { about: words } = data.models.find(({ name }) => name === entries[0].name);
      about.textContent = entries.length === 1 ? words : "";
    }

    function compareInWords() {
      const [intact, cut] = columns;
      verdict.textContent = "";
      if (columns.length === 2 && intact.entry === cut.entry && cut.bits !== null) {
        verdict.textContent =
          `Your text costs ${intact.bits.toFixed(2)} bits per byte with all parts, and ` +
          `${cut.bits.toFixed(2)} without ${parts.words}.`;
      } else if (columns.length > 1 && columns.every(({ bits }) => bits !== null)) {
        const best = columns.reduce((a, b) => (a.bits < b.bits ? a : b));
        verdict.textContent =
          `Your text surprises ${best.label} least: ${best.bits.toFixed(2)} bits per byte.`;
      }
    }

    // --- what the reader does ------------------------------------------------
    function promptText() {
      const text = prompt.value.replace(/\r\n?/g, "\n").toWellFormed?.() ?? prompt.value;
      note.textContent = text.length > MAX_PROMPT
        ? `Only the last ${MAX_PROMPT.toLocaleString("en")} characters are read.` : "";
      return text.slice(-MAX_PROMPT);
    }

    const wanted = {}; // a state from the address, until the models are there
    let ready = null;

    async function ensure() {
      if (!ready) {
        note.textContent = "Reading the model…";
        ready = rebuild().then(() => {
          note.textContent = "";
        });
        ready.catch((error) => {
          ready = null;
          note.replaceChildren(make(
            "span", { role: "alert" },
            `The model could not be read: ${error.message}. Load the page again.`
          ));
        });
      }
      return ready;
    }

    async function read() {
      await ensure();
      const text = promptText();
      await Promise.all(columns.map((column) => readOne(column, text)));
      compareInWords();
      remember();
    }

    async function readOne(column, text) {
      try {
        return await column.writing.read(text);
      } catch (error) {
        note.textContent = error.message;
        return false;
      }
    }

    // Goes on from what is written when the prompt is the same.
    let lastPrompt = null;
    let pause = 0;
    async function run(n) {
      clearTimeout(pause); // what was typed is read below
      await ensure();
      const text = promptText();
      if (text !== lastPrompt || columns.some(({ writing }) => !writing.tokens.length)) {
        lastPrompt = text;
        await Promise.all(columns.map((column) => readOne(column, text)));
      }
      const settings = knobs.value;
      const ended = await Promise.all(columns.map((column) => column.write(n, settings)));
      compareInWords();
      remember();
      if (ended.every(Boolean)) {
        spoken.say(columns.map((c) => `${c.label} wrote: ${c.written}`).join(" "));
      }
    }

    // A whole new continuation of the prompt, not one more piece of the last.
    async function fresh() {
      clearTimeout(pause);
      await ensure();
      const text = promptText();
      lastPrompt = text;
      await Promise.all(columns.map((column) => readOne(column, text)));
      return run(knobs.value.length);
    }

    function remember() {
      llm.fragment.set(host.key, {
        text: prompt.value.slice(0, 300), model: which.value, ...knobs.value,
        ...(Object.keys(parts.value).length ? { parts: JSON.stringify(parts.value) } : {}),
      });
    }

    function restore(state) {
      if (typeof state.text === "string") {
        prompt.value = state.text;
      }
      if (options.some(([name]) => name === state.model)) {
        which.value = state.model;
      }
      knobs.write(state);
      try {
        wanted.switches = JSON.parse(state.parts || "null");
      } catch {
        wanted.switches = null;
      }
    }

    write.listen(fresh);
    step.listen(() => run(1));
    undo.listen(async () => {
      await ensure();
      columns.forEach(({ writing }) => writing.undo());
    });
    stop.listen(() => columns.forEach(({ writing }) => writing.stop()));
    prompt.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        fresh();
      }
    });
    prompt.listen(() => {
      columns.forEach(({ writing }) => writing.stop());
      clearTimeout(pause);
      pause = setTimeout(read, 250);
    });
    examples.listen((text) => {
      prompt.value = text;
      fresh();
    });
    async function again() {
      ready = null;
      lastPrompt = null;
      await ensure();
      await run(knobs.value.length);
    }
    which.listen(again);
    parts.listen(async () => {
      makeColumns(await Promise.all(chosenNames().map(load)));
      lastPrompt = null;
      await fresh();
    });
    knobs.listen(() => shown && panel.element.hidden === false && columns.includes(shown.column) &&
      panel.show(shown.column.writing.tokens, shown.place, knobs.value, shown.column.name));
    if (inPython) {
      inPython.listen(again);
    }

    // --- the tour ------------------------------------------------------------
    const first = () => columns[0];
    const openPanel = async (place) => {
      await ensure();
      if (first().writing.tokens.length < 2) {
        await run(20);
      }
      const n = first().writing.tokens.length;
      first().text.select(place < 0 ? n + place : Math.min(place, n - 1));
    };
    const steps = [
      {
        title: "A text becomes tokens.",
        text: "Each box is one token. Its shade tells how much it surprised the model.",
        prepare: read, at: () => columnsBox,
      },
      {
        title: "The model expects.",
        text: "For each place it gives a probability to every token it knows. These are the likeliest.",
        prepare: () => openPanel(-1), at: () => panel.element,
      },
      {
        title: "One is drawn.",
        text: "Press “One token” a few times: predict, draw, append. Take another candidate, and the text takes another way.",
        prepare: () => {}, at: () => step.element,
      },
      {
        title: "The knobs change the draw, not the model.",
        text: "At temperature 0 the likeliest token is always taken. Watch how soon the text repeats itself.",
        prepare: () => {
          knobs.element.open = true;
          knobs.write({ temperature: 0 });
          fresh();
        },
        at: () => knobs.element,
      },
      {
        title: "Every part is there for a reason.",
        text: "Here the positions are taken away: where a token stands no longer changes who looks at it. See what your text costs now.",
        prepare: () => {
          knobs.write({ temperature: 0.8 });
          parts.element.open = true;
          prompt.value = LONG;
          const has = first() && first().entry.model.switches;
          parts.write(has && has.includes("positions") ? { positions: false } : {});
          return load(chosenNames()[0]).then((entry) => {
            makeColumns([entry]);
            lastPrompt = null;
            return fresh();
          });
        },
        at: () => parts.element,
      },
      {
        title: "It is a small model.",
        text: "It has read a third of a megabyte. It has learnt form, and no facts. What it writes is fluent before it is true.",
        prepare: () => {
          parts.write({});
          return load(chosenNames()[0]).then((entry) => {
            makeColumns([entry]);
            lastPrompt = null;
            return fresh();
          });
        },
        at: () => write.element,
      },
    ];
    const tour = data.tour ? llm.playground.tour(steps) : null;

    // --- on the page ---------------------------------------------------------
    mount.classList.add("llm-playground");
    mount.append(
      controls(...(options.length > 1 ? [which] : []), examples), about, prompt.element,
      controls(write, step, undo, stop, ...(inPython ? [inPython] : [])), note, columnsBox,
      verdict, legend, knobs.element, parts.element, ...(tour ? [tour.element] : []),
      spoken.element
    );
    const state = llm.fragment.get(host.key);
    if (state) {
      restore(state);
    }
    // The first view is there when the reader arrives, and costs nothing before.
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) {
        observer.disconnect();
        read().catch(() => {});
      }
    }, { rootMargin: "200px" });
    observer.observe(mount);
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
