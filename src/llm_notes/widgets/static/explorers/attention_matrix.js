// One head as a matrix: tokens on both axes, a cell for each weight, the sum of each row.
//
// llm.attentionMatrix(choose, preview): choose(query) is called with the row that was
// clicked, preview(query) with the one under the mouse or the finger, or -1. Needs
// attention.js. Labels stay in view while the matrix scrolls.
(function (llm) {
  "use strict";

  const CELL = 20; // px
  const HELP =
    "Rows ask, columns are looked at. Colour grows with the square root of a weight";

  function stripes(context, x, y) {
    context.beginPath();
    for (let i = 4; i < 2 * CELL; i += 7) {
      context.moveTo(x + Math.max(0, i - CELL), y + Math.min(i, CELL));
      context.lineTo(x + Math.min(i, CELL), y + Math.max(0, i - CELL));
    }
    context.stroke();
  }

  // Cells are squares of the page's colours; behind the mask they are striped.
  function paint(canvas, item, weights) {
    const { hiddenOf, colours, mixed } = llm.attentionParts;
    const [, , nQueries, nKeys] = item.shape;
    const isHidden = hiddenOf(item);
    const { paper, heat, line } = colours(canvas);
    const scale = Math.max(1, Math.min(2, devicePixelRatio || 1));
    canvas.width = nKeys * CELL * scale;
    canvas.height = nQueries * CELL * scale;
    canvas.style.width = `${nKeys * CELL}px`;
    canvas.style.height = `${nQueries * CELL}px`;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const css = (colour) => `rgb(${colour.join(" ")})`;
    context.strokeStyle = css(mixed(paper, line, 0.8));
    for (let t = 0; t < nQueries; t += 1) {
      for (let s = 0; s < nKeys; s += 1) {
        const hides = isHidden(t, s);
        const w = hides ? 0 : Math.sqrt(weights[t * nKeys + s]);
        context.fillStyle = css(hides ? mixed(paper, line, 0.15) : mixed(paper, heat, w));
        context.fillRect(s * CELL, t * CELL, CELL, CELL);
        if (hides) {
          stripes(context, s * CELL, t * CELL);
        }
      }
    }
    // Lines between the cells.
    context.strokeStyle = css(mixed(paper, line, 0.35));
    context.lineWidth = 0.5;
    context.beginPath();
    for (let t = 0; t <= nQueries; t += 1) {
      context.moveTo(0, t * CELL);
      context.lineTo(nKeys * CELL, t * CELL);
    }
    for (let s = 0; s <= nKeys; s += 1) {
      context.moveTo(s * CELL, 0);
      context.lineTo(s * CELL, nQueries * CELL);
    }
    context.stroke();
  }

  function attentionMatrix(choose = () => {}, preview = () => {}) {
    const { make } = llm.dom;
    const { named, hiddenOf, onTheme } = llm.attentionParts;
    const canvas = make("canvas", { role: "img", class: "llm-matrix-cells" });
    const rows = make("div", { class: "llm-matrix-rows", "aria-hidden": "true" });
    const columns = make("div", { class: "llm-matrix-columns", "aria-hidden": "true" });
    const sums = make("div", { class: "llm-matrix-sums", "aria-hidden": "true" });
    const mark = make("div", { class: "llm-matrix-mark", hidden: true });
    const cellNote = make("p", { class: "llm-quiet llm-matrix-note" });
    const corner = (text) => make("span", { class: "llm-matrix-corner llm-quiet" }, text);
    const box = make("div", { class: "llm-scroll llm-matrix-box", tabindex: "0", role: "group" },
      make("div", { class: "llm-matrix" },
        corner("asks ↓"), columns, corner("sum"),
        rows, make("div", { class: "llm-matrix-middle" }, canvas, mark), sums
      )
    );
    const element = make("div", {}, box, cellNote);
    box.setAttribute("aria-label", "the weights as a matrix");
    let help = "";
    let item = null;
    let weights = null;
    let shownItem = null;

    function cellAt(event) {
      const { left, top } = canvas.getBoundingClientRect();
      const s = Math.floor((event.clientX - left) / CELL);
      const t = Math.floor((event.clientY - top) / CELL);
      const [, , nQueries, nKeys] = item.shape;
      return t >= 0 && s >= 0 && t < nQueries && s < nKeys ? [t, s] : null;
    }

    const to = (then) => (event) => {
      const cell = item && cellAt(event);
      if (!cell) {
        return;
      }
      const [t, s] = cell;
      then(t);
      const pair = `“${named(item.queries[t])}” to “${named(item.keys[s])}”`;
      cellNote.textContent = hiddenOf(item)(t, s)
        ? `${pair}: behind the mask` : `${pair}: ${weights[t * item.shape[3] + s].toFixed(4)}`;
    };
    canvas.addEventListener("pointermove", to(preview));
    canvas.addEventListener("click", to(choose));
    canvas.addEventListener("pointerleave", () => {
      preview(-1);
      cellNote.textContent = help;
    });
    onTheme(element, () => item && paint(canvas, item, weights));

    function label(token) {
      return make("span", {}, make("bdi", {}, named(token)));
    }

    function hidesAny(given) {
      const [, , nQueries, nKeys] = given.shape;
      const isHidden = hiddenOf(given);
      return Array.from({ length: nQueries * nKeys }, (_, i) => i)
        .some((i) => isHidden(Math.floor(i / nKeys), i % nKeys));
    }

    return {
      element,
      draw(given, givenWeights, about) {
        [item, weights] = [given, givenWeights];
        const [, , nQueries, nKeys] = item.shape;
        if (item !== shownItem) {
          rows.replaceChildren(...item.queries.map(label));
          columns.replaceChildren(...item.keys.map(label));
          help = HELP + (hidesAny(item) ? "; striped cells are behind the mask." : ".");
          cellNote.textContent = help;
          shownItem = item;
        }
        sums.replaceChildren(...Array.from({ length: nQueries }, (_, t) => {
          const row = weights.subarray(t * nKeys, (t + 1) * nKeys);
          return make("span", {}, row.reduce((a, b) => a + b, 0).toFixed(2));
        }));
        canvas.setAttribute("aria-label", `${about} ${nQueries} by ${nKeys} weights.`);
        paint(canvas, item, weights);
      },
      // side: "query" frames a row, "key" a column, null nothing.
      mark(side, place) {
        const [, , nQueries, nKeys] = item.shape;
        mark.hidden = side === null;
        const isRow = side === "query";
        Object.assign(mark.style, {
          left: `${isRow ? 0 : place * CELL}px`, top: `${isRow ? place * CELL : 0}px`,
          width: `${(isRow ? nKeys : 1) * CELL}px`, height: `${(isRow ? 1 : nQueries) * CELL}px`,
        });
        [...rows.children].forEach((one, i) => one.classList.toggle("llm-on", isRow && i === place));
        [...columns.children].forEach((one, i) =>
          one.classList.toggle("llm-on", side === "key" && i === place)
        );
      },
    };
  }

  llm.attentionMatrix = attentionMatrix;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
