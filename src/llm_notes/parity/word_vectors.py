"""Word vectors and the NPLM against their formulas, written out in NumPy, in float64.

The gradients of the references are derived by hand, term by term; no automatic
differentiation takes part in them. Sizes differ on every axis.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from llm_notes.models.cooccurrence import count_cooccurrences, ppmi, truncated_svd
from llm_notes.models.glove import GloVe, GloVeConfig
from llm_notes.models.nplm import NPLM, NPLMConfig
from llm_notes.models.word2vec import PADDING, Word2Vec, Word2VecConfig
from llm_notes.parity.case import Parity, compare, gradients, randomise

Arrays = dict[str, NDArray[np.float64]]
Model = TypeVar("Model", bound=nn.Module)


def ppmi_svd() -> Parity:
    """Counts place by place, PPMI by its formula, and LAPACK's full decomposition."""
    vocab_size, weights, smoothing, shift, rank = 13, [1.0, 0.5, 0.25], 0.75, 1.5, 4
    text = np.random.default_rng(0).zipf(1.5, 300) % vocab_size
    counts = np.zeros((vocab_size, vocab_size))
    for i, word in enumerate(text):
        for j in range(max(0, i - len(weights)), i):
            counts[word, text[j]] += weights[i - j - 1]
            counts[text[j], word] += weights[i - j - 1]
    joint = counts / counts.sum()
    context = counts.sum(axis=0) ** smoothing
    chance = np.outer(joint.sum(axis=1), context / context.sum())
    with np.errstate(divide="ignore"):
        table = np.maximum(np.log(joint / chance) - np.log(shift), 0)
    u, s, vt = np.linalg.svd(table)
    signs = np.sign(u[np.abs(u).argmax(axis=0), np.arange(vocab_size)])
    theirs = {
        "counts": counts,
        "ppmi": table,
        "U": (u * signs)[:, :rank],
        "S": s[:rank],
        "V": (vt.T * signs)[:, :rank],
    }

    our_counts = count_cooccurrences(torch.from_numpy(text), vocab_size, weights)
    our_table = ppmi(our_counts, smoothing, shift)
    generator = torch.Generator().manual_seed(0)
    our_u, our_s, our_v = truncated_svd(our_table, rank, generator)
    ours = {
        "counts": our_counts.to_dense(),
        "ppmi": our_table.to_dense(),
        "U": our_u,
        "S": our_s,
        "V": our_v,
    }
    return compare("PPMI + SVD", "numpy.linalg.svd", ours, _tensors(theirs))


def skip_gram() -> Parity:
    """Skip-gram with negative sampling: one input word for each example."""
    return _word2vec("Word2Vec, skip-gram", np.array([[3], [0], [3], [10], [6]]))


def cbow() -> Parity:
    """CBOW with negative sampling: up to four input words, some missing or repeated."""
    missing = PADDING
    input_ids = [
        [3, 0, 7, 1],
        [missing, 5, 5, 2],
        [4, missing, missing, missing],
        [10, 3, 2, missing],
        [9, 8, missing, 8],
    ]
    return _word2vec("Word2Vec, CBOW", np.array(input_ids))


def glove() -> Parity:
    """GloVe's weighted squares, with counts on both sides of x_max."""
    vocab_size, d_model, x_max, power = 7, 3, 10.0, 0.75
    model = _seeded(lambda: GloVe(GloVeConfig(vocab_size, d_model, x_max, power)))
    randomise(model, std=0.5)
    i, j = np.array([0, 1, 1, 4, 6, 2]), np.array([3, 0, 5, 5, 2, 2])
    x = np.array([0.5, 3.0, 10.0, 250.0, 9.5, 1.0])

    p = _arrays(model)
    w, c = p["words.weight"], p["contexts.weight"]
    b_w, b_c = p["word_bias"], p["context_bias"]
    estimates = np.einsum("md,md->m", w[i], c[j]) + b_w[i] + b_c[j]
    weights = np.where(x < x_max, (x / x_max) ** power, 1.0)
    errors = estimates - np.log(x)
    slopes = 2 * weights * errors  # dJ / d estimate
    theirs = {"estimates": estimates, "loss": (weights * errors**2).sum()}
    their_gradients = {
        "words.weight": _scatter(w, i, slopes[:, None] * c[j]),
        "contexts.weight": _scatter(c, j, slopes[:, None] * w[i]),
        "word_bias": _scatter(b_w, i, slopes),
        "context_bias": _scatter(b_c, j, slopes),
    }

    places = torch.from_numpy(i), torch.from_numpy(j)
    loss = model.loss(*places, torch.from_numpy(x))
    loss.backward()
    return compare(
        "GloVe",
        "numpy.einsum (formula written out)",
        {"estimates": model(*places), "loss": loss},
        _tensors(theirs),
        gradients(model),
        _tensors(their_gradients),
    )


def nplm() -> Parity:
    """Bengio's network with direct connections, through a softmax over the words."""
    vocab_size, n_words, d_model, d_hidden = 11, 3, 4, 6
    config = NPLMConfig(vocab_size, n_words, d_model, d_hidden, direct=True)
    model = _seeded(lambda: NPLM(config))
    randomise(model, std=0.3)
    rng = np.random.default_rng(1)
    token_ids = rng.integers(0, vocab_size, (2, 7))
    targets = rng.integers(0, vocab_size, (2, 7))

    p = _arrays(model)
    table, w = p["token_embedding.weight"], p["direct_proj.weight"]
    h, d = p["hidden_proj.weight"], p["hidden_proj.bias"]
    u, b = p["output_proj.weight"], p["output_proj.bias"]
    logits = np.zeros((*token_ids.shape, vocab_size))
    loss, g = 0.0, {name: np.zeros_like(value) for name, value in p.items()}
    for row, t in np.ndindex(*token_ids.shape):
        places = range(t - n_words + 1, t + 1)  # negative: before the text
        words = [token_ids[row, i] if i >= 0 else None for i in places]
        x = np.concatenate(
            [np.zeros(d_model) if i is None else table[i] for i in words]
        )
        a = np.tanh(d + h @ x)
        y = b + w @ x + u @ a
        logits[row, t] = y
        q = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
        loss -= np.log(q[targets[row, t]]) / token_ids.size
        dy = (q - np.eye(vocab_size)[targets[row, t]]) / token_ids.size
        dz = (u.T @ dy) * (1 - a**2)  # z = d + H x
        dx = w.T @ dy + h.T @ dz
        g["output_proj.bias"] += dy
        g["output_proj.weight"] += np.outer(dy, a)
        g["direct_proj.weight"] += np.outer(dy, x)
        g["hidden_proj.bias"] += dz
        g["hidden_proj.weight"] += np.outer(dz, x)
        for i, part in zip(words, np.split(dx, n_words), strict=True):
            if i is not None:
                g["token_embedding.weight"][i] += part

    our_logits = model(torch.from_numpy(token_ids))
    our_loss = nn.functional.cross_entropy(
        our_logits.flatten(0, 1), torch.from_numpy(targets).flatten()
    )
    our_loss.backward()
    return compare(
        "NPLM",
        "numpy.tanh (formula written out)",
        {"logits": our_logits, "loss": our_loss},
        _tensors({"logits": logits, "loss": np.array(loss)}),
        gradients(model),
        _tensors(g),
    )


def _word2vec(family: str, input_ids: NDArray[np.int64]) -> Parity:
    vocab_size, d_model = 12, 3
    model = _seeded(lambda: Word2Vec(Word2VecConfig(vocab_size, d_model)))
    randomise(model, std=0.7)
    rng = np.random.default_rng(1)
    n = len(input_ids)
    # A negative may be the target itself, and may come twice: each counts.
    targets = np.array([1, 4, 4, 11, 6])
    negatives = np.column_stack([targets[::-1], rng.integers(0, vocab_size, (n, 2))])

    p = _arrays(model)
    v, u = p["inputs.weight"], p["outputs.weight"]
    g_v, g_u, loss = np.zeros_like(v), np.zeros_like(u), 0.0
    scores = np.zeros((n, 4))
    for row in range(n):
        words = [i for i in input_ids[row] if i != PADDING]
        h = sum(v[i] for i in words) / len(words)
        dh = np.zeros(d_model)
        candidates = [targets[row], *negatives[row]]
        for k, word in enumerate(candidates):
            scores[row, k] = u[word] @ h
            sigma = 1 / (1 + np.exp(-scores[row, k]))
            label = 1 if k == 0 else 0
            loss -= np.log(sigma if label else 1 - sigma) / n
            slope = (sigma - label) / n  # d loss / d score
            g_u[word] += slope * h
            dh += slope * u[word]
        for i in words:
            g_v[i] += dh / len(words)

    ids = [torch.from_numpy(x) for x in (input_ids, targets, negatives)]
    our_loss = model.loss(*ids)
    our_loss.backward()
    candidates = torch.cat([ids[1].unsqueeze(1), ids[2]], dim=1)
    return compare(
        family,
        "numpy.exp (formula written out)",
        {"scores": model(ids[0], candidates), "loss": our_loss},
        _tensors({"scores": scores, "loss": np.array(loss)}),
        gradients(model),
        _tensors({"inputs.weight": g_v, "outputs.weight": g_u}),
    )


def _seeded(build: Callable[[], Model]) -> Model:
    """A new model; the global generator is left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build()


def _arrays(model: nn.Module) -> Arrays:
    """The parameters as float64 arrays, which the model does not share."""
    return {k: v.detach().double().numpy() for k, v in model.named_parameters()}


def _tensors(arrays: Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.asarray(a)) for name, a in arrays.items()}


def _scatter(
    like: NDArray[np.float64], ids: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Zeros, with each value added to the row of its id."""
    total = np.zeros_like(like)
    np.add.at(total, ids, values)
    return total
