// A map of word vectors: a word and its nearest, an analogy and its answers.
//
// data: {words, dimensions, codes, error, shown, maps: [{name, about, kept, all, places}],
// groups, group_of, start, analogy, max_letters}; codes and places are base64, see
// embedding_vectors.js. The page answers at once; where there is a kernel, Python's
// answer in full precision takes its place.
(function (llm) {
  "use strict";

  const N_ANSWERS = 8;

  function sentence(rows) {
    return rows.map(({ name, cosine }) => `${name} ${cosine.toFixed(2)}`).join(", ");
  }

  // Asks the page, then Python if it is there; an answer that comes too late is dropped.
  function asker(vectors, host, say) {
    let last = 0;
    return async function ask(request, show) {
      last += 1;
      const mine = last;
      show(vectors.nearest(request));
      if (!host.ask) {
        return;
      }
      try {
        const answer = await host.ask(request);
        if (mine === last) {
          show(answer);
          say("Computed by Python, in full precision.");
        }
      } catch (error) {
        if (mine === last) {
          say(`Python could not answer (${error.message}); these are the page's numbers.`);
        }
      }
    };
  }

  llm.widgets = llm.widgets || {};

  llm.widgets.embedding = function (mount, data, host) {
    const { make, choice, slider, checkbox, button, controls, visible } = llm.dom;
    const { words, shown, groups } = data;
    const vectors = llm.embedding.vectors(data.codes, data.dimensions);
    const maps = data.maps.map((map) => ({ ...map, at: llm.embedding.places(map.places) }));
    const search = llm.embedding.finder(words);
    const rowOnMap = new Map(shown.map((place, i) => [place, i]));

    function short(text) {
      const seen = visible(text);
      return seen.length > data.max_letters ? `${seen.slice(0, data.max_letters)}…` : seen;
    }
    const nameOf = (place) => short(words[place]);

    const about = make("p", { class: "llm-quiet", role: "status" });
    const precision = make("p", { class: "llm-quiet" });
    const spoken = llm.dom.announcer();
    const inPage =
      `Cosines are of all ${data.dimensions} dimensions, computed in the page from vectors ` +
      `in eight bits: off by ${data.error.toPrecision(1)} at most, in a sample.`;
    const sayPrecision = (text) => {
      precision.textContent = text;
    };
    const askNear = asker(vectors, host, sayPrecision);
    const askAnalogy = asker(vectors, host, sayPrecision);
    const askOpen = asker(vectors, host, sayPrecision);

    const which = choice({
      label: "map", value: 0, options: maps.map(({ name }, i) => [i, name]),
    });
    const names = checkbox({ label: "names", value: true });
    const onMap = choice({
      label: "words on the map", value: data.start,
      options: [[-1, "choose"], ...shown.map((place) => [place, nameOf(place)])],
    });
    const picture = llm.embedding.picture((place) => choose(place));
    const closer = button({ label: "close-up", description: "zoom to the words of the list" });
    picture.buttons.append(closer.element);

    const word = llm.embedding.wordField({ label: "word", words, search, short, choose });
    const count = slider({ label: "neighbours", min: 3, max: 20, step: 1, value: 10 });
    const nearList = llm.embedding.rankedList("nearest words", choose);
    const nearTitle = make("p", { class: "llm-panel-title" });

    const inputs = ["a", "b", "c"].map((label) =>
      llm.embedding.wordField({ label, words, search, short, choose: () => showAnalogy() }));
    const leaveOut = checkbox({ label: "leave out a, b and c", value: true });
    const answers = llm.embedding.rankedList("answers", choose);
    const answerTitle = make("p", { class: "llm-panel-title" });
    const otherwise = make("p", { class: "llm-quiet" });
    const table = llm.dom.numbers("The words of the map");

    let near = { places: [], cosines: [] };
    let found = { places: [], cosines: [] };
    let looksAt = "near"; // which of the two the lines of the map show
    let touched = false; // only the reader changes the address

    const map = () => maps[which.value];
    function at(place) {
      if (map().all) {
        return map().at(place);
      }
      return rowOnMap.has(place) ? map().at(rowOnMap.get(place)) : null;
    }

    const rowsOf = ({ places, cosines }) => places.map((place, i) => ({
      place, name: nameOf(place), cosine: cosines[i],
      note: at(place) ? null : "not on this map",
    }));

    function linesOf() {
      const line = (from, to, kind, weight) =>
        at(from) && at(to) ? [{ from: at(from), to: at(to), kind, weight }] : [];
      if (looksAt === "near") {
        return near.places.flatMap((p, i) => line(word.place, p, "near", near.cosines[i]));
      }
      const [a, b, c] = inputs.map(({ place }) => place);
      const best = found.places[0];
      return [
        ...line(b, a, "step", 0.3), ...(best === undefined ? [] : line(c, best, "step", 0.3)),
      ];
    }

    function label() {
      const { name, kept } = map();
      const start = `Map by ${name} of ${shown.length} words; ` +
        `it keeps ${Math.round(100 * kept)} % of the nearest neighbours.`;
      return looksAt === "near"
        ? `${start} Lines go from ${nameOf(word.place)} to ${sentence(rowsOf(near))}.`
        : `${start} ${answerTitle.textContent}`;
    }

    function drawMap() {
      const special = looksAt === "near"
        ? [[word.place], near.places]
        : [inputs.map(({ place }) => place), found.places.slice(0, 1)];
      const rank = (place) =>
        special[0].includes(place) ? 3 : special[1].includes(place) ? 2 : data.group_of[place] >= 0 ? 1 : 0;
      const all = [...new Set([...shown, ...special.flat()])].filter((place) => at(place));
      picture.draw({
        points: all.map((place) => ({
          place, name: nameOf(place), at: at(place), group: data.group_of[place], rank: rank(place),
        })),
        lines: linesOf(), label: label(), names: names.value, frame: shown.map(at),
      });
      about.textContent =
        `${map().name}: ${map().about}. Of a word's ten nearest words on the map, ` +
        `${Math.round(100 * map().kept)} % are its nearest in all ${data.dimensions} dimensions.`;
      const cosines = vectors.cosinesWith(word.place);
      table.update(
        ["word", ...(groups.length ? ["group"] : []), "x", "y", `cosine with ${nameOf(word.place)}`],
        shown.map((place) => [
          nameOf(place), ...(groups.length ? [groups[data.group_of[place]] || "–"] : []),
          ...at(place).map((value) => value.toFixed(3)), cosines[place].toFixed(4),
        ])
      );
    }

    function showNear(speak) {
      looksAt = "near";
      sayPrecision(inPage);
      const place = word.place;
      onMap.value = rowOnMap.has(place) ? place : -1;
      nearTitle.textContent = `Nearest to ${nameOf(place)}, of ${words.length.toLocaleString("en")} words`;
      askNear({ plus: [place], minus: [], exclude: [place], n: count.value }, (answer) => {
        near = answer;
        nearList.show(rowsOf(near));
        drawMap();
      });
      if (speak) {
        spoken.say(`Nearest to ${nameOf(place)}: ${sentence(rowsOf(near).slice(0, 3))}`);
      }
      remember();
    }

    function showAnalogy(speak = true) {
      const [a, b, c] = inputs.map(({ place }) => place);
      const request = { plus: [a, c], minus: [b], n: N_ANSWERS };
      looksAt = "analogy";
      sayPrecision(inPage);
      const formula = `${nameOf(a)} − ${nameOf(b)} + ${nameOf(c)}`;
      const exclude = leaveOut.value ? [a, b, c] : [];
      askAnalogy({ ...request, exclude }, (answer) => {
        found = answer;
        const [first] = rowsOf(found);
        answerTitle.textContent = first ? `${formula} is nearest to ${first.name}.` : formula;
        answers.show(rowsOf(found));
        drawMap();
      });
      askOpen({ ...request, exclude: leaveOut.value ? [] : [a, b, c] }, (answer) => {
        const first = rowsOf(answer)[0];
        otherwise.textContent = !first ? "" : leaveOut.value
          ? `The three words themselves are left out. With them, the first would be ` +
            `${first.name} (${first.cosine.toFixed(3)}).`
          : `All words may answer. Without a, b and c, the first would be ${first.name} ` +
            `(${first.cosine.toFixed(3)}).`;
      });
      if (speak) {
        spoken.say(answerTitle.textContent);
      }
      remember();
    }

    function choose(place) {
      word.place = place;
      showNear(true);
    }

    function remember() {
      const changed = touched;
      if (changed) {
        llm.fragment.set(host.key, {
          word: words[word.place], map: map().name, show: looksAt, neighbours: count.value,
          analogy: inputs.map(({ place }) => words[place]),
        });
      }
    }

    // What an address names, as far as it is there.
    function restore(state) {
      const placeOf = (text) => (typeof text === "string" ? words.indexOf(text) : -1);
      const named = maps.findIndex(({ name }) => name === state.map);
      which.value = Math.max(0, named);
      count.value = Number(state.neighbours) || count.value;
      if (placeOf(state.word) >= 0) {
        word.place = placeOf(state.word);
      }
      const three = Array.isArray(state.analogy) ? state.analogy.map(placeOf) : [];
      if (three.length === 3 && three.every((place) => place >= 0)) {
        inputs.forEach((input, i) => {
          input.place = three[i];
        });
      }
    }

    // The view of an address, or the first one; it is not the reader's doing.
    function follow(state) {
      touched = false;
      if (state) {
        restore(state);
      }
      showAnalogy(false);
      if (!state || state.show !== "analogy") {
        showNear(false);
      }
      touched = true;
    }

    const legend = make("ul", { class: "llm-map-legend" }, groups.map((name, i) => {
      const sign = llm.dom.svg("svg", { viewBox: "-8 -8 16 16", "aria-hidden": "true" },
        llm.embedding.mark(i, 0, 0, 5));
      return make("li", {}, sign, short(name));
    }));

    word.place = data.start;
    inputs.forEach((input, i) => {
      input.place = data.analogy[i];
    });
    count.listen(() => showNear(false));
    which.listen(() => (looksAt === "near" ? showNear(false) : showAnalogy(false)));
    names.listen(drawMap);
    leaveOut.listen(() => showAnalogy());
    onMap.listen((place) => place >= 0 && choose(place));
    closer.listen(() => {
      const places = looksAt === "near"
        ? [word.place, ...near.places]
        : [...inputs.map(({ place }) => place), ...found.places.slice(0, 1)];
      const known = places.map(at).filter((place) => place);
      if (known.length) {
        picture.closeTo(known);
      }
    });

    mount.classList.add("llm-embedding");
    mount.append(
      controls(word, which, onMap, names), ...(groups.length ? [legend] : []),
      picture.element, picture.buttons, about,
      make("div", { class: "llm-embedding-sides" },
        make("section", { class: "llm-embedding-side", "aria-label": "neighbours" },
          controls(count), nearTitle, nearList.element),
        make("section", { class: "llm-embedding-side", "aria-label": "analogy" },
          make("p", { class: "llm-panel-title" }, "Analogy: a − b + c"),
          make("div", { class: "llm-analogy" }, inputs.map(({ element }) => element)),
          controls(leaveOut), answerTitle, answers.element, otherwise)),
      precision, table.element, spoken.element
    );
    follow(llm.fragment.get(host.key));
    llm.fragment.listen(() => {
      const state = llm.fragment.get(host.key);
      if (state) {
        follow(state);
      }
    });
  };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
