// The pictures of a film: its curve of losses with a marker, and a matrix of weights.
//
// llm.film.curve(choose) and llm.film.weights(matrix). Neither knows the other, nor the
// slider that moves both. Needs attention.js for the colours of the theme.
(function (llm) {
  "use strict";

  const HEIGHT = 220;
  const [LEFT, RIGHT, TOP, BOTTOM] = [44, 12, 10, 34];

  // Ticks at round numbers: two to six of them.
  function ticks(low, high) {
    const raw = (high - low) / 5 || 1;
    const ten = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * ten).find((one) => one >= raw);
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i += 1) {
      found.push(Number((i * step).toPrecision(6)));
    }
    return found;
  }

  function powers(high) {
    const found = [0];
    for (let p = 1; p <= high; p *= 10) {
      found.push(p);
    }
    return found;
  }

  // curves: {train, validation} of [step, loss]; steps: those of the film.
  // choose(place) is called with the film's place nearest to where the curve is touched.
  function curve(curves, steps, choose) {
    const { make, svg, checkbox } = llm.dom;
    const drawing = svg("svg", {
      class: "llm-film-curve", role: "img", height: HEIGHT,
    });
    const logs = checkbox({ label: "steps on a logarithmic axis", value: true });
    const legend = make("p", { class: "llm-quiet llm-film-legend" },
      make("span", { class: "llm-film-train" }, "training loss"),
      make("span", { class: "llm-film-validation" }, "validation loss"),
      " in nats per token, by steps");
    const element = make("div", {}, drawing, legend, llm.dom.controls(logs));
    const points = [...curves.train, ...curves.validation];
    const lastStep = Math.max(1, steps[steps.length - 1], ...points.map(([step]) => step));
    const losses = points.map(([, loss]) => loss);
    const low = Math.min(...losses);
    const high = Math.max(...losses);
    const room = (high - low) * 0.05 || 0.5;
    const place = (step) => (logs.value ? Math.log1p(step) / Math.log1p(lastStep) : step / lastStep);
    const x = (step) => LEFT + place(step) * (width - LEFT - RIGHT);
    const y = (loss) =>
      TOP + (1 - (loss - low + room) / (high - low + 2 * room)) * (HEIGHT - TOP - BOTTOM);
    let width = 640; // px, as on the page, so that its text keeps its size
    let current = 0;
    let label = "";

    function axes() {
      const line = (x1, y1, x2, y2) => svg("line", { x1, y1, x2, y2, class: "llm-film-axis" });
      const text = (where, words, anchor) =>
        svg("text", { x: where[0], y: where[1], "text-anchor": anchor }, words);
      const across = logs.value ? powers(lastStep) : ticks(0, lastStep);
      return [
        ...ticks(low - room, high + room).flatMap((loss) => [
          line(LEFT, y(loss), width - RIGHT, y(loss)),
          text([LEFT - 6, y(loss) + 5], String(loss), "end"),
        ]),
        ...across.map((step) => text([x(step), HEIGHT - 12], step.toLocaleString("en"), "middle")),
      ];
    }

    function path(name) {
      const at = curves[name].map(([step, loss]) => [x(step).toFixed(1), y(loss).toFixed(1)]);
      const dots = name === "validation"
        ? at.map(([cx, cy]) => svg("circle", { cx, cy, r: 3, class: `llm-film-${name}` })) : [];
      return at.length
        ? [svg("polyline", { points: at.map((p) => p.join(",")).join(" "), class: `llm-film-${name}` }), ...dots]
        : [];
    }

    function draw() {
      width = drawing.clientWidth || width;
      const at = x(steps[current]);
      drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
      drawing.setAttribute("aria-label", label);
      drawing.replaceChildren(
        ...(points.length ? axes() : []), ...path("train"), ...path("validation"),
        svg("line", { x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM, class: "llm-film-marker" })
      );
    }

    function touch(event) {
      if (event.type === "pointermove" && event.buttons !== 1) {
        return;
      }
      const at = event.clientX - drawing.getBoundingClientRect().left;
      const gaps = steps.map((step) => Math.abs(x(step) - at));
      choose(gaps.indexOf(Math.min(...gaps)));
    }
    drawing.addEventListener("pointerdown", touch);
    drawing.addEventListener("pointermove", touch);
    logs.listen(draw);
    new ResizeObserver(() => drawing.clientWidth !== width && draw()).observe(drawing);
    return {
      element,
      mark(given, words) {
        [current, label] = [given, words];
        draw();
      },
    };
  }

  // matrix: {name, scale, shape: [R, C], frames: base64 of 16-bit integers, 32767 for
  // the scale}. Blue is above zero, orange below it.
  function weights(matrix) {
    const { make } = llm.dom;
    const { colours, mixed, onTheme } = llm.attentionParts;
    const [nRows, nColumns] = matrix.shape;
    const canvas = make("canvas", {
      role: "img", class: "llm-film-matrix", width: nColumns, height: nRows,
    });
    canvas.style.aspectRatio = `${nColumns} / ${nRows}`;
    const note = make("p", { class: "llm-quiet" });
    const help = `${nRows} by ${nColumns}; blue is above zero, orange below, full colour ` +
      `${matrix.scale.toPrecision(3)}. The scale is the same at all steps.`;
    const element = make("div", {},
      make("p", { class: "llm-panel-title" }, matrix.name), canvas, note);
    const cache = new Map();
    let values = null;

    function read(place) {
      if (!cache.has(place)) {
        const bytes = Uint8Array.from(atob(matrix.frames[place]), (c) => c.charCodeAt(0));
        const view = new DataView(bytes.buffer);
        cache.set(place, Float32Array.from({ length: nRows * nColumns }, (_, i) =>
          (view.getInt16(2 * i, true) / 32767) * matrix.scale
        ));
      }
      return cache.get(place);
    }

    function paint() {
      const theme = colours(canvas);
      const context = canvas.getContext("2d");
      const image = context.createImageData(nColumns, nRows);
      values.forEach((value, i) => {
        const top = value > 0 ? theme["1"] : theme["2"];
        const share = Math.abs(value) / matrix.scale;
        image.data.set([...mixed(theme.paper, top, share), 255], 4 * i);
      });
      context.putImageData(image, 0, 0);
    }
    canvas.addEventListener("pointermove", (event) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const row = Math.floor(((event.clientY - top) / height) * nRows);
      const column = Math.floor(((event.clientX - left) / width) * nColumns);
      const value = values[row * nColumns + column];
      if (column >= 0 && column < nColumns && value !== undefined) {
        note.textContent = `row ${row}, column ${column}: ${value.toFixed(4)}`;
      }
    });
    canvas.addEventListener("pointerleave", () => {
      note.textContent = help;
    });
    onTheme(canvas, () => values && paint());
    note.textContent = help;

    return {
      element,
      // Returns the mean size of the weights at this step.
      show(place, step) {
        values = read(place);
        const mean = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
        canvas.setAttribute(
          "aria-label", `${matrix.name} at step ${step}: mean size ${mean.toPrecision(3)}`
        );
        paint();
        return mean;
      },
    };
  }

  llm.film = { curve, weights };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
