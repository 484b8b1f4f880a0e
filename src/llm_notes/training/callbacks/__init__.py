"""Who looks on while a model trains: each a short class, none knows another.

The trainer calls `on_start(trainer)` once, `on_step(trainer)` after each step and
`on_end(trainer)` at the end, in the order of its list, at the end in reverse; each
method may be missing. What a callback has to remember when a run goes on after a crash
is its `state_dict`. `run_state.SaveRun`, which saves the run, is one more of them.
"""

from llm_notes.training.callbacks.evaluation import Evaluate, EvaluateLoss
from llm_notes.training.callbacks.showing import Samples, ShowCurves, ShowProgress
from llm_notes.training.callbacks.stopping import EarlyStopping, StopWhenDiverging

__all__ = [
    "EarlyStopping",
    "Evaluate",
    "EvaluateLoss",
    "Samples",
    "ShowCurves",
    "ShowProgress",
    "StopWhenDiverging",
]
