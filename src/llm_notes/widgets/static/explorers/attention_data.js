// Attention as it is stored in a page, and the weights that the view reads.
//
// llm.attentionData({queries, keys (none where they are the queries), causal, mask,
// shape: [L, H, T, S], weights}): weights are base64 of 16-bit integers, 65535 for one,
// row by row, only those before the mask; mask is base64 of bits, 1 for what may be
// looked at. Returns the item and the read(layer, head) of attention.js.
(function (llm) {
  "use strict";

  function bytesOf(text) {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }

  // What the view takes, and the function that reads one head.
  function opened(stored) {
    const [, nHeads, nQueries, nKeys] = stored.shape;
    const bits = stored.mask ? bytesOf(stored.mask) : null;
    const item = {
      queries: stored.queries, keys: stored.keys || stored.queries,
      causal: stored.causal, shape: stored.shape,
      hidden: bits && Uint8Array.from({ length: nQueries * nKeys }, (_, i) =>
        1 - ((bits[i >> 3] >> (7 - (i & 7))) & 1)
      ),
    };
    const isHidden = llm.attentionParts.hiddenOf(item);
    const places = [];
    for (let i = 0; i < nQueries * nKeys; i += 1) {
      if (!isHidden(Math.floor(i / nKeys), i % nKeys)) {
        places.push(i);
      }
    }
    const codes = bytesOf(stored.weights);
    const view = new DataView(codes.buffer);
    const read = (layer, head) => {
      const start = (layer * nHeads + head) * places.length;
      const weights = new Float32Array(nQueries * nKeys);
      places.forEach((place, i) => {
        weights[place] = view.getUint16(2 * (start + i), true) / 65535;
      });
      return weights;
    };
    return { item, read };
  }

  llm.attentionData = opened;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
