// Language models to play with: type, watch the tokens come, ask each one why.
//
// data: {models: [{name, about, file, task, prompts, in_python, n_parameters,
// bits_per_byte}], prompts: [text], unicode_classes, tour}. A task is "continue", "fill"
// or "translate", and has a view of its own. This is the frame around the views: the
// model, the text, the buttons, the address. A model is read when it is about to be seen.
(function (llm) {
  "use strict";

  const MAX_PROMPT = 2000; // characters; more is cut, and said
  const ALL = "all side by side";
  const PAUSE = 250; // ms from the last key to the reading of what was typed
  const ADDRESSED = 1500; // characters of a text that its address holds
  const OWN = -1; // the choice of a text that is no example

  llm.widgets = llm.widgets || {};

  // The end of a text, or its beginning, cut between characters; lone halves of one
  // become U+FFFD.
  function partOf(value, isBeginning) {
    const [from, to] = isBeginning ? [0, MAX_PROMPT] : [-MAX_PROMPT, undefined];
    const half = isBeginning ? /[\ud800-\udbff]$/ : /^[\udc00-\udfff]/;
    const cut = value.slice(from, to).replace(/\r\n?/g, "\n");
    const whole = value.length > MAX_PROMPT ? cut.replace(half, "") : cut;
    return whole.replace(/\p{Cs}/gu, "\ufffd");
  }

  llm.widgets.playground = function (mount, data, host) {
    const { make, choice, textField, button, controls, visible } = llm.dom;
    const models = llm.playground.models(data, host.file);
    const writers = models.names("continue");
    const options = [
      ...data.models.map(({ name }) => name), ...(writers.length > 1 ? [ALL] : []),
    ];
    const makers = {
      continue: llm.playground.generating,
      fill: llm.playground.filling,
      translate: llm.playground.translating,
    };
    const views = {};
    const drafts = {}; // by task: what stood in the field

    // --- what the reader sees ------------------------------------------------
    const which = choice({ label: "model", options: options.map((n) => [n, n]), value: options[0] });
    const about = make("p", { class: "llm-quiet llm-about-model" });
    const examplesBox = make("span", { class: "llm-control" });
    let examples = null;
    const prompt = textField({ label: "Your text", rows: 2 });
    const promptLabel = prompt.element.querySelector(".llm-label");
    const write = button({ label: "Write" });
    write.element.classList.add("llm-main");
    const clear = button({ label: "Clear", description: "Empty the text" });
    const own = make("span", { class: "llm-own" }); // the view's buttons that write
    const back = make("span", { class: "llm-back" }); // and those that take away
    const note = make("p", { class: "llm-quiet llm-note", role: "status" });
    const problem = make("div");
    const place = make("div");
    const foot = make("div");
    const spoken = llm.dom.announcer();

    // --- the view of the model that was chosen -------------------------------
    const isAll = () => which.value === ALL;
    const taskOf = (name) => (name === ALL ? "continue" : models.describe(name).task);
    const chosenNames = () => (isAll() ? writers : [which.value]);
    let view = null;
    let entry = null;
    let switches = {}; // wished for by an address
    let shownName = options[0];
    let opened = 0;
    let ready = null; // Promise(whether the view is the one that is wanted now)
    let working = 0; // count of tasks begun
    let isTouched = false; // before that, the address is not ours to change

    function say(text) {
      note.textContent = text;
    }

    function viewOf(task) {
      views[task] = views[task] || makers[task](shell);
      return views[task];
    }

    // Everything that can be shown before the model has been read.
    function dress(task) {
      view = viewOf(task);
      promptLabel.textContent = view.label;
      write.element.textContent = view.action;
      own.replaceChildren(...view.buttons.map(({ element }) => element));
      back.replaceChildren(...view.takers.map(({ element }) => element), clear.element);
      place.replaceChildren(...(view.fields || []).map(({ element }) => element), view.element);
      foot.replaceChildren(view.foot);
      const texts = examplesOf(which.value);
      examples = choice({
        label: "begin with",
        options: [...texts.map((text, i) => [i, text]), [OWN, "(your own text)"]],
      });
      examples.listen((place) => {
        if (place === OWN) {
          prompt.input.focus();
          prompt.input.select();
          return;
        }
        prompt.value = texts[place];
        shell.rewrite();
      });
      examplesBox.replaceChildren(examples.element);
      if (tour) {
        tour.open.hidden = task !== "continue" || tour.isOpen;
      }
      const description = isAll() ? null : models.describe(which.value);
      about.textContent = description
        ? [description.about, llm.playground.factsOf(description)]
          .filter(Boolean).map((text) => visible(text, false)).join(" ")
        : "";
    }

    const examplesOf = (name) =>
      (name !== ALL && models.describe(name).prompts) || data.prompts;

    // The text, and with it which of the examples it is.
    function setText(text) {
      prompt.value = text;
      showExample();
    }

    function showExample() {
      examples.value = examplesOf(which.value).indexOf(prompt.value); // -1 is OWN
    }

    async function open() {
      opened += 1;
      const mine = opened;
      say("Reading the model…");
      problem.replaceChildren();
      const entries = await Promise.all(chosenNames().map((name) => models.load(name)));
      if (mine !== opened) {
        return false;
      }
      say("");
      [entry] = entries;
      view.open(entries, switches);
      switches = {};
      return true;
    }

    function showProblem(error) {
      const again = button({ label: "Try again" });
      again.listen(() => {
        problem.replaceChildren();
        act((text) => view.read(text));
      });
      say("");
      problem.replaceChildren(make(
        "div", { role: "alert" },
        `The model could not be read: ${visible(error.message, false)}. Try again, or load ` +
        "the page anew. ", again.element
      ));
    }

    function ensure() {
      if (!ready) {
        const promise = open();
        ready = promise;
        promise.catch((error) => {
          if (ready === promise) {
            ready = null;
            showProblem(error);
          }
        });
      }
      return ready;
    }

    // --- work ----------------------------------------------------------------
    let pause = 0;

    function promptText() {
      const { value } = prompt;
      const isBeginning = Boolean(view.readsBeginning);
      const end = isBeginning ? "first" : "last";
      say(value.length > MAX_PROMPT
        ? `Only the ${end} ${MAX_PROMPT.toLocaleString("en")} characters are read.` : "");
      return partOf(value, isBeginning);
    }

    function setWorking(isOn) {
      write.element.textContent = isOn ? "Stop" : view.action;
      write.element.dataset.stops = isOn ? "1" : "";
      write.element.title = isOn ? "Escape stops as well" : "";
    }

    // Does something with the text once the model is there; what came before ends.
    // fn(text) resolves to true when something was written to its end. Reading alone
    // needs no stop: a click on the main button means what it said before.
    async function act(fn, stops = true) {
      clearTimeout(pause);
      working += 1;
      const mine = working;
      setWorking(stops);
      try {
        if (await ensure()) {
          if (mine !== working) {
            return;
          }
          remember(); // also when what follows is stopped
          const done = await fn(promptText());
          if (done && mine === working) {
            spoken.say(visible(view.spoken, false));
            remember();
          }
        }
      } catch (error) {
        if (!problem.firstChild) {
          say(error.message);
        }
      } finally {
        if (mine === working) {
          setWorking(false);
        }
      }
    }

    function halt() {
      clearTimeout(pause);
      working += 1;
      setWorking(false);
      if (view) {
        view.stop();
      }
    }

    function stopWriting() {
      halt();
      spoken.say("Stopped.");
      if (view.settle) {
        act(async (text) => {
          await view.settle(text);
          return false;
        }, false);
      }
    }

    function readTyped() {
      act(async (text) => {
        await view.read(text);
        remember();
        return false; // the reader knows what they typed
      }, false);
    }

    const shell = {
      ask: host.ask,
      element: mount,
      write: write.element,
      act,
      note: say,
      changed: () => {
        isTouched = true;
        remember();
      },
      rewrite: () => act((text) => view.run(text)),
      get text() {
        return prompt.value;
      },
      set text(text) {
        setText(text);
      },
      get entry() {
        return entry;
      },
    };

    // --- the address ---------------------------------------------------------
    function remember() {
      if (!isTouched) {
        return;
      }
      const state = {
        text: prompt.value === examplesOf(which.value)[0]
          ? undefined : prompt.value.slice(0, ADDRESSED),
        model: which.value === options[0] ? undefined : which.value,
        ...view.state,
      };
      const isStart = Object.values(state).every((value) => value === undefined);
      llm.fragment.set(host.key, isStart ? null : state);
    }

    function restore(state) {
      which.value = options.includes(state.model) ? state.model : options[0];
      shownName = which.value;
      endTour();
      dress(taskOf(which.value));
      setText(["string", "number"].includes(typeof state.text)
        ? String(state.text) : examplesOf(which.value)[0]);
      if (view.restore) {
        view.restore(state);
      }
      switches = {};
      try {
        switches = JSON.parse(state.parts || "{}") || {};
      } catch {
        // A wish that cannot be read is none.
      }
      ready = null;
    }

    // The tour shows causal models, and no others.
    function endTour() {
      if (tour && tour.isOpen && taskOf(which.value) !== "continue") {
        tour.end(false);
      }
    }

    // --- what the reader does ------------------------------------------------
    write.listen(() => (write.element.dataset.stops ? stopWriting() : shell.rewrite()));
    clear.listen(() => {
      halt();
      setText("");
      prompt.input.focus();
      act(async () => {
        await view.clear();
        remember();
        return false;
      }, false);
    });
    prompt.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        shell.rewrite();
      }
    });
    prompt.listen(() => {
      halt();
      showExample();
      pause = setTimeout(readTyped, PAUSE);
    });
    which.listen(() => {
      endTour();
      halt();
      drafts[taskOf(shownName)] = prompt.value;
      shownName = which.value;
      dress(taskOf(shownName));
      setText(drafts[taskOf(shownName)] || examplesOf(shownName)[0]);
      ready = null;
      shell.rewrite();
    });
    mount.addEventListener("input", () => (isTouched = true));
    mount.addEventListener("click", () => (isTouched = true));
    // What runs ends first: before a token is let go, or the tour ends.
    mount.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && write.element.dataset.stops && !event.isComposing) {
        event.preventDefault();
        event.stopPropagation();
        stopWriting();
      }
    }, true);
    mount.addEventListener("keydown", (event) => {
      isTouched = true;
      if (event.key === "Escape" && tour && tour.isOpen) {
        tour.end();
      }
    });

    // --- on the page ---------------------------------------------------------
    const tour = data.tour && writers.length
      ? llm.playground.tour(llm.playground.steps(viewOf("continue"), shell)) : null;
    mount.classList.add("llm-playground");
    mount.append(
      controls(...(options.length > 1 ? [which] : []), examplesBox),
      about, prompt.element, controls(write, own, back), problem, note,
      ...(tour ? [tour.panel] : []), place, ...(tour ? [tour.open] : []), foot,
      spoken.element
    );
    restore(llm.fragment.get(host.key) || {});
    llm.fragment.listen(() => {
      const state = host.key === null ? null : llm.fragment.get(host.key);
      if (state) {
        halt();
        restore(state);
        shell.rewrite();
        llm.fragment.reveal(host.key, mount);
      }
    });
    // The first view is there when the reader arrives, and costs nothing before.
    const observer = new IntersectionObserver((seen) => {
      if (seen.some(({ isIntersecting }) => isIntersecting)) {
        observer.disconnect();
        if (!working) {
          readTyped();
        }
      }
    }, { rootMargin: "200px" });
    observer.observe(mount);
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
