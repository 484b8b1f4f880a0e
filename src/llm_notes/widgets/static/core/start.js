// Starts explorers: those that stand in a page, and those that a kernel shows.
//
// An explorer of kind k is a function llm.widgets[k](mount, data, host). It fills the
// empty element `mount` from `data`; `host` is {ask, file, key}: `ask(request)` resolves
// to Python's answer, and is null where there is no kernel; `file(name)` resolves to the
// JSON of a large file, which the page may bring with it or load when it is asked for;
// `key` names the explorer's state in the address of the page. Knows nothing about what
// an explorer shows.
(function (llm) {
  "use strict";

  llm.widgets = llm.widgets || {};

  function fill(mount, kind, data, host) {
    try {
      llm.widgets[kind](mount, data, host);
    } catch (error) {
      mount.replaceChildren(
        llm.dom.make("p", { role: "alert" }, `This explorer could not start: ${error.message}`)
      );
      throw error;
    }
  }

  const arrivals = (llm.arrivals = llm.arrivals || new Map()); // address of a file -> {promise, resolve}

  // A file beside the page is a script that calls this: a page that was opened from
  // disk may load scripts, and nothing else.
  function deliver(name, content) {
    const arrival = arrivals.get(name);
    if (arrival) {
      arrival.resolve(content);
    }
  }

  function fromBeside(name, source) {
    if (!arrivals.has(name)) {
      const arrival = {};
      arrival.promise = new Promise((resolve, reject) => {
        arrival.resolve = resolve;
        const script = llm.dom.make("script", { src: source });
        script.addEventListener("error", () => {
          arrivals.delete(name); // a second try may find it
          reject(new Error(`${source} could not be loaded`));
        });
        document.head.append(script);
      });
      arrivals.set(name, arrival);
    }
    return arrivals.get(name).promise;
  }

  async function fileOf(root, name) {
    const holders = root.querySelectorAll("script[data-llm-file]");
    const holder = [...holders].find((one) => one.dataset.llmFile === name);
    if (!holder) {
      throw new Error(`this explorer has no file ${name}`);
    }
    const { source, name: id } = holder.dataset;
    return source ? fromBeside(id, source) : JSON.parse(holder.textContent);
  }

  // Each explorer brings its scripts with it, so this runs once for each of them: it
  // takes only those that no earlier run has taken.
  function start() {
    for (const root of document.querySelectorAll("[data-llm-kind]:not([data-ready])")) {
      root.setAttribute("data-ready", "");
      const kind = root.getAttribute("data-llm-kind");
      const key = root.getAttribute("data-llm-key");
      const same = document.querySelectorAll(`[data-llm-key="${key}"][data-ready]`).length;
      const data = JSON.parse(
        root.querySelector("script[data-llm-data]").textContent
      );
      const mount = root.querySelector(".llm-mount");
      mount.replaceChildren();
      const own = same > 1 ? `${key}-${same}` : key;
      fill(mount, kind, data, { ask: null, file: (name) => fileOf(root, name), key: own });
      llm.fragment.reveal(own, root);
    }
  }

  // What anywidget calls in a live kernel, once for each view.
  function render({ model, el }) {
    const waiting = new Map();
    let count = 0;
    function receive(message) {
      const call = waiting.get(message && message.id);
      if (!call) {
        return;
      }
      waiting.delete(message.id);
      if (message.error) {
        call.reject(new Error(message.error));
      } else {
        call.resolve(message.answer);
      }
    }
    function ask(request) {
      count += 1;
      const id = `${Date.now()}-${count}`;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        model.send({ id, request });
      });
    }
    model.on("msg:custom", receive);
    const mount = llm.dom.make("div", { class: "llm-mount" });
    el.classList.add("llm-widget");
    el.setAttribute("role", "group");
    el.setAttribute("aria-label", model.get("title"));
    el.replaceChildren(mount);
    const host = {
      ask: model.get("answers") ? ask : null,
      file: async (name) => JSON.parse(model.get("files")[name]),
      key: null, // the address belongs to Jupyter
    };
    fill(mount, model.get("kind"), JSON.parse(model.get("data")), host);
    return () => model.off("msg:custom", receive);
  }

  llm.deliver = deliver;
  llm.start = start;
  llm.render = render;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
