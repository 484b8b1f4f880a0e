// The encoder-decoder Transformer; as llm_notes/models/transformer.py.
//
// encode(ids) reads the source; a session writes the target token by token and tells
// where each new token looked in both. Switches: {scale: false}, {positions: false},
// {headsOff: [[layer, head], ...]}, heads of the cross-attention.
(function (llm) {
  "use strict";

  llm.models = llm.models || {};
  llm.models.kinds = llm.models.kinds || {};

  // Sines and cosines side by side, of falling frequency.
  function sinusoids(position, width) {
    const place = new Float32Array(width);
    for (let i = 0; i < width; i += 2) {
      const angle = position * 10000 ** (-i / width);
      place[i] = Math.sin(angle);
      place[i + 1] = Math.cos(angle);
    }
    return place;
  }

  llm.models.kinds.Transformer = function (bundle, read) {
    const { add, linear, row, relu } = llm.operations;
    const {
      attention, feedForward, norm, headsOff, stacked, emptyMemory, requireTokenIds,
    } = llm.layers;
    const { config, ids: special = {}, tokenizer, tokenizers = {} } = bundle.header;
    const source = bundle.matrix("source_embedding");
    const target = config.target_vocab_size ? bundle.matrix("target_embedding") : source;
    const parts = (name, layer) => {
      const prefix = `${name}.${layer}`;
      return {
        attention: attention(bundle, `${prefix}.attention`, config.n_heads),
        attentionNorm: norm(bundle, `${prefix}.attention_norm`),
        feedForward: feedForward(bundle, `${prefix}.feed_forward`, relu),
        feedForwardNorm: norm(bundle, `${prefix}.feed_forward_norm`),
      };
    };
    const layers = Array.from({ length: config.n_layers }, (_, layer) => layer);
    const encoder = layers.map((layer) => parts("encoder", layer));
    const decoder = layers.map((layer) => ({
      ...parts("decoder", layer),
      cross: attention(bundle, `decoder.${layer}.cross_attention`, config.n_heads),
      crossNorm: norm(bundle, `decoder.${layer}.cross_attention_norm`),
    }));
    const root = Math.sqrt(config.d_model);

    function embed(table, id, position, switches) {
      const x = row(table, id).map((number) => root * number);
      return switches.positions === false
        ? x
        : add(x, sinusoids(position, config.d_model));
    }

    const think = (block, x) => block.feedForwardNorm(add(x, block.feedForward(x)));

    // Returns the memory: {vectors: [Float32Array(D)], attention: [layer][head] ->
    // Float32Array(S * S)}.
    function encode(ids, switches = {}) {
      requireTokenIds(ids, config.vocab_size, config.context_length);
      let xs = Array.from(ids, (id, s) => embed(source, id, s, switches));
      const maps = encoder.map((block) => {
        const memory = emptyMemory();
        xs.forEach((x, s) => block.attention.remember(x, memory, s));
        const weights = [];
        xs = xs.map((x, s) => {
          const [seen, w] = block.attention.look(x, memory, xs.length, s, switches);
          weights.push(w);
          return think(block, block.attentionNorm(add(x, seen)));
        });
        return stacked(weights, xs.length);
      });
      return { vectors: xs, attention: maps };
    }

    // push(id) of a target token returns {logits, attention, cross}: the new token's
    // weights [layer][head], over the target so far and over the source.
    function start(memory, switches = {}) {
      const own = decoder.map(emptyMemory);
      const others = decoder.map((block) => {
        const kept = emptyMemory();
        memory.vectors.forEach((x, s) => block.cross.remember(x, kept, s));
        return kept;
      });
      let length = 0;

      function push(id) {
        requireTokenIds([id], target.rows, config.context_length, length);
        let x = embed(target, id, length, switches);
        const attentionMaps = [];
        const cross = [];
        decoder.forEach((block, layer) => {
          block.attention.remember(x, own[layer], length);
          const [seen, weights] = block.attention.look(
            x, own[layer], length + 1, length, switches
          );
          x = block.attentionNorm(add(x, seen));
          const n = memory.vectors.length;
          const [read, looked] = block.cross.look(
            x, others[layer], n, length, switches, headsOff(switches, layer)
          );
          x = think(block, block.crossNorm(add(x, read)));
          attentionMaps.push(weights);
          cross.push(looked);
        });
        length += 1;
        const logits = linear({ matrix: target, bias: null }, x);
        return { logits, attention: attentionMaps, cross };
      }

      return {
        push,
        get length() {
          return length;
        },
        get isFull() {
          return length >= config.context_length;
        },
      };
    }

    return {
      switches: ["scale", "positions", "headsOff"],
      bosId: special.bos,
      eosId: special.eos,
      // One tokenizer may serve both sides.
      sourceTokenizer: read(tokenizers.source || tokenizer),
      targetTokenizer: read(tokenizers.target || tokenizer),
      encode,
      start,
    };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
