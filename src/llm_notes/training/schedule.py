"""Learning-rate schedules: pure functions of the step.

All have the same warm-up and differ in what follows it: a constant rate, a line, half a
cosine, one over the square root, or a constant rate with a cool-down at the end.
"""

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
    _require_run(n_steps, n_warmup, peak, floor)
    if step < n_warmup:
        return peak * (step + 1) / n_warmup
    progress = min(1.0, (step - n_warmup) / (n_steps - n_warmup))
    return floor + 0.5 * (peak - floor) * (1 + math.cos(math.pi * progress))


def warmup_linear(
    step: int, n_steps: int, n_warmup: int, peak: float, floor: float = 0.0
) -> float:
    r"""Linear warm-up, then a line down to the floor (Devlin et al. 2019, A.2).

    $$\eta_t = \eta_{\max} - (\eta_{\max} - \eta_{\min}) \frac{t - w}{n - w}
      \quad (w \le t < n)$$

    Arguments, result and errors as for `warmup_cosine`.
    """
    _require_run(n_steps, n_warmup, peak, floor)
    if step < n_warmup:
        return peak * (step + 1) / n_warmup
    progress = min(1.0, (step - n_warmup) / (n_steps - n_warmup))
    return peak - (peak - floor) * progress


def warmup_constant(step: int, n_warmup: int, peak: float) -> float:
    """Linear warm-up, then the peak for ever.

    Args:
        step: counted from 0.
        n_warmup: steps of warm-up; 0 for none.
        peak: highest learning rate.

    Raises:
        ValueError: when the warm-up or the peak is negative.
    """
    _require_warmup(n_warmup, peak)
    return peak * min(1.0, (step + 1) / n_warmup) if n_warmup else peak


def warmup_inverse_sqrt(step: int, n_warmup: int, peak: float) -> float:
    r"""Linear warm-up, then down with the root of the step, without an end.

    $$\eta_t = \eta_{\max} \min\!\left(\frac{t + 1}{w}, \sqrt{\frac{w}{t + 1}}\right)$$

    It is the schedule of Vaswani et al. (2017, equation 3), whose peak is
    $(d_{\mathrm{model}}\, w)^{-1/2}$.

    Args:
        step: t, counted from 0.
        n_warmup: w, at least 1.
        peak: the learning rate at the end of the warm-up.

    Raises:
        ValueError: for a warm-up below 1, or a negative peak.
    """
    _require_warmup(n_warmup, peak)
    if n_warmup < 1:
        raise ValueError(
            "n_warmup = 0: the root counts in steps of warm-up, so 1 is the least"
        )
    return peak * min((step + 1) / n_warmup, math.sqrt(n_warmup / (step + 1)))


def warmup_stable_decay(
    step: int,
    n_steps: int,
    n_warmup: int,
    peak: float,
    floor: float = 0.0,
    decay_share: float = 0.2,
) -> float:
    r"""Linear warm-up, the peak for most of the run, and a line down at its end.

    $$\eta_t = \eta_{\max} - (\eta_{\max} - \eta_{\min})
      \max\!\left(0, \frac{t - (n - c)}{c}\right) \quad (w \le t < n)$$

    where the cool-down takes c steps (Hu et al. 2024, section 4; Hägele et al. 2024
    find that a fifth of the run is enough). What is before the cool-down does not
    depend on n, so one long run can be cooled down at several lengths.

    Args:
        step: t, counted from 0.
        n_steps: n, steps in the whole run.
        n_warmup: w, steps of warm-up.
        peak, floor: highest and lowest learning rate.
        decay_share: c / n; the cool-down takes at least one step.

    Raises:
        ValueError: as for `warmup_cosine`, and when warm-up and cool-down overlap.
    """
    _require_run(n_steps, n_warmup, peak, floor)
    if not 0 < decay_share <= 1:
        raise ValueError(f"decay_share = {decay_share} must lie in (0, 1]")
    n_decay = max(1, round(decay_share * n_steps))
    if n_warmup + n_decay > n_steps:
        raise ValueError(
            f"{n_warmup} steps of warm-up and {n_decay} of cool-down do not fit into "
            f"n_steps = {n_steps}"
        )
    if step < n_warmup:
        return peak * (step + 1) / n_warmup
    progress = min(1.0, max(0.0, (step - (n_steps - n_decay)) / n_decay))
    return peak - (peak - floor) * progress


def _require_run(n_steps: int, n_warmup: int, peak: float, floor: float) -> None:
    if not 0 <= n_warmup < n_steps:
        raise ValueError(
            f"n_warmup = {n_warmup} must lie between 0 and n_steps - 1 = {n_steps - 1}"
        )
    if not 0 <= floor <= peak:
        raise ValueError(f"floor = {floor} must lie between 0 and peak = {peak}")


def _require_warmup(n_warmup: int, peak: float) -> None:
    if n_warmup < 0:
        raise ValueError(f"n_warmup = {n_warmup} must be 0 or above")
    if peak < 0:
        raise ValueError(f"peak = {peak} must be 0 or above")
