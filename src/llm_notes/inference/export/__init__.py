"""Export: a model as a file that runs without this package.

What goes in and out (`graphs`), PyTorch's own format (`program`), ONNX (`onnx_file`),
and the bundle for models that run inside a page (`bundle`, `web`).
"""

from llm_notes.inference.export.bundle import (
    BundleError,
    bundle_as_json,
    bundle_from_json,
    pack,
    unpack,
)
from llm_notes.inference.export.graphs import (
    DecodeGraph,
    ExportError,
    RecurrentGraph,
    TokenGraph,
)
from llm_notes.inference.export.onnx_file import OPSET, export_onnx, load_onnx
from llm_notes.inference.export.program import export_program
from llm_notes.inference.export.web import (
    Bundle,
    bundle_data_bytes,
    read_bundle,
    write_bundle,
)
from llm_notes.inference.export.web_ngram import (
    NGramTables,
    read_ngram_bundle,
    write_ngram_bundle,
)

__all__ = [
    "OPSET",
    "Bundle",
    "BundleError",
    "DecodeGraph",
    "ExportError",
    "NGramTables",
    "RecurrentGraph",
    "TokenGraph",
    "bundle_as_json",
    "bundle_data_bytes",
    "bundle_from_json",
    "export_onnx",
    "export_program",
    "load_onnx",
    "pack",
    "read_bundle",
    "read_ngram_bundle",
    "unpack",
    "write_bundle",
    "write_ngram_bundle",
]
