// Tokens as chips in a row: one stop of the Tab key, the arrow keys move within.
//
// A chip is a button with the text of its token; what is said about a token is the
// caller's matter. Knows pieces as llm.tokenizers.read gives them; knows no tokenizer.
(function (llm) {
  "use strict";

  llm.tokenizers = llm.tokenizers || {};

  const N_COLOURS = 5;
  const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

  function hexadecimal(bytes, most = 24) {
    const shown = bytes
      .slice(0, most)
      .map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
    return shown.join(" ") + (bytes.length > most ? " …" : "");
  }

  function chipOf(piece, place) {
    const label = llm.dom.visible(piece.text);
    const kinds = ["llm-chip", `llm-chip-${place % N_COLOURS}`];
    const isHalf = !piece.isUnknown && /^<0x|<0x[0-9A-F]{2}>$/.test(piece.text);
    kinds.push(...(piece.isUnknown ? ["llm-unknown"] : isHalf ? ["llm-half"] : []));
    kinds.push(...(piece.isNew ? ["llm-new"] : []));
    const id = piece.id === null ? "no token" : `id ${piece.id}`;
    return llm.dom.make(
      "button",
      {
        type: "button", class: kinds.join(" "), tabindex: place ? "-1" : "0",
        "aria-label": `${label}, ${id}, bytes ${hexadecimal(piece.bytes)}`,
      },
      label
    );
  }

  // {element, draw(pieces), focus(place), mark(start, end), placeAt(byte)}
  //   leave(direction): called when Up (-1) or Down (1) is pressed on a chip.
  function chips(label, leave) {
    const element = llm.dom.make("div", {
      class: "llm-chips", role: "group", "aria-label": label,
    });
    let pieces = [];
    let buttons = [];
    let stop = 0; // the chip that Tab reaches
    let marked = [];

    function moveStop(place) {
      buttons[stop].setAttribute("tabindex", "-1");
      stop = place;
      buttons[stop].setAttribute("tabindex", "0");
    }

    function focus(place) {
      if (buttons.length) {
        const within = Math.max(0, Math.min(buttons.length - 1, place));
        moveStop(within);
        buttons[within].focus();
      }
    }

    // The first chip that ends after this byte of the text.
    function placeAt(byte) {
      let [low, high] = [0, pieces.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        [low, high] = pieces[middle].end > byte ? [low, middle] : [middle + 1, high];
      }
      return low;
    }

    function mark(start, end) {
      marked.forEach((button) => button.classList.remove("llm-same"));
      marked = [];
      for (let i = placeAt(start); i < pieces.length && pieces[i].start < end; i += 1) {
        marked.push(buttons[i]);
      }
      marked.forEach((button) => button.classList.add("llm-same"));
    }

    function draw(given) {
      pieces = given;
      buttons = pieces.map(chipOf);
      stop = 0;
      marked = [];
      // A line of the text ends where its line break is.
      const ends = (i) => pieces[i].text.includes("\n") && i + 1 < pieces.length;
      element.replaceChildren(
        ...buttons.flatMap((button, i) =>
          ends(i) ? [button, llm.dom.make("br")] : [button]
        )
      );
    }

    element.addEventListener("focusin", (event) => {
      const place = buttons.indexOf(event.target);
      if (place >= 0) {
        moveStop(place);
      }
    });
    element.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) {
        return;
      }
      const last = buttons.length - 1;
      const place = { Home: 0, End: last }[event.key];
      if (place !== undefined || STEPS[event.key]) {
        focus(place !== undefined ? place : stop + STEPS[event.key]);
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        leave(event.key === "ArrowDown" ? 1 : -1, pieces[stop].start);
      } else {
        return;
      }
      event.preventDefault();
    });

    return {
      element, draw, focus, mark, placeAt,
      pieceOf: (button) => pieces[buttons.indexOf(button)] || null,
    };
  }

  llm.tokenizers.chips = chips;
  llm.tokenizers.hexadecimal = hexadecimal;
})((globalThis.llmNotes = globalThis.llmNotes || {}));
