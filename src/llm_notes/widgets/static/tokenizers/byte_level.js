// Tokenizers whose tokens are byte strings: byte-pair encoding and unigram pieces.
//
// Twin of llm_notes.data.tokenizers.byte_level, .byte_pair, .unigram. Each kind
// gives `encode(text)` and `bytesOf`, the bytes of each token; nothing is ever lost.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};
  llm.tokenizers.kinds = llm.tokenizers.kinds || {};
  const kinds = llm.tokenizers.kinds;
  const PAIR = 2 ** 26; // more than there are ids: a pair is the number a * PAIR + b
  const UNKNOWN_PENALTY = 10; // in nats, of a character that is no piece

  function byteLevel(bytesOf, json, classOf, encodeWord) {
    const { numberSpecialTokens } = llm.tokenizers.text;
    const specialIds = numberSpecialTokens(json.special_tokens, bytesOf.length);
    const special = Array.from(specialIds.keys(), llm.tokenizers.text.bytesOf);
    const idsOf = llm.tokenizers.text.remembering(encodeWord);
    function encode(text) {
      const ids = [];
      for (const word of llm.tokenizers.words.splitWords(text, classOf)) {
        for (const id of idsOf(word)) {
          ids.push(id);
        }
      }
      return ids;
    }
    return { bytesOf: [...bytesOf, ...special], specialIds, unknownId: null, encode };
  }

  // GPT-2 numbers the bytes so that those with a visible Latin-1 character come first.
  function bytesInOrder() {
    const all = Array.from({ length: 256 }, (_, byte) => byte);
    const isVisible = (byte) =>
      (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return [...all.filter(isVisible), ...all.filter((byte) => !isVisible(byte))];
  }

  // A heap of numbers, the smallest first.
  function push(heap, value) {
    let at = heap.push(value) - 1;
    while (at) {
      const parent = (at - 1) >> 1;
      if (heap[parent] <= value) {
        break;
      }
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = value;
  }

  function pop(heap) {
    const smallest = heap[0];
    const value = heap.pop();
    let at = 0;
    while (heap.length) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && heap[child + 1] < heap[child]) {
        child += 1;
      }
      if (child >= heap.length || heap[child] >= value) {
        heap[at] = value;
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    return smallest;
  }

  // Joins pairs of neighbours, the earliest merge first, until none is left.
  // joined: from a pair to the id of the token that it becomes.
  function mergeAll(ids, joined) {
    // The token past the end is no part of any pair; the places form a ring.
    const tokens = [...ids, -1];
    const n = tokens.length;
    const after = tokens.map((_, place) => (place + 1) % n);
    const before = tokens.map((_, place) => (place + n - 1) % n);
    const heap = []; // the new id and the place, as one number
    const consider = (place) => {
      const [a, b] = [tokens[place], tokens[after[place]]];
      const newId = a < 0 || b < 0 ? undefined : joined.get(a * PAIR + b);
      if (newId !== undefined) {
        push(heap, newId * PAIR + place);
      }
    };
    for (let place = 0; place < n - 1; place += 1) {
      consider(place);
    }
    while (heap.length) {
      const top = pop(heap);
      const newId = Math.floor(top / PAIR);
      const place = top % PAIR;
      const other = after[place];
      if (tokens[place] < 0 || tokens[other] < 0) {
        continue;
      }
      if (joined.get(tokens[place] * PAIR + tokens[other]) !== newId) {
        continue; // an earlier merge took one of the two
      }
      after[place] = after[other];
      before[after[place]] = place;
      tokens[place] = newId;
      tokens[other] = -1;
      consider(before[place]);
      consider(place);
    }
    return tokens.filter((id) => id >= 0);
  }

  kinds.byte_pair = function (json, classOf) {
    const order = bytesInOrder();
    const idOfByte = new Uint8Array(256);
    order.forEach((byte, id) => {
      idOfByte[byte] = id;
    });
    const bytesOf = order.map((byte) => Uint8Array.of(byte));
    const joined = new Map();
    for (const [a, b] of json.merges) {
      const newId = bytesOf.length;
      if (!(a >= 0 && b >= 0 && a < newId && b < newId) || joined.has(a * PAIR + b)) {
        throw new Error(`merge ${newId - 256} joins ${a} and ${b}, which it cannot`);
      }
      joined.set(a * PAIR + b, newId);
      bytesOf.push(Uint8Array.of(...bytesOf[a], ...bytesOf[b]));
    }
    const firstIds = (word) =>
      Array.from(llm.tokenizers.text.bytesOf(word), (byte) => idOfByte[byte]);
    const encodeWord = (word) => mergeAll(firstIds(word), joined);
    // `merges` lets a reader take a token apart again: token 256 + i is merges[i].
    return { ...byteLevel(bytesOf, json, classOf, encodeWord), merges: json.merges };
  };

  // The pieces as a tree of characters: a node is {next: Map, id, score}.
  function treeOf(pieces) {
    const root = { next: new Map(), id: null, score: 0 };
    pieces.forEach(([text, score], i) => {
      let node = root;
      for (const character of text) {
        if (!node.next.has(character)) {
          node.next.set(character, { next: new Map(), id: null, score: 0 });
        }
        node = node.next.get(character);
      }
      if (!text || node.id !== null || !Number.isFinite(score)) {
        throw new Error(`the piece ${JSON.stringify(text)} is empty or given twice`);
      }
      node.id = 256 + i;
      node.score = score;
    });
    return root;
  }

  // The most probable segmentation (Viterbi): [ids of pieces, or bytes of characters].
  // Of equally probable ones, that whose last piece is the longest.
  function best(word, root, unknownScore) {
    const characters = Array.from(word);
    const n = characters.length;
    const score = new Float64Array(n + 1).fill(-Infinity);
    const startOf = new Int32Array(n + 1);
    const idOf = new Int32Array(n + 1).fill(-1); // -1: no piece
    score[0] = 0;
    function arrive(start, end, gain, id) {
      if (score[start] + gain > score[end]) {
        score[end] = score[start] + gain;
        startOf[end] = start;
        idOf[end] = id;
      }
    }
    for (let start = 0; start < n; start += 1) {
      let node = root.next.get(characters[start]);
      if (!node || node.id === null) {
        arrive(start, start + 1, unknownScore, -1);
      }
      for (let end = start + 1; node; end += 1) {
        if (node.id !== null) {
          arrive(start, end, node.score, node.id);
        }
        node = end < n ? node.next.get(characters[end]) : undefined;
      }
    }
    const parts = [];
    for (let end = n; end > 0; end = startOf[end]) {
      parts.push(
        idOf[end] >= 0 ? [idOf[end]] : [...llm.tokenizers.text.bytesOf(characters[end - 1])]
      );
    }
    return parts.reverse().flat();
  }

  kinds.unigram = function (json, classOf) {
    const root = treeOf(json.pieces);
    const rarest = json.pieces.reduce((low, [, score]) => Math.min(low, score), Infinity);
    const unknownScore = (json.pieces.length ? rarest : 0) - UNKNOWN_PENALTY;
    const bytesOf = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
    for (const [text] of json.pieces) {
      bytesOf.push(llm.tokenizers.text.bytesOf(text));
    }
    const encodeWord = (word) => best(word, root, unknownScore);
    // "A" is the piece, <0x41> the byte.
    return { ...byteLevel(bytesOf, json, classOf, encodeWord), marksBytes: true };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
