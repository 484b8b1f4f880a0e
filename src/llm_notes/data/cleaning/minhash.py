r"""MinHash: the similarity of two sets from short signatures (Broder 1997).

How alike two texts are is the Jaccard similarity of their shingles (runs of tokens):
$J(A, B) = |A \cap B| / |A \cup B|$. Comparing all pairs of a large corpus takes too
long. A signature estimates J from a few numbers, and banding finds the pairs that are
worth a comparison without looking at the others (Leskovec, Rajaraman and Ullman,
*Mining of Massive Datasets*, section 3.4).

This module knows sets and signatures; what becomes of a pair is decided elsewhere.
"""

from collections import defaultdict
from collections.abc import Sequence, Set
from functools import cache
from hashlib import blake2b
from itertools import combinations

import numpy as np

Shingle = tuple[str, ...]

_CHUNK = 1024  # shingles hashed at once, so that a long text needs no more memory


def shingles(tokens: Sequence[str], n: int) -> set[Shingle]:
    """The distinct runs of `n` tokens; none when there are fewer tokens.

    Raises ValueError when `n` < 1.
    """
    if n < 1:
        raise ValueError(f"n is {n}; a shingle has at least one token")
    return {tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def jaccard(a: Set[Shingle], b: Set[Shingle]) -> float:
    r"""$|A \cap B| / |A \cup B|$; 0 for two empty sets, which share nothing."""
    union = len(a | b)
    return len(a & b) / union if union else 0.0


def minhash_signature(a: Set[Shingle], n_hashes: int, seed: int = 0) -> np.ndarray:
    r"""The smallest value of each of several random hash functions over a set.

    $$\mathrm{sig}_i(A) = \min_{s \in A} h_i(s), \qquad
      P[\mathrm{sig}_i(A) = \mathrm{sig}_i(B)] = J(A, B)$$

    A shingle's own hash is 64 bits of BLAKE2b. Function i multiplies it by a random odd
    number, adds another and mixes the bits, modulo $2^{64}$; each of these steps can be
    undone, so $h_i$ is a permutation of the 64-bit numbers, as Broder's proof asks.

    Args:
        a: shingles, at least one.
        n_hashes: length of the signature.
        seed: chooses the functions; compare signatures of one seed only.

    Returns:
        (n_hashes,) uint64, the same on every machine.

    Raises:
        ValueError: when the set is empty or `n_hashes` < 1.
    """
    if not a:
        raise ValueError("the set is empty; a signature needs at least one shingle")
    if n_hashes < 1:
        raise ValueError(f"n_hashes is {n_hashes}; it must be at least 1")
    multipliers, offsets = _hash_functions(n_hashes, seed)
    digests = b"".join(_digest(shingle) for shingle in a)
    hashed = np.frombuffer(digests, dtype="<u8").astype(np.uint64)
    smallest = np.full(n_hashes, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(hashed), _CHUNK):
        chunk = hashed[start : start + _CHUNK, None]  # (shingles, 1)
        values = _mix(chunk * multipliers + offsets)  # (shingles, n_hashes)
        np.minimum(smallest, values.min(axis=0), out=smallest)
    return smallest


def estimated_jaccard(a: np.ndarray, b: np.ndarray) -> float:
    r"""The share of equal places in two signatures, an unbiased estimate of J.

    Each place is a coin with probability J, so the standard error is
    $\sqrt{J (1 - J) / n}$ with n places.

    Raises ValueError when the signatures differ in length, or are empty.
    """
    if a.shape != b.shape or not a.size:
        raise ValueError(
            f"signatures of lengths {a.size} and {b.size} cannot be compared"
        )
    return float((a == b).mean())


def candidate_probability(similarity: float, n_bands: int, n_rows: int) -> float:
    r"""How likely banding is to look at a pair of the given similarity.

    $$P(s) = 1 - (1 - s^r)^b$$

    with b bands of r rows: all r places of a band are equal with probability $s^r$. The
    curve is an S, steepest near $s = (1/b)^{1/r}$ (Leskovec et al., section 3.4.2).

    Raises ValueError for a similarity outside [0, 1], or sizes below 1.
    """
    if not 0 <= similarity <= 1:
        raise ValueError(f"similarity is {similarity}; it must lie in [0, 1]")
    require_bands(n_bands, n_rows)
    return 1 - (1 - similarity**n_rows) ** n_bands


def candidate_pairs(
    signatures: np.ndarray, n_bands: int, n_rows: int
) -> set[tuple[int, int]]:
    """The pairs whose signatures agree in all rows of at least one band.

    Time grows with the square of the largest group of equal bands, so remove exact
    copies first.

    Args:
        signatures: (documents, n_bands * n_rows).
        n_bands, n_rows: how a signature is cut.

    Returns:
        Pairs (i, j) of places in `signatures`, i < j.

    Raises:
        ValueError: when the signatures have another length.
    """
    require_bands(n_bands, n_rows)
    if signatures.ndim != 2 or signatures.shape[1] != n_bands * n_rows:
        raise ValueError(
            f"signatures have shape {signatures.shape}; {n_bands} bands of {n_rows} "
            f"rows need (documents, {n_bands * n_rows})"
        )
    pairs: set[tuple[int, int]] = set()
    for start in range(0, n_bands * n_rows, n_rows):
        members = defaultdict(list)
        for index, band in enumerate(signatures[:, start : start + n_rows]):
            members[band.tobytes()].append(index)
        for group in members.values():
            pairs.update(combinations(group, 2))
    return pairs


def require_bands(n_bands: int, n_rows: int) -> None:
    """Refuse sizes below 1. Raises ValueError."""
    if n_bands < 1 or n_rows < 1:
        raise ValueError(
            f"n_bands is {n_bands} and n_rows is {n_rows}; both must be at least 1"
        )


def _digest(shingle: Shingle) -> bytes:
    # Python's own hash() of a text differs from one process to the next.
    joined = "\x1f".join(shingle)  # a separator that is in no word
    return blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=8).digest()


@cache
def _hash_functions(n_hashes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    numbers = generator.integers(2**64, size=(2, n_hashes), dtype=np.uint64)
    return numbers[0] | np.uint64(1), numbers[1]


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a permutation."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
