// Lets the keyboard reach what scrolls sideways inside itself: wide tables, code,
// equations and results. Only what is too wide now becomes a stop of the Tab key.
(function () {
  "use strict";
  const BOXES = "article pre, article .pst-scrollable-table-container, " +
    "article div.math, article .cell_output .text_html, article .cell_output > .output";

  function mark() {
    document.querySelectorAll(BOXES).forEach(function (box) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 &&
        getComputedStyle(box).overflowX !== "visible";
      if (scrolls) {
        box.setAttribute("tabindex", "0");
      } else {
        box.removeAttribute("tabindex");
      }
    });
  }

  function markLater() {
    const maths = window.MathJax && MathJax.startup && MathJax.startup.promise;
    Promise.resolve(maths).then(mark);
  }

  window.addEventListener("load", markLater);
  window.addEventListener("resize", mark);
  // What was folded away had no width when the page was loaded.
  document.addEventListener("toggle", mark, true);
  document.addEventListener("click", function () { setTimeout(mark, 50); });
})();
