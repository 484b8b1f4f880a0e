"""The loop that makes text: predict, draw, append, again.

It knows nothing of an architecture: the model maps ids (B, T) and a cache to logits.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.sampling import filter_logits, sample
from llm_notes.models.layers.cache import KeyValueCache


def generate(
    model: nn.Module,
    prompt_ids: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    use_cache: bool = True,
) -> Tensor:
    """Continue prompts: ids (B, T) to ids (B, T + max_new_tokens).

    Args:
        model: `model(ids, cache=...)` gives logits (B, T, V).
        prompt_ids: (B, T), T at least 1; all prompts of the batch equally long.
        max_new_tokens: how many tokens to add to each.
        temperature, top_k, top_p: see `llm_notes.inference.sampling`.
        generator: decides what is drawn; PyTorch's global one when not given.
        use_cache: remember keys and values (fast), or read everything anew for each
            token (slow, the same result).

    Raises:
        ValueError: when the prompt is empty, or prompt and continuation together are
            longer than the model's context.
    """
    steps = stream(
        model,
        prompt_ids,
        max_new_tokens,
        temperature,
        top_k,
        top_p,
        generator,
        use_cache,
    )
    return torch.cat([prompt_ids, *steps], dim=1)


@torch.inference_mode()
def stream(
    model: nn.Module,
    prompt_ids: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    use_cache: bool = True,
) -> Iterator[Tensor]:
    """As `generate`, but yields each new token (B, 1) as soon as it is drawn."""
    _check(model, prompt_ids, max_new_tokens)
    cache = KeyValueCache() if use_cache else None
    token_ids = prompt_ids
    new_ids = prompt_ids  # what the model has not read yet
    for _ in range(max_new_tokens):
        read = new_ids if use_cache else token_ids
        logits = model(read, cache=cache)[:, -1]  # (B, V), of the last position
        logits = filter_logits(logits, temperature, top_k, top_p)
        new_ids = sample(logits, generator)  # (B, 1)
        token_ids = torch.cat([token_ids, new_ids], dim=1)
        yield new_ids


def complete(
    model: nn.Module,
    tokenizer: Tokenizer,
    text: str,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> str:
    """Continue a text and return prompt and continuation as text."""
    device = next(model.parameters()).device
    prompt_ids = torch.tensor([tokenizer.encode(text)], device=device)
    generator = torch.Generator(device).manual_seed(seed)
    token_ids = generate(
        model, prompt_ids, max_new_tokens, temperature, top_k, top_p, generator
    )
    return tokenizer.decode(token_ids[0].tolist())


def _check(model: nn.Module, prompt_ids: Tensor, max_new_tokens: int) -> None:
    if prompt_ids.dim() != 2 or prompt_ids.size(1) == 0:
        raise ValueError(
            "prompt_ids must have shape (batch, length) with at least one token, got "
            f"{tuple(prompt_ids.shape)}: start an empty text with '\\n'"
        )
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    # The last token that is drawn is never read.
    longest = prompt_ids.size(1) + max_new_tokens - 1
    allowed = model.config.context_length
    if longest > allowed:
        raise ValueError(
            f"a prompt of {prompt_ids.size(1)} tokens and {max_new_tokens} new ones "
            f"need {longest} positions, the model has context_length = {allowed}: "
            f"shorten the prompt or ask for at most "
            f"{max(0, allowed - prompt_ids.size(1) + 1)} tokens"
        )
