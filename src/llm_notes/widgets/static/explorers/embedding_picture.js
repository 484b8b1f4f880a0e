// Points on a map: names where there is room, lines, zoom and pan.
//
// Draws what it is given in pixels of its own width, so that letters keep their size at
// every zoom. Knows places, names and groups; no vector, and not what a line means.
(function (llm) {
  "use strict";

  const LETTER = 13; // px
  const EDGE = 18; // px between the outermost points and the edge
  const SIDE = 44; // px, at the sides: names need room
  const FARTHEST = 40; // times
  const REACH = 16; // px from a point at which a click means it

  // A mark for each group: colours are not all that tells them apart.
  function mark(group, x, y, size) {
    const { svg } = llm.dom;
    const paths = [
      `M${-size},0a${size},${size} 0 1,0 ${2 * size},0a${size},${size} 0 1,0 ${-2 * size},0z`,
      `M${-size},${-size}h${2 * size}v${2 * size}h${-2 * size}z`,
      `M0,${-1.4 * size}L${1.3 * size},${size}L${-1.3 * size},${size}z`,
      `M0,${-1.5 * size}L${1.5 * size},0L0,${1.5 * size}L${-1.5 * size},0z`,
      `M0,${1.4 * size}L${1.3 * size},${-size}L${-1.3 * size},${-size}z`,
      `M${-size},${-size}L${size},${size}M${size},${-size}L${-size},${size}`,
    ];
    return svg("path", {
      class: `llm-map-mark llm-map-group-${group < 0 ? "none" : group + 1}`,
      d: paths[group < 0 ? 0 : group], transform: `translate(${x.toFixed(1)},${y.toFixed(1)})`,
    });
  }

  // About how wide a name is: letters outside Latin may be square.
  function widthOf({ name, rank }) {
    const letters = [...name].reduce((sum, c) => sum + (c > "\u2e80" ? 1 : 0.58), 0);
    return letters * LETTER * (rank > 1 ? 1.15 : 1);
  }

  // The box around some places: its middle, and half of its sides.
  function box(places) {
    const side = (axis) => {
      const values = places.map((at) => at[axis]);
      return [Math.min(...values), Math.max(...values)];
    };
    const [x, y] = [side(0), side(1)];
    return {
      middle: [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2],
      half: [Math.max(1e-3, (x[1] - x[0]) / 2), Math.max(1e-3, (y[1] - y[0]) / 2)],
    };
  }

  // choose(place): a point was clicked. Returns {element, buttons, draw, ...}.
  function picture(choose) {
    const { make, svg, button, controls } = llm.dom;
    const drawing = svg("svg", { role: "img", class: "llm-map-drawing" });
    const element = make("div", {
      class: "llm-map", tabindex: "0", role: "group",
      "aria-label": "The map. Arrow keys move it, plus and minus zoom, 0 shows all.",
    }, drawing);
    let scene = { points: [], lines: [], label: "", names: true };
    let whole = box([[0, 0]]); // what is seen at zoom 1
    let view = { x: 0, y: 0, zoom: 1 }; // x and y from the middle of the whole
    let onScreen = [];

    const size = () => {
      const width = Math.max(240, element.clientWidth || 640);
      return { width, height: Math.round(Math.min(540, Math.max(280, width * 0.68))) };
    };

    // Pixels for a step of one on the map, the same in both directions.
    function scaleOf({ width, height }) {
      const [x, y] = whole.half;
      return view.zoom * Math.min((width / 2 - SIDE) / x, (height / 2 - EDGE) / y);
    }

    function toScreen({ width, height }) {
      const scale = scaleOf({ width, height });
      const [x0, y0] = [whole.middle[0] + view.x, whole.middle[1] + view.y];
      return ([x, y]) => [width / 2 + (x - x0) * scale, height / 2 - (y - y0) * scale];
    }

    // Names in order of importance; one that would lie on another is left out.
    function namesThatFit(points, { width, height }) {
      const taken = [];
      const hits = (one) => taken.some((other) =>
        one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]);
      const shown = [];
      for (const point of [...points].sort((a, b) => b.rank - a.rank)) {
        const wide = widthOf(point);
        const right = [point.x + 7, point.y - 8, point.x + 9 + wide, point.y + 8];
        const left = [point.x - 9 - wide, point.y - 8, point.x - 7, point.y + 8];
        const inside = (one) => one[0] >= 0 && one[2] <= width && one[1] >= 0 && one[3] <= height;
        const free = [right, left].find((one) => inside(one) && !hits(one));
        if (free) {
          taken.push(free);
          shown.push({ point, atRight: free === right });
        }
      }
      return shown;
    }

    function draw() {
      const { width, height } = size();
      const place = toScreen({ width, height });
      drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
      drawing.setAttribute("height", height);
      drawing.setAttribute("aria-label", scene.label);
      const points = scene.points.map((point) => {
        const [x, y] = place(point.at);
        return { ...point, x, y };
      });
      onScreen = points.filter(({ x, y }) => x > -9 && x < width + 9 && y > -9 && y < height + 9);
      const lines = scene.lines.map(({ from, to, kind, weight }) => {
        const [x1, y1] = place(from);
        const [x2, y2] = place(to);
        return svg("line", {
          class: `llm-map-line llm-map-${kind}`, x1, y1, x2, y2,
          "stroke-width": (1 + 2.5 * Math.max(0, weight)).toFixed(2),
        });
      });
      const marks = onScreen.map((point) => {
        const found = mark(point.group, point.x, point.y, point.rank > 1 ? 5 : 3.2);
        found.classList.toggle("llm-map-chosen", point.rank > 2);
        return found;
      });
      const named = onScreen.filter((point) => scene.names || point.rank > 1);
      const names = namesThatFit(named, { width, height }).map(({ point, atRight }) =>
        svg("text", {
          class: point.rank > 1 ? "llm-map-name llm-map-near" : "llm-map-name",
          x: (point.x + (atRight ? 8 : -8)).toFixed(1), y: (point.y + 4.5).toFixed(1),
          "text-anchor": atRight ? "start" : "end",
        }, point.name));
      drawing.replaceChildren(...lines, ...marks, ...names);
    }

    function look({ x, y, zoom }) {
      const held = (value, most) => Math.max(-most, Math.min(most, value));
      const near = Math.max(1, Math.min(FARTHEST, zoom));
      view = near === 1
        ? { x: 0, y: 0, zoom: 1 }
        : { x: held(x, whole.half[0]), y: held(y, whole.half[1]), zoom: near };
      draw();
    }

    const zoomBy = (factor) => look({ ...view, zoom: view.zoom * factor });
    const showAll = () => look({ x: 0, y: 0, zoom: 1 });

    function move(dx, dy) {
      const step = (0.4 * Math.min(...whole.half)) / view.zoom;
      look({ ...view, x: view.x + dx * step, y: view.y + dy * step });
    }

    // So that these places fill the picture.
    function closeTo(places) {
      const { middle, half } = box(places);
      const zoom = 0.9 * Math.min(whole.half[0] / half[0], whole.half[1] / half[1]);
      look({ x: middle[0] - whole.middle[0], y: middle[1] - whole.middle[1], zoom });
    }

    const actions = [
      ["+", "zoom in", () => zoomBy(1.5), ["+", "="]],
      ["−", "zoom out", () => zoomBy(1 / 1.5), ["-", "−"]],
      ["←", "move left", () => move(-1, 0), ["ArrowLeft"]],
      ["→", "move right", () => move(1, 0), ["ArrowRight"]],
      ["↑", "move up", () => move(0, 1), ["ArrowUp"]],
      ["↓", "move down", () => move(0, -1), ["ArrowDown"]],
      ["whole map", "show the whole map", showAll, ["0"]],
    ];
    const buttons = controls(...actions.map(([label, description, act]) => {
      const one = button({ label, description });
      one.element.setAttribute("aria-label", description);
      one.listen(act);
      return one;
    }));
    buttons.classList.add("llm-map-buttons");

    element.addEventListener("keydown", (event) => {
      const found = actions.find(([, , , keys]) => keys.includes(event.key));
      if (found && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        found[2]();
      }
    });
    dragAndClick();
    new ResizeObserver(draw).observe(element);

    function dragAndClick() {
      let from = null;
      drawing.addEventListener("pointerdown", (event) => {
        from = { x: event.clientX, y: event.clientY, view, moved: false };
      });
      drawing.addEventListener("pointermove", (event) => {
        if (!from || event.pointerType === "touch" || !event.buttons) {
          return; // a finger scrolls the page
        }
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
        from.moved = from.moved || Math.hypot(dx, dy) > 4;
        if (from.moved) {
          const scale = scaleOf(size());
          look({ ...view, x: from.view.x - dx / scale, y: from.view.y + dy / scale });
        }
      });
      drawing.addEventListener("click", (event) => {
        const dragged = from && from.moved;
        from = null;
        const seen = drawing.getBoundingClientRect();
        const [x, y] = [event.clientX - seen.left, event.clientY - seen.top];
        const far = (point) => Math.hypot(point.x - x, point.y - y);
        const best = onScreen.reduce((a, b) => (!a || far(b) < far(a) ? b : a), null);
        if (!dragged && best && far(best) < REACH) {
          choose(best.place);
        }
      });
      drawing.addEventListener("wheel", (event) => {
        if (event.ctrlKey) { // alone, the wheel scrolls the page
          event.preventDefault();
          zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2);
        }
      }, { passive: false });
    }

    return {
      element, buttons, closeTo,
      // points: [{place, name, at: [x, y], group, rank}], the higher ranks in front;
      // lines: [{from: [x, y], to, kind, weight}]; label: what is seen, in words;
      // frame: the places that are seen at zoom 1; names: whether all are written.
      draw(given) {
        scene = given;
        whole = box(given.frame);
        scene.points.sort((a, b) => a.rank - b.rank);
        draw();
      },
    };
  }

  llm.embedding = Object.assign(llm.embedding || {}, { picture, mark });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
