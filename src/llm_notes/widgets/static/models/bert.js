// BERT with its masked-token head: fills gaps from both sides; as llm_notes/models/bert.py.
//
// Every position looks at all others, so there is no cache and no writing from left to
// right. Switches: {scale: false}, {positions: false}, {headsOff: [[layer, head], ...]}.
(function (llm) {
  "use strict";

  llm.models = llm.models || {};
  llm.models.kinds = llm.models.kinds || {};

  llm.models.kinds.BERTForPretraining = function (bundle) {
    const { add, linear, row, map, gelu } = llm.operations;
    const {
      attention, feedForward, norm, headsOff, stacked, emptyMemory, requireTokenIds,
    } = llm.layers;
    const { config, ids: special = {} } = bundle.header;
    const eps = config.norm_eps;
    const tokens = bundle.matrix("bert.token_embedding");
    const places = bundle.matrix("bert.position_embedding");
    const segments = bundle.matrix("bert.segment_embedding");
    const embeddingNorm = norm(bundle, "bert.embedding_norm", eps);
    const transform = bundle.linear("transform");
    const transformNorm = norm(bundle, "transform_norm", eps);
    const head = { matrix: tokens, bias: bundle.vector("token_bias") };
    const blocks = Array.from({ length: config.n_layers }, (_, layer) => ({
      attention: attention(bundle, `bert.blocks.${layer}.attention`, config.n_heads),
      attentionNorm: norm(bundle, `bert.blocks.${layer}.attention_norm`, eps),
      feedForward: feedForward(bundle, `bert.blocks.${layer}.feed_forward`, gelu),
      feedForwardNorm: norm(bundle, `bert.blocks.${layer}.feed_forward_norm`, eps),
    }));

    function embed(id, position, switches) {
      const x = add(row(tokens, id), row(segments, 0));
      return embeddingNorm(
        switches.positions === false ? x : add(x, row(places, position))
      );
    }

    const logits = (x) => linear(head, transformNorm(map(linear(transform, x), gelu)));

    // Returns {logits: [Float32Array(V)] by position, attention: [layer][head] ->
    // Float32Array(T * T), rows ask}.
    function forward(ids, switches = {}) {
      requireTokenIds(ids, config.vocab_size, config.context_length);
      let xs = Array.from(ids, (id, t) => embed(id, t, switches));
      const maps = blocks.map((block, layer) => {
        const memory = emptyMemory();
        xs.forEach((x, t) => block.attention.remember(x, memory, t, switches));
        const off = headsOff(switches, layer);
        const weights = [];
        xs = xs.map((x, t) => {
          const [seen, w] = block.attention.look(
            x, memory, xs.length, t, switches, off
          );
          weights.push(w);
          const middle = block.attentionNorm(add(x, seen));
          return block.feedForwardNorm(add(middle, block.feedForward(middle)));
        });
        return stacked(weights, xs.length);
      });
      return { logits: xs.map(logits), attention: maps };
    }

    return {
      switches: ["scale", "positions", "headsOff"], maskId: special.mask, ids: special, forward,
    };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
