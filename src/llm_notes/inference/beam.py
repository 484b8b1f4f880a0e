"""Beam search: keep the W likeliest beginnings instead of one.

Greedy decoding cannot take back a token; W beams can, as long as the better beginning
is among the W. It finds likelier texts than greedy decoding does, which is what
translation wants and what makes open-ended text dull. Nothing is drawn at random.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.inference.decoder import Decoder
from llm_notes.inference.generate import check_ends, check_prompt, decoder_for


@dataclass(frozen=True)
class Beam:
    """One text that was found.

    Args:
        token_ids: (T + N,) prompt and continuation, the end token included.
        score: what beams are compared by: log p / N^length_penalty.
        log_probability: log p of the continuation given the prompt, in nats.
    """

    token_ids: Tensor
    score: float
    log_probability: float


@torch.inference_mode()
def beam_search(
    model: nn.Module,
    prompt_ids: Tensor,
    max_new_tokens: int,
    n_beams: int = 4,
    length_penalty: float = 1.0,
    eos_ids: Sequence[int] = (),
    early_stopping: bool | None = False,
    decoder: Decoder | None = None,
) -> list[Beam]:
    r"""The likeliest continuations that W beams find (Graves 2012; Sutskever 2014).

    $$\mathrm{score}(y) = \frac{\log p(y \mid x)}{N^{\alpha}}$$

    with N new tokens, so that longer texts are not punished for having more factors
    (Wu et al. 2016 divide by a similar length). A text is over at an end token or
    after `max_new_tokens`. It computes what `transformers` does with `num_beams`.

    Args:
        model: a causal language model of the package.
        prompt_ids: (1, T).
        max_new_tokens: the most tokens to add.
        n_beams: W.
        length_penalty: alpha; 0 compares log p itself, above 0 favours long texts.
        eos_ids: tokens that end a text.
        early_stopping: True stops at the first W finished texts. False stops when no
            beam could beat the worst of W finished ones if it ended now; a longer one
            might still. None goes on until not even that is possible.
        decoder: a fresh one for W rows; the fastest for this model when not given.

    Returns:
        up to W texts, the best first.

    Raises:
        ValueError: for more than one prompt, fewer than one beam, more beams than the
            vocabulary can fill, a prompt that does not fit, a length penalty that is
            no number, or end tokens that the model does not have.
    """
    check_prompt(model, prompt_ids, max_new_tokens)
    eos_ids = {int(i) for i in eos_ids}
    check_ends(model, sorted(eos_ids))
    vocab_size, n_prompt = model.config.vocab_size, prompt_ids.size(1)
    n_kept = max(2, 1 + len(eos_ids)) * n_beams  # enough, though some of them end here
    if prompt_ids.size(0) != 1:
        raise ValueError(f"beam search takes one prompt, got {prompt_ids.size(0)}")
    if n_beams < 1 or n_kept > n_beams * vocab_size:
        raise ValueError(
            f"n_beams = {n_beams} with {len(eos_ids)} end tokens needs {n_kept} "
            f"candidates, and there are {n_beams} x {vocab_size}"
        )
    if not math.isfinite(length_penalty):
        raise ValueError(f"length_penalty must be finite, got {length_penalty}")
    decoder = decoder or decoder_for(model, n_beams, n_prompt + max_new_tokens - 1)
    logits = decoder.prefill(prompt_ids.expand(n_beams, -1))  # (W, V)
    beams = prompt_ids.expand(n_beams, -1)  # (W, T)
    # All rows are the same prompt: only the first may be continued.
    scores = logits.new_full((n_beams,), -torch.inf)
    scores[0] = 0.0
    end_ids = torch.tensor(list(eos_ids), device=prompt_ids.device)
    finished: list[Beam] = []

    for n_new in range(1, max_new_tokens + 1):
        totals = scores[:, None] + logits.log_softmax(dim=-1)  # (W, V)
        best, places = totals.flatten().topk(n_kept)
        rows, new_ids = places // vocab_size, places % vocab_size
        ends = torch.isin(new_ids, end_ids)
        if n_new == max_new_tokens:
            ends = torch.ones_like(ends)

        # A text that ends has to be among the W best; the others only fill up.
        for i in ends[:n_beams].nonzero()[:, 0].tolist():
            log_p = best[i].item()
            if log_p > -torch.inf:
                ids = torch.cat([beams[rows[i]], new_ids[i : i + 1]])
                finished.append(Beam(ids, log_p / n_new**length_penalty, log_p))
        finished.sort(
            key=lambda beam: -beam.score
        )  # a stable order: earlier ones first
        finished = finished[:n_beams]

        going_on = (~ends).nonzero()[:n_beams, 0]
        if len(going_on) == 0:
            break
        rows, new_ids, scores = rows[going_on], new_ids[going_on], best[going_on]
        if len(finished) == n_beams:
            longest = max_new_tokens if early_stopping is None else n_new
            if length_penalty <= 0:
                longest = n_new
            reachable = scores[0].item() / longest**length_penalty
            if early_stopping or reachable <= finished[-1].score:
                break
        beams = torch.cat([beams[rows], new_ids[:, None]], dim=1)
        decoder.select(rows)
        logits = decoder.step(new_ids[:, None])
    return finished
