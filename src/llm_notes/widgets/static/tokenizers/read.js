// Tokenizers in the page: the same ids as Python's, from the file that `save` writes.
//
//   llm.tokenizers.read(json) -> {
//     kind, vocabSize, specialIds: Map, unknownId,
//     encode(text, allowedSpecial = []) -> [id],
//     decode(ids, skipSpecial = false) -> text,
//     pieces(text, lenient = false) -> [{id, text, bytes, start, end}],
//     text(id) -> string, bytes(id) -> Uint8Array, parts(id) -> [id, id] or null }
//
// A piece's `start` and `end` are places in the UTF-8 bytes of the text, and `bytes` the
// bytes between them: what the token stands for, [UNK] too. `text` is the token's own: a
// byte that is no whole character reads <0xE4>; show it with llm.dom.visible. What
// `encode` refuses, `pieces` refuses; with `lenient`, a character that has no token
// becomes a piece with the id null. The second argument of `read`, or the JSON's
// `unicode_classes`, are Python's classes of characters (see unicode.js).
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};

  function checked(json) {
    if (!json || json.format !== "llm_notes.tokenizer" || json.version !== 1) {
      throw new Error("this is no tokenizer file of llm_notes, version 1");
    }
    const kinds = llm.tokenizers.kinds;
    if (!Object.prototype.hasOwnProperty.call(kinds, json.kind)) {
      throw new Error(
        `unknown kind of tokenizer ${json.kind}; known are ${Object.keys(kinds).join(", ")}`
      );
    }
    return json;
  }

  // For each UTF-16 unit of the text, how many bytes stand before it.
  function byteOffsets(text) {
    const offsets = new Uint32Array(text.length + 1);
    let at = 0;
    let bytes = 0;
    for (const character of text) {
      const code = character.codePointAt(0);
      bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      at += character.length;
      offsets[at] = bytes;
    }
    return offsets;
  }

  // The two halves of the interface, each for one family of kinds.
  function fromBytes(rung) {
    const text = (id) =>
      rung.marksBytes && id < 256
        ? llm.tokenizers.text.byteLabel(id)
        : llm.tokenizers.text.labelOfBytes(rung.bytesOf[id]);
    function decode(ids) {
      const all = new Uint8Array(ids.reduce((n, id) => n + rung.bytesOf[id].length, 0));
      let at = 0;
      for (const id of ids) {
        all.set(rung.bytesOf[id], at);
        at += rung.bytesOf[id].length;
      }
      return llm.tokenizers.text.textOf(all); // bytes that are no UTF-8 come out as U+FFFD
    }
    function pieces(given) {
      let start = 0;
      return rung.encode(given).map((id) => {
        const bytes = [...rung.bytesOf[id]];
        start += bytes.length;
        return { id, text: text(id), bytes, start: start - bytes.length, end: start };
      });
    }
    return {
      vocabSize: rung.bytesOf.length, encode: rung.encode, decode, pieces, text,
      bytes: (id) => rung.bytesOf[id],
    };
  }

  function fromList(rung) {
    function pieces(given, lenient) {
      const offsets = byteOffsets(given);
      const bytes = llm.tokenizers.text.bytesOf(given);
      return rung.stretches(given, lenient).map(([id, from, to]) => ({
        id,
        text: id === null ? given.slice(from, to) : rung.texts[id],
        bytes: [...bytes.subarray(offsets[from], offsets[to])],
        start: offsets[from],
        end: offsets[to],
      }));
    }
    return {
      vocabSize: rung.texts.length,
      encode: (given) => rung.stretches(given).map(([id]) => id),
      decode: (ids) => rung.join(ids.map((id) => rung.texts[id])),
      pieces,
      text: (id) => rung.texts[id],
      bytes: (id) => llm.tokenizers.text.bytesOf(rung.texts[id]),
    };
  }

  function read(json, classes = null) {
    const { kind, unicode_classes: own = null } = checked(json);
    const classOf = llm.tokenizers.unicode.classes(classes || own);
    const rung = llm.tokenizers.kinds[kind](json, classOf);
    const { specialIds, unknownId } = rung;
    const inner = rung.encode ? fromBytes(rung) : fromList(rung);
    const isSpecial = new Set(specialIds.values());

    function required(id) {
      if (!(Number.isInteger(id) && id >= 0 && id < inner.vocabSize)) {
        throw new Error(
          `token id ${id} is not in the vocabulary; allowed are 0 to ${inner.vocabSize - 1}`
        );
      }
      return id;
    }
    function encode(text, allowedSpecial = []) {
      llm.tokenizers.text.requireEncodable(text);
      const { splitAtSpecialTokens } = llm.tokenizers.text;
      const parts = splitAtSpecialTokens(text, allowedSpecial, specialIds);
      const ids = parts.map((part, i) =>
        i % 2 ? [specialIds.get(part)] : inner.encode(part)
      );
      return ids.length === 1 ? ids[0] : ids.flat();
    }
    function decode(ids, skipSpecial = false) {
      const known = Array.from(ids, required);
      return inner.decode(skipSpecial ? known.filter((id) => !isSpecial.has(id)) : known);
    }
    function pieces(text, lenient = false) {
      llm.tokenizers.text.requireEncodable(text);
      return inner.pieces(text, lenient);
    }
    // The two tokens that byte-pair encoding joins to this one; null for all others.
    function parts(id) {
      const merge = rung.merges && rung.merges[required(id) - 256];
      return merge || null;
    }
    return {
      kind, vocabSize: inner.vocabSize, specialIds, unknownId, encode, decode, pieces,
      text: (id) => inner.text(required(id)),
      bytes: (id) => inner.bytes(required(id)),
      parts,
    };
  }

  llm.tokenizers.read = read;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
