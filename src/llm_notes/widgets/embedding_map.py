"""A map of word vectors to walk on: neighbours, analogies, and what the map hides.

The page computes with the directions of the vectors in eight bits; neighbours are those
of all dimensions, never those of the map. In a kernel Python answers with the vectors
as they are. Knows no model: words and vectors come from anywhere.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from llm_notes.viz.labels import visible
from llm_notes.widgets.embedding_layouts import kept_neighbours, pca_axes, tsne
from llm_notes.widgets.page import PageWidget

MAX_NUMBERS = 400_000  # vectors times dimensions: half a megabyte in the page
MAX_SHOWN = 400
MAX_GROUPS = 6
MAX_LETTERS = 60  # of a word, where it is shown
_N_NEIGHBOURS = 10
_STEPS = 32767  # of a place on the map, either side of its middle
_SCRIPTS = (
    "explorers/embedding_vectors.js",
    "explorers/embedding_picture.js",
    "explorers/embedding_lists.js",
    "explorers/embedding.js",
)


def embedding_map(
    words: Sequence[str],
    vectors: ArrayLike,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    start: str | None = None,
    analogy: tuple[str, str, str] | None = None,
    n_shown: int = 300,
    title: str = "A map of words",
) -> PageWidget:
    """Words on a map, with their neighbours and analogies in the full space.

    Args:
        words: V different words, the most frequent (or most important) first.
        vectors: (V, D), one for each word; only their directions are kept.
        groups: words by the name of their group, at most 6: each has a colour and a
            mark of its own, and its words are on the map wherever they stand in the
            list.
        start: the word that is chosen first; the first word when not given.
        analogy: a, b, c of a - b + c, such as ("king", "man", "woman"), to begin with;
            the first three words of the map when not given.
        n_shown: words on the map.
        title: its name for those who hear the page.

    Raises:
        ValueError: for words and vectors that do not fit together, vectors without a
            direction, too many numbers, too many groups, or a word that is not there.
    """
    words = list(words)
    table = _table(words, vectors)
    place_of = {word: i for i, word in enumerate(words)}
    group_of = _group_places(groups or {}, place_of)
    start_place = 0 if start is None else _place(start, place_of)
    chosen = _analogy_places(analogy, place_of)
    shown = _shown_places(n_shown, len(words), [*group_of, start_place, *chosen])
    codes = int8_directions(table)
    maps = _maps(_unit(codes), shown)
    return PageWidget(
        "embedding",
        {
            "words": words,
            "dimensions": table.shape[1],
            "codes": _base64(codes),
            "error": _cosine_error(table, codes),
            "shown": shown,
            "maps": maps,
            "groups": list(groups or {}),
            "group_of": [group_of.get(place, -1) for place in range(len(words))],
            "start": start_place,
            "analogy": chosen,
            "max_letters": MAX_LETTERS,
        },
        title=title,
        description=_description(words, table, shown, start_place, groups or {}),
        scripts=_SCRIPTS,
        styles=("explorers/embedding.css",),
        answer=lambda request: _answer(table, request),
    )


def int8_directions(vectors: np.ndarray) -> np.ndarray:
    """(V, D) int8: each vector times what makes its largest entry 127, rounded.

    The factor is not kept: cosines do not need it.
    """
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    return np.rint(127 * vectors / largest).astype(np.int8)


def _table(words: Sequence[str], vectors: ArrayLike) -> np.ndarray:
    """The vectors as floats of 64 bits, if they are what a map needs."""
    if hasattr(vectors, "detach"):
        vectors = vectors.detach().cpu()
    table = np.asarray(vectors, dtype=np.float64)
    if table.ndim != 2 or len(table) != len(words) or table.shape[1] < 2:
        raise ValueError(
            f"{len(words)} words need vectors (V, D) with a row for each and D of at "
            f"least 2, got the shape {table.shape}"
        )
    if len(words) < 4:
        raise ValueError(f"a map of {len(words)} words shows nothing; give at least 4")
    if len(set(words)) < len(words) or not all(
        isinstance(word, str) and word for word in words
    ):
        raise ValueError("words must be texts, not empty, and each must come once")
    if table.size > MAX_NUMBERS:
        raise ValueError(
            f"{table.size:,} numbers are too many for a page ({MAX_NUMBERS:,} are "
            "allowed): take the most frequent words, or fewer dimensions by PCA"
        )
    lengths = np.linalg.norm(table, axis=1)
    if not (np.isfinite(table).all() and lengths.all()):
        bad = words[int(np.argmin(np.isfinite(table).all(axis=1) & (lengths > 0)))]
        raise ValueError(
            f"the vector of {bad!r} is zero or not finite, so it has no direction: "
            "leave the word out"
        )
    return table


def _place(word: str, place_of: Mapping[str, int]) -> int:
    if word not in place_of:
        raise ValueError(f"{word!r} is not among the words: choose one that is")
    return place_of[word]


def _group_places(
    groups: Mapping[str, Sequence[str]], place_of: Mapping[str, int]
) -> dict[int, int]:
    """The group of each word that has one, by their numbers."""
    if len(groups) > MAX_GROUPS:
        raise ValueError(
            f"{len(groups)} groups are more than colours can tell apart; give at most "
            f"{MAX_GROUPS}"
        )
    group_of: dict[int, int] = {}
    for number, (name, members) in enumerate(groups.items()):
        if isinstance(members, str):
            raise ValueError(f"the group {name!r} is one text: give a list of words")
        for word in members:
            place = _place(word, place_of)
            if group_of.setdefault(place, number) != number:
                raise ValueError(f"{word!r} is in two groups; it can have one colour")
    return group_of


def _analogy_places(
    analogy: tuple[str, str, str] | None, place_of: Mapping[str, int]
) -> list[int]:
    if analogy is None:
        return [0, 1, 2]
    if len(analogy) != 3:
        raise ValueError(f"an analogy a - b + c has three words, got {len(analogy)}")
    return [_place(word, place_of) for word in analogy]


def _shown_places(n_shown: int, n_words: int, wanted: Sequence[int]) -> list[int]:
    """Those that must be on the map, then the first of the list, in its order."""
    kept = set(wanted)
    if not 4 <= n_shown <= MAX_SHOWN or len(kept) > MAX_SHOWN:
        raise ValueError(
            f"n_shown is {n_shown}, and {len(kept)} words must be on the map; 4 to "
            f"{MAX_SHOWN} words can be told apart"
        )
    for place in range(n_words):
        if len(kept) >= n_shown:
            break
        kept.add(place)
    return sorted(kept)


def _maps(unit: np.ndarray, shown: Sequence[int]) -> list[dict[str, Any]]:
    """The maps, each with the words on it and how many neighbours it keeps."""
    mean, axes, share = pca_axes(unit[shown])
    flat = (unit - mean) @ axes.T  # (V, 2): PCA has a place for every word
    maps = [
        (
            "PCA",
            f"the two directions of most variance: {100 * share:.0f} % of it",
            list(range(len(unit))),
            flat,
            flat[shown],
        )
    ]
    places = tsne(unit[shown], flat[shown])
    about = "near words stay near; the distance between groups says little"
    maps.append(("t-SNE", about, list(shown), places, places))
    return [
        {
            "name": name,
            "about": about,
            "kept": kept_neighbours(unit[shown], places_of_shown, _N_NEIGHBOURS),
            "all": len(on_it) == len(unit),
            "places": _base64(_rounded(positions)),
        }
        for name, about, on_it, positions, places_of_shown in maps
    ]


def _rounded(places: np.ndarray) -> np.ndarray:
    """(N, 2) int16: the middle at zero, the farthest place at the edge."""
    centred = places - (places.max(axis=0) + places.min(axis=0)) / 2
    largest = np.abs(centred).max() or 1.0
    return np.rint(_STEPS * centred / largest).astype("<i2")


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _cosine_error(table: np.ndarray, codes: np.ndarray) -> float:
    """The largest difference that eight bits make to a cosine, of a sample of words."""
    sample = np.unique(np.linspace(0, len(table) - 1, 200).astype(int))
    full, rounded = _unit(table), _unit(codes)
    differences = full[sample] @ full.T - rounded[sample] @ rounded.T
    return float(np.abs(differences).max())


def _description(
    words: Sequence[str],
    table: np.ndarray,
    shown: Sequence[int],
    start: int,
    groups: Mapping[str, Sequence[str]],
) -> str:
    """What is seen first, from the data."""
    near = _ranked(_unit(table), _unit(table)[start], [start], 5)
    names = ", ".join(f"{_short(words[place])} {cosine:.2f}" for place, cosine in near)
    text = (
        f"{len(shown)} of {len(words)} words on a map; each is a vector of "
        f"{table.shape[1]} numbers. Nearest to {_short(words[start])}, by cosine: "
        f"{names}."
    )
    if groups:
        text += f" Groups: {', '.join(_short(name) for name in groups)}."
    return text


def _short(text: str) -> str:
    text = visible(text)
    return text if len(text) <= MAX_LETTERS else text[:MAX_LETTERS] + "…"


def _ranked(
    unit: np.ndarray, query: np.ndarray, excluded: Sequence[int], n: int
) -> list[tuple[int, float]]:
    """The n rows with the largest cosine; of equal ones, the first in the list."""
    cosines = unit @ (query / (np.linalg.norm(query) or 1.0))
    cosines[list(excluded)] = -np.inf
    best = np.argsort(-cosines, kind="stable")[: max(0, min(n, len(unit)))]
    return [(int(i), float(cosines[i])) for i in best if np.isfinite(cosines[i])]


def _answer(table: np.ndarray, request: Mapping[str, Any]) -> dict[str, Any]:
    """In full precision: {plus, minus, exclude, n} to {places, cosines}."""
    unit = _unit(table)
    places = {name: request.get(name, []) for name in ("plus", "minus", "exclude")}
    for name, given in places.items():
        if not isinstance(given, list) or not all(
            type(place) is int and 0 <= place < len(unit) for place in given
        ):
            raise ValueError(
                f"{name} must be places of words, from 0 to {len(unit) - 1}"
            )
    if not places["plus"]:
        raise ValueError("name at least one word")
    query = unit[places["plus"]].sum(axis=0) - unit[places["minus"]].sum(axis=0)
    found = _ranked(unit, query, places["exclude"], int(request.get("n", 10)))
    return {"places": [i for i, _ in found], "cosines": [c for _, c in found]}
