// From logits to a token; as llm_notes/inference/sampling.py and penalties.py.
//
// Each function takes logits and returns new ones (Float64Array); what is ruled out gets
// minus infinity. The order of `apply` is penalties, temperature, top-k, top-p, min-p.
// Where Python refuses a number, so do these. Knows no model.
(function (llm) {
  "use strict";

  const COLD = 1e-3;
  const TINY = 2 ** -1022; // what is smaller is as good as 0

  function require(fits, name, range, given) {
    if (!fits) {
      throw new Error(`${name} must ${range}, got ${given}`);
    }
  }

  function largest(logits) {
    let best = 0;
    for (let i = 1; i < logits.length; i += 1) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  // A loop: `from` with a function takes ten times as long.
  function mapped(logits, fn) {
    const made = new Float64Array(logits.length);
    for (let i = 0; i < logits.length; i += 1) {
      made[i] = fn(logits[i], i);
    }
    return made;
  }

  function softmax(logits) {
    const highest = logits[largest(logits)];
    const p = mapped(logits, (z) => Math.exp(z - highest));
    let total = 0;
    for (let i = 0; i < p.length; i += 1) {
      total += p[i];
    }
    return mapped(p, (x) => x / total);
  }

  function temperature(logits, t) {
    require(t >= 0 && t < Infinity, "temperature", "be 0 or above", t);
    if (t < TINY) {
      const best = largest(logits);
      return mapped(logits, (_, i) => (i === best ? 0 : -Infinity));
    }
    // Quotients would be infinite; differences stay below 0.
    const shift = t < COLD ? logits[largest(logits)] : 0;
    return mapped(logits, (z) => (z - shift) / t);
  }

  const keepWhere = (logits, keeps) =>
    mapped(logits, (z, i) => (keeps(z, i) ? z : -Infinity));

  function topK(logits, k) {
    require(Number.isInteger(k) && k >= 1, "top-k", "be a whole number from 1", k);
    if (k >= logits.length) {
      return Float64Array.from(logits);
    }
    const bar = Float64Array.from(logits).sort()[logits.length - k];
    return keepWhere(logits, (z) => z >= bar);
  }

  // Places by falling logit; of equals, the one that comes first.
  function ranked(logits) {
    const order = Array.from(logits, (_, i) => i);
    return order.sort((a, b) => {
      if (logits[a] === logits[b]) {
        return a - b;
      }
      return logits[b] > logits[a] ? 1 : -1;
    });
  }

  // The token that crosses p is kept. As in Python, a token's rank counts what is held
  // up to and with it, less its own share: the same roundings, the same ties.
  function topP(logits, p) {
    require(p > 0 && p <= 1, "top-p", "lie in (0, 1]", p);
    if (p === 1) {
      return Float64Array.from(logits);
    }
    const probabilities = softmax(logits);
    const order = ranked(logits);
    const kept = new Uint8Array(logits.length);
    let held = 0;
    for (const place of order) {
      held += probabilities[place];
      kept[place] = held - probabilities[place] < p ? 1 : 0;
    }
    kept[order[0]] = 1;
    return keepWhere(logits, (_, i) => kept[i]);
  }

  function minP(logits, p) {
    require(p >= 0 && p <= 1, "min-p", "lie in [0, 1]", p);
    const probabilities = softmax(logits);
    const bar = p * probabilities[largest(probabilities)];
    return keepWhere(logits, (_, i) => probabilities[i] >= bar);
  }

  // Weaken every token that has occurred, however often.
  function repetition(logits, ids, penalty) {
    require(penalty > 0 && penalty < Infinity, "repetition penalty", "be above 0", penalty);
    const met = new Set(ids);
    return mapped(logits, (z, i) => {
      if (!met.has(i)) {
        return z;
      }
      return z > 0 ? z / penalty : z * penalty;
    });
  }

  // Subtract for every use of a token; a negative id is padding.
  function frequency(logits, ids, penalty) {
    require(Number.isFinite(penalty), "a penalty of counts", "be finite", penalty);
    const counts = new Uint32Array(logits.length);
    for (const id of ids) {
      counts[id] += 1;
    }
    // One product: a sum of many differences rounds otherwise, and ties part.
    return mapped(logits, (z, i) => z - penalty * counts[i]);
  }

  const presence = (logits, ids, penalty) => frequency(logits, new Set(ids), penalty);

  // settings: {temperature, topK, topP, minP, repetition, frequency, presence}; what is
  // missing or 0 is left out, but for the temperature, where 0 is greedy. ids: prompt and
  // text so far; `nPrompt` of them are the prompt, which frequency and presence do not
  // count. Returns {logits, removedBy}: for each token the name of the filter that ruled
  // it out, or null, also where it came with minus infinity.
  function apply(logits, settings = {}, ids = [], nPrompt = 0) {
    const { temperature: t = 1, topK: k, topP: p, minP: m } = settings;
    let z = Float64Array.from(logits);
    if (settings.repetition && settings.repetition !== 1) {
      z = repetition(z, ids, settings.repetition);
    }
    const written = ids.slice(nPrompt);
    z = settings.frequency ? frequency(z, written, settings.frequency) : z;
    z = settings.presence ? presence(z, written, settings.presence) : z;
    const removedBy = new Array(z.length).fill(null);
    const steps = [
      ["temperature", () => temperature(z, t)],
      k ? ["top-k", () => topK(z, k)] : null,
      p && p !== 1 ? ["top-p", () => topP(z, p)] : null,
      m ? ["min-p", () => minP(z, m)] : null,
    ];
    for (const [name, filter] of steps.filter(Boolean)) {
      const before = z;
      z = filter();
      for (let i = 0; i < z.length; i += 1) {
        if (z[i] === -Infinity && before[i] !== -Infinity) {
          removedBy[i] = name;
        }
      }
    }
    return { logits: z, removedBy };
  }

  // Uniform numbers in [0, 1) from a seed: mulberry32. The same seed, the same text.
  function random(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  // The token at which the running sum passes a uniform number.
  function draw(probabilities, uniform) {
    let last = 0;
    let sum = 0;
    for (let i = 0; i < probabilities.length; i += 1) {
      if (probabilities[i] > 0) {
        last = i;
        sum += probabilities[i];
        if (uniform < sum) {
          return i;
        }
      }
    }
    return last; // rounding left the sum a little below one
  }

  llm.sampling = {
    softmax, temperature, topK, topP, minP, repetition, frequency, presence, apply,
    random, draw, ranked,
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
