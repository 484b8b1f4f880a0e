// Kneser-Ney: counts of what followed the last tokens; as llm_notes/models/ngram.
//
// The tables are described in llm_notes/inference/export/web_ngram.py. Logits are
// logarithms of probabilities. A session remembers where the last 0, 1, 2, ... tokens
// stand in the tables; there is no part to take away and no attention to show.
(function (llm) {
  "use strict";

  llm.models = llm.models || {};
  llm.models.kinds = llm.models.kinds || {};

  llm.models.kinds.KneserNeyNGram = function (bundle) {
    const { order, vocab_size: size, discounts } = bundle.header.config;
    const levels = Array.from({ length: order }, (_, n) => ({
      tokens: bundle.vector(`${n + 1}.tokens`),
      counts: bundle.vector(`${n + 1}.counts`),
      starts: bundle.vector(`${n + 1}.starts`),
      totals: bundle.vector(`${n + 1}.totals`),
      discounts: discounts[n],
    }));

    // Where a context and one more token stand in a level, by binary search; or -1.
    function child({ tokens, starts }, context, token) {
      let low = starts[context];
      let high = starts[context + 1];
      const end = high;
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

    // places[n]: where the last n tokens stand among the n-grams of length n, or -1.
    function probabilities(places) {
      const p = new Float64Array(size).fill(1 / size);
      levels.forEach(({ tokens, counts, starts, totals, discounts: by }, n) => {
        const place = places[n];
        if (place < 0 || !totals[place]) {
          return;
        }
        const kept = (i) => counts[i] - by[Math.min(counts[i], by.length) - 1];
        let sum = 0;
        for (let i = starts[place]; i < starts[place + 1]; i += 1) {
          sum += kept(i);
        }
        const passedOn = (totals[place] - sum) / totals[place];
        for (let token = 0; token < size; token += 1) {
          p[token] *= passedOn;
        }
        for (let i = starts[place]; i < starts[place + 1]; i += 1) {
          p[tokens[i]] += kept(i) / totals[place];
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
          const p = probabilities(places);
          const logits = new Float32Array(size);
          for (let token = 0; token < size; token += 1) {
            logits[token] = Math.log(p[token]);
          }
          return { logits, attention: null };
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

    return { switches: [], forward, start, probabilities };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
