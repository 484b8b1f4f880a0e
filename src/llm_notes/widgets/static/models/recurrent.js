// Recurrent language models: Elman's cell, LSTM and GRU; as llm_notes/models/rnn.py.
//
// All of the past is in the state. The one switch takes it away: {state: false} starts
// from zeros at each token. There is no attention to show.
(function (llm) {
  "use strict";

  llm.models = llm.models || {};
  llm.models.kinds = llm.models.kinds || {};

  // Each step takes the gates' sums from the input and from the state, side by side.
  const STEPS = {
    rnn: (x, fromState, { h }) => ({ h: h.map((_, i) => Math.tanh(x[i] + fromState[i])) }),
    lstm: (x, fromState, state) => {
      const { sigmoid } = llm.operations;
      const n = state.h.length;
      const c = new Float32Array(n);
      const h = new Float32Array(n);
      const sum = (gate, i) => x[gate * n + i] + fromState[gate * n + i];
      for (let i = 0; i < n; i += 1) {
        const written = sigmoid(sum(0, i)) * Math.tanh(sum(2, i));
        c[i] = sigmoid(sum(1, i)) * state.c[i] + written;
        h[i] = sigmoid(sum(3, i)) * Math.tanh(c[i]);
      }
      return { h, c };
    },
    gru: (x, fromState, state) => {
      const { sigmoid } = llm.operations;
      const n = state.h.length;
      const h = new Float32Array(n);
      for (let i = 0; i < n; i += 1) {
        const reset = sigmoid(x[i] + fromState[i]);
        const kept = sigmoid(x[n + i] + fromState[n + i]);
        const candidate = Math.tanh(x[2 * n + i] + reset * fromState[2 * n + i]);
        h[i] = (1 - kept) * candidate + kept * state.h[i];
      }
      return { h };
    },
  };

  llm.models.kinds.RNNLanguageModel = function (bundle) {
    const { linear, row } = llm.operations;
    const config = bundle.header.config;
    const tokens = bundle.matrix("token_embedding");
    const layers = Array.from({ length: config.n_layers }, (_, layer) => ({
      xProj: bundle.linear(`recurrent.cells.${layer}.x_proj`),
      hProj: bundle.linear(`recurrent.cells.${layer}.h_proj`),
    }));
    const width = layers[0].hProj.matrix.columns;
    const step = STEPS[config.cell];
    const table = { matrix: tokens, bias: null };
    const narrow = config.tied && width !== tokens.columns;
    const output = config.tied ? table : bundle.linear("output_proj");
    const tiedProj = narrow ? bundle.linear("tied_proj") : null;
    const zero = () => ({ h: new Float32Array(width), c: new Float32Array(width) });

    function start(switches = {}) {
      let states = layers.map(zero);
      let length = 0;
      function push(id) {
        if (!(Number.isInteger(id) && id >= 0 && id < config.vocab_size)) {
          throw new Error(`${id} is no id of a vocabulary of ${config.vocab_size}`);
        }
        if (switches.state === false) {
          states = layers.map(zero);
        }
        let x = row(tokens, id);
        states = layers.map(({ xProj, hProj }, layer) => {
          const before = states[layer];
          const after = step(linear(xProj, x), linear(hProj, before.h), before);
          x = after.h;
          return after;
        });
        length += 1;
        return { logits: linear(output, tiedProj ? linear(tiedProj, x) : x), attention: null };
      }
      return {
        push,
        get length() {
          return length;
        },
        isFull: false,
      };
    }

    function forward(ids, switches = {}) {
      const session = start(switches);
      return { logits: Array.from(ids, (id) => session.push(id).logits), attention: null };
    }

    return { switches: ["state"], forward, start };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
