// The state of a page's explorers in its address, so that a view can be linked.
//
//   #~temperature-text?temperature=0.7&head=2~attention?layer=1
//
// One part per explorer: "~", its key, "?", name=value joined by "&". The part written
// first is the one that was moved last; a page that opens such a link scrolls to it.
// A number, true, false, null and lists stand as JSON, a text as itself (in double
// quotes where it would read as JSON). Everything else is escaped as in any address,
// a space as "+". A fragment without the "~" is an ordinary anchor and is left alone.
// What a fragment says is a wish: explorers ignore values that they do not have.
(function (llm) {
  "use strict";

  if (llm.fragment && llm.fragment.link) {
    return; // a second run must neither forget the states nor listen twice
  }

  const MAX_LENGTH = 20000;
  const PAUSE = 250; // ms; browsers refuse more than about three changes a second
  const known = new Map(); // key -> state, the one set last at the end
  let timer = 0;

  function escaped(text) {
    return encodeURIComponent(String(text).replace(/\p{Cs}/gu, "\ufffd"))
      .replace(/[~'()*!]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase())
      .replace(/%20/g, "+")
      .replace(/%2C/g, ",")
      .replace(/%3A/g, ":")
      .replace(/%2F/g, "/");
  }

  function unescaped(text) {
    return decodeURIComponent(text.replace(/\+/g, " "));
  }

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  function written(value) {
    const plain = typeof value === "string" && parsed(value) === value;
    return plain ? value : JSON.stringify(value);
  }

  function part(key, state) {
    const pairs = Object.entries(state || {})
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${escaped(name)}=${escaped(written(value))}`);
    return "~" + escaped(key) + (pairs.length ? "?" + pairs.join("&") : "");
  }

  // No names of Object's own: a state called "constructor" is a state.
  function stateOf(query) {
    const state = Object.create(null);
    for (const pair of query.split("&")) {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) || [];
      if (name) {
        state[unescaped(name)] = parsed(unescaped(value));
      }
    }
    return state;
  }

  // [[key, state], ...] in the order of the address. Parts that cannot be read are
  // skipped, and so is everything in a fragment too long to be ours.
  function entries() {
    const text = location.hash.slice(1);
    if (!text.startsWith("~") || text.length > MAX_LENGTH) {
      return [];
    }
    const found = [];
    for (const one of text.slice(1).split("~")) {
      const [, key, query] = /^([^?]+)(?:\?(.*))?$/s.exec(one) || [];
      try {
        if (key) {
          found.push([unescaped(key), stateOf(query || "")]);
        }
      } catch {
        // not an escape sequence: somebody else's fragment
      }
    }
    return found;
  }

  function address(fragment) {
    return location.href.split("#")[0] + (fragment ? "#" + fragment : "");
  }

  function write() {
    const parts = [...known].reverse().map(([key, state]) => part(key, state));
    if (!parts.length && !location.hash.startsWith("#~")) {
      return;
    }
    try {
      history.replaceState(history.state, "", address(parts.join("")));
    } catch {
      // Some frames may not change their address; the explorer works without.
    }
  }

  function remember() {
    for (const [key, state] of entries().reverse()) {
      known.delete(key);
      known.set(key, state);
    }
  }

  // The state that the address names for this key; null where it names none.
  function get(key) {
    const found = entries().filter(([other]) => other === key);
    return found.length ? found[0][1] : null;
  }

  // Puts the state into the address when the hand rests; null takes it out.
  function set(key, state) {
    if (key === null || key === undefined) {
      return;
    }
    known.delete(key);
    if (state) {
      known.set(key, state);
    }
    clearTimeout(timer);
    timer = setTimeout(write, PAUSE);
  }

  // The address of one view alone.
  function link(key, state) {
    return address(part(key, state));
  }

  // Scrolls to the element when the address was made for it, once the page has its
  // final height.
  function reveal(key, element) {
    const first = entries()[0];
    if (!first || first[0] !== key) {
      return;
    }
    const scroll = () => element.scrollIntoView({ block: "start" });
    if (document.readyState === "complete") {
      scroll();
    } else {
      // One task later: after the browser's own jump to the place of a reload.
      addEventListener("load", () => setTimeout(scroll, 0), { once: true });
    }
  }

  // Calls fn when a link or the back button changed the fragment to one of ours.
  function listen(fn) {
    addEventListener("hashchange", () => location.hash.startsWith("#~") && fn());
  }

  // A click on a link is newer than what the hand did before it.
  listen(() => {
    clearTimeout(timer);
    remember();
  });
  remember();

  llm.fragment = { get, set, link, reveal, listen };
})((globalThis.llmNotes = globalThis.llmNotes || {}));
