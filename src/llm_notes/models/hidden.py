"""The vectors below a language model's head, beside its logits.

Value heads and reward models read them. It needs a `final_norm`, which GPT, Llama and
its relatives have, and knows nothing else of a model.
"""

from torch import Tensor, nn


def logits_and_hidden(
    model: nn.Module, token_ids: Tensor, **arguments: object
) -> tuple[Tensor, Tensor]:
    """Logits (B, T, V), and what the head made them of, (B, T, D).

    Args:
        model: a causal language model with a `final_norm` before its head.
        token_ids: (B, T).
        arguments: what else the model is called with (mask, cache ...).

    Raises:
        ValueError: when the model has no `final_norm`.
    """
    norm = getattr(model, "final_norm", None)
    if norm is None:
        raise ValueError(
            f"{type(model).__name__} has no final_norm, whose output a head could read"
        )
    seen: list[Tensor] = []
    hook = norm.register_forward_hook(lambda module, inputs, y: seen.append(y))
    try:
        logits = model(token_ids, **arguments)
    finally:
        hook.remove()
    return logits, seen[0]
