"""What depends on what: by measurement, and by the masks alone.

A model is a function from ids to outputs here. Change one token, and see which outputs
move: this finds what may look at what in any model, also in one without attention.
"""

from collections.abc import Callable

import torch
from torch import Tensor


@torch.no_grad()
def influence(
    outputs: Callable[[Tensor], Tensor], token_ids: Tensor, other_ids: Tensor
) -> Tensor:
    r"""How far each output moves when one token is changed.

    $$I_{tj} = \max_v |f(w)_{tv} - f(w^{(j)})_{tv}|$$

    where $w^{(j)}$ is $w$ with another token in place j. A lower bound: a change that
    happens to do nothing does not show that no change does.

    Args:
        outputs: maps ids (B, S) to outputs (B, T, V), row by row; in evaluation mode.
        token_ids: (S,) the text.
        other_ids: (S,) what each token is changed to.

    Returns:
        (T, S), 0 where nothing moves.

    Raises:
        ValueError: when the shapes differ, or a token is "changed" to itself.
    """
    if token_ids.dim() != 1 or token_ids.shape != other_ids.shape:
        raise ValueError(
            "token_ids and other_ids must both have the shape (S,), got "
            f"{tuple(token_ids.shape)} and {tuple(other_ids.shape)}"
        )
    same = (token_ids == other_ids).nonzero().flatten().tolist()
    if same:
        raise ValueError(f"other_ids must differ everywhere; they agree at {same}")
    changed = torch.where(
        torch.eye(len(token_ids), dtype=torch.bool, device=token_ids.device),
        other_ids,
        token_ids,
    )  # (S, S): row j has another token at j
    rows = outputs(torch.cat([token_ids[None], changed]))  # (1 + S, T, V)
    return (rows[1:] - rows[0]).abs().amax(dim=-1).T


def reachable(mask: Tensor, n_layers: int) -> Tensor:
    r"""Which input can reach which output through a stack of blocks.

    $$R = (M \lor I)^L$$

    as a product of booleans: a path of L steps, each along an open cell of the mask or
    straight on through the residual connection.

    Args:
        mask: (T, T) booleans, True where a query may look.
        n_layers: L; 0 blocks leave each position alone.

    Returns:
        (T, T) booleans.

    Raises:
        ValueError: when the mask is not square or no boolean, or L is negative.
    """
    if mask.dim() != 2 or mask.size(0) != mask.size(1) or mask.dtype != torch.bool:
        raise ValueError(
            f"mask must be (T, T) booleans, got {tuple(mask.shape)} of {mask.dtype}"
        )
    if n_layers < 0:
        raise ValueError(f"n_layers must not be negative, got {n_layers}")
    alone = torch.eye(mask.size(0), dtype=torch.bool, device=mask.device)
    step, reach = (mask | alone).float(), alone
    for _ in range(n_layers):
        reach = step @ reach.float() > 0
    return reach
