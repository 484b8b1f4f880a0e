// Cutting a text into words before any token is made: three ways.
//
// Twin of llm_notes.data.tokenizers.pre_tokenisation, .bert_words and of the pattern in
// .word. Written as scanners, not as regular expressions: a browser gives up on a long
// run in those. `classOf` is a function of llm.tokenizers.unicode. Knows no tokenizer.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};

  const unicode = llm.tokenizers.unicode;
  const { LETTER, NUMBER, PUNCTUATION, MARK, HIDDEN, UNASSIGNED } = unicode;
  const WHITE = 0; // beside the classes of characters
  const CONTRACTION = /'(?:s|t|re|ve|m|ll|d)/y;
  const CHINESE = [
    [0x3400, 0x4dbf], [0x4e00, 0x9fff], [0xf900, 0xfaff], [0x20000, 0x2a6df],
    [0x2a700, 0x2ceaf], [0x2f800, 0x2fa1f],
  ];

  // White space, letter, number, or anything else: the groups of GPT-2's pattern.
  function groupAt(text, at, classOf) {
    const code = text.codePointAt(at);
    if (code < 0x10000 && unicode.isSpace(text[at])) {
      return WHITE;
    }
    const group = classOf(code);
    return group === LETTER || group === NUMBER ? group : PUNCTUATION;
  }

  // Where the run of characters of one group ends.
  function runEnd(text, at, group, classOf) {
    let end = at;
    while (end < text.length && groupAt(text, end, classOf) === group) {
      end += text.codePointAt(end) > 0xffff ? 2 : 1;
    }
    return end;
  }

  // GPT-2's pattern; the words joined are the text.
  //   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  function splitWords(text, classOf) {
    const words = [];
    let at = 0;
    while (at < text.length) {
      CONTRACTION.lastIndex = at;
      let end = at;
      if (text[at] === "'" && CONTRACTION.test(text)) {
        end = CONTRACTION.lastIndex;
      } else {
        const first = text[at] === " " && at + 1 < text.length ? at + 1 : at;
        const group = groupAt(text, first, classOf);
        if (group !== WHITE) {
          end = runEnd(text, first, group, classOf);
        } else {
          end = runEnd(text, at, WHITE, classOf);
          // The last space belongs to the word after it.
          end -= end < text.length && end > at + 1 ? 1 : 0;
        }
      }
      words.push(text.slice(at, end));
      at = end;
    }
    return words;
  }

  // [start, end] of each match of Python's \w+|[^\w\s].
  function wordsAndSigns(text, classOf) {
    const isWord = (code) => {
      const group = classOf(code);
      return group === LETTER || group === NUMBER || code === 0x5f;
    };
    const found = [];
    let start = -1; // of the word that goes on
    for (let at = 0; at < text.length;) {
      const code = text.codePointAt(at);
      const next = at + (code > 0xffff ? 2 : 1);
      if (isWord(code)) {
        start = start < 0 ? at : start;
      } else {
        if (start >= 0) {
          found.push([start, at]);
          start = -1;
        }
        if (!unicode.isPythonSpace(text[at])) {
          found.push([at, next]);
        }
      }
      at = next;
    }
    return start < 0 ? found : [...found, [start, text.length]];
  }

  function isChinese(code) {
    return code >= 0x3400 && CHINESE.some(([low, high]) => low <= code && code <= high);
  }

  // The characters of a text, {text, start, end}, cleaned as BERT does.
  function cleaned(text, classOf) {
    const characters = [];
    let at = 0;
    for (const character of text) {
      const start = at;
      at += character.length;
      const code = character.codePointAt(0);
      if (character === "\t" || character === "\n" || character === "\r") {
        characters.push({ text: " ", start, end: at });
      } else if (code !== 0xfffd && classOf(code) !== HIDDEN) {
        const shown = unicode.isSpace(character) ? " " : character;
        const apart = isChinese(code);
        characters.push(
          ...(apart ? [{ text: " ", start, end: start }] : []),
          { text: shown, start, end: at },
          ...(apart ? [{ text: " ", start: at, end: at }] : [])
        );
      }
    }
    return characters;
  }

  // Small letters without accents. A character that Python does not know stays as it is.
  function folded(characters, classOf) {
    const found = [];
    let run = [];
    function flush() {
      // Canonical decomposition may also change the order of marks on one character;
      // their places are then those of a neighbour.
      const owners = run.flatMap((one) =>
        one.text < "\x80" ? [one] : Array.from(one.text.normalize("NFD"), () => one)
      );
      const text = run.map((one) => one.text).join("").normalize("NFD");
      let place = 0;
      for (const character of text) {
        const { start, end } = owners[place];
        place += 1;
        if (classOf(character.codePointAt(0)) !== MARK) {
          for (const small of character.toLowerCase()) {
            found.push({ text: small, start, end });
          }
        }
      }
      run = [];
    }
    for (const one of characters) {
      if (classOf(one.text.codePointAt(0)) === UNASSIGNED) {
        flush();
        found.push(one);
      } else {
        run.push(one);
      }
    }
    flush();
    return found;
  }

  function standsApart(character, classOf) {
    const code = character.codePointAt(0);
    const group = classOf(code);
    const asciiSign = code > 0x20 && code < 0x7f && group !== LETTER && group !== NUMBER;
    return asciiSign || group === PUNCTUATION;
  }

  // BERT's words; each is a list of characters {text, start, end}, which say what part
  // of the text they come from.
  function bertWords(text, lowerCase, classOf) {
    const all = cleaned(text, classOf);
    const words = [];
    let word = [];
    function flush() {
      if (word.length) {
        words.push(word);
        word = [];
      }
    }
    for (const one of lowerCase ? folded(all, classOf) : all) {
      if (one.text === " ") {
        flush();
      } else if (standsApart(one.text, classOf)) {
        flush();
        words.push([one]);
      } else {
        word.push(one);
      }
    }
    flush();
    return words;
  }

  llm.tokenizers.words = { splitWords, wordsAndSigns, bertWords };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
