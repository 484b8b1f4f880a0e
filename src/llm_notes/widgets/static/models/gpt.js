// GPT: causal blocks that predict the next token; as llm_notes/models/gpt.py.
//
// forward(ids, switches) reads a whole text at once; a session reads one token after the
// other with a key/value cache and gives the same numbers. Switches take parts away:
// {scale: false}, {mask: false}, {positions: false}, {headsOff: [[layer, head], ...]}.
(function (llm) {
  "use strict";

  llm.models = llm.models || {};
  llm.models.kinds = llm.models.kinds || {};

  llm.models.kinds.GPT = function (bundle) {
    const { add, linear, row, geluTanh } = llm.operations;
    const {
      attention, feedForward, norm, headsOff, stacked, emptyMemory, requireTokenIds,
    } = llm.layers;
    const config = bundle.header.config;
    const tokens = bundle.matrix("token_embedding");
    const places = config.rotary ? null : bundle.matrix("position_embedding");
    const finalNorm = norm(bundle, "final_norm");
    const blocks = Array.from({ length: config.n_layers }, (_, layer) => ({
      attentionNorm: norm(bundle, `blocks.${layer}.attention_norm`),
      attention: attention(
        bundle, `blocks.${layer}.attention`, config.n_heads, config.rotary
      ),
      feedForwardNorm: norm(bundle, `blocks.${layer}.feed_forward_norm`),
      feedForward: feedForward(bundle, `blocks.${layer}.feed_forward`, geluTanh),
    }));

    function embed(id, position, switches) {
      const x = row(tokens, id);
      return places && switches.positions !== false ? add(x, row(places, position)) : x;
    }

    const logits = (x) => linear({ matrix: tokens, bias: null }, finalNorm(x));

    const require = (ids, past) =>
      requireTokenIds(ids, config.vocab_size, config.context_length, past);

    // The residual stream after all blocks, and the maps.
    function read(ids, switches) {
      require(ids);
      let xs = Array.from(ids, (id, t) => embed(id, t, switches));
      const maps = blocks.map((block, layer) => {
        const memory = emptyMemory();
        const normed = xs.map(block.attentionNorm);
        normed.forEach((x, t) => block.attention.remember(x, memory, t, switches));
        const off = headsOff(switches, layer);
        const weights = [];
        xs = xs.map((x, t) => {
          const n = switches.mask === false ? xs.length : t + 1;
          const [seen, w] = block.attention.look(normed[t], memory, n, t, switches, off);
          weights.push(w);
          const middle = add(x, seen);
          return add(middle, block.feedForward(block.feedForwardNorm(middle)));
        });
        return stacked(weights, xs.length);
      });
      return { xs, maps };
    }

    // Returns {logits: [Float32Array(V)] by position, attention: [layer][head] ->
    // Float32Array(T * T), rows ask}.
    function forward(ids, switches = {}) {
      const { xs, maps } = read(ids, switches);
      return { logits: xs.map(logits), attention: maps };
    }

    // One token after the other: push(id) returns {logits, attention: [layer][head] ->
    // Float32Array(S)}, the weights of the new token.
    function start(switches = {}) {
      const memories = blocks.map(emptyMemory);
      let length = 0;

      function push(id) {
        require([id], length);
        let x = embed(id, length, switches);
        const maps = blocks.map((block, layer) => {
          const normed = block.attentionNorm(x);
          const memory = memories[layer];
          block.attention.remember(normed, memory, length, switches);
          const [seen, weights] = block.attention.look(
            normed, memory, length + 1, length, switches, headsOff(switches, layer)
          );
          x = add(x, seen);
          x = add(x, block.feedForward(block.feedForwardNorm(x)));
          return weights;
        });
        length += 1;
        return { logits: logits(x), attention: maps };
      }

      return session(push, () => length);
    }

    // Without the mask an earlier position changes when a token is added, so nothing
    // can be kept: each push reads the whole text again.
    function startUnmasked(switches) {
      const ids = [];
      function push(id) {
        require([...ids, id]);
        ids.push(id);
        const { xs, maps } = read(ids, switches);
        const last = (w) => w.slice((ids.length - 1) * ids.length);
        return {
          logits: logits(xs[xs.length - 1]),
          attention: maps.map((heads) => heads.map(last)),
        };
      }
      return session(push, () => ids.length);
    }

    function session(push, lengthOf) {
      return {
        push,
        get length() {
          return lengthOf();
        },
        get isFull() {
          return lengthOf() >= config.context_length;
        },
      };
    }

    return {
      switches: ["scale", "mask", "positions", "headsOff"],
      forward,
      start: (switches = {}) =>
        switches.mask === false ? startUnmasked(switches) : start(switches),
    };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
