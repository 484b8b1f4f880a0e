"""Two ways to avoid what a model says too easily: by its vectors, by a weaker model.

Contrastive *search* takes, among the likeliest tokens, one whose hidden state is unlike
those of the text so far. Contrastive *decoding* prefers what a good model finds
likelier than a bad one does. Both are deterministic, unlike sampling.
"""

import math

import torch
from torch import Tensor, nn

from llm_notes.inference.generate import check_prompt
from llm_notes.models.hidden import logits_and_hidden
from llm_notes.models.layers.mask import real_positions


@torch.inference_mode()
def contrastive_search(
    model: nn.Module,
    prompt_ids: Tensor,
    max_new_tokens: int,
    top_k: int = 4,
    degeneration_penalty: float = 0.6,
) -> Tensor:
    r"""Likely, and not what was said before (Su et al. 2022, equation 5).

    $$x_t = \arg\max_{v \in V^{(k)}} \Big\{ (1 - \alpha)\, p(v \mid x_{<t})
      - \alpha \max_{j < t} \cos(h_v, h_{x_j}) \Big\}$$

    $V^{(k)}$ holds the k likeliest tokens and h are the last hidden states, after the
    final norm. Each candidate is read with the whole text before it: a step costs k
    rows of T tokens.

    Args:
        model: a causal model with a `final_norm` in front of its head.
        prompt_ids: (1, T).
        max_new_tokens: tokens to add.
        top_k: k.
        degeneration_penalty: alpha in [0, 1]; 0 is greedy decoding.

    Returns:
        (1, T + max_new_tokens).

    Raises:
        ValueError: for another number of prompts, or settings out of range.
    """
    # Each candidate is read as well, so the last token needs a position too.
    check_prompt(model, prompt_ids, max_new_tokens, reads_last=True)
    vocab_size = model.config.vocab_size
    if prompt_ids.size(0) != 1:
        raise ValueError(f"contrastive search takes one prompt, got {len(prompt_ids)}")
    if not 1 <= top_k <= vocab_size or not 0 <= degeneration_penalty <= 1:
        raise ValueError(
            f"top_k = {top_k} must lie between 1 and {vocab_size}, and "
            f"degeneration_penalty = {degeneration_penalty} between 0 and 1"
        )
    alpha, ids = degeneration_penalty, prompt_ids
    logits = model(ids)  # (1, T, V)
    for _ in range(max_new_tokens):
        p, candidates = logits[0, -1].softmax(dim=-1).topk(top_k)  # (k,)
        longer = torch.cat([ids.expand(top_k, -1), candidates[:, None]], dim=1)
        all_logits, all_hidden = logits_and_hidden(model, longer)
        unit = nn.functional.normalize(all_hidden, dim=-1)
        cosines = (unit[:, -1:] * unit[:, :-1]).sum(dim=-1)  # (k, T)
        score = (1 - alpha) * p - alpha * cosines.amax(dim=-1)
        best = score.argmax()
        ids = torch.cat([ids, candidates[best].view(1, 1)], dim=1)
        logits = all_logits[best : best + 1]
    return ids


def contrast(
    expert_logits: Tensor,
    amateur_logits: Tensor,
    plausible: float = 0.1,
    temperature: float = 1.0,
) -> Tensor:
    r"""What the expert knows and the amateur does not (Li et al. 2023, equation 2).

    $$s_v = \log p_\text{expert}(v) - \log p_\text{amateur}(v), \qquad
      v \in \{v : p_\text{expert}(v) \ge \beta \max_u p_\text{expert}(u)\}$$

    All other tokens get minus infinity: where the expert is sure of nothing, a ratio
    of two tiny chances would decide.

    Args:
        expert_logits, amateur_logits: (..., V), over the same vocabulary.
        plausible: beta in (0, 1].
        temperature: of the amateur.

    Returns:
        scores (..., V), to be used like logits.

    Raises:
        ValueError: for settings out of range or other vocabularies.
    """
    if expert_logits.shape != amateur_logits.shape:
        raise ValueError(
            f"expert {tuple(expert_logits.shape)} and amateur "
            f"{tuple(amateur_logits.shape)} need the same rows and vocabulary"
        )
    if not 0 < plausible <= 1 or not 0 < temperature < math.inf:
        raise ValueError(
            f"plausible = {plausible} must lie in (0, 1] and temperature = "
            f"{temperature} above 0"
        )
    expert = expert_logits.log_softmax(dim=-1)
    amateur = (amateur_logits / temperature).log_softmax(dim=-1)
    bar = expert.amax(dim=-1, keepdim=True) + math.log(plausible)
    return (expert - amateur).masked_fill(expert < bar, -torch.inf)


class ContrastiveProcessor:
    """`contrast` as a logits processor: an amateur beside the model that generates.

    Args:
        amateur: a causal model over the same vocabulary. It reads the whole text at
            each step.
        plausible, temperature: see `contrast`.
        mask: (B, T) of the prompts, False at padding on the left, as `steps` gets it.
    """

    def __init__(
        self,
        amateur: nn.Module,
        plausible: float = 0.1,
        temperature: float = 1.0,
        mask: Tensor | None = None,
    ) -> None:
        self.amateur, self.plausible = amateur, plausible
        self.temperature, self.mask = temperature, mask

    def __call__(self, token_ids: Tensor, logits: Tensor) -> Tensor:
        if self.mask is None:
            theirs = self.amateur(token_ids)[:, -1]
        else:
            n_new = token_ids.size(1) - self.mask.size(1)
            mask = nn.functional.pad(self.mask, (0, n_new), value=True)
            allowed = mask[:, None, None, :]  # (B, 1, 1, T)
            positions = real_positions(allowed)
            theirs = self.amateur(token_ids, mask=allowed, positions=positions)[:, -1]
        return contrast(logits, theirs, self.plausible, self.temperature)
