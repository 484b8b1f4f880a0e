// Which of the listed texts a typed one means, as llm_notes.widgets.controls.nearest.
(function (llm) {
  "use strict";

  const NUMBER = /^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?$/i;
  const MOST = 8;

  function nearestNumber(wanted, numbers) {
    let best = 0;
    numbers.forEach((number, i) => {
      if (Math.abs(number - wanted) < Math.abs(numbers[best] - wanted)) {
        best = i;
      }
    });
    return best;
  }

  // The place of the listed text; -1 when none fits, or several do.
  function nearest(typed, texts) {
    if (texts.includes(typed)) {
      return texts.indexOf(typed);
    }
    const wanted = typed.trim().toLowerCase();
    if (!wanted) {
      return -1;
    }
    if ([wanted, ...texts].every((text) => NUMBER.test(text))) {
      return nearestNumber(Number(wanted), texts.map(Number));
    }
    const lower = texts.map((text) => text.toLowerCase());
    const fits = [
      (text) => text.trim() === wanted,
      (text) => text.startsWith(wanted),
      (text) => text.includes(wanted),
    ];
    for (const fit of fits) {
      const found = lower.flatMap((text, i) => (fit(text) ? [i] : []));
      if (found.length === 1) {
        return found[0];
      }
    }
    return -1;
  }

  function notListed(typed, texts) {
    const more = texts.length > MOST ? `, … (${texts.length} in all)` : "";
    return `“${typed}” is not one of: ${texts.slice(0, MOST).join(", ")}${more}`;
  }

  llm.explore = Object.assign(llm.explore || {}, { nearest, notListed });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
