// How byte-pair encoding came to a text's tokens: one merge after the other.
//
// A merge needs tokens that were there before it, so the merges that a text uses were
// applied in the order of their ids. Undoing all tokens above an id therefore gives the
// text as it was after that merge. Knows a twin's `parts` and `bytes`.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};

  // The ids of all tokens that were made on the way to these, ascending.
  function mergesUsed(twin, ids) {
    const used = new Set();
    const waiting = [...new Set(ids)];
    while (waiting.length) {
      const id = waiting.pop();
      const parts = twin.parts(id);
      if (parts && !used.has(id)) {
        used.add(id);
        waiting.push(...parts);
      }
    }
    return [...used].sort((a, b) => a - b);
  }

  // A function from an id to the ids it was before all merges above `highest`.
  function undoing(twin, highest) {
    const known = new Map();
    function undo(id) {
      if (!known.has(id)) {
        const parts = id > highest ? twin.parts(id) : null;
        known.set(id, parts ? parts.flatMap(undo) : [id]);
      }
      return known.get(id);
    }
    return undo;
  }

  // {total, pieces}: the tokens after the merges up to `highest`; at most `most` pieces.
  function tokensAfter(twin, ids, highest, most) {
    const undo = undoing(twin, highest);
    const pieces = [];
    let total = 0;
    let start = 0;
    for (const whole of ids) {
      const parts = undo(whole);
      total += parts.length;
      for (let i = 0; i < parts.length && pieces.length < most; i += 1) {
        const id = parts[i];
        const bytes = [...twin.bytes(id)];
        const end = start + bytes.length;
        const isNew = id === highest; // made by the last merge
        pieces.push({ id, text: twin.text(id), bytes, start, end, isNew });
        start = end;
      }
    }
    return { total, pieces };
  }

  llm.tokenizers.mergesUsed = mergesUsed;
  llm.tokenizers.tokensAfter = tokensAfter;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
