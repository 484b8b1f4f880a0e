"""A model as an ONNX file, which runs where there is no PyTorch.

Needs the extra "export": onnx, onnxscript and onnxruntime. They are imported when a
function is called.
"""

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from llm_notes.inference.export.graphs import ExportError, ExportGraph
from llm_notes.inference.export.program import (
    as_tuple,
    evaluating,
    export_program,
    other_sizes,
)
from llm_notes.inference.quantization.layers import QuantizedWeight

# The version of ONNX's operators; browsers' and phones' runtimes know this one.
OPSET = 18


@torch.no_grad()
def export_onnx(graph: ExportGraph, path: str | Path, tolerance: float = 1e-5) -> Path:
    """Write a graph as an ONNX file, after running it and comparing the numbers.

    The file takes the place of `path` only when it is right, so an earlier one there
    is lost to a good one only.

    Args:
        graph: `TokenGraph`, `DecodeGraph` or `RecurrentGraph` of a model on the CPU.
        path: the file; its folder has to exist.
        tolerance: largest absolute difference of any output of the file to the
            graph's own, on inputs of other sizes than those of the trace.

    Returns:
        the path.

    Raises:
        ImportError: without the extra.
        ExportError: when the file computes something else, or the model multiplies
            integers by integers.
    """
    _require_extra()
    if any(getattr(module, "integer_inputs", False) for module in graph.modules()):
        raise ExportError(
            "the exporter knows no product of two integer matrices: quantise without "
            "integer_inputs"
        )
    program = export_program(graph)
    with _quiet():
        onnx_program = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(graph.input_names),
            output_names=list(graph.output_names),
            # The optimiser would write small matrices out as floats again; runtimes
            # do the same work when they load the file.
            optimize=not any(isinstance(m, QuantizedWeight) for m in graph.modules()),
            verbose=False,
        )
    for node in onnx_program.model.graph:
        # Where in this machine's files each operator was written down: of no use
        # elsewhere, and more bytes than the weights of a small model.
        node.metadata_props.clear()
        node.doc_string = None
    path = Path(path)
    handle, draft = tempfile.mkstemp(suffix=".onnx", dir=path.parent)
    os.close(handle)
    try:
        onnx_program.save(draft)
        with evaluating(graph):
            _check(draft, graph, tolerance)
        Path(draft).chmod(0o644)  # mkstemp's files are for their owner only
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


def _check(file: str, graph: ExportGraph, tolerance: float) -> None:
    run = load_onnx(file)
    for inputs in other_sizes(graph):
        found, outputs = run(*inputs), as_tuple(graph(*inputs))
        for name, expected in zip(graph.output_names, outputs, strict=True):
            difference = float(np.abs(found[name] - expected.numpy()).max())
            if not difference <= tolerance:
                raise ExportError(
                    f"{name} of the ONNX file differs by {difference:.1e} from the "
                    f"model, more than the tolerance of {tolerance:.1e}"
                )


def load_onnx(path: str | Path) -> Callable[..., dict[str, np.ndarray]]:
    """A function that runs a file on the CPU: tensors in order to named arrays.

    Raises:
        ImportError: without the extra.
        FileNotFoundError: when there is no file.
    """
    _require_extra()
    import onnxruntime

    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    inputs = [value.name for value in session.get_inputs()]
    outputs = [value.name for value in session.get_outputs()]

    def run(*tensors: Tensor) -> dict[str, np.ndarray]:
        arrays = (tensor.detach().numpy() for tensor in tensors)
        given = dict(zip(inputs, arrays, strict=True))
        return dict(zip(outputs, session.run(None, given), strict=True))

    return run


def _require_extra() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"ONNX files need {error.name}, which is not installed: "
            'pip install "llm-notes[export]"'
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the exporter says about itself, and nothing else."""
    # It lists the operators of torchvision that it does without.
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # PyTorch copies its own tree of inputs and meets its own deprecation.
            warnings.filterwarnings("ignore", r".*LeafSpec", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
