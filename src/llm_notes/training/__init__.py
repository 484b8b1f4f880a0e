"""Stage 3, logits to better weights: schedule, trainer, evaluation, checkpoints."""
