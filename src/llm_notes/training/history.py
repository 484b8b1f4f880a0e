"""What a run has seen: lists of numbers that figures, tables and files can take."""

from dataclasses import asdict, dataclass, field


@dataclass
class History:
    """Losses, rates and looks at held-out data of one run.

    Attributes:
        train_loss: nats per target, one for each step, before the step is made.
        learning_rate, gradient_norm: of each step; the norm is that before clipping.
        validation_steps: how many steps were done at each look at held-out data.
        validation_loss: nats per target at each look.
        bits_per_byte: at each look, where the size of the text is known.
        targets: predictions learned from so far; tokens, for a causal model.
        seconds: spent on steps, looks at held-out data left out.
    """

    train_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    validation_steps: list[int] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    bits_per_byte: list[float] = field(default_factory=list)
    targets: int = 0
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Targets for each second of the steps; 0 before the first."""
        return self.targets / self.seconds if self.seconds else 0.0

    def has_looked(self, step: int) -> bool:
        """Whether the last look at held-out data came after this very step."""
        return step in self.validation_steps[-1:]

    def as_dict(self) -> dict[str, list | float]:
        """Plain lists and numbers, ready for JSON."""
        return asdict(self)
