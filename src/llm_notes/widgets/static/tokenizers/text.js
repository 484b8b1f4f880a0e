// Texts and their bytes, special tokens, ids: what all tokenizers need.
//
// Twin of llm_notes.data.tokenizers.text, .special_tokens and .word_cache. Texts are
// read by code points, as Python reads them. Knows no tokenizer.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};

  const N_WORDS = 2 ** 16;
  const LONGEST_WORD = 100; // longer ones rarely come again
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  function codePoint(character) {
    const code = character.codePointAt(0).toString(16).toUpperCase();
    return "U+" + code.padStart(4, "0");
  }

  // Throws at the first lone surrogate: half a character has no UTF-8 form.
  function requireEncodable(text) {
    const found = /\p{Cs}/u.exec(text);
    if (found) {
      const position = Array.from(text.slice(0, found.index)).length;
      throw new Error(
        `the text holds a lone surrogate, ${codePoint(found[0])}, at position ` +
        `${position}; it is half a character and has no UTF-8 form. Drop it`
      );
    }
  }

  // The number of bytes of the UTF-8 character that begins at `at`; 0 for a stray byte.
  function characterLength(bytes, at) {
    const first = bytes[at];
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length === 1) {
      return 1;
    }
    if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) {
      return 0;
    }
    // The second byte rules out overlong forms, surrogates and what lies past U+10FFFF.
    const low = { 0xe0: 0xa0, 0xf0: 0x90 }[first] || 0x80;
    const high = { 0xed: 0x9f, 0xf4: 0x8f }[first] || 0xbf;
    if (bytes[at + 1] < low || bytes[at + 1] > high) {
      return 0;
    }
    for (let i = at + 2; i < at + length; i += 1) {
      if (bytes[i] < 0x80 || bytes[i] > 0xbf) {
        return 0;
      }
    }
    return length;
  }

  // The sign of a byte that is no whole character, as Python's tokenizers write it.
  function byteLabel(byte) {
    return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
  }

  // A token's bytes as text; each byte that is no whole character as <0xE4>.
  function labelOfBytes(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length;) {
      const length = characterLength(bytes, at);
      text += length
        ? decoder.decode(bytes.subarray(at, at + length))
        : byteLabel(bytes[at]);
      at += length || 1;
    }
    return text;
  }

  // {token: id}: those that the vocabulary lists keep their id, others follow it.
  function numberSpecialTokens(tokens, firstId, listed = new Map()) {
    const ids = new Map();
    let following = firstId;
    for (const token of tokens || []) {
      if (typeof token !== "string" || !token || ids.has(token)) {
        throw new Error(`a special token is ${JSON.stringify(token)} or given twice`);
      }
      requireEncodable(token);
      ids.set(token, listed.has(token) ? listed.get(token) : following);
      following += listed.has(token) ? 0 : 1;
    }
    return ids;
  }

  // Ordinary text, special token, ordinary text, …; the longest token first.
  function splitAtSpecialTokens(text, allowed, known) {
    const tokens = [...new Set(allowed)];
    const strange = tokens.find((token) => !known.has(token));
    if (strange !== undefined) {
      throw new Error(
        `${JSON.stringify(strange)} is no special token; known are ` +
        JSON.stringify([...known.keys()])
      );
    }
    if (!tokens.length) {
      return [text];
    }
    tokens.sort((a, b) => b.length - a.length);
    const literal = tokens.map((token) => token.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    return text.split(new RegExp(`(${literal.join("|")})`));
  }

  // A function that remembers the ids of words; emptied when it is full.
  function remembering(encodeWord) {
    const known = new Map();
    return function (word) {
      let ids = known.get(word);
      if (ids === undefined) {
        ids = encodeWord(word);
        if (word.length <= LONGEST_WORD) {
          if (known.size >= N_WORDS) {
            known.clear();
          }
          known.set(word, ids);
        }
      }
      return ids;
    };
  }

  llm.tokenizers.text = {
    codePoint, requireEncodable, byteLabel, labelOfBytes, numberSpecialTokens,
    splitAtSpecialTokens, remembering,
    bytesOf: (text) => encoder.encode(text),
    textOf: (bytes) => decoder.decode(bytes),
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
