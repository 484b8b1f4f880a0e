// A sentence with gaps as tokens: [{id, text, isGap, start, end}].
//
// A gap is ___ or [MASK] in the text; `start` and `end` are places in its UTF-8 bytes, so
// that a token can be put where one stands. Knows no model.
(function (llm) {
  "use strict";

  const GAP = /_{2,}|\[MASK\]/;
  const SIGN = "___";

  const nBytes = (text) => llm.tokenizers.text.bytesOf(text).length;
  const hasSpaces = ({ kind }) => kind === "byte_pair" || kind === "unigram";

  // maskId stands at each gap. Where tokens hold spaces, the one before a gap is hidden too.
  function sentence(text, tokenizer, maskId) {
    const found = [];
    let at = 0;
    function add(part) {
      for (const piece of tokenizer.pieces(part)) {
        found.push({ ...piece, isGap: false, start: at + piece.start, end: at + piece.end });
      }
      at += nBytes(part);
    }
    let rest = text;
    for (let gap = GAP.exec(rest); gap; gap = GAP.exec(rest)) {
      let before = rest.slice(0, gap.index);
      const space = hasSpaces(tokenizer) && before.endsWith(" ") ? 1 : 0;
      before = before.slice(0, before.length - space);
      if (before) {
        add(before);
      }
      const end = at + space + nBytes(gap[0]);
      found.push({ id: maskId, text: SIGN, isGap: true, start: at, end });
      at = end;
      rest = rest.slice(gap.index + gap[0].length);
    }
    if (rest) {
      add(rest);
    }
    return found;
  }

  // The text with another token in the place of one of its own.
  function replaced(text, token, given) {
    const bytes = llm.tokenizers.text.bytesOf(text);
    const { textOf } = llm.tokenizers.text;
    return textOf(bytes.subarray(0, token.start)) + given + textOf(bytes.subarray(token.end));
  }

  llm.playground = Object.assign(llm.playground || {}, { sentence, replaced, hasSpaces });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
