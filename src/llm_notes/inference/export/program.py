"""A model as a program of PyTorch: a graph of operators without Python around it.

It runs without the model's classes, and is what the ONNX exporter starts from.
"""

import warnings
from inspect import CO_VARARGS

import torch

from llm_notes.inference.export.graphs import ExportError, ExportGraph
from llm_notes.training.evaluating import evaluating

# Sizes while tracing: none is 0 or 1, which PyTorch would take for constants.
_TRACED = {"batch_size": 3, "length": 2, "past": 4}


@torch.no_grad()
def export_program(graph: ExportGraph) -> torch.export.ExportedProgram:
    """Trace a graph with batch, length and past left open, and check the result.

    Args:
        graph: on the CPU; traced in evaluation mode, without dropout.

    Returns:
        the program; `.module()` is called as the graph is.

    Raises:
        ExportError: when the program's outputs differ by more than 1e-5 from the
            graph's own on inputs of other sizes.
    """
    with evaluating(graph):
        program = _traced(graph)
        module = program.module()
        for inputs in other_sizes(graph):
            expected, found = as_tuple(graph(*inputs)), as_tuple(module(*inputs))
            if any(
                not torch.allclose(*pair, atol=1e-5, rtol=0)
                for pair in zip(expected, found, strict=True)
            ):
                raise ExportError("the exported program computes something else")
    return program


def _traced(graph: ExportGraph) -> torch.export.ExportedProgram:
    traced = graph.example(**_TRACED)
    unknown = torch.export.Dim.DYNAMIC
    dynamic = tuple(dict.fromkeys(axes, unknown) for axes in graph.axes)
    if graph.forward.__code__.co_flags & CO_VARARGS:  # *state: the rest as one
        dynamic = (dynamic[0], dynamic[1:])
    with warnings.catch_warnings():
        # PyTorch copies its own tree of inputs and meets its own deprecation.
        warnings.filterwarnings("ignore", r".*LeafSpec", FutureWarning)
        return torch.export.export(graph, traced, dynamic_shapes=dynamic)


def other_sizes(graph: ExportGraph) -> list[tuple[torch.Tensor, ...]]:
    """Inputs that are not those of the trace: one row, one token, no past."""
    return [graph.example(1, 4, past=0), graph.example(2, 1, past=3)]


def as_tuple(outputs: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple:
    """The outputs of a graph, also where there is only one."""
    return outputs if isinstance(outputs, tuple) else (outputs,)
