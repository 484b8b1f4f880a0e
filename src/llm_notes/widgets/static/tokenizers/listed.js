// Tokenizers whose tokens are entries of a list: characters, words, word pieces.
//
// Twin of llm_notes.data.tokenizers.character, .word, .listed and .word_piece. Each kind
// gives `stretches(text)`: [id, start, end] of each token, in UTF-16 units of the text.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};
  llm.tokenizers.kinds = llm.tokenizers.kinds || {};
  const kinds = llm.tokenizers.kinds;
  const UNKNOWN = "[UNK]";
  const CONTINUES = "##";
  const LONGEST_WORD = 100; // characters; a longer word is [UNK]

  // The characters before the first unknown one, for a message.
  function refusal(character, text, at) {
    const before = Array.from(text.slice(0, at));
    const code = llm.tokenizers.text.codePoint(character);
    return new Error(
      `${JSON.stringify(character)} (${code}) at position ` +
      `${before.length}, after ${JSON.stringify(before.slice(-20).join(""))}, is not ` +
      "in the alphabet; remove it, or use a byte-level tokenizer"
    );
  }

  kinds.character = function (json) {
    const alphabet = Array.from(json.alphabet);
    alphabet.sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
    const idOf = new Map(alphabet.map((character, id) => [character, id]));
    if (!alphabet.length || idOf.size !== alphabet.length) {
      throw new Error("the alphabet is empty or names a character twice");
    }
    const { numberSpecialTokens } = llm.tokenizers.text;
    const specialIds = numberSpecialTokens(json.special_tokens, alphabet.length);
    // With `lenient`, a character without a token has the id null.
    function stretches(text, lenient = false) {
      const found = [];
      let at = 0;
      for (const character of text) {
        const id = idOf.get(character);
        if (id === undefined && !lenient) {
          throw refusal(character, text, at);
        }
        found.push([id === undefined ? null : id, at, at + character.length]);
        at += character.length;
      }
      return found;
    }
    return {
      texts: [...alphabet, ...specialIds.keys()], specialIds, unknownId: null, stretches,
      join: (texts) => texts.join(""),
    };
  };

  // What word and word piece have in common.
  function listed(json) {
    const all = new Map(json.vocabulary.map((entry, id) => [entry, id]));
    if (all.size !== json.vocabulary.length) {
      throw new Error("the vocabulary lists an entry twice");
    }
    const { numberSpecialTokens } = llm.tokenizers.text;
    const specialIds = numberSpecialTokens(json.special_tokens, all.size, all);
    if (!specialIds.has(UNKNOWN)) {
      throw new Error(`the special tokens lack ${UNKNOWN}`);
    }
    const texts = [...new Set([...all.keys(), ...specialIds.keys()])];
    // What a user types is a word, even where it looks like a special token.
    const idOf = new Map([...all].filter(([entry]) => !specialIds.has(entry)));
    return { texts, specialIds, unknownId: specialIds.get(UNKNOWN), idOf };
  }

  kinds.word = function (json, classOf) {
    const list = listed(json);
    function stretches(text) {
      return llm.tokenizers.words.wordsAndSigns(text, classOf).map(([start, end]) => {
        const id = list.idOf.get(text.slice(start, end));
        return [id === undefined ? list.unknownId : id, start, end];
      });
    }
    return { ...list, stretches, join: (texts) => texts.join(" ") };
  };

  kinds.word_piece = function (json, classOf) {
    const list = listed(json);
    const longest = list.texts.reduce((n, entry) => Math.max(n, entry.length), 1);

    // [[id, first character, character past the last], …] of one word: the longest
    // listed piece at its start, then of the rest, …
    function cut(characters) {
      const whole = [[list.unknownId, 0, characters.length]];
      if (characters.length > LONGEST_WORD) {
        return whole;
      }
      const pieces = [];
      let start = 0;
      while (start < characters.length) {
        const prefix = start ? CONTINUES : "";
        let end = Math.min(characters.length, start + longest);
        let id;
        for (; end > start; end -= 1) {
          id = list.idOf.get(prefix + characters.slice(start, end).join(""));
          if (id !== undefined) {
            break;
          }
        }
        if (id === undefined) {
          return whole;
        }
        pieces.push([id, start, end]);
        start = end;
      }
      return pieces;
    }

    const cutWord = llm.tokenizers.text.remembering((word) => cut(Array.from(word)));

    function stretches(text) {
      const found = [];
      const words = llm.tokenizers.words.bertWords(text, json.lower_case, classOf);
      for (const word of words) {
        const key = word.map((one) => one.text).join("");
        for (const [id, first, past] of cutWord(key)) {
          found.push([id, word[first].start, word[past - 1].end]);
        }
      }
      return found;
    }
    const join = (texts) => texts.join(" ").split(" " + CONTINUES).join("");
    return { ...list, stretches, join };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
