// An alignment as a table: each row a token that is written, each column one that is read.
//
// A cell's shade is the weight with which the row looked at the column. Knows no model.
(function (llm) {
  "use strict";

  // update(rows, columns, weights): texts, and weights[row][column] from 0 to 1.
  function alignment(caption) {
    const { make, visible, heat } = llm.dom;
    const table = make("table", { class: "llm-alignment" });
    const element = make(
      "div", { class: "llm-scroll", role: "group", tabindex: "0", "aria-label": caption }, table
    );
    function cell(weight) {
      return heat(make("td", {}, weight >= 0.005 ? weight.toFixed(2).slice(1) : ""), weight);
    }
    function head(text, scope) {
      return make("th", { scope, dir: "auto" }, make("span", {}, visible(text)));
    }
    return {
      element,
      update(rows, columns, weights) {
        table.replaceChildren(
          make("caption", { class: "llm-quiet" }, caption),
          make("thead", {}, make("tr", {}, make("td"), columns.map((text) => head(text, "col")))),
          make("tbody", {}, rows.map((text, t) =>
            make("tr", {}, head(text, "row"), Array.from(weights[t], cell))
          ))
        );
      },
    };
  }

  llm.playground = Object.assign(llm.playground || {}, { alignment });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
