// Cutting a text with one tokenizer without holding up the page: part by part.
//
// Knows twins of tokenizers (read.js), and what Python answers in a kernel.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};

  const PART = 4000; // UTF-16 units between two breaths

  // Parts that can be cut by themselves: no tokenizer goes on from a word into the
  // white space after it, and none looks back.
  function parts(text, size = PART) {
    const { isSpace } = llm.tokenizers.unicode;
    const found = [];
    let start = 0;
    while (start < text.length) {
      let end = Math.min(text.length, start + size);
      while (
        end < text.length && !(/[ \t\n\r]/.test(text[end]) && !isSpace(text[end - 1]))
      ) {
        end += 1;
      }
      found.push(text.slice(start, end));
      start = end;
    }
    return found;
  }

  function isUnknown(twin, id) {
    return id === null || id === twin.unknownId;
  }

  // {total, unknown, ids, pieces}, or null when `isCurrent()` turned false meanwhile.
  // At most `most` pieces are kept, for drawing; ids are all.
  async function cut(twin, text, most, isCurrent) {
    const ids = [];
    const pieces = [];
    let bytesBefore = 0;
    for (const part of parts(text)) {
      await llm.dom.slice();
      if (!isCurrent()) {
        return null;
      }
      const found = twin.pieces(part, true);
      for (const piece of found) {
        ids.push(piece.id);
        if (pieces.length < most) {
          const [start, end] = [piece.start + bytesBefore, piece.end + bytesBefore];
          pieces.push({ ...piece, start, end, isUnknown: isUnknown(twin, piece.id) });
        }
      }
      bytesBefore += llm.tokenizers.text.bytesOf(part).length;
    }
    const unknown = ids.reduce((n, id) => n + (isUnknown(twin, id) ? 1 : 0), 0);
    return { total: ids.length, unknown, ids, pieces };
  }

  // The same from Python's answer {ids, pieces: [[id, start, end], …]}.
  function fromAnswer(twin, answer, text) {
    const bytes = llm.tokenizers.text.bytesOf(text);
    const pieces = answer.pieces.map(([id, start, end]) => {
      const own = bytes.subarray(start, end);
      return {
        id, start, end, bytes: Array.from(own), isUnknown: isUnknown(twin, id),
        text: id === null ? llm.tokenizers.text.textOf(own) : twin.text(id),
      };
    });
    const unknown = answer.ids.reduce((n, id) => n + (isUnknown(twin, id) ? 1 : 0), 0);
    return { total: answer.ids.length, unknown, ids: answer.ids, pieces };
  }

  llm.tokenizers.parts = parts;
  llm.tokenizers.cut = cut;
  llm.tokenizers.fromAnswer = fromAnswer;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
