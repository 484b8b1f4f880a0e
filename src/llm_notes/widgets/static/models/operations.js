// The arithmetic of the models: products, norms, bends. Vectors are Float32Arrays.
//
// One function for each operator of llm_notes/models/layers, with the same name where
// it has one. Sums are double, results single precision. Knows no model.
(function (llm) {
  "use strict";

  // y = W x + b for the rows of W. Four sums at a time: they do not wait for each other.
  function linear({ matrix, bias }, x) {
    const { rows, columns, data } = matrix;
    const y = new Float32Array(rows);
    const whole = columns - (columns % 4);
    for (let row = 0, start = 0; row < rows; row += 1, start += columns) {
      let a = bias ? bias[row] : 0;
      let b = 0;
      let c = 0;
      let d = 0;
      let i = 0;
      for (; i < whole; i += 4) {
        a += data[start + i] * x[i];
        b += data[start + i + 1] * x[i + 1];
        c += data[start + i + 2] * x[i + 2];
        d += data[start + i + 3] * x[i + 3];
      }
      for (; i < columns; i += 1) {
        a += data[start + i] * x[i];
      }
      y[row] = a + b + c + d;
    }
    return y;
  }

  function row(matrix, index) {
    return matrix.data.slice(index * matrix.columns, (index + 1) * matrix.columns);
  }

  function add(x, y) {
    const sum = new Float32Array(x.length);
    for (let i = 0; i < x.length; i += 1) {
      sum[i] = x[i] + y[i];
    }
    return sum;
  }

  function layerNorm({ weight, bias, eps }, x) {
    let mean = 0;
    for (let i = 0; i < x.length; i += 1) {
      mean += x[i];
    }
    mean /= x.length;
    let variance = 0;
    for (let i = 0; i < x.length; i += 1) {
      variance += (x[i] - mean) ** 2;
    }
    const factor = 1 / Math.sqrt(variance / x.length + eps);
    const y = new Float32Array(x.length);
    for (let i = 0; i < x.length; i += 1) {
      y[i] = (x[i] - mean) * factor * weight[i] + (bias ? bias[i] : 0);
    }
    return y;
  }

  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  const relu = (x) => Math.max(0, x);

  const ROOT = Math.sqrt(2 / Math.PI);
  const geluTanh = (x) => 0.5 * x * (1 + Math.tanh(ROOT * (x + 0.044715 * x * x * x)));

  // The error function by its series, where it converges fast, and by its continued
  // fraction beyond (Abramowitz & Stegun 7.1.6 and 7.1.14): exact to 1e-12.
  function erf(x) {
    const size = Math.abs(x);
    if (size > 6) {
      return Math.sign(x);
    }
    if (size < 2.5) {
      let term = x;
      let sum = x;
      for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
        term *= (2 * x * x) / (2 * n + 1);
        sum += term;
      }
      return ((2 * Math.exp(-x * x)) / Math.sqrt(Math.PI)) * sum;
    }
    let fraction = size;
    for (let n = 60; n > 0; n -= 1) {
      fraction = size + n / 2 / fraction;
    }
    return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / fraction);
  }

  const gelu = (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));

  function map(x, bend) {
    const y = new Float32Array(x.length);
    for (let i = 0; i < x.length; i += 1) {
      y[i] = bend(x[i]);
    }
    return y;
  }

  // Scores become weights that sum to one, in place.
  function softmax(scores) {
    let highest = -Infinity;
    for (let i = 0; i < scores.length; i += 1) {
      highest = Math.max(highest, scores[i]);
    }
    let total = 0;
    for (let i = 0; i < scores.length; i += 1) {
      scores[i] = Math.exp(scores[i] - highest);
      total += scores[i];
    }
    for (let i = 0; i < scores.length; i += 1) {
      scores[i] /= total;
    }
    return scores;
  }

  llm.operations = {
    linear, row, add, layerNorm, sigmoid, relu, geluTanh, gelu, erf, map, softmax,
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
