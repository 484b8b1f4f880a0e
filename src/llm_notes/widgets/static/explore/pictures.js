// The pictures of an explorer and their numbers: which one stands where.
//
// Knows the data of twin.py and no control. Data becomes text or the source of an
// <img>, never markup.
(function (llm) {
  "use strict";

  function drawn(frame) {
    if (frame.svg === undefined) {
      return llm.dom.make("pre", { "aria-live": "polite", dir: "auto" }, frame.text);
    }
    const src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(frame.svg);
    return llm.dom.make("img", { class: "dark-light", src });
  }

  // A place for one picture. The new one comes only when it is ready to be painted: no
  // flicker. A faster hand than the decoder leaves the last one standing.
  function placeIn(holder) {
    let wanted = null;
    return function put(element) {
      wanted = element;
      const swap = () => wanted === element && holder.replaceChildren(element);
      if (element.tagName === "IMG" && element.decode) {
        element.decode().then(swap, swap);
      } else {
        swap();
      }
    };
  }

  // The view for each of n places: its index in data.views, the last control changing
  // fastest. A control that is compared has one place for each of its values.
  function viewIndices(data, chosen, n) {
    return Array.from({ length: n }, (_, j) =>
      data.texts.reduce(
        (index, texts, i) => index * texts.length + (i === data.compare ? j : chosen[i]), 0
      )
    );
  }

  // One table for all that is seen; with several pictures, the first column says whose.
  function merged(tables, label, texts) {
    const first = tables.find((table) => table) || { head: [], rows: [] };
    const named = (j, cells) => (texts ? [texts[j], ...cells] : cells);
    const rows = tables.flatMap((table, j) => {
      if (!table) {
        return [];
      }
      const same = table.head.join("\n") === first.head.join("\n");
      const all = same ? table.rows : [table.head, ...table.rows];
      return all.map((cells) => named(j, cells));
    });
    return { head: texts ? [label, ...first.head] : first.head, rows };
  }

  // {several, show(chosen) -> whether anything changed, description(), table}; `chosen`
  // is the place of each control's value; `table` is null where no frame has numbers.
  function pictures(root, data) {
    const holders = [...root.querySelectorAll(".llm-explore-picture")];
    const places = holders.map(placeIn);
    let shown = viewIndices(data, data.start, holders.length);
    // The pictures of the start are in the markup alone.
    const given = new Map(
      holders.map((holder, j) => [data.views[shown[j]][0], holder.firstElementChild])
    );
    const table = data.numbers && llm.dom.numbers(data.title);

    function picture([frame, description]) {
      const known = data.frames[frame];
      const made = known ? drawn(known) : given.get(frame).cloneNode(true);
      if (made.tagName === "IMG") {
        made.setAttribute("alt", data.descriptions[description]);
      }
      return made;
    }

    function fillTable() {
      const several = data.compare !== null;
      const tables = shown.map((view) => data.numbers[data.views[view][0]]);
      const { head, rows } = merged(
        tables, data.labels[data.compare], several ? data.texts[data.compare] : null
      );
      table.update(head, rows);
    }

    function show(chosen) {
      const before = shown;
      shown = viewIndices(data, chosen, holders.length);
      const moved = shown.flatMap((view, j) => (view === before[j] ? [] : [j]));
      moved.forEach((j) => places[j](picture(data.views[shown[j]])));
      if (moved.length && table) {
        fillTable();
      }
      return moved.length > 0;
    }

    if (table) {
      fillTable();
    }
    const description = () => data.descriptions[data.views[shown[0]][1]];
    return { several: data.compare !== null, show, description, table };
  }

  llm.explore = Object.assign(llm.explore || {}, { pictures });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
