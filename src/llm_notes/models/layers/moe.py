"""Mixture of experts: many feed-forward layers, of which each token uses a few.

Parameters grow with the number of experts, the work for a token only with how many it
uses. It knows nothing of what an expert is: any layer from (N, D) to (N, D) will do.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MixtureOfExperts(nn.Module):
    r"""Each token goes to its k best experts (Shazeer et al. 2017; Mixtral 2024).

    $$y = \sum_{i \in \mathrm{top}_k(p)} \frac{p_i}{\sum_{j \in \mathrm{top}_k(p)} p_j}
      \,\mathrm{Expert}_i(x), \qquad p = \mathrm{softmax}(x W_r)$$

    Input and output: (..., D).

    Args:
        d_model: D.
        experts: E layers that map (N, D) to (N, D).
        n_active: k, experts that each token uses.

    Raises:
        ValueError: when `n_active` is not between 1 and the number of experts.
    """

    def __init__(
        self, d_model: int, experts: Iterable[nn.Module], n_active: int
    ) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts)
        if not 1 <= n_active <= len(self.experts):
            raise ValueError(
                f"n_active = {n_active}: a token uses between 1 and all "
                f"{len(self.experts)} experts"
            )
        self.n_active = n_active
        self.router = nn.Linear(d_model, len(self.experts), bias=False)

    def route(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Which experts each token uses: weights and numbers of experts, (..., k)."""
        p = self.router(x).softmax(dim=-1)  # (..., E)
        weights, chosen = p.topk(self.n_active, dim=-1)
        return weights / weights.sum(dim=-1, keepdim=True), chosen

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(end_dim=-2)  # (N, D)
        weights, chosen = self.route(tokens)  # (N, k)
        output = torch.zeros_like(tokens)
        for number, expert in enumerate(self.experts):
            token, rank = (chosen == number).nonzero(as_tuple=True)
            if len(token):  # an expert that nobody chose has no work
                weighted = weights[token, rank, None] * expert(tokens[token])
                # Under autocast an expert answers in half precision.
                output = output.index_add(0, token, weighted.to(output.dtype))
        return output.view_as(x)


def load_balancing_loss(router_logits: Tensor, n_active: int) -> Tensor:
    r"""What it costs that some experts are used more than others.

    $$E \sum_i f_i P_i$$

    with f_i the number of choices per token that fall on expert i, and P_i its mean
    probability (Fedus, Zoph, Shazeer 2022, equations 4-6; for k choices as Mixtral).
    It is k when all experts are used alike, up to E when all tokens take the same.

    Args:
        router_logits: (N, E) of all tokens, or (..., E).
        n_active: k.

    Returns:
        a scalar to add to the loss, times a small factor.
    """
    p = router_logits.flatten(end_dim=-2).softmax(dim=-1)  # (N, E)
    chosen = p.topk(n_active, dim=-1).indices  # (N, k)
    f = nn.functional.one_hot(chosen, p.size(-1)).sum(dim=1).to(p.dtype).mean(dim=0)
    return p.size(-1) * (f * p.mean(dim=0)).sum()  # gradients flow through P only


@contextmanager
def record_router_logits(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what each router of a model says while the context is open.

    Yields:
        a list that gets one tensor (..., E) for each mixture of experts and call, in
        the order of the layers.
    """
    logits: list[Tensor] = []
    routers = [m.router for m in model.modules() if isinstance(m, MixtureOfExperts)]
    handles = [
        router.register_forward_hook(lambda _module, _args, out: logits.append(out))
        for router in routers
    ]
    try:
        yield logits
    finally:
        for handle in handles:
            handle.remove()
