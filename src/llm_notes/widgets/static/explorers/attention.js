// Attention of one text: all heads at a glance, one head with lines between its tokens.
//
// llm.attentionView(mount) draws what its `update` is given: an item {queries, keys,
// causal, shape: [L, H, T, S]}, and read(layer, head), the T x S weights of a head, row
// by row. Tokens of an item whose keys are its queries stand in one text. `hidden` of
// an item, T x S, is 1 behind its mask, where it is not the causal one. Knows no model,
// and not where weights come from; the large matrix is attention_matrix.js's.
(function (llm) {
  "use strict";

  const ROW = 26; // px from token to token
  const GAP = 150; // px between the two columns
  const FAINT = 0.01; // weights below get no line
  const LONGEST = 60; // characters of a token that are shown

  // A token as it is shown: all of it visible, and not without end.
  function named(token) {
    const text = String(token);
    const cut = text.length > LONGEST;
    const start = cut ? text.slice(0, LONGEST).replace(/[\ud800-\udbff]$/, "") + "…" : text;
    return llm.dom.visible(start);
  }

  function hiddenOf({ causal, hidden, shape: [, , nQueries, nKeys] }) {
    if (hidden) {
      return (t, s) => Boolean(hidden[t * nKeys + s]);
    }
    return causal ? (t, s) => s > t + nKeys - nQueries : () => false;
  }

  // The weights of one head, or the mean or the largest over the heads of its layer.
  function combined(item, weightsOf, layer, head, how) {
    if (how === "head") {
      return weightsOf(layer, head);
    }
    const nHeads = item.shape[1];
    const result = Float32Array.from(weightsOf(layer, 0));
    for (let h = 1; h < nHeads; h += 1) {
      weightsOf(layer, h).forEach((w, i) => {
        result[i] = how === "mean" ? result[i] + w : Math.max(result[i], w);
      });
    }
    return how === "mean" ? result.map((w) => w / nHeads) : result;
  }

  // What a head does on the whole: the habit that takes most of its weight. The first
  // row is left out where there is nothing else to look at.
  function habit(item, weights) {
    const [, , nQueries, nKeys] = item.shape;
    const oneText = item.keys === item.queries;
    const sums = oneText
      ? { "the first token": 0, "the token before": 0, itself: 0 }
      : { "the first token": 0, "the strongest token": 0 };
    const first = oneText && nQueries > 1 ? 1 : 0;
    for (let t = first; t < nQueries; t += 1) {
      sums["the first token"] += weights[t * nKeys];
      if (oneText) {
        sums["the token before"] += t ? weights[t * nKeys + t - 1] : 0;
        sums.itself += weights[t * nKeys + t];
      } else {
        sums["the strongest token"] += Math.max(...weights.subarray(t * nKeys, (t + 1) * nKeys));
      }
    }
    const [name, sum] = Object.entries(sums).sort((a, b) => b[1] - a[1])[0];
    return `${(sum / (nQueries - first)).toFixed(2)} on ${name}`;
  }

  // Colours of the theme around an element, each as [red, green, blue].
  function colours(element) {
    const style = getComputedStyle(element);
    const parse = (name) => {
      const hex = style.getPropertyValue(name).trim().replace("#", "");
      const full = hex.length === 3 ? [...hex].map((c) => c + c).join("") : hex;
      return [0, 2, 4].map((i) => parseInt(full.slice(i, i + 2), 16));
    };
    const names = ["paper", "heat", "line", "quiet", "1", "2"];
    return Object.fromEntries(names.map((name) => [name, parse(`--llm-${name}`)]));
  }

  // From one colour to another. A share grows with the square root of a weight, so that
  // small weights can be seen.
  function mixed(from, to, share) {
    return from.map((channel, i) => Math.round(channel + share * (to[i] - channel)));
  }

  // Pictures on a canvas know no style sheet: they are painted anew with the theme.
  function onTheme(element, repaint) {
    const watcher = new MutationObserver(() =>
      element.isConnected ? repaint() : watcher.disconnect()
    );
    watcher.observe(document.documentElement, {
      attributes: true, attributeFilter: ["data-theme"],
    });
    watcher.observe(document.body, {
      attributes: true, attributeFilter: ["data-jp-theme-light", "class"],
    });
  }

  // A map as a small picture: one pixel for each weight.
  function paintMap(canvas, item, weights) {
    const [, , nQueries, nKeys] = item.shape;
    const isHidden = hiddenOf(item);
    const { paper, heat, line } = colours(canvas);
    canvas.width = nKeys;
    canvas.height = nQueries;
    const context = canvas.getContext("2d");
    const image = context.createImageData(nKeys, nQueries);
    for (let i = 0; i < nQueries * nKeys; i += 1) {
      const hides = isHidden(Math.floor(i / nKeys), i % nKeys);
      const colour = hides ? mixed(paper, line, 0.3) : mixed(paper, heat, Math.sqrt(weights[i]));
      image.data.set([...colour, 255], 4 * i);
    }
    context.putImageData(image, 0, 0);
  }

  // The grid of all heads, a toolbar: one stop for Tab, arrows move within it.
  function headGrid(choose) {
    const { make } = llm.dom;
    const element = make("div", {
      class: "llm-head-grid", role: "toolbar",
      "aria-label": "attention heads, layers from top to bottom",
    });
    let buttons = [];
    let shape = [0, 0];
    let repaint = () => {};

    function stop(place) {
      buttons.forEach((button, i) => button.setAttribute("tabindex", i === place ? "0" : "-1"));
    }

    function press(button) {
      const place = buttons.indexOf(button);
      choose(Math.floor(place / shape[1]), place % shape[1]);
    }

    function cells(layer, item, weightsOf) {
      return Array.from({ length: shape[1] }, (_, head) => {
        const about = habit(item, weightsOf(layer, head));
        const label = `layer ${layer}, head ${head}: ${about}`;
        const button = make(
          "button", { type: "button", class: "llm-head", "aria-label": label, title: label },
          make("canvas", { "aria-hidden": "true" })
        );
        button.addEventListener("click", () => press(button));
        buttons.push(button);
        return button;
      });
    }

    element.addEventListener("keydown", (event) => {
      const place = buttons.indexOf(document.activeElement);
      const row = place - (place % shape[1]);
      const next = {
        ArrowLeft: place % shape[1] ? place - 1 : -1,
        ArrowRight: (place + 1) % shape[1] ? place + 1 : -1,
        ArrowUp: place - shape[1], ArrowDown: place + shape[1],
        Home: row, End: row + shape[1] - 1,
      }[event.key];
      if (next !== undefined && place >= 0) {
        event.preventDefault();
        if (buttons[next]) {
          buttons[next].focus();
          press(buttons[next]);
        }
      }
    });
    onTheme(element, () => repaint());

    return {
      element,
      draw(item, weightsOf) {
        shape = item.shape.slice(0, 2);
        element.style.gridTemplateColumns = `auto repeat(${shape[1]}, minmax(26px, 4.5rem))`;
        buttons = [];
        const label = (text) => make("span", { class: "llm-quiet" }, text);
        const heads = Array.from({ length: shape[1] }, (_, head) => label(`head ${head}`));
        const rows = Array.from({ length: shape[0] }, (_, layer) => [
          label(`layer ${layer}`), ...cells(layer, item, weightsOf),
        ]);
        element.replaceChildren(label(""), ...heads, ...rows.flat());
        repaint = () => buttons.forEach((button, i) =>
          paintMap(button.firstChild, item, weightsOf(Math.floor(i / shape[1]), i % shape[1]))
        );
        repaint();
      },
      // whole: the mean or the largest of a layer is shown, and no single head.
      mark(layer, head, whole) {
        const place = layer * shape[1] + head;
        stop(place);
        buttons.forEach((button, i) => {
          const isOn = whole ? Math.floor(i / shape[1]) === layer : i === place;
          button.setAttribute("aria-pressed", String(isOn));
        });
      },
    };
  }

  // A column of tokens: a click, a tap or arrows choose one, and Escape lets it go; the
  // mouse over one shows it for as long, preview(-1) ends that.
  function tokenColumn(label, choose, preview, leave) {
    const { make } = llm.dom;
    const element = make("div", {
      class: "llm-token-column", role: "listbox", "aria-label": label, tabindex: "0",
    });
    const id = `llm-column-${Math.random().toString(36).slice(2)}`;
    let cells = [];
    let names = [];
    let chosen = -1;

    element.addEventListener("keydown", (event) => {
      const last = cells.length - 1;
      const next = {
        ArrowUp: Math.max(0, chosen - 1), ArrowDown: Math.min(last, chosen + 1),
        Home: 0, End: last,
      }[event.key];
      if (next !== undefined) {
        choose(next);
        cells[next].scrollIntoView({ block: "nearest", inline: "nearest" });
      } else if (["ArrowLeft", "ArrowRight", "Escape"].includes(event.key)) {
        leave(event.key === "Escape");
      } else {
        return;
      }
      event.preventDefault();
    });
    for (const [name, then] of [["pointerover", preview], ["click", choose]]) {
      element.addEventListener(name, (event) => {
        const place = cells.indexOf(event.target.closest(".llm-cell"));
        if (place >= 0 && (name === "click" || event.pointerType === "mouse")) {
          then(place);
        }
      });
    }
    element.addEventListener("pointerleave", () => preview(-1));
    return {
      element,
      draw(tokens) {
        names = tokens.map(named);
        cells = names.map((name, i) =>
          make("div", { class: "llm-cell", role: "option", id: `${id}-${i}` },
            make("bdi", {}, name))
        );
        element.replaceChildren(...cells);
      },
      // weights: how strongly each token is shaded; null leaves them plain.
      // hides(i): whether the mask stands before token i.
      shade(weights, selected, hides = () => false) {
        chosen = selected;
        cells.forEach((cell, i) => {
          const hidden = weights !== null && hides(i);
          const said = weights === null ? "" : hidden
            ? ", behind the mask" : `, ${weights[i].toFixed(2)}`;
          llm.dom.heat(cell, weights && !hidden ? weights[i] : 0);
          cell.classList.toggle("llm-masked", hidden);
          cell.setAttribute("aria-label", names[i] + said);
          cell.setAttribute("aria-selected", String(i === selected));
        });
        if (selected >= 0) {
          element.setAttribute("aria-activedescendant", cells[selected].id);
        } else {
          element.removeAttribute("aria-activedescendant");
        }
      },
    };
  }

  // The lines between both columns, as wide as the weights.
  function tokenLines() {
    const { svg } = llm.dom;
    const element = svg("svg", { class: "llm-lines", preserveAspectRatio: "none", role: "img" });
    return {
      element,
      // pairs: [[query, key, weight], ...]
      draw(nRows, pairs, label) {
        element.setAttribute("height", ROW * nRows);
        element.setAttribute("viewBox", `0 0 ${GAP} ${ROW * nRows}`);
        element.setAttribute("aria-label", label);
        element.replaceChildren(...pairs.filter(([, , w]) => w > FAINT).map(([t, s, w]) =>
          svg("line", {
            x1: 0, y1: ROW * (t + 0.5), x2: GAP, y2: ROW * (s + 0.5),
            "stroke-width": (0.4 + 5 * w).toFixed(2),
            "stroke-opacity": (0.15 + 0.85 * w).toFixed(2),
          })
        ));
      },
    };
  }

  function strongest(list, tokens) {
    const order = [...list.keys()].sort((a, b) => list[b] - list[a] || a - b);
    return order.slice(0, 3).filter((i) => list[i] >= 0.005)
      .map((i) => `“${named(tokens[i])}” ${list[i].toFixed(2)}`).join(", ") || "nothing";
  }

  const HOW = [
    ["head", "one head"], ["mean", "mean of the layer's heads"],
    ["largest", "largest of the layer's heads"],
  ];
  const total = (list) => list.reduce((sum, weight) => sum + weight, 0);

  function attentionView(mount) {
    const { make, choice } = llm.dom;
    const start = { layer: 0, head: 0, side: "query", place: -1, how: "head" };
    let state = { ...start };
    let pointed = null; // {side, place} under the mouse, shown instead of what was chosen
    let item = null;
    let weightsOf = null;
    let weights = null;
    let isHidden = null;
    let drawn = null; // the layer, head and mean whose weights are read

    const set = (change) => {
      state = { ...state, ...change };
      pointed = null;
      show();
    };
    const preview = (side) => (place) => {
      const now = pointed || state;
      const isSame = place < 0 ? !pointed : now.side === side && now.place === place;
      if (!isSame) {
        pointed = place < 0 ? null : { side, place };
        show();
      }
    };
    const how = choice({ label: "show", value: "head", options: HOW });
    how.listen((value) => set({ how: value }));
    const grid = headGrid((layer, head) => set({ layer, head, how: "head" }));
    const leave = (to) => (lets) => {
      set({ place: -1 });
      return lets || to().element.focus();
    };
    const left = tokenColumn(
      "tokens that ask", (place) => set({ side: "query", place }), preview("query"),
      leave(() => right)
    );
    const right = tokenColumn(
      "tokens that are looked at", (place) => set({ side: "key", place }), preview("key"),
      leave(() => left)
    );
    const lines = tokenLines();
    const matrix = llm.attentionMatrix
      ? llm.attentionMatrix((place) => set({ side: "query", place }), preview("query")) : null;
    const title = make("p", { class: "llm-panel-title" });
    const about = make("p", { role: "status", class: "llm-about" });
    const table = llm.dom.numbers("Weights");
    mount.append(
      make("div", { class: "llm-head-box" }, grid.element), llm.dom.controls(how), title,
      make("div", { class: "llm-side-names llm-quiet" },
        make("span", {}, "asks"), make("span", {}, "is looked at")),
      make("div", { class: "llm-scroll llm-sides-box" },
        make("div", { class: "llm-sides" }, left.element, lines.element, right.element)),
      about, ...(matrix ? [matrix.element] : []), table.element
    );

    const rowOf = (t) => [...weights.subarray(t * item.shape[3], (t + 1) * item.shape[3])];
    const columnOf = (s) => item.queries.map((_, t) => weights[t * item.shape[3] + s]);
    const number = (t, s, w) => (isHidden(t, s) ? "masked" : w.toFixed(4));

    function aboutQuery(t) {
      const row = rowOf(t);
      const n = row.filter((_, s) => isHidden(t, s)).length;
      const masked = n ? ` ${n} of ${row.length} tokens are behind the mask.` : "";
      left.shade(null, t);
      right.shade(row, -1, (s) => isHidden(t, s));
      table.update(["looked at", "weight"], row.map((w, s) => [named(item.keys[s]), number(t, s, w)]));
      about.textContent = `“${named(item.queries[t])}” looks at ${strongest(row, item.keys)}. ` +
        `Its weights sum to ${total(row).toFixed(3)}.${masked}`;
      return row.map((w, s) => [t, s, w]);
    }

    function aboutKey(s) {
      const column = columnOf(s);
      right.shade(null, s);
      left.shade(column, -1, (t) => isHidden(t, s));
      table.update(["who asks", "weight"], column.map((w, t) => [named(item.queries[t]), number(t, s, w)]));
      about.textContent =
        `“${named(item.keys[s])}” is looked at by ${strongest(column, item.queries)}. ` +
        `It gets ${total(column).toFixed(2)} in all from ${column.length} tokens.`;
      return column.map((w, t) => [t, s, w]);
    }

    function aboutAll() {
      left.shade(null, -1);
      right.shade(null, -1);
      table.update(
        ["asks", ...item.keys.map(named), "sum"],
        item.queries.map((token, t) => {
          const row = rowOf(t);
          return [named(token), ...row.map((w, s) => number(t, s, w)), total(row).toFixed(3)];
        })
      );
      const hides = weights.some((_, i) => isHidden(Math.floor(i / item.shape[3]), i % item.shape[3]));
      about.textContent = "Choose a token to see where it looks, and who looks at it." +
        (hides ? " What is striped is behind the mask." : "");
      return item.queries.flatMap((_, t) => rowOf(t).map((w, s) => [t, s, w]));
    }

    function show() {
      const { layer, head } = state;
      const { side, place } = pointed || state;
      const which = state.how === "head"
        ? `head ${head}` : HOW.find(([key]) => key === state.how)[1];
      const name = [layer, head, state.how].join();
      const isNew = name !== drawn;
      drawn = name;
      weights = isNew ? combined(item, weightsOf, layer, head, state.how) : weights;
      how.value = state.how;
      grid.mark(layer, head, state.how !== "head");
      title.textContent = `Layer ${layer}, ${which}: mean weight ${habit(item, weights)}.`;
      const pairs = place < 0 ? aboutAll() : side === "query" ? aboutQuery(place) : aboutKey(place);
      const label = place < 0 ? title.textContent : about.textContent;
      lines.draw(Math.max(item.queries.length, item.keys.length), pairs, label);
      if (matrix) {
        if (isNew) {
          matrix.draw(item, weights, title.textContent);
        }
        matrix.mark(place < 0 ? null : side, place);
      }
    }

    const fits = (value, length) => Number.isInteger(value) && value >= 0 && value < length;
    // A state of which only what this item has is taken.
    function restore({ layer, head, side, place, how: kind }) {
      const [nLayers, nHeads, nQueries, nKeys] = item.shape;
      const isKey = side === "key";
      set({
        layer: fits(layer, nLayers) ? layer : 0,
        head: fits(head, nHeads) ? head : 0,
        side: isKey ? "key" : "query",
        place: fits(place, isKey ? nKeys : nQueries) ? place : -1,
        how: HOW.some(([key]) => key === kind) ? kind : "head",
      });
    }

    return {
      update(given, read) {
        item = given;
        weightsOf = read;
        isHidden = hiddenOf(item);
        drawn = null;
        grid.draw(item, weightsOf);
        left.draw(item.queries);
        right.draw(item.keys);
        restore({ ...state, place: -1 }); // another text, the same head
      },
      get state() {
        return { ...state };
      },
      restore,
    };
  }

  llm.attentionView = attentionView;
  // For attention_matrix.js and what shows it alone.
  llm.attentionParts = { named, hiddenOf, habit, colours, mixed, onTheme };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
