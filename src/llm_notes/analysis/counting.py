"""What a Transformer costs before it is built: operations and bytes, by formula.

Counts follow the convention of the field: a multiplication and an addition are two
floating-point operations (FLOPs), and only matrix products count. Parameters are
counted by the models themselves (`GPT.parameter_count` and its relatives).
Shapes: B sequences, T positions, S cached positions, D width, L layers, H heads,
G heads of keys and values, K their width, F width inside, V tokens.
"""

from llm_notes.models.gpt import GPTConfig


def forward_flops(config: GPTConfig, batch_size: int, length: int) -> int:
    r"""FLOPs of the matrix products in one forward pass of a GPT.

    $$2BT \left( L(4D^2 + 2DF) + VD \right) + 4BLT^2D$$

    Each weight of a matrix is used once for each token, for two operations. The last
    term, scores and averages, has no weights; the whole square is counted, though half
    of it lies behind the causal mask.
    """
    d_model = config.d_model
    block = 4 * d_model**2 + 2 * d_model * config.d_ff
    weights = config.n_layers * block + config.vocab_size * d_model
    scores = 4 * config.n_layers * length * d_model
    return batch_size * length * (2 * weights + scores)


def training_flops(n_parameters: float, n_tokens: float) -> float:
    r"""$6PN$: two operations per parameter and token forward, four backward.

    Kaplan et al. 2020, section 2.1. Scores of attention are left out, which is fair
    while the context is much shorter than 6 widths.
    """
    return 6 * n_parameters * n_tokens


def training_bytes(n_parameters: int, bytes_per_number: int = 4) -> dict[str, int]:
    """Bytes that training with Adam keeps for the parameters, by what they are for.

    Activations come on top: see `activation_numbers`.
    """
    one = n_parameters * bytes_per_number
    return {"weights": one, "gradients": one, "Adam's two averages": 2 * one}


def activation_numbers(config: GPTConfig, batch_size: int, length: int) -> int:
    r"""Numbers that one forward pass of a GPT keeps for the backward pass.

    $$BT \left( L(8D + 2F + H + 4) + 2D + V + 2 \right)$$

    In each block: the input and output of both norms (4 D) with mean and deviation
    (4), queries, keys and values (3 D), what attention gives (D) with the logarithm of
    each softmax's sum (H), and the feed-forward layer before and after its bend (2 F).
    At the end: both sides of the last norm and the log-probabilities. It holds for
    learned positions, no dropout, and attention that does not store its weights.
    """
    d_model = config.d_model
    block = 8 * d_model + 2 * config.d_ff + config.n_heads + 4
    end = 2 * d_model + config.vocab_size + 2
    return batch_size * length * (config.n_layers * block + end)


def cache_bytes(
    n_layers: int,
    n_kv_heads: int,
    d_head: int,
    length: int,
    batch_size: int = 1,
    bytes_per_number: int = 2,
) -> int:
    r"""Bytes of a key/value cache that holds S positions: $2BLGSK$ numbers.

    The 2 is one for keys and one for values.
    """
    numbers = 2 * batch_size * n_layers * n_kv_heads * length * d_head
    return numbers * bytes_per_number


def decoding_intensity(
    n_parameters: int,
    batch_size: int,
    cache: int = 0,
    bytes_per_number: int = 2,
) -> float:
    r"""FLOPs for each byte that is read while every sequence writes one token.

    $$\frac{2PB}{P \cdot \text{bytes} + \text{cache}}$$

    Args:
        n_parameters: P, all of which are read once for the whole batch.
        batch_size: B, sequences that are decoded together.
        cache: bytes of all their caches; 0 for the start of the texts.
        bytes_per_number: of a weight.
    """
    bytes_read = n_parameters * bytes_per_number + cache
    return 2 * n_parameters * batch_size / bytes_read
