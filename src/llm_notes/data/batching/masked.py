"""Masked-LM corruption: hide some tokens and ask for them (Devlin et al. 2019).

The module knows ids only, and how to hide them; sentence pairs are made elsewhere.
Shapes: B batch, T length, V vocabulary.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from llm_notes.data.batching.padding import IGNORE, as_ids, require_whole


def mask_tokens(
    token_ids: Tensor,
    *,
    vocab_size: int,
    mask_id: int,
    special_ids: Iterable[int],
    generator: torch.Generator,
    share: float = 0.15,
    mask_share: float = 0.8,
    random_share: float = 0.1,
) -> tuple[Tensor, Tensor]:
    """Choose some tokens as targets; replace most of them, so that they are hidden.

    In each row the same share of the tokens that are not special is chosen, rounded to
    a whole number, and at least one. (Were each token drawn on its own, a fifth of all
    rows of ten tokens would have no target: 0.85 to the tenth power is 0.2.)
    A row of special tokens has nothing to hide, and so no target.

    Of those chosen, 80 % become [MASK], 10 % a random token that is not special and may
    by chance be the same one, and 10 % stay; each has a draw of its own. Call it anew
    in each epoch, so that a text is masked in many ways (Liu et al. 2019).

    Args:
        token_ids: (B, T) ids, padding included.
        vocab_size: V.
        mask_id: the id of [MASK].
        special_ids: ids that are never chosen and never drawn: [CLS], [SEP], [PAD] ...
        generator: a CPU generator; it alone decides.
        share: of the tokens that are not special, in (0, 1].
        mask_share, random_share: of the chosen ones; the rest stays.

    Returns:
        Inputs (B, T) and targets (B, T), int64 on the device of `token_ids`: the true
        token where one was chosen, else IGNORE.

    Raises:
        ValueError: for shares that are none, ids outside the vocabulary, or when every
            id is special.
    """
    _require_shares(share, mask_share, random_share)
    require_whole(token_ids)
    if token_ids.dim() != 2 or not token_ids.numel():
        raise ValueError(
            "token_ids must have the shape (batch, length) and at least one token, got "
            f"the shape {tuple(token_ids.shape)}"
        )
    # On the CPU, where the generator is: the same batch whatever the device.
    ids = token_ids.cpu().long()
    special = as_ids({mask_id, *special_ids})
    for name, some in (("special ids", special), ("token ids", ids)):
        low, high = int(some.min()), int(some.max())
        if low < 0 or high >= vocab_size:
            raise ValueError(
                f"{name} must lie between 0 and vocab_size - 1 = {vocab_size - 1}, "
                f"got {low} to {high}"
            )
    is_special = torch.zeros(vocab_size, dtype=torch.bool)  # (V,)
    is_special[special] = True
    ordinary = (~is_special).nonzero()[:, 0]
    if not len(ordinary):
        raise ValueError(f"all {vocab_size} ids are special; there is none to draw")

    chosen = _choose(~is_special[ids], share, generator)
    fate = torch.rand(ids.shape, generator=generator)
    drawn = torch.randint(len(ordinary), ids.shape, generator=generator)
    inputs = ids.clone()
    masked = chosen & (fate < mask_share)
    replaced = chosen & ~masked & (fate < mask_share + random_share)
    inputs[masked] = mask_id
    inputs[replaced] = ordinary[drawn[replaced]]
    targets = ids.masked_fill(~chosen, IGNORE)
    return inputs.to(token_ids.device), targets.to(token_ids.device)


def _choose(eligible: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """True at a random `share` of the eligible places of each row, at least one."""
    n_eligible = eligible.sum(dim=1, keepdim=True)  # (B, 1)
    n_chosen = (share * n_eligible).round().long()
    n_chosen = n_chosen.clamp(min=1).minimum(n_eligible)
    # Random keys in [0, 1), and 2 for what may not be chosen: the smallest keys win.
    keys = torch.rand(eligible.shape, generator=generator).masked_fill(~eligible, 2.0)
    rank = keys.argsort(dim=1).argsort(dim=1)
    return rank < n_chosen


def _require_shares(share: float, mask_share: float, random_share: float) -> None:
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must lie in (0, 1]")
    # Said of what is right, and not of what is wrong: NaN is neither.
    if not (mask_share >= 0 <= random_share and mask_share + random_share <= 1 + 1e-9):
        raise ValueError(
            f"mask_share is {mask_share} and random_share {random_share}; neither may "
            "be negative, and together they may be 1 at most"
        )
