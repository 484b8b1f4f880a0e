"""Take whole heads out of attention: the matrices shrink, and so does the work.

What shares keys and values goes together: with G key/value heads, a *group* is one of
them and the H / G query heads that it serves. Without grouped queries (G = H) a group
is a head. It knows no whole model.
"""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.position_bias import RelativePositionBias
from llm_notes.training.evaluating import evaluating

Groups = Mapping[str, Collection[int]]  # name of an attention layer -> its groups


def attention_layers(model: nn.Module) -> dict[str, MultiHeadAttention]:
    """The attention layers of a model by name."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, MultiHeadAttention)
    }


@torch.no_grad()
def magnitude_importance(model: nn.Module) -> dict[str, Tensor]:
    """The root mean square of the weights of each group's part of `o_proj`.

    Those are what a group writes into the residual stream with.

    Returns:
        name of each attention layer -> (G,).
    """
    return {
        name: _parts(layer, layer.o_proj.weight).square().mean(dim=(0, 2)).sqrt()
        for name, layer in attention_layers(model).items()
    }


def gradient_importance(
    model: nn.Module,
    loss: Callable[[nn.Module, object], Tensor],
    batches: Iterable[object],
) -> dict[str, Tensor]:
    r"""How much the loss would change if a group were turned down a little.

    $$I_g = \mathbb{E}_x \left| \frac{\partial \mathcal{L}(x)}{\partial \xi_g} \right|
          = \mathbb{E}_x \Big| \sum_{W \in o_g} W
            \frac{\partial \mathcal{L}(x)}{\partial W} \Big|$$

    where the gate $\xi_g = 1$ multiplies what the group puts out (Michel et al. 2019,
    equation 2). A gate acts as a factor of the group's columns of `o_proj`, which is
    the second form; no gate has to be built. The mean is over batches: give one
    example in each to follow the paper, where the magnitude is taken for each.

    Args:
        model: read in evaluation mode; gradients that it holds are left alone.
        loss: loss(model, batch) -> scalar.
        batches: what `loss` takes.

    Returns:
        name of each attention layer -> (G,).

    Raises:
        ValueError: when there is no batch.
    """
    layers = attention_layers(model)
    weights = [layer.o_proj.weight for layer in layers.values()]
    totals = {name: torch.zeros(layer.n_kv_heads) for name, layer in layers.items()}
    n_batches = 0
    for batch in batches:
        with evaluating(model):
            gradients = torch.autograd.grad(loss(model, batch), weights)
        for (name, layer), gradient in zip(layers.items(), gradients, strict=True):
            change = layer.o_proj.weight.detach() * gradient
            totals[name] += _parts(layer, change).sum(dim=(0, 2)).abs().cpu()
        n_batches += 1
    if not n_batches:
        raise ValueError("the importance of heads needs at least one batch")
    return {name: total / n_batches for name, total in totals.items()}


def least_important(
    importance: Mapping[str, Tensor], n_groups: int
) -> dict[str, list[int]]:
    """The groups with the least importance in the whole model; each layer keeps one.

    Args:
        importance: name of an attention layer -> (G,).
        n_groups: how many go.

    Returns:
        name of the layer -> the groups that go, for `remove_groups`.

    Raises:
        ValueError: when so many cannot go.
    """
    most = sum(len(values) - 1 for values in importance.values())
    if not 0 <= n_groups <= most:
        raise ValueError(
            f"n_groups = {n_groups}: between 0 and {most} can go, one stays in each "
            "of the layers"
        )
    ranked = sorted(
        (value, name, group)
        for name, values in importance.items()
        for group, value in enumerate(values.tolist())
    )
    chosen: dict[str, list[int]] = {name: [] for name in importance}
    for _, name, group in ranked:
        if n_groups and len(chosen[name]) < len(importance[name]) - 1:
            chosen[name].append(group)
            n_groups -= 1
    return {name: sorted(groups) for name, groups in chosen.items() if groups}


def mask_groups(model: nn.Module, groups: Groups) -> nn.Module:
    """A copy in which nothing is read of some groups: their part of `o_proj` is zero.

    Raises what `remove_groups` raises.
    """
    masked = copy.deepcopy(model)
    for name, gone in groups.items():
        layer = _layer(masked, name, gone)
        with torch.no_grad():
            _parts(layer, layer.o_proj.weight)[:, list(gone)] = 0
    return masked


def remove_groups(model: nn.Module, groups: Groups) -> nn.Module:
    """A smaller copy without some groups; it computes what `mask_groups` computes.

    Their rows of `q_proj`, `k_proj` and `v_proj` and their columns of `o_proj` are cut
    out. Layers may end up with different numbers of heads: those in `model.config` are
    then the numbers before, and a fresh model of that configuration cannot load the
    weights without the same cut.

    Args:
        groups: name of an attention layer -> groups that go, from 0.

    Raises:
        ValueError: when a layer or group does not exist, none would be left, a layer
            is quantised or adapted, or the model has a bias of positions for each head
            (T5), which is shared by layers and would no longer fit.
    """
    if any(isinstance(module, RelativePositionBias) for module in model.modules()):
        raise ValueError(
            "this model has a position bias for each head, shared by its layers, so "
            "heads cannot be removed; mask_groups silences them"
        )
    smaller = copy.deepcopy(model)
    for name, gone in groups.items():
        layer = _layer(smaller, name, gone)
        kept = [g for g in range(layer.n_kv_heads) if g not in set(gone)]
        kept_kv = torch.tensor(kept)
        per_group = layer.n_heads // layer.n_kv_heads
        kept_q = (kept_kv[:, None] * per_group + torch.arange(per_group)).flatten()
        layer.q_proj = _rows(layer.q_proj, _numbers(kept_q, layer.d_head))
        layer.k_proj = _rows(layer.k_proj, _numbers(kept_kv, layer.d_head))
        layer.v_proj = _rows(layer.v_proj, _numbers(kept_kv, layer.d_head))
        columns = _numbers(kept_q, layer.d_head)
        layer.o_proj = _linear(layer.o_proj.weight[:, columns], layer.o_proj.bias)
        layer.n_heads, layer.n_kv_heads = len(kept_q), len(kept_kv)
    return smaller


def _parts(layer: MultiHeadAttention, o_weight: Tensor) -> Tensor:
    """(D, H K) as a view (D, G, H / G * K): the columns that each group writes with."""
    return o_weight.unflatten(1, (layer.n_kv_heads, -1))


def _numbers(heads: Tensor, d_head: int) -> Tensor:
    """The rows of a projection that belong to some heads."""
    return (heads[:, None] * d_head + torch.arange(d_head)).flatten()


def _rows(linear: nn.Linear, rows: Tensor) -> nn.Linear:
    bias = None if linear.bias is None else linear.bias[rows]
    return _linear(linear.weight[rows], bias)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A layer with this weight (O, I) and bias."""
    layer = nn.Linear(weight.size(1), weight.size(0), bias=bias is not None)
    layer.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer


def _layer(model: nn.Module, name: str, gone: Collection[int]) -> MultiHeadAttention:
    layers = attention_layers(model)
    if name not in layers:
        raise ValueError(f"no attention layer {name!r}; there are {', '.join(layers)}")
    layer = layers[name]
    if any(not 0 <= group < layer.n_kv_heads for group in gone):
        raise ValueError(
            f"{name} has the groups 0 to {layer.n_kv_heads - 1}, got {list(gone)}"
        )
    if len(set(gone)) == layer.n_kv_heads:
        raise ValueError(f"all heads of {name} would go: keep at least one")
    for projection in (layer.q_proj, layer.k_proj, layer.v_proj, layer.o_proj):
        if type(projection) is not nn.Linear:
            raise ValueError(
                f"{name} has a {type(projection).__name__}, whose weight is not stored "
                "as it is: cut the plain model, and quantise or adapt it afterwards"
            )
    return layer
