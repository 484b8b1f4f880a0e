"""Quantisation: weights as small integers and scales, a quarter or an eighth as large.

Rounding (`rounding`), choosing integers by what the layer's output needs (`gptq`), and
models that keep and use the small form (`layers`, `replace`).
"""

from llm_notes.inference.quantization.gptq import gptq, gptq_or_nearest, output_error
from llm_notes.inference.quantization.layers import (
    QuantizedEmbedding,
    QuantizedLinear,
    int8_product,
)
from llm_notes.inference.quantization.replace import quantize_model
from llm_notes.inference.quantization.report import (
    CompressionReport,
    compression_report,
    model_bytes,
)
from llm_notes.inference.quantization.rounding import (
    FORMATS,
    IntegerFormat,
    QuantizedMatrix,
    quantize,
)

__all__ = [
    "FORMATS",
    "CompressionReport",
    "IntegerFormat",
    "QuantizedEmbedding",
    "QuantizedLinear",
    "QuantizedMatrix",
    "compression_report",
    "gptq",
    "gptq_or_nearest",
    "int8_product",
    "model_bytes",
    "output_error",
    "quantize",
    "quantize_model",
]
