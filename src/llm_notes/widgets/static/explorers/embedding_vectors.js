// Word vectors in eight bits: cosines, nearest words, analogies, in all dimensions.
//
// A row of int8 has the direction of its vector and no length. As the Python half does,
// it ranks by cosine, and of equal ones the first in the list. Knows no page.
(function (llm) {
  "use strict";

  function bytesOf(base64) {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  }

  // codes: base64 of V rows of D int8.
  function vectors(codes, dimensions) {
    const rows = new Int8Array(bytesOf(codes).buffer);
    const count = rows.length / dimensions;
    const lengths = Float64Array.from({ length: count }, (_, i) => {
      let sum = 0;
      for (let d = 0; d < dimensions; d += 1) {
        sum += rows[i * dimensions + d] ** 2;
      }
      return Math.sqrt(sum);
    });

    // The sum of unit vectors, less others.
    function query(plus, minus = []) {
      const sum = new Float64Array(dimensions);
      const add = (sign) => (place) => {
        for (let d = 0; d < dimensions; d += 1) {
          sum[d] += (sign * rows[place * dimensions + d]) / lengths[place];
        }
      };
      plus.forEach(add(1));
      minus.forEach(add(-1));
      return sum;
    }

    function cosines(direction) {
      const length = Math.hypot(...direction) || 1;
      return Float64Array.from({ length: count }, (_, i) => {
        let dot = 0;
        for (let d = 0; d < dimensions; d += 1) {
          dot += rows[i * dimensions + d] * direction[d];
        }
        return dot / (lengths[i] * length);
      });
    }

    // {plus, minus, exclude, n} -> {places, cosines}, the best first.
    function nearest({ plus, minus = [], exclude = [], n }) {
      const all = cosines(query(plus, minus));
      const left = new Set(exclude);
      const places = Array.from(all.keys())
        .filter((place) => !left.has(place))
        .sort((a, b) => all[b] - all[a] || a - b)
        .slice(0, n);
      return { places, cosines: places.map((place) => all[place]) };
    }

    return { count, nearest, cosinesWith: (place) => cosines(query([place])) };
  }

  // Places on a map: base64 of (N, 2) int16, from -1 to 1.
  function places(base64) {
    const numbers = new Int16Array(bytesOf(base64).buffer);
    return (i) => [numbers[2 * i] / 32767, numbers[2 * i + 1] / 32767];
  }

  llm.embedding = Object.assign(llm.embedding || {}, { vectors, places });
})((globalThis.llmNotes = globalThis.llmNotes || {}));
