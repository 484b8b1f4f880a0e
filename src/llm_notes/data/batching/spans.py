"""Span corruption: T5 replaces runs of tokens by sentinels and asks for the runs.

See Raffel et al. (2020), section 3.1.4. For "thank you for inviting me to your party",
the source may read "thank you <0> me to your <1>" and the target "<0> for inviting <1>
party". The module knows ids only; `pairs.collate_pairs` makes batches of the results.
Shapes: N tokens in the text.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from llm_notes.data.batching.padding import as_ids


def span_counts(n_tokens: int, share: float, mean_span: float) -> tuple[int, int]:
    """How many tokens of a text are hidden, and in how many spans.

    The source then has n_tokens - hidden + spans tokens and the target hidden + spans,
    always: texts of equal length give batches without padding. (T5 adds its end token
    to both.)

    Raises:
        ValueError: for a text of fewer than two tokens, a share outside (0, 1), or a
            mean span below 1.
    """
    if n_tokens < 2:
        raise ValueError(
            f"the text has {n_tokens} tokens; it takes 2 to hide one and keep one"
        )
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; it must lie between 0 and 1")
    if mean_span < 1:
        raise ValueError(f"mean_span is {mean_span}; a span has at least one token")
    n_hidden = min(max(round(n_tokens * share), 1), n_tokens - 1)
    n_spans = max(round(n_hidden / mean_span), 1)
    return n_hidden, min(n_spans, n_tokens - n_hidden)  # kept tokens part the spans


def noise_mask(
    n_tokens: int,
    generator: torch.Generator,
    share: float = 0.15,
    mean_span: float = 3.0,
) -> Tensor:
    """True where a token is hidden.

    As T5's `random_spans_noise_mask`: the hidden tokens and the kept ones are each cut
    into the same number of pieces, every cut equally likely, and the pieces alternate.
    A text so begins with a kept piece and ends with a hidden one.

    Args:
        n_tokens: N, at least 2.
        generator: a CPU generator; it alone decides.
        share: of the tokens that are hidden.
        mean_span: their mean number in a span.

    Returns:
        (N,) boolean.

    Raises:
        ValueError: as `span_counts`.
    """
    n_hidden, n_spans = span_counts(n_tokens, share, mean_span)
    kept = _random_pieces(n_tokens - n_hidden, n_spans, generator)
    hidden = _random_pieces(n_hidden, n_spans, generator)
    lengths = torch.stack([kept, hidden], dim=1).flatten()  # kept, hidden, kept ...
    return (torch.arange(2 * n_spans) % 2 == 1).repeat_interleave(lengths)


def corrupt_spans(
    token_ids: Sequence[int] | Tensor,
    sentinel_ids: Sequence[int],
    generator: torch.Generator,
    share: float = 0.15,
    mean_span: float = 3.0,
) -> tuple[list[int], list[int]]:
    """A text with its hidden spans replaced by sentinels, and the spans.

    Args:
        token_ids: (N,) ids without a sentinel among them, N >= 2.
        sentinel_ids: in the order in which they are used; T5 counts down from V - 1.
        generator, share, mean_span: as for `noise_mask`.

    Returns:
        (source, target), lists of ids. Neither has an end token yet: collate them with
        `collate_pairs(..., bos_id=pad_id, end_source=True)` as T5 does.

    Raises:
        ValueError: when a sentinel stands in the text, or there are too few.
    """
    ids = as_ids(token_ids).tolist()
    _, n_spans = span_counts(len(ids), share, mean_span)
    if len(set(sentinel_ids[:n_spans])) < n_spans:
        raise ValueError(
            f"{n_spans} spans of {len(ids)} tokens need a sentinel each, and "
            f"{len(sentinel_ids)} sentinel_ids are too few, or name one twice; "
            "give more, or a shorter text"
        )
    if found := set(sentinel_ids) & set(ids):
        raise ValueError(
            f"the text holds the sentinel ids {sorted(found)}; sentinels stand for "
            "spans only, or nobody could put the text together again"
        )
    source: list[int] = []
    target: list[int] = []
    n_used, was_hidden = 0, False
    for token_id, hidden in zip(
        ids, noise_mask(len(ids), generator, share, mean_span).tolist(), strict=True
    ):
        if hidden and not was_hidden:
            source.append(sentinel_ids[n_used])
            target.append(sentinel_ids[n_used])
            n_used += 1
        (target if hidden else source).append(token_id)
        was_hidden = hidden
    return source, target


def restore_spans(
    source: Sequence[int], target: Sequence[int], sentinel_ids: Sequence[int]
) -> list[int]:
    """Put the spans of the target back in place of the source's sentinels.

    The reverse of `corrupt_spans`, also for a target that a model wrote, without its
    end token, as long as its sentinels are those of the source.

    Raises:
        ValueError: when source and target do not name the same sentinels in the same
            order, or the target does not begin with one.
    """
    sentinels = set(sentinel_ids)
    spans: dict[int, list[int]] = {}
    for place, token_id in enumerate(target):
        if token_id in sentinels:
            if token_id in spans:
                raise ValueError(f"sentinel {token_id} stands twice in the target")
            spans[token_id] = span = []
        elif place == 0:
            raise ValueError(f"the target begins with {token_id}, which is no sentinel")
        else:
            span.append(token_id)
    asked = [token_id for token_id in source if token_id in sentinels]
    if asked != list(spans):
        raise ValueError(
            f"the source asks for the spans {asked}, and the target has {list(spans)}"
        )
    return [t for token_id in source for t in spans.get(token_id, [token_id])]


def _random_pieces(n_items: int, n_pieces: int, generator: torch.Generator) -> Tensor:
    """(n_pieces,) positive lengths that add up to n_items, every way equally likely."""
    cuts = torch.randperm(n_items - 1, generator=generator)[: n_pieces - 1] + 1
    ends = torch.tensor([0, *cuts.sort().values.tolist(), n_items])
    return ends.diff()
