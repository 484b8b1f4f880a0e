// Where attention looks: all heads at a glance, then one with lines between its tokens.
//
// data: {items: [{title, queries, keys, causal, shape: [L, H, T, S], weights}]}; weights
// are base64 of 16-bit integers, 65535 for one, row by row. Knows no model.
(function (llm) {
  "use strict";

  const ROW = 26; // px from token to token
  const GAP = 150; // px between the two columns

  function decoded(item) {
    const letters = atob(item.weights);
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    const numbers = new Uint16Array(bytes.buffer);
    const [, , t, s] = item.shape;
    return (layer, head) => {
      const start = (layer * item.shape[1] + head) * t * s;
      return Float32Array.from(numbers.subarray(start, start + t * s), (w) => w / 65535);
    };
  }

  // The weights of one layer: a head, or the mean or the largest over its heads.
  function chosenWeights(item, weightsOf, layer, head) {
    if (head >= 0) {
      return weightsOf(layer, head);
    }
    const all = Array.from({ length: item.shape[1] }, (_, h) => weightsOf(layer, h));
    return all[0].map((_, i) => {
      const column = all.map((one) => one[i]);
      return head === -1 ? column.reduce((a, b) => a + b, 0) / all.length : Math.max(...column);
    });
  }

  // What a head does on the whole: the habit that takes most of its weight.
  function habit(item, weights) {
    const [, , nQueries, nKeys] = item.shape;
    const sums = { "the first token": 0, "the token before": 0, itself: 0 };
    for (let t = 1; t < nQueries; t += 1) {
      sums["the first token"] += weights[t * nKeys];
      if (item.queries === item.keys || nQueries === nKeys) {
        sums["the token before"] += weights[t * nKeys + t - 1];
        sums.itself += weights[t * nKeys + t];
      }
    }
    const [name, sum] = Object.entries(sums).sort((a, b) => b[1] - a[1])[0];
    return `${(sum / Math.max(1, nQueries - 1)).toFixed(2)} on ${name}`;
  }

  // A map as a small picture; the colours are those of the page's theme.
  function paintMap(canvas, item, weights) {
    const [, , nQueries, nKeys] = item.shape;
    canvas.width = nKeys;
    canvas.height = nQueries;
    const style = getComputedStyle(canvas);
    const parse = (name) => {
      const hex = style.getPropertyValue(name).trim().replace("#", "");
      const full = hex.length === 3 ? [...hex].map((c) => c + c).join("") : hex;
      return [0, 2, 4].map((i) => parseInt(full.slice(i, i + 2), 16));
    };
    const [paper, heat, line] = ["--llm-paper", "--llm-heat", "--llm-line"].map(parse);
    const context = canvas.getContext("2d");
    const image = context.createImageData(nKeys, nQueries);
    for (let t = 0; t < nQueries; t += 1) {
      for (let s = 0; s < nKeys; s += 1) {
        const hidden = item.causal && s > t + nKeys - nQueries;
        const w = hidden ? 0.25 : Math.sqrt(weights[t * nKeys + s]);
        for (let c = 0; c < 3; c += 1) {
          const top = hidden ? line[c] : heat[c];
          image.data[4 * (t * nKeys + s) + c] = paper[c] + w * (top - paper[c]);
        }
        image.data[4 * (t * nKeys + s) + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  }

  // The grid of all heads, a toolbar: one stop for Tab, arrows move within it.
  function headGrid(choose) {
    const { make } = llm.dom;
    const element = make("div", { class: "llm-head-grid", role: "toolbar" });
    element.setAttribute("aria-label", "attention heads, layers from top to bottom");
    let buttons = [];
    let shape = [0, 0];

    function focusOn(place) {
      buttons.forEach((button, i) => button.setAttribute("tabindex", i === place ? "0" : "-1"));
    }

    element.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -shape[1], ArrowDown: shape[1] };
      const at = buttons.indexOf(document.activeElement);
      const next = at + moves[event.key];
      if (event.key in moves && buttons[next]) {
        event.preventDefault();
        focusOn(next);
        buttons[next].focus();
        buttons[next].click();
      }
    });

    return {
      element,
      draw(item, weightsOf) {
        const [nLayers, nHeads] = item.shape;
        shape = [nLayers, nHeads];
        element.style.gridTemplateColumns = `repeat(${nHeads}, minmax(0, 4.5rem))`;
        buttons = [];
        element.replaceChildren();
        for (let i = 0; i < nLayers * nHeads; i += 1) {
          const [layer, head] = [Math.floor(i / nHeads), i % nHeads];
          const canvas = make("canvas", { "aria-hidden": "true" });
          const weights = weightsOf(layer, head);
          const button = make("button", {
            type: "button", class: "llm-head",
            "aria-label": `layer ${layer}, head ${head}: ${habit(item, weights)}`,
          }, canvas);
          button.addEventListener("click", () => {
            focusOn(i);
            choose(layer, head);
          });
          buttons.push(button);
          element.append(button);
          paintMap(canvas, item, weights);
        }
        focusOn(0);
      },
      mark(layer, head) {
        buttons.forEach((button, i) =>
          button.setAttribute("aria-pressed", String(i === layer * shape[1] + head))
        );
      },
    };
  }

  // A column of tokens: hover, tap, or focus and arrows choose one.
  function tokenColumn(label, choose) {
    const { make, visible } = llm.dom;
    const element = make("div", {
      class: "llm-token-column", role: "listbox", "aria-label": label, tabindex: "0",
    });
    const id = `llm-column-${Math.random().toString(36).slice(2)}`;
    let cells = [];
    let chosen = -1;

    function select(place) {
      chosen = Math.max(0, Math.min(cells.length - 1, place));
      element.setAttribute("aria-activedescendant", cells[chosen].id);
      choose(chosen);
    }
    element.addEventListener("keydown", (event) => {
      const moves = {
        ArrowUp: chosen - 1, ArrowDown: chosen + 1, Home: 0, End: cells.length - 1,
      };
      if (event.key in moves) {
        event.preventDefault();
        select(moves[event.key]);
      }
    });
    for (const name of ["pointerover", "click"]) {
      element.addEventListener(name, (event) => {
        const place = cells.indexOf(event.target.closest(".llm-cell"));
        if (place >= 0 && (name === "click" || event.pointerType === "mouse")) {
          select(place);
        }
      });
    }
    return {
      element,
      draw(tokens) {
        cells = tokens.map((token, i) =>
          make("div", {
            class: "llm-cell", role: "option", id: `${id}-${i}`, "aria-selected": "false",
          }, visible(token))
        );
        element.replaceChildren(...cells);
        chosen = -1;
      },
      // weights: how strongly each token is shaded; null leaves them plain.
      shade(weights, selected) {
        cells.forEach((cell, i) => {
          llm.dom.heat(cell, weights ? weights[i] : 0);
          cell.setAttribute("aria-selected", String(i === selected));
        });
      },
    };
  }

  // Draws one set of maps; `update` takes another: also for models that run in the page.
  function attentionView(mount) {
    const { make, svg, choice, visible } = llm.dom;
    const combine = choice({
      label: "show", value: 0,
      options: [
        [0, "the head chosen"], [-1, "mean of the layer's heads"],
        [-2, "largest of the layer's heads"],
      ],
    });
    const grid = headGrid((layer, head) => {
      state = { ...state, layer, head };
      combine.value = 0;
      showHead();
    });
    const left = tokenColumn("tokens that ask", (place) => showToken("query", place));
    const right = tokenColumn("tokens that are looked at", (place) => showToken("key", place));
    const lines = svg("svg", { class: "llm-lines", preserveAspectRatio: "none", role: "img" });
    const title = make("p", { class: "llm-panel-title" });
    const about = make("p", { role: "status", class: "llm-about" });
    const table = llm.dom.numbers("Weights of the chosen token");
    const names = make("div", { class: "llm-side-names llm-quiet" },
      make("span", {}, "asks"), make("span", {}, "is looked at"));
    const sides = make("div", { class: "llm-sides" }, left.element, lines, right.element);
    mount.append(
      grid.element, llm.dom.controls(combine), title, names,
      make("div", { class: "llm-scroll llm-sides-box" }, sides), about, table.element
    );
    let item = null;
    let weightsOf = null;
    let weights = null;
    let state = { layer: 0, head: 0, side: "query", place: -1 };

    const nKeys = () => item.shape[3];
    const rowOf = (t) => weights.subarray(t * nKeys(), (t + 1) * nKeys());
    const columnOf = (s) => item.queries.map((_, t) => weights[t * nKeys() + s]);

    function drawLines(pairs) {
      const height = ROW * Math.max(item.queries.length, item.keys.length);
      lines.setAttribute("height", height);
      lines.setAttribute("viewBox", `0 0 ${GAP} ${height}`);
      lines.replaceChildren(...pairs.filter(([, , w]) => w > 0.01).map(([t, s, w]) =>
        svg("line", {
          x1: 0, y1: ROW * (t + 0.5), x2: GAP, y2: ROW * (s + 0.5),
          "stroke-width": (0.4 + 5 * w).toFixed(2), "stroke-opacity": (0.15 + 0.85 * w).toFixed(2),
        })
      ));
    }

    function strongest(list, tokens) {
      return llm.sampling.ranked(list).slice(0, 3).filter((i) => list[i] > 0)
        .map((i) => `“${visible(tokens[i])}” ${list[i].toFixed(2)}`).join(", ") || "nothing";
    }

    function showToken(side, place) {
      state = { ...state, side, place };
      if (side === "query") {
        const row = rowOf(place);
        const sum = row.reduce((a, b) => a + b, 0);
        left.shade(null, place);
        right.shade(row, -1);
        drawLines([...row].map((w, s) => [place, s, w]));
        about.textContent =
          `“${visible(item.queries[place])}” looks at ${strongest(row, item.keys)}. ` +
          `Its weights sum to ${sum.toFixed(3)}.`;
        table.update(["looked at", "weight"], [...row].map((w, s) => [item.keys[s], w.toFixed(4)]));
      } else {
        const column = columnOf(place);
        right.shade(null, place);
        left.shade(column, -1);
        drawLines(column.map((w, t) => [t, place, w]));
        about.textContent =
          `“${visible(item.keys[place])}” is looked at by ${strongest(column, item.queries)}.`;
        table.update(["who asks", "weight"], column.map((w, t) => [item.queries[t], w.toFixed(4)]));
      }
      lines.setAttribute("aria-label", about.textContent);
    }

    function showHead() {
      const { layer, head } = state;
      weights = chosenWeights(item, weightsOf, layer, combine.value < 0 ? combine.value : head);
      grid.mark(layer, combine.value < 0 ? -1 - nKeys() : head);
      const which = combine.value < 0 ? combine.input.selectedOptions[0].textContent : `head ${head}`;
      title.textContent = `Layer ${layer}, ${which}: mean weight ${habit(item, weights)}.`;
      const hides = item.causal ? " What comes later is behind the mask." : "";
      if (state.place >= 0) {
        showToken(state.side, state.place);
        return;
      }
      left.shade(null, -1);
      right.shade(null, -1);
      drawLines(item.queries.flatMap((_, t) => [...rowOf(t)].map((w, s) => [t, s, w])));
      about.textContent = `Choose a token to see where it looks, and who looks at it.${hides}`;
      lines.setAttribute("aria-label", `${title.textContent}${hides}`);
      table.update(
        ["asks", ...item.keys],
        item.queries.map((token, t) => [token, ...[...rowOf(t)].map((w) => w.toFixed(2))])
      );
    }

    combine.listen(showHead);
    return {
      // given: an item of the data; read(layer, head): its weights, if not in the item.
      update(given, read = null) {
        item = given;
        weightsOf = read || decoded(given);
        state = { layer: 0, head: 0, side: "query", place: -1 };
        combine.value = 0;
        grid.draw(item, weightsOf);
        left.draw(item.queries);
        right.draw(item.keys);
        showHead();
      },
      get state() {
        return state;
      },
      restore({ layer, head, side, place }) {
        const [nLayers, nHeads] = item.shape;
        if (layer < nLayers && head < nHeads && layer >= 0 && head >= 0) {
          const n = side === "key" ? item.keys.length : item.queries.length;
          state = { layer, head, side: side === "key" ? "key" : "query", place: place < n ? place : -1 };
          showHead();
        }
      },
    };
  }

  llm.widgets = llm.widgets || {};
  llm.widgets.attention = function (mount, data, host) {
    const { choice, make, textField, button } = llm.dom;
    const which = choice({
      label: "text", value: 0, options: data.items.map(({ title }, i) => [i, title]),
    });
    const place = make("div", {});
    mount.classList.add("llm-attention");
    mount.append(...(data.items.length > 1 ? [llm.dom.controls(which)] : []));
    if (host.ask) {
      const field = textField({ label: "Your own text (Python computes)", maxLength: 300 });
      const press = button({ label: "Show" });
      const note = make("p", { role: "status", class: "llm-quiet" });
      press.listen(async () => {
        try {
          const { item } = await host.ask({ text: field.value });
          note.textContent = "";
          view.update(item);
        } catch (error) {
          note.textContent = error.message;
        }
      });
      mount.append(field.element, llm.dom.controls(press), note);
    }
    mount.append(place);
    const view = attentionView(place);
    const remember = () =>
      llm.fragment.set(host.key, { text: which.value, ...view.state });
    which.listen((i) => {
      view.update(data.items[i]);
      remember();
    });
    place.addEventListener("click", remember);
    place.addEventListener("keyup", remember);
    const saved = llm.fragment.get(host.key) || {};
    const start = data.items[saved.text] ? saved.text : 0;
    which.value = start;
    view.update(data.items[start]);
    if (Number.isInteger(saved.layer)) {
      view.restore(saved);
    }
  };
  llm.attentionView = attentionView;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
