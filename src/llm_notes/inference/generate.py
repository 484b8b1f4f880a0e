"""The loop that makes text: predict, draw, append, again.

It knows nothing of an architecture: a decoder reads tokens and gives logits. Prompts
of one batch may differ in length, rows may end earlier than others, and text is given
out as it comes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.decoder import (
    CachedDecoder,
    Decoder,
    RecurrentDecoder,
    UncachedDecoder,
)
from llm_notes.inference.gpt_decoder import GPTDecoder
from llm_notes.inference.sampling import SamplingSettings, sample
from llm_notes.inference.text_stream import TextStream
from llm_notes.models.layers.cache import StaticKeyValueCache
from llm_notes.models.rnn import RNNLanguageModel

LogitsProcessor = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Step:
    """One new token of each row.

    Args:
        token_ids: (B, 1) what was drawn; the padding id in rows that have ended.
        logits: (B, V) the model's own, before processors and filters.
        ended: (B,) rows that are over, this token included.
    """

    token_ids: Tensor
    logits: Tensor
    ended: Tensor

    @property
    def log_probabilities(self) -> Tensor:
        """(B,) log p of the drawn tokens under the model, in nats."""
        return self.logits.log_softmax(dim=-1).gather(-1, self.token_ids)[:, 0]

    def top(self, n: int) -> tuple[Tensor, Tensor]:
        """The n likeliest tokens: their log p (B, n) and ids (B, n)."""
        return self.logits.log_softmax(dim=-1).topk(n)


def generate(
    model: nn.Module,
    prompt_ids: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    use_cache: bool = True,
    **options,
) -> Tensor:
    """Continue prompts: ids (B, T) to ids (B, T + max_new_tokens).

    Args:
        model: a causal language model of the package.
        prompt_ids: (B, T), T at least 1.
        max_new_tokens: how many tokens to add to each.
        temperature, top_k, top_p: see `llm_notes.inference.sampling`.
        generator: decides what is drawn; PyTorch's global one when not given.
        use_cache: remember what was read (fast), or read everything anew for each
            token (slow, the same result).
        options: `mask`, `settings`, `processors`, `eos_ids`, `pad_id`, `decoder`; see
            `steps`.

    Returns:
        prompts and what follows; fewer tokens when all rows have ended before.

    Raises:
        ValueError: when the prompt is empty, or prompt and continuation together are
            longer than the model's context.
    """
    new_ids = stream(
        model,
        prompt_ids,
        max_new_tokens,
        temperature,
        top_k,
        top_p,
        generator,
        use_cache,
        **options,
    )
    return torch.cat([prompt_ids, *new_ids], dim=1)


def stream(
    model: nn.Module,
    prompt_ids: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    use_cache: bool = True,
    settings: SamplingSettings | None = None,
    **options,
) -> Iterator[Tensor]:
    """As `generate`, but yields each new token (B, 1) as soon as it is drawn."""
    if settings is None:
        settings = SamplingSettings(temperature, top_k, top_p)
    elif (temperature, top_k, top_p) != (1.0, None, None):
        raise ValueError(
            "give temperature, top_k and top_p, or settings that hold them, not both"
        )
    if not use_cache:
        if options.get("decoder") is not None:
            raise ValueError("without a cache there is no decoder to choose: give one")
        options["decoder"] = UncachedDecoder(model)
    drawn = steps(model, prompt_ids, max_new_tokens, settings, generator, **options)
    return (step.token_ids for step in drawn)


@torch.inference_mode()
def steps(
    model: nn.Module,
    prompt_ids: Tensor,
    max_new_tokens: int,
    settings: SamplingSettings | None = None,
    generator: torch.Generator | None = None,
    *,
    mask: Tensor | None = None,
    processors: Sequence[LogitsProcessor] = (),
    eos_ids: Sequence[int] = (),
    pad_id: int | None = None,
    decoder: Decoder | None = None,
) -> Iterator[Step]:
    """The loop itself: one `Step` for each new token.

    Args:
        model, prompt_ids, max_new_tokens, generator: as in `generate`.
        settings: how tokens are drawn.
        mask: (B, T) boolean, False at padding on the left; see `decoder.left_padded`.
        processors: functions (token ids so far (B, T), logits (B, V)) -> logits, in
            their order, before the settings. Padding counts as ids there. They may
            write into the logits that they get.
        eos_ids: tokens that end a row. They belong to the result.
        pad_id: what rows get after their end; the first of `eos_ids` when not given.
        decoder: a fresh one; the fastest for this model when not given.

    Raises:
        ValueError: as in `generate`, when mask and prompts do not fit, for ids that
            the model does not have, or when processors leave a row no token.
    """
    settings = settings or SamplingSettings()
    check_prompt(model, prompt_ids, max_new_tokens, mask)
    eos_ids = [int(i) for i in eos_ids]
    check_ends(model, eos_ids if pad_id is None else [*eos_ids, pad_id])
    n_rows, n_prompt = prompt_ids.shape
    longest = n_prompt + max_new_tokens - 1  # the last token is never read
    if mask is not None and bool(mask.all()):
        mask = None
    decoder = decoder or decoder_for(model, n_rows, longest)
    end_ids = torch.tensor(eos_ids, device=prompt_ids.device)
    filler = pad_id if pad_id is not None else next(iter(eos_ids), 0)
    ended = torch.zeros(n_rows, dtype=torch.bool, device=prompt_ids.device)

    # The text so far is put together only where somebody asks for it.
    keeps_text = bool(processors) or settings.needs_counts
    text = prompt_ids
    logits = decoder.prefill(prompt_ids, mask)  # (B, V)
    for i in range(max_new_tokens):
        chosen_from = logits
        if processors:
            chosen_from = _processed(logits, text, processors, ended)
        new_ids = _draw(chosen_from, settings, generator, text, n_prompt, mask)
        if eos_ids:
            new_ids = new_ids.masked_fill(ended[:, None], filler)
            ended = ended | torch.isin(new_ids[:, 0], end_ids)
        yield Step(new_ids, logits, ended)
        if i + 1 == max_new_tokens or (eos_ids and bool(ended.all())):
            return
        if keeps_text:
            text = torch.cat([text, new_ids], dim=1)
        logits = decoder.step(new_ids)


def complete(
    model: nn.Module,
    tokenizer: Tokenizer,
    text: str,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop: Sequence[str] = (),
) -> str:
    """Continue a text and return prompt and continuation as text.

    Args:
        stop: texts that end the continuation and do not belong to it.
    """
    settings = SamplingSettings(temperature, top_k, top_p)
    pieces = stream_text(model, tokenizer, text, max_new_tokens, settings, seed, stop)
    return text + "".join(pieces)


def stream_text(
    model: nn.Module,
    tokenizer: Tokenizer,
    text: str,
    max_new_tokens: int,
    settings: SamplingSettings | None = None,
    seed: int = 0,
    stop: Sequence[str] = (),
    **options,
) -> Iterator[str]:
    """The continuation of a text, piece by piece.

    A piece holds whole characters only, and nothing that a stop string may begin
    with; what is given out is never taken back. See `text_stream.TextStream`.

    Args:
        stop: texts that end the continuation and do not belong to it.
        options: see `steps`.
    """
    prompt_ids, generator = _prompt(model, tokenizer, text, seed)
    texts = TextStream(tokenizer, stop, prompt_ids[0].tolist())
    drawn = steps(model, prompt_ids, max_new_tokens, settings, generator, **options)
    for step in drawn:
        piece = texts.add(step.token_ids.item())
        if piece:
            yield piece
        if texts.stopped:
            return
    if piece := texts.end():
        yield piece


def decoder_for(model: nn.Module, batch_size: int, max_length: int) -> Decoder:
    """The fastest decoder that is exact for this model.

    Args:
        model: GPT and its relatives, Llama, a recurrent network.
        batch_size: B, rows.
        max_length: positions that are read at most, prompt and continuation.
    """
    if isinstance(model, RNNLanguageModel):
        return RecurrentDecoder(model)
    if GPTDecoder.fits(model):
        return GPTDecoder(model, batch_size, max_length)
    return CachedDecoder(model, StaticKeyValueCache(max_length))


def _prompt(
    model: nn.Module, tokenizer: Tokenizer, text: str, seed: int
) -> tuple[Tensor, torch.Generator]:
    device = next(model.parameters()).device
    prompt_ids = torch.tensor([tokenizer.encode(text)], device=device)
    return prompt_ids, torch.Generator(device).manual_seed(seed)


def _processed(
    logits: Tensor, text: Tensor, processors: Sequence[LogitsProcessor], ended: Tensor
) -> Tensor:
    """What processors make of logits (B, V); rows that have ended stay as they are."""
    chosen_from = logits.clone()  # a processor may write into it
    for processor in processors:
        chosen_from = processor(text, chosen_from)
    chosen_from = torch.where(ended[:, None], logits, chosen_from)
    left = (chosen_from > -torch.inf).any(dim=-1)
    if not bool(left.all()):
        raise ValueError(
            f"the processors leave rows {(~left).nonzero()[:, 0].tolist()} no token: "
            "their demands contradict one another, or a text is complete and they do "
            "not allow its end token"
        )
    return chosen_from


def _draw(
    logits: Tensor,
    settings: SamplingSettings,
    generator: torch.Generator | None,
    text: Tensor,
    n_prompt: int,
    mask: Tensor | None,
) -> Tensor:
    """Ids (B, 1). Greedy needs neither filters nor a draw, only penalties."""
    if settings.needs_counts:
        if mask is not None:  # padding was never said
            text = text.clone()
            text[:, :n_prompt].masked_fill_(~mask, -1)
        logits = settings.apply(logits, text, n_prompt)
    elif not settings.is_greedy:
        logits = settings.apply(logits)
    if settings.is_greedy:
        return logits.argmax(dim=-1, keepdim=True)
    return sample(logits, generator)


def check_prompt(
    model: nn.Module,
    prompt_ids: Tensor,
    max_new_tokens: int,
    mask: Tensor | None = None,
    reads_last: bool = False,
) -> None:
    """Refuse what cannot be continued. Raises ValueError; see `steps`.

    Args:
        reads_last: whether the last new token is read too, and needs a position.
    """
    shape = tuple(getattr(prompt_ids, "shape", ()))
    if len(shape) != 2 or shape[1] == 0:
        raise ValueError(
            "prompt_ids must be a tensor of shape (batch, length) with at least one "
            f"token, got {shape}: start an empty text with '\\n'"
        )
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    if mask is not None:
        fits = mask.shape == prompt_ids.shape and mask.dtype == torch.bool
        if (
            not fits
            or not bool(mask[:, -1].all())
            or bool((mask.int().diff() < 0).any())
        ):
            raise ValueError(
                f"mask must be boolean, of shape {tuple(prompt_ids.shape)}, False at "
                "padding on the left and True from the first real token on"
            )
    # The last token that is drawn is mostly never read.
    n_read = shape[1] - 1 + reads_last
    longest = n_read + max_new_tokens
    allowed = getattr(model.config, "context_length", longest)  # an RNN has no limit
    if longest > allowed:
        raise ValueError(
            f"a prompt of {shape[1]} tokens and {max_new_tokens} new ones need "
            f"{longest} positions, the model has context_length = {allowed}: shorten "
            f"the prompt or ask for at most {max(0, allowed - n_read)} tokens"
        )


def check_ends(model: nn.Module, ids: Sequence[int]) -> None:
    """Refuse end tokens and padding that the model does not have."""
    vocab_size = model.config.vocab_size
    strange = [i for i in ids if not 0 <= i < vocab_size]
    if strange:
        raise ValueError(
            f"eos_ids and pad_id must lie between 0 and vocab_size - 1 = "
            f"{vocab_size - 1}, got {strange}: do they belong to another tokenizer?"
        )
