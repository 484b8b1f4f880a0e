// A text that a causal model reads and continues, in slices: typing never waits for it.
//
// A token of the text is {id, text, bits, logits, attention, isPrompt}: `bits` is how much
// it surprised the model, `logits` the distribution before it, `attention` where the model
// looked for it. A new task ends the one before. Knows no element of the page.
(function (llm) {
  "use strict";

  const SLICE = 8; // ms of work between two chances for the page to answer

  // Reads token after token; when the context is full it goes on with its last half.
  // push(id, rest): `rest` is awaited between two pieces of work, and may end it.
  function reader(model, switches) {
    let session = model.start(switches);
    let kept = [];
    return {
      slid: false,
      async push(id, rest) {
        if (session.isFull) {
          this.slid = true;
          kept = kept.slice(-Math.ceil(kept.length / 2));
          session = model.start(switches);
          for (const before of kept) {
            session.push(before);
            await rest();
          }
        }
        kept.push(id);
        return session.push(id);
      },
    };
  }

  // The same, but Python's model gives the logits.
  function kernelReader(ask, name) {
    const ids = [];
    return {
      slid: false,
      async push(id) {
        ids.push(id);
        const { logits, slid } = await ask({ model: name, ids });
        this.slid = slid;
        return { logits: Float32Array.from(logits), attention: null };
      },
    };
  }

  // Minus the binary logarithm of the token's probability; null logits are a guess.
  function surprise(logits, id, vocabSize) {
    if (!logits) {
      return Math.log2(vocabSize);
    }
    let highest = -Infinity;
    for (const z of logits) {
      highest = Math.max(highest, z);
    }
    let total = 0;
    for (const z of logits) {
      total += Math.exp(z - highest);
    }
    return (Math.log(total) + highest - logits[id]) / Math.LN2;
  }

  // model: from llm.models.load; makeReader(): see above; show(): called after slices.
  function writing(model, makeReader, show) {
    const { tokenizer } = model;
    let tokens = [];
    let nRead = 0; // how many of the tokens the reader has read
    let last = null; // what the reader gave for the last one
    let reading = null;
    let task = 0;
    let sliceEnds = 0;

    class Ended extends Error {}

    async function rest(mine) {
      if (performance.now() > sliceEnds) {
        show();
        await llm.dom.slice();
        sliceEnds = performance.now() + SLICE;
      }
      if (mine !== task) {
        throw new Ended();
      }
    }

    function forget(from) {
      tokens = tokens.slice(0, from);
      if (nRead > from) {
        nRead = 0;
        last = null;
      }
    }

    // Read what was not read yet, and note what each token cost.
    async function catchUp(mine) {
      if (nRead === 0) {
        reading = makeReader();
        last = null;
      }
      while (nRead < tokens.length) {
        const token = tokens[nRead];
        const { logits, attention } = last || { logits: null, attention: null };
        token.bits = surprise(logits, token.id, tokenizer.vocabSize);
        token.logits = logits;
        token.attention = attention;
        last = await reading.push(token.id, () => rest(mine));
        nRead += 1;
        await rest(mine);
      }
    }

    function start() {
      task += 1;
      sliceEnds = performance.now() + SLICE;
      return task;
    }

    async function running(work) {
      const mine = start();
      try {
        await work(mine);
      } catch (error) {
        if (!(error instanceof Ended)) {
          throw error;
        }
        nRead = 0; // the reader may stand in the middle of something
        return false;
      }
      show();
      return true;
    }

    const token = (id, isPrompt) => ({
      id, text: tokenizer.text(id), bits: null, logits: null, attention: null, isPrompt,
    });

    return {
      get tokens() {
        return tokens;
      },
      get slid() {
        return Boolean(reading && reading.slid);
      },
      // Resolves to false when another task took over.
      read(text) {
        const ids = tokenizer.encode(text);
        let same = 0; // what is the same as before need not be read again
        while (same < Math.min(ids.length, tokens.length) && tokens[same].id === ids[same]) {
          tokens[same].isPrompt = true;
          same += 1;
        }
        if (same < tokens.length) {
          forget(same);
        }
        tokens.push(...ids.slice(same).map((id) => token(id, true)));
        return running(catchUp);
      },
      // settings: of llm.sampling.apply, and `seed`. The draw at a place depends on the
      // seed and the place alone, so one step at a time gives the same text.
      write(n, settings) {
        return running(async (mine) => {
          await catchUp(mine);
          for (let i = 0; i < n && last; i += 1) {
            const ids = tokens.map(({ id }) => id);
            const nPrompt = tokens.filter(({ isPrompt }) => isPrompt).length;
            const { logits } = llm.sampling.apply(last.logits, settings, ids, nPrompt);
            const uniform = llm.sampling.random(settings.seed * 100003 + ids.length)();
            const id = llm.sampling.draw(llm.sampling.softmax(logits), uniform);
            tokens.push(token(id, false));
            await catchUp(mine);
          }
        });
      },
      // Another token at a place; what followed is dropped.
      replace(place, id) {
        const { isPrompt } = tokens[place];
        forget(place);
        tokens.push(token(id, isPrompt));
        return running(catchUp);
      },
      undo() {
        start();
        if (tokens.length && !tokens[tokens.length - 1].isPrompt) {
          forget(tokens.length - 1);
        }
        show();
      },
      stop() {
        start();
        // A token that was drawn and not yet read stays.
        show();
      },
    };
  }

  // Bits for each byte of some tokens, or null where there are none that were read.
  function bitsPerByte(tokens, tokenizer) {
    const read = tokens.filter(({ bits }) => bits !== null);
    const nBytes = read.reduce((n, { id }) => n + tokenizer.bytes(id).length, 0);
    const bits = read.reduce((sum, token) => sum + token.bits, 0);
    return nBytes ? bits / nBytes : null;
  }

  llm.writing = { writing, reader, kernelReader, bitsPerByte };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
