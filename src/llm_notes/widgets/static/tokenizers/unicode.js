// The class of each character: letter, number, punctuation, mark, hidden, …
//
// Unicode grows, and a browser knows another version of it than the Python that trained
// a tokenizer. A character that only one of them knows as a letter would be cut in two
// ways. So Python can send its own classes along: all code points in order, as runs
// "length in base 36, letter of the class" ("9H" is nine hidden ones, "L" one letter).
// Without them the browser's own classes answer; both agree on every character that
// both versions know. Knows no tokenizer.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};

  const N_CODE_POINTS = 0x110000;
  // The classes by number; 0 stands for "not looked up yet".
  const LETTER = 1; // L*
  const NUMBER = 2; // N*
  const PUNCTUATION = 3; // P*
  const MARK = 4; // Mn, the marks that stand on another character
  const HIDDEN = 5; // Cc, Cf, Co
  const UNASSIGNED = 6; // Cn
  const OTHER = 7;
  const LETTERS = " LNPMHUO";
  const PATTERNS = [
    [/^\p{L}$/u, LETTER],
    [/^\p{N}$/u, NUMBER],
    [/^\p{P}$/u, PUNCTUATION],
    [/^\p{Mn}$/u, MARK],
    [/^[\p{Cc}\p{Cf}\p{Co}]$/u, HIDDEN],
    [/^\p{Cn}$/u, UNASSIGNED],
  ];
  const tables = new Map();

  function fromPython(runs) {
    const table = new Uint8Array(N_CODE_POINTS);
    let at = 0;
    for (const [, length, letter] of runs.matchAll(/([0-9a-z]*)([A-Z])/g)) {
      const end = at + (length ? parseInt(length, 36) : 1);
      table.fill(LETTERS.indexOf(letter), at, end);
      at = end;
    }
    if (at !== N_CODE_POINTS) {
      throw new Error(`the classes name ${at} code points, not ${N_CODE_POINTS}`);
    }
    return (code) => table[code];
  }

  function fromBrowser() {
    const table = new Uint8Array(N_CODE_POINTS);
    return function (code) {
      if (!table[code]) {
        const character = String.fromCodePoint(code);
        const found = PATTERNS.find(([pattern]) => pattern.test(character));
        table[code] = found ? found[1] : OTHER;
      }
      return table[code];
    };
  }

  // A function from a code point to its class; runs: Python's, or null.
  function classes(runs = null) {
    if (!tables.has(runs)) {
      tables.set(runs, runs === null ? fromBrowser() : fromPython(runs));
    }
    return tables.get(runs);
  }

  // Unicode's White_Space, which has been the same for years.
  const SPACES = new Set(
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008" +
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
  );

  // Python's \s counts four separators more.
  function isPythonSpace(character) {
    return SPACES.has(character) || (character >= "\x1c" && character <= "\x1f");
  }

  llm.tokenizers.unicode = {
    LETTER, NUMBER, PUNCTUATION, MARK, HIDDEN, UNASSIGNED, OTHER,
    classes, isSpace: (character) => SPACES.has(character), isPythonSpace,
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
