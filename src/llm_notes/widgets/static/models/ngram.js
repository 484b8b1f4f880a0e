// Kneser-Ney: counts of what followed the last tokens; as llm_notes/models/ngram.
//
// The tables are described in llm_notes/inference/export/web_ngram.py. Logits are
// logarithms of probabilities, in double precision. A session remembers where the last
// 0, 1, 2, ... tokens stand in the tables; there is no part to take away and no
// attention to show.
(function (llm) {
  "use strict";

  llm.models = llm.models || {};
  llm.models.kinds = llm.models.kinds || {};

  const damaged = () =>
    new Error("the bundle is damaged, its tables do not fit together: load the page again");

  // Numbers of seven bits a byte, the lowest first; the eighth bit: more follow.
  function numbers(bytes) {
    if (!bytes || (bytes.length && bytes[bytes.length - 1] > 127)) {
      throw damaged();
    }
    const found = new Uint32Array(bytes.reduce((n, byte) => n + (byte < 128), 0));
    let place = 0;
    let shift = 0;
    for (const byte of bytes) {
      found[place] += (byte & 127) * 2 ** shift;
      shift += 7;
      if (byte < 128) {
        place += 1;
        shift = 0;
      }
    }
    return found;
  }

  // One level: where the n-grams of each context begin, what each n-gram keeps of its
  // count after the discount, and what the context keeps and passes on together.
  function levelOf(bundle, n, discounts, vocabSize, nContexts) {
    const [tokens, counts, sizes, dropped] = ["tokens", "counts", "sizes", "dropped"].map(
      (name) => numbers(bundle.vector(`${n}.${name}`))
    );
    const nGrams = sizes.reduce((sum, size) => sum + size, 0);
    const nWithAny = sizes.reduce((sum, size) => sum + (size > 0), 0);
    const fits = sizes.length === nContexts && tokens.length === nGrams &&
      counts.length === nGrams && dropped.length === nWithAny &&
      tokens.every((token) => token < vocabSize);
    if (!fits) {
      throw damaged();
    }
    const discount = (a) => (a ? discounts[Math.min(a, discounts.length) - 1] : 0);
    const kept = Float64Array.from(counts, (a) => a - discount(a));
    const starts = new Uint32Array(nContexts + 1);
    const totals = new Float64Array(nContexts); // 0 where no n-gram is left
    const passedOn = new Float64Array(nContexts);
    for (let context = 0, any = 0; context < nContexts; context += 1) {
      const start = starts[context];
      const end = start + sizes[context];
      starts[context + 1] = end;
      if (end > start) {
        let all = dropped[any];
        let own = 0;
        for (let i = start; i < end; i += 1) {
          all += counts[i];
          own += kept[i];
        }
        totals[context] = all;
        passedOn[context] = all - own;
        any += 1;
      }
    }
    return { tokens, kept, starts, totals, passedOn };
  }

  function levelsOf(bundle) {
    const { order, vocab_size: vocabSize, discounts } = bundle.header.config;
    const levels = [];
    for (let n = 1, nContexts = 1; n <= order; n += 1) {
      const level = levelOf(bundle, n, discounts[n - 1], vocabSize, nContexts);
      levels.push(level);
      nContexts = level.tokens.length;
    }
    return levels;
  }

  // Where a context and one more token stand in a level, by binary search; or -1.
  function child({ tokens, starts }, context, token) {
    let low = starts[context];
    const end = starts[context + 1];
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tokens[middle] < token) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < end && tokens[low] === token ? low : -1;
  }

  llm.models.kinds.KneserNeyNGram = function (bundle) {
    const { order, vocab_size: size } = bundle.header.config;
    const levels = levelsOf(bundle);

    // places[n]: where the last n tokens stand among the n-grams of length n, or -1.
    function probabilities(places) {
      const p = new Float64Array(size).fill(1 / size);
      levels.forEach(({ tokens, kept, starts, totals, passedOn }, n) => {
        const place = places[n];
        const total = place < 0 ? 0 : totals[place];
        if (!total) {
          return; // the shorter context speaks for this one
        }
        const share = passedOn[place] / total;
        for (let token = 0; token < size; token += 1) {
          p[token] *= share;
        }
        for (let i = starts[place]; i < starts[place + 1]; i += 1) {
          p[tokens[i]] += kept[i] / total;
        }
      });
      return p;
    }

    function start() {
      let places = [0, ...new Array(order - 1).fill(-1)];
      let length = 0;
      return {
        push(id) {
          if (!(Number.isInteger(id) && id >= 0 && id < size)) {
            throw new Error(`${id} is no id of a vocabulary of ${size}`);
          }
          const grown = places.slice(0, order - 1).map((place, n) =>
            place < 0 ? -1 : child(levels[n], place, id)
          );
          places = [0, ...grown];
          length += 1;
          return { logits: probabilities(places).map(Math.log), attention: null };
        },
        get length() {
          return length;
        },
        isFull: false,
      };
    }

    function forward(ids) {
      const session = start();
      return { logits: Array.from(ids, (id) => session.push(id).logits), attention: null };
    }

    return { switches: [], forward, start };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
