// Multi-head attention and the feed-forward layer, one position at a time.
//
// As llm_notes/models/layers/attention.py, feedforward.py and, for what models ask of
// the ids that they read, inputs.py. A memory is {keys, values},
// lists with one entry for each position: the key/value cache of a decoder, the positions
// of an encoder. Switches: {scale, positions, headsOff}. Knows no model.
(function (llm) {
  "use strict";

  // Pairs (i, i + K/2) of each head turn by position times their speed (RoPE,
  // half-split; llm_notes/models/layers/rotary.py).
  function rotate(x, nHeads, position, base = 10000) {
    const half = x.length / nHeads / 2;
    const turned = new Float32Array(x.length);
    for (let i = 0; i < half; i += 1) {
      const angle = position * base ** (-i / half);
      const cos = Math.cos(angle);
      const sin = Math.sin(angle);
      for (let start = 0; start < x.length; start += 2 * half) {
        const a = x[start + i];
        const b = x[start + i + half];
        turned[start + i] = a * cos - b * sin;
        turned[start + i + half] = b * cos + a * sin;
      }
    }
    return turned;
  }

  // The scores of one query with n keys, as weights, for one head.
  function weightsOf(q, keys, n, start, width, scale) {
    const scores = new Float32Array(n);
    for (let s = 0; s < n; s += 1) {
      const key = keys[s];
      let sum = 0;
      for (let i = start; i < start + width; i += 1) {
        sum += q[i] * key[i];
      }
      scores[s] = sum * scale;
    }
    return llm.operations.softmax(scores);
  }

  // name: the layer's name in the bundle; isRotary: whether queries and keys turn.
  function attention(bundle, name, nHeads, isRotary = false) {
    const { linear } = llm.operations;
    const [qProj, kProj, vProj, oProj] = ["q", "k", "v", "o"].map((letter) =>
      bundle.linear(`${name}.${letter}_proj`)
    );
    const width = qProj.matrix.rows / nHeads;
    const turn = (x, position, switches) =>
      isRotary && switches.positions !== false ? rotate(x, nHeads, position) : x;

    return {
      // Keep the key and the value of a position.
      remember(x, memory, position, switches = {}) {
        memory.keys.push(turn(linear(kProj, x), position, switches));
        memory.values.push(linear(vProj, x));
      },
      // Look from x at the first n positions of a memory. Returns [output, weights by
      // head]. `off` holds the heads that are silenced.
      look(x, memory, n, position, switches = {}, off = []) {
        const q = turn(linear(qProj, x), position, switches);
        const scale = switches.scale === false ? 1 : 1 / Math.sqrt(width);
        const joined = new Float32Array(q.length);
        const weights = [];
        for (let head = 0; head < nHeads; head += 1) {
          const start = head * width;
          const w = weightsOf(q, memory.keys, n, start, width, scale);
          weights.push(w);
          for (let s = 0; s < n && !off.includes(head); s += 1) {
            const value = memory.values[s];
            for (let i = start; i < start + width; i += 1) {
              joined[i] += w[s] * value[i];
            }
          }
        }
        return [linear(oProj, joined), weights];
      },
    };
  }

  function feedForward(bundle, name, bend) {
    const { linear, map } = llm.operations;
    const up = bundle.linear(`${name}.up_proj`);
    const down = bundle.linear(`${name}.down_proj`);
    return (x) => linear(down, map(linear(up, x), bend));
  }

  function norm(bundle, name, eps = 1e-5) {
    const layer = {
      weight: bundle.vector(`${name}.weight`), bias: bundle.vector(`${name}.bias`), eps,
    };
    return (x) => llm.operations.layerNorm(layer, x);
  }

  // The silenced heads of one layer, from pairs [layer, head].
  function headsOff(switches, layer) {
    return (switches.headsOff || []).filter(([l]) => l === layer).map(([, h]) => h);
  }

  // Weights of all queries, [query][head] -> (n), as [head] -> rows of a (T, S) matrix;
  // what a query did not look at is zero.
  function stacked(byQuery, nKeys) {
    return byQuery[0].map((_, head) => {
      const all = new Float32Array(byQuery.length * nKeys);
      byQuery.forEach((weights, t) => all.set(weights[head], t * nKeys));
      return all;
    });
  }

  const emptyMemory = () => ({ keys: [], values: [] });

  // Refuse ids that a model cannot read; `past` of its positions are taken already.
  function requireTokenIds(ids, vocabSize, contextLength, past = 0) {
    if (!ids.length) {
      throw new Error("there is nothing to read: give one token or more");
    }
    if (past + ids.length > contextLength) {
      throw new Error(`the context holds ${contextLength} tokens`);
    }
    for (const id of ids) {
      if (!(Number.isInteger(id) && id >= 0 && id < vocabSize)) {
        throw new Error(`${id} is no id of a vocabulary of ${vocabSize}`);
      }
    }
  }

  llm.layers = {
    attention, feedForward, norm, headsOff, stacked, emptyMemory, rotate, requireTokenIds,
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
