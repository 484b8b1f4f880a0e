"""Learning-rate schedules: pure functions of the step."""

import math


def warmup_cosine(
    step: int, n_steps: int, n_warmup: int, peak: float, floor: float = 0.0
) -> float:
    r"""Linear warm-up, then half a cosine down to the floor.

    $$\eta_t = \begin{cases}
        \eta_{\max}\,(t + 1) / w & t < w \\
        \eta_{\min} + \tfrac12 (\eta_{\max} - \eta_{\min})
        \left(1 + \cos \pi \frac{t - w}{n - w}\right) & w \le t < n
    \end{cases}$$

    (Loshchilov & Hutter 2017, equation 5, without restarts; warm-up as in Vaswani et
    al. 2017.) The first step already moves, and the last is still above the floor.

    Args:
        step: t, counted from 0.
        n_steps: n, steps in the whole run.
        n_warmup: w, steps of warm-up.
        peak, floor: highest and lowest learning rate.

    Returns:
        the learning rate of this step.

    Raises:
        ValueError: when the warm-up does not fit into the run, or floor > peak.
    """
    if not 0 <= n_warmup < n_steps:
        raise ValueError(
            f"n_warmup = {n_warmup} must lie between 0 and n_steps - 1 = {n_steps - 1}"
        )
    if not 0 <= floor <= peak:
        raise ValueError(f"floor = {floor} must lie between 0 and peak = {peak}")
    if step < n_warmup:
        return peak * (step + 1) / n_warmup
    progress = min(1.0, (step - n_warmup) / (n_steps - n_warmup))
    return floor + 0.5 * (peak - floor) * (1 + math.cos(math.pi * progress))
