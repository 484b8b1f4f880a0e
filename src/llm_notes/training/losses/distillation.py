"""Objectives of a student that learns a teacher's whole distribution.

Shapes: V vocabulary; `...` stands for any leading axes.
"""

from torch import Tensor

from llm_notes.data.batching.padding import IGNORE
from llm_notes.training.losses.language import cross_entropy
from llm_notes.training.losses.masked import masked_mean


def forward_kl(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    r"""$\mathrm{KL}(p \,\|\, q) = \sum_v p_v (\log p_v - \log q_v)$, teacher p first.

    The student has to cover all that the teacher finds likely. (..., V) to (...).
    """
    log_q, log_p = student_logits.log_softmax(-1), teacher_logits.log_softmax(-1)
    return _expected(log_p, log_p - log_q)


def reverse_kl(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    r"""$\mathrm{KL}(q \,\|\, p)$: student q first (Gu et al. 2024, MiniLLM).

    The student may leave out what it cannot model, but must not invent what the teacher
    finds unlikely. (..., V) to (...).
    """
    return forward_kl(teacher_logits, student_logits)


def distillation_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    targets: Tensor,
    temperature: float = 2.0,
    soft_weight: float = 0.5,
    reverse: bool = False,
) -> Tensor:
    r"""Soft targets of a teacher and the hard ones (Hinton, Vinyals, Dean 2015).

    $$L = \alpha\, \tau^2\, \mathrm{KL}\big(p^{(\tau)} \,\|\, q^{(\tau)}\big)
      - (1 - \alpha) \log q_y, \qquad
      p^{(\tau)} = \mathrm{softmax}(z / \tau)$$

    Gradients of the soft part shrink with $1/\tau^2$; the factor undoes that, so alpha
    means the same at each temperature (section 2 of the paper).

    Args:
        student_logits, teacher_logits: (..., V). The teacher gets no gradient.
        targets: (...) true tokens; where IGNORE, neither part counts.
        temperature: tau, of the soft part only.
        soft_weight: alpha, in [0, 1].
        reverse: `reverse_kl` for the soft part.

    Returns:
        mean nats over the counted targets; 0 when there is none.

    Raises:
        ValueError: when shapes do not fit, or a setting is out of range.
    """
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(
            f"student logits {tuple(student_logits.shape)} and teacher logits "
            f"{tuple(teacher_logits.shape)} differ: both need the same vocabulary"
        )
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0")
    if not 0 <= soft_weight <= 1:
        raise ValueError(f"soft_weight is {soft_weight}; it must lie in [0, 1]")
    hard = cross_entropy(student_logits, targets)
    divergence = reverse_kl if reverse else forward_kl
    soft = divergence(
        student_logits / temperature, teacher_logits.detach() / temperature
    )
    soft = masked_mean(soft, targets != IGNORE)
    return soft_weight * temperature**2 * soft + (1 - soft_weight) * hard


def _expected(log_p: Tensor, values: Tensor) -> Tensor:
    """Sum of p times values, where 0 times minus or plus infinity is 0."""
    p = log_p.exp()
    return (p * values.masked_fill(p == 0, 0.0)).sum(dim=-1)
