// One model from the JSON that `llm_notes.inference.export.bundle_as_json` writes.
//
// The bytes are described in llm_notes/inference/export/bundle.py: four letters, version,
// length of the header, the header as JSON, the arrays. What does not fit together is
// refused; a changed number inside an array is not noticed. Knows no architecture.
(function (llm) {
  "use strict";

  const FORMAT = "llm_notes.web";
  const VERSION = 1;
  const KINDS = new Map([
    ["float32", Float32Array], ["int8", Int8Array], ["uint8", Uint8Array],
    ["uint16", Uint16Array], ["int32", Int32Array], ["uint32", Uint32Array],
  ]);

  const damaged = (what) =>
    new Error(`the bundle is damaged, ${what}: load the page again`);

  function bytesOf(base64) {
    let letters;
    try {
      letters = atob(base64);
    } catch {
      throw damaged("its text is no base64");
    }
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i += 1) {
      bytes[i] = letters.charCodeAt(i);
    }
    return bytes;
  }

  function headerOf(bytes) {
    const view = new DataView(bytes.buffer);
    const magic = String.fromCharCode(...bytes.subarray(0, 4));
    if (bytes.length < 12 || magic !== "LLMN") {
      throw new Error("these bytes are no bundle: they do not begin with LLMN");
    }
    if (view.getUint32(4, true) !== VERSION) {
      throw new Error("the bundle has another version: build the page anew");
    }
    const end = 12 + view.getUint32(8, true);
    if (end > bytes.length) {
      throw new Error("the bundle is cut short: load the page again");
    }
    let header;
    try {
      header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, end)));
    } catch {
      throw damaged("its header is no JSON");
    }
    if (!header || !Array.isArray(header.tensors)) {
      throw damaged("its header lists no arrays");
    }
    return [header, end];
  }

  // Whether an array of this kind and shape has these bytes, from a place where a
  // browser can read its numbers.
  function fits({ BYTES_PER_ELEMENT: width }, shape, place, size) {
    const whole = (n) => Number.isInteger(n) && n >= 0;
    const sizes = Array.isArray(shape) && shape.every(whole);
    const n = sizes ? shape.reduce((product, length) => product * length, 1) : -1;
    return whole(place) && place % width === 0 && size === n * width;
  }

  // A browser's numbers are little-endian on every machine that runs one, as are the
  // file's, so arrays are views on its bytes and nothing is copied.
  function arraysOf(header, bytes, start) {
    const arrays = Object.create(null);
    for (const entry of header.tensors) {
      const { name, dtype, shape, offset, n_bytes: size } = entry || {};
      const Kind = KINDS.get(dtype);
      if (!Kind || !(offset >= 0) || !fits(Kind, shape, start + offset, size)) {
        throw damaged(`its array ${name} is not as its header says`);
      }
      if (start + offset + size > bytes.length) {
        throw new Error("the bundle is cut short: load the page again");
      }
      const length = size / Kind.BYTES_PER_ELEMENT;
      const data = new Kind(bytes.buffer, start + offset, length);
      arrays[name] = { shape, data };
    }
    return arrays;
  }

  // The matrix of a layer (rows = outputs) in floats: integers times the row's scale,
  // rounded to single precision as PyTorch does it.
  function matrix(tensors, name) {
    const kept = tensors[`${name}.weight`];
    if (kept) {
      return { rows: kept.shape[0], columns: kept.shape[1], data: kept.data };
    }
    if (!tensors[`${name}.codes`] || !tensors[`${name}.scale`]) {
      throw damaged(`it holds no matrix ${name}`);
    }
    const { shape, data: codes } = tensors[`${name}.codes`];
    const scale = tensors[`${name}.scale`].data;
    const [rows, columns] = shape;
    const data = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row += 1) {
      const factor = scale[scale.length === 1 ? 0 : row];
      for (let i = row * columns; i < (row + 1) * columns; i += 1) {
        data[i] = codes[i] * factor;
      }
    }
    return { rows, columns, data };
  }

  // json: {format, version, base64}. Returns {header, tensors, matrix(name),
  // vector(name), linear(name)}; a vector that is not there is null, a linear layer is
  // {matrix, bias}. Throws an Error that says what is wrong.
  function read(json) {
    if (!json || json.format !== FORMAT || json.version !== VERSION) {
      throw new Error(`this is no model of the format ${FORMAT}, version ${VERSION}`);
    }
    const bytes = bytesOf(json.base64);
    const [header, start] = headerOf(bytes);
    const { bits, group_size: groups, zero_point: zeros } = header.integers || {};
    if (header.integers && (bits !== 8 || groups || zeros)) {
      throw new Error("pages read eight bits with one scale for a row: quantise so");
    }
    const tensors = arraysOf(header, bytes, start);
    const vector = (name) => (tensors[name] ? tensors[name].data : null);
    return {
      header,
      tensors,
      vector,
      matrix: (name) => matrix(tensors, name),
      linear: (name) => ({ matrix: matrix(tensors, name), bias: vector(`${name}.bias`) }),
    };
  }

  llm.bundle = { read };
  llm.models = llm.models || {};
  llm.models.kinds = llm.models.kinds || {};

  // The model of a bundle, ready to read: {architecture, config, tokenizer, switches,
  // forward, start, ...}; see the file of its architecture.
  // `classes` are Python's classes of characters (tokenizers/unicode.js).
  llm.models.load = function (bundle, classes = null) {
    const { architecture, config, tokenizer } = bundle.header;
    if (!Object.keys(llm.models.kinds).includes(architecture)) {
      throw new Error(`this page has no program for the architecture ${architecture}`);
    }
    const make = llm.models.kinds[architecture];
    const read = (json) => (json && llm.tokenizers ? llm.tokenizers.read(json, classes) : null);
    return { architecture, config, tokenizer: read(tokenizer), ...make(bundle, read) };
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
