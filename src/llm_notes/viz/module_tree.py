"""What a module is made of, read from the living object: parts, sizes, parameters.

Works for any torch module and imports no torch: it asks for `named_modules` and
`named_parameters`. Equal neighbours become one part with a number of copies. Knows no
model and draws nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

IDLE = ("Dropout", "Identity", "empty")  # left out: no weights, no work after training
_LISTS = ("ModuleList", "Sequential", "ModuleDict")


@dataclass(frozen=True)
class Part:
    """One part, or several equal ones.

    name: attribute names, "q_proj, k_proj" for several; kind: the class's name; sizes:
    such as "64 → 256"; n_parameters: of one copy, parts within included, those shared
    with an earlier part not counted; copies: how many; shared: it was met before.
    """

    name: str
    kind: str
    sizes: str
    n_parameters: int
    parts: tuple["Part", ...] = ()
    copies: int = 1
    shared: bool = False

    @property
    def total(self) -> int:
        """Parameters of all copies."""
        return self.copies * self.n_parameters

    def walk(self, depth: int = 0, factor: int = 1) -> Iterator[tuple]:
        """(depth, copies in the whole, part) of it and all within, from the top."""
        yield depth, factor * self.copies, self
        for part in self.parts:
            yield from part.walk(depth + 1, factor * self.copies)


def module_tree(module: Any, depth: int = 3) -> Part:
    """Read a module down to `depth` levels below it; deeper parts count as parameters.

    A list of equal blocks is one level, with its copies: "blocks", 12 times.

    Raises TypeError for what has no `named_modules`, ValueError for a depth below 1.
    """
    if not hasattr(module, "named_modules"):
        raise TypeError(
            f"{type(module).__name__} is no module: give a torch.nn.Module, whose "
            "parts can be listed"
        )
    if depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")
    children: dict[str, list[tuple[str, Any]]] = {}
    for path, inner in module.named_modules(remove_duplicate=False):
        if path:
            parent, _, name = path.rpartition(".")
            children.setdefault(parent, []).append((name, inner))
    name = type(module).__name__
    return _read("", name, module, children, depth, seen=set())


def _read(path, name, module, children, depth, seen: set) -> Part:
    kind = type(module).__name__
    has_weights = next(iter(module.parameters()), None) is not None
    shared = has_weights and id(module) in seen
    seen.add(id(module))
    own = 0
    for _, parameter in module.named_parameters(recurse=False):
        own += 0 if id(parameter) in seen else parameter.numel()
        seen.add(id(parameter))
    below = depth if kind in _LISTS else depth - 1
    parts = [
        _read(f"{path}.{inner}".lstrip("."), inner, child, children, below, seen)
        for inner, child in children.get(path, [])
    ]
    count = own + sum(part.total for part in parts)
    parts = [part for part in parts if part.kind not in IDLE]
    folded = _fold(parts, kind)
    if kind in _LISTS and not folded:
        kind = IDLE[-1]  # nothing in it: left out by the caller
    if kind in _LISTS and len(folded) == 1:  # the list and its one kind are one part
        return replace(folded[0], name=name, shared=shared or folded[0].shared)
    opened = tuple(folded) if depth > 0 and not shared else ()
    return Part(name, kind, _sizes(module), count, opened, shared=shared)


def _fold(parts: list[Part], kind: str) -> list[Part]:
    """Equal neighbours as one; in a list also those that stand apart."""
    groups: list[list[Part]] = []
    for part in parts:
        for group in groups if kind == "ModuleList" else groups[-1:]:
            if replace(group[0], name="") == replace(part, name=""):
                group.append(part)
                break
        else:
            groups.append([part])
    return [
        replace(
            group[0],
            name=_joined([part.name for part in group]),
            copies=group[0].copies * len(group),
        )
        for group in groups
    ]


def _joined(names: list[str]) -> str:
    """ "q_proj, k_proj"; for places in a list "0-3, 6"."""
    if not all(name.isdecimal() for name in names):
        return ", ".join(names)
    runs: list[list[int]] = []
    for place in map(int, names):
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)


def _sizes(module: Any) -> str:
    """The sizes by which a reader knows a part, from its weights and whole numbers."""
    shapes = [tuple(p.shape) for _, p in module.named_parameters(recurse=False)]
    features = [getattr(module, f"{side}_features", None) for side in ("in", "out")]
    if all(isinstance(size, int) for size in features):
        bias = getattr(module, "bias", None) is not None
        return f"{features[0]} → {features[1]}{' + bias' if bias else ''}"
    if shapes:
        largest = max(shapes, key=lambda shape: (len(shape), shape))
        return " × ".join(map(str, largest)) or "1"
    numbers = [
        f"{name} {value}"
        for name, value in vars(module).items()
        if name.startswith(("n_", "d_")) and type(value) is int
    ]
    return ", ".join(numbers[:3])
