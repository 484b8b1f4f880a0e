"""What a trainer asks of the processes it runs in; here: there is only one.

`distributed` answers the same questions for several processes. Every process draws the
same whole batch and takes its share, so the order of the data does not depend on how
many there are, and a run may go on with another number of them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from llm_notes.training.batches import Batch, count_examples, split_batch


class SingleProcess:
    """One process that does everything itself."""

    rank, size = 0, 1

    @property
    def is_main(self) -> bool:
        """Whether this process prints and saves."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The module that is called in training; it shares the model's weights."""
        return model

    def accept(self, optimizer: torch.optim.Optimizer) -> None:
        """Raises ValueError for an optimiser that does not fit the wrapped model."""

    def parts(
        self, batch: Batch, n_parts: int, count: Callable[[Batch], int]
    ) -> list[tuple[Batch, float]]:
        """This process's share of a batch in `n_parts`, and the weight of each.

        Weights are shares of what `count` counts in the whole batch. Few examples give
        fewer parts, but equally many to each process, since in each the processes
        exchange something: one that has nothing left repeats a part with weight 0.
        """
        if n_parts * self.size == 1:
            return [(batch, 1.0)]
        parts = split_batch(batch, min(n_parts * self.size, count_examples(batch)))
        n_own = -(-len(parts) // self.size)
        n_scored = max(count(batch), 1)
        own = [
            (part, count(part) / n_scored)
            for part in parts[self.rank * n_own : (self.rank + 1) * n_own]
        ]
        return own + [(parts[0], 0.0)] * (n_own - len(own))

    def backward(
        self, runner: nn.Module, is_last: bool
    ) -> AbstractContextManager[None]:
        """Around forward and backward of one part; gradients are exchanged after the
        last. Gradients of processes are averaged, so losses are scaled by `size`."""
        del runner, is_last
        return nullcontext()

    def sum(self, value: Tensor) -> Tensor:
        """The sum of a scalar over all processes."""
        return value

    def any(self, flag: bool) -> bool:
        """Whether a process raises this flag: what all have to decide alike."""
        return flag

    def gather(self, value: Any) -> list[Any]:
        """What each process has, in order of ranks; every process gets the list."""
        return [value]

    def clip(self, parameters: Sequence[nn.Parameter], max_norm: float) -> Tensor:
        """Scale gradients down to `max_norm`; returns the norm before, a scalar."""
        norm = nn.utils.get_total_norm(
            [p.grad for p in parameters if p.grad is not None]
        )
        # A norm that is no number, or endless, would spoil all gradients and hide where
        # it began; with 0 they stay as they are.
        known = norm.nan_to_num(nan=0.0, posinf=0.0)
        nn.utils.clip_grads_with_norm_(parameters, max_norm, known)
        return norm

    def kind(self, model: nn.Module) -> type[nn.Module]:
        """The class of a model as it was before `wrap`."""
        return type(model)

    def weights(self, model: nn.Module) -> dict[str, Tensor]:
        """Whole tensors by name; the first process has them, the others need not."""
        return model.state_dict()

    def load_weights(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        """The reverse: what the first process gives goes to all."""
        model.load_state_dict(weights)

    def state(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> dict[str, Any]:
        """{"model": ..., "optimizer": ...} with whole tensors, as one process has."""
        return {"model": self.weights(model), "optimizer": optimizer.state_dict()}

    def load_state(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        state: Mapping[str, Any],
    ) -> None:
        """The reverse of `state`; every process gives all of it."""
        self.load_weights(model, state["model"])
        optimizer.load_state_dict(state["optimizer"])

    def explain(self, error: BaseException, step: int | None = None) -> BaseException:
        """What to raise for an error in a step: a clearer one, or the same."""
        del step
        return error
