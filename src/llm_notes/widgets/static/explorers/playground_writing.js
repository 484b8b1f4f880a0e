// A text that a causal model reads and continues, in slices: typing never waits for it.
//
// A token of the text is {id, text, bits, logits, attention, isPrompt, settings}: `bits` is
// how much it surprised the model, `logits` the distribution before it, `attention` where
// the model looked for it, `settings` those of its draw or null. A new task ends the one
// before. Knows no element of the page.
(function (llm) {
  "use strict";

  const SLICE = 8; // ms of work between two chances for the page to answer
  const SHOW = 40; // ms between two drawings of a growing text

  // Reads token after token; when the context is full it goes on with its last half.
  // `rest` is awaited between two pieces of work, and may end it.
  function reader(model, switches) {
    const ids = []; // all that was read
    const firsts = []; // for each: where the window began that it was read in
    let first = 0;
    let session = model.start(switches);

    async function readWindow(rest) {
      let given = null;
      session = model.start(switches);
      for (const id of ids.slice(first)) {
        given = session.push(id);
        await rest();
      }
      return given;
    }
    return {
      get slid() {
        return first > 0;
      },
      async push(id, rest) {
        if (session.isFull) {
          first += Math.floor((ids.length - first) / 2);
          await readWindow(rest);
        }
        ids.push(id);
        firsts.push(first);
        return session.push(id);
      },
      // Back to the state after n tokens: only their window has to be read again.
      rewind(n, rest) {
        ids.length = n;
        firsts.length = n;
        first = n ? firsts[n - 1] : 0;
        return readWindow(rest);
      },
    };
  }

  // The same, but Python's model gives the logits.
  function kernelReader(ask, name) {
    const ids = [];
    let slid = false;
    async function logitsNow() {
      const answer = await ask({ model: name, ids: [...ids] });
      slid = answer.slid;
      return { logits: Float32Array.from(answer.logits), attention: null };
    }
    return {
      get slid() {
        return slid;
      },
      push(id) {
        ids.push(id);
        return logitsNow();
      },
      async rewind(n) {
        ids.length = n;
        return n ? logitsNow() : null;
      },
    };
  }

  // Minus the binary logarithm of the token's probability; null logits are a guess.
  function surprise(logits, id, vocabSize) {
    if (!logits) {
      return Math.log2(vocabSize);
    }
    let highest = -Infinity;
    for (let i = 0; i < logits.length; i += 1) {
      highest = logits[i] > highest ? logits[i] : highest;
    }
    let total = 0;
    for (let i = 0; i < logits.length; i += 1) {
      total += Math.exp(logits[i] - highest);
    }
    return (Math.log(total) + highest - logits[id]) / Math.LN2;
  }

  class Ended extends Error {}

  // model: from llm.models.load; makeReader(): see above; show(): called now and then.
  function writing(model, makeReader, show) {
    const { tokenizer } = model;
    let tokens = [];
    let nRead = 0; // how many of the tokens the reader has read
    let last = null; // what the reader gave for the last one
    let reading = null;
    let isStale = false; // the reader may stand elsewhere than after nRead tokens
    let task = 0;
    let sliceEnds = 0;
    let shownAt = -Infinity;

    async function rest(mine) {
      const now = performance.now();
      if (now > sliceEnds) {
        if (now > shownAt + SHOW) {
          shownAt = now;
          show();
        }
        // After a long piece (a model that cannot go on from where it was) timers and
        // the painting of the page get their turn too.
        const isLate = now > sliceEnds + 4 * SLICE;
        await (isLate ? new Promise((resolve) => setTimeout(resolve)) : llm.dom.slice());
        sliceEnds = performance.now() + SLICE;
      }
      if (mine !== task) {
        throw new Ended();
      }
    }

    function forget(from) {
      tokens = tokens.slice(0, from);
      if (nRead > from) {
        nRead = from;
        isStale = true;
      }
    }

    // Read what was not read yet, and note what each token cost.
    async function catchUp(mine) {
      const pause = () => rest(mine);
      if (!reading || (isStale && nRead === 0)) {
        reading = makeReader();
        last = null;
        isStale = false;
      }
      if (isStale) {
        const given = await reading.rewind(nRead, pause);
        await pause();
        last = given;
        isStale = false;
      }
      while (nRead < tokens.length) {
        const token = tokens[nRead];
        const { logits, attention } = last || { logits: null, attention: null };
        token.bits = surprise(logits, token.id, tokenizer.vocabSize);
        token.logits = logits;
        token.attention = attention;
        isStale = true;
        const given = await reading.push(token.id, pause);
        if (mine !== task) {
          throw new Ended();
        }
        last = given;
        nRead += 1;
        isStale = false;
        await pause();
      }
    }

    // Resolves to false when another task took over.
    async function running(work) {
      task += 1;
      const mine = task;
      sliceEnds = performance.now() + SLICE;
      try {
        await work(mine);
      } catch (error) {
        if (!(error instanceof Ended)) {
          throw error;
        }
        return false;
      }
      show();
      return true;
    }

    const token = (id, isPrompt, settings = null) => ({
      id, text: tokenizer.text(id), bits: null, logits: null, attention: null, isPrompt,
      settings,
    });

    return {
      get tokens() {
        return tokens;
      },
      get slid() {
        return Boolean(reading && reading.slid);
      },
      // What stands after the last token: {logits, attention}, or null when not read.
      get next() {
        return last && !isStale && nRead === tokens.length ? last : null;
      },
      read(text) {
        const ids = tokenizer.encode(text);
        let same = 0; // what is the same as before need not be read again
        while (same < Math.min(ids.length, tokens.length) && tokens[same].id === ids[same]) {
          tokens[same].isPrompt = true;
          same += 1;
        }
        forget(same);
        tokens.push(...ids.slice(same).map((id) => token(id, true)));
        return running(catchUp);
      },
      // settings: of llm.sampling.apply, and `seed`. The draw at a place depends on the
      // seed and the place alone, so one step at a time gives the same text.
      write(n, settings) {
        return running(async (mine) => {
          await catchUp(mine);
          const nPrompt = tokens.filter(({ isPrompt }) => isPrompt).length;
          const ids = tokens.map(({ id }) => id);
          for (let i = 0; i < n && last; i += 1) {
            const { logits } = llm.sampling.apply(last.logits, settings, ids, nPrompt);
            const uniform = llm.sampling.random(settings.seed * 100003 + ids.length)();
            const id = llm.sampling.draw(llm.sampling.softmax(logits), uniform);
            tokens.push(token(id, false, settings));
            ids.push(id);
            await catchUp(mine);
          }
        });
      },
      // Another token at a place; what followed is dropped. The place after the last
      // token takes one more.
      replace(place, id) {
        const isPrompt = place < tokens.length && tokens[place].isPrompt;
        forget(place);
        tokens.push(token(id, isPrompt));
        return running(catchUp);
      },
      undo() {
        task += 1;
        if (tokens.length && !tokens[tokens.length - 1].isPrompt) {
          forget(tokens.length - 1);
        }
        return running(catchUp);
      },
      // A token that was drawn and not yet read stays.
      stop() {
        task += 1;
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
