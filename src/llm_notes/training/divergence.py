"""When a run is lost: the loss or the gradient is no longer a number."""

import math

from torch import nn


class TrainingDivergedError(RuntimeError):
    """The run is lost; the message names the step that caused it and what to do."""


def require_finite(
    step: int, loss: float, norm: float, model: nn.Module, *, may_overflow: bool
) -> None:
    """Stop before a step that would spoil the weights.

    Args:
        step: the step about to be made, counted from 0.
        loss, norm: of this step; gradients still stand in the model.
        model: searched, when something is wrong, for where it began.
        may_overflow: whether a loss scaler leaves this step out and tries again with
            a smaller scale, so that a gradient beyond float16 is no accident.

    Raises:
        TrainingDivergedError: when the loss or the norm is not finite.
    """
    if math.isfinite(loss) and (math.isfinite(norm) or may_overflow):
        return
    weights = [n for n, p in model.named_parameters() if not p.isfinite().all()]
    gradients = [
        n
        for n, p in model.named_parameters()
        if p.grad is not None and not p.grad.isfinite().all()
    ]
    where = f"; weights that are not finite: {_some(weights)}" if weights else ""
    if gradients:
        where += f"; gradients that are not finite: {_some(gradients)}"
    raise TrainingDivergedError(
        f"step {step}: loss {loss}, gradient norm {norm}{where}. The weights are those "
        "before this step. Lower the learning rate, warm up longer, or clip at a "
        "smaller norm"
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
