"""Learning merges: which pairs of neighbours byte-pair encoding joins, in which order.

It knows ids only; what they stand for, bytes or characters, is the caller's matter.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

Pair = tuple[int, int]

_NO_TOKEN = -1  # between words, and where a token went into the one before it


def learn_merges(
    words: Iterable[Sequence[int]], counts: Iterable[int], first_id: int, n_merges: int
) -> list[Pair]:
    """The merges for distinct words, words[i] standing counts[i] times in a text.

    Each step merges the pair of neighbours that is most frequent. Of equally frequent
    pairs it is the one with the smaller first id, then the smaller second id. It stops
    early when every word is one token.

    Recounting all pairs after each merge is the definition, and slow. A merge changes
    only the pairs around its own places. So an index from each pair to its places keeps
    the counts up to date, and a heap finds the most frequent pair.

    Args:
        words: the ids that each word begins with.
        counts: how often each word occurs.
        first_id: the id of the first new token; merge i makes token first_id + i.
        n_merges: how many are wanted.

    Source: Sennrich, Haddow & Birch (2016), algorithm 1, and the indices that its
    section 3.2 mentions.
    """
    # All words in one chain. A token sits at its first place; `after` and `before` lead
    # to its neighbours' places, over those that merges have emptied.
    tokens, weights = [_NO_TOKEN], [0]
    for word, count in zip(words, counts, strict=True):
        tokens += [*word, _NO_TOKEN]
        weights += [count] * (len(word) + 1)
    after = list(range(1, len(tokens) + 1))
    before = list(range(-1, len(tokens) - 1))

    # The places of a pair ascend, also those that a merge makes: so a run such as "aaa"
    # is merged from the left. A place whose tokens have changed since is passed over.
    places: dict[Pair, list[int]] = defaultdict(list)
    for place, pair in enumerate(pairwise(tokens)):
        if _NO_TOKEN not in pair:
            places[pair].append(place)
    count_of: dict[Pair, int] = defaultdict(int)
    for pair, found in places.items():
        count_of[pair] = sum([weights[place] for place in found])

    # Smallest first: the negated count, then the pair itself, which settles ties.
    heap = [(-count, pair) for pair, count in count_of.items()]
    heapq.heapify(heap)
    merges: list[Pair] = []
    while heap and len(merges) < n_merges:
        negated, pair = heap[0]
        if -negated != count_of[pair]:  # out of date: counts only ever sink
            heapq.heapreplace(heap, (-count_of[pair], pair))
            continue
        if count_of[pair] == 0:
            break
        heapq.heappop(heap)
        left, right = pair
        new_id = first_id + len(merges)
        merges.append(pair)
        new_places: dict[Pair, list[int]] = defaultdict(list)
        for place in places.pop(pair):
            other = after[place]
            if tokens[place] != left or tokens[other] != right:
                continue
            previous, following, count = before[place], after[other], weights[place]
            tokens[place], tokens[other] = new_id, _NO_TOKEN
            after[place], before[following] = following, place
            neighbour = tokens[previous]
            if neighbour != _NO_TOKEN:
                count_of[neighbour, left] -= count
                new_pair = (neighbour, new_id)
                count_of[new_pair] += count
                new_places[new_pair].append(previous)
            neighbour = tokens[following]
            if neighbour != _NO_TOKEN:
                count_of[right, neighbour] -= count
                new_pair = (new_id, neighbour)
                count_of[new_pair] += count
                new_places[new_pair].append(place)
        places.update(new_places)
        for new_pair in new_places:
            heapq.heappush(heap, (-count_of[new_pair], new_pair))
    return merges
