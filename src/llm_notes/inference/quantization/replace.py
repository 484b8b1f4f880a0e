"""A model whose linear layers are kept as integers.

The model that is given stays as it is; the copy has the same attributes, takes the
same arguments and runs everywhere the other does. It knows no architecture.
"""

import copy
from collections.abc import Callable, Collection, Iterable

import torch
from torch import Tensor, nn

from llm_notes.inference.quantization.calibration import input_grams
from llm_notes.inference.quantization.gptq import gptq_or_nearest
from llm_notes.inference.quantization.layers import QuantizedEmbedding, QuantizedLinear
from llm_notes.inference.quantization.rounding import IntegerFormat
from llm_notes.models.layers.embedding import TokenEmbedding


def quantize_model(
    model: nn.Module,
    integers: IntegerFormat,
    *,
    embeddings: bool = False,
    skip: Collection[str] = ("router",),
    integer_inputs: bool = False,
    calibration: Iterable[Tensor] | None = None,
    run: Callable[[nn.Module, Tensor], object] | None = None,
) -> nn.Module:
    """A copy whose linear layers hold integers and scales.

    Args:
        model: any of the package's models, or another one made of `nn.Linear`.
        integers: how weights are kept, such as `FORMATS["int8"]`.
        embeddings: also the tables of tokens, and with them the last layer of a model
            that is tied; such a table is one matrix, kept once. Tables of positions
            and norms stay as they are, and are small.
        skip: layers that stay as they are, by their full name or its last part. A
            router's small errors send tokens to other experts, so it is one.
        integer_inputs: also round the inputs and multiply in integers; see
            `QuantizedLinear`.
        calibration: batches of token ids; then the integers are those of
            `gptq_or_nearest` instead of the nearest. All inputs are those of the model
            that is given, in one pass.
        run: how a batch of the calibration is read; model(batch) when not given.

    Returns:
        the copy. To load one that was saved, quantise a fresh model of the same shape
        and call `load_state_dict`.

    Raises:
        ValueError: when a layer does not fit the format, has weights that are not
            finite, or nothing is left to replace.
    """
    quantized = copy.deepcopy(model)
    found = {
        name: module
        # The same layer under two names is found twice and replaced by one.
        for name, module in quantized.named_modules(remove_duplicate=False)
        if name not in skip and name.rpartition(".")[2] not in skip
        if type(module) is nn.Linear or (embeddings and type(module) is TokenEmbedding)
    }
    if not found:
        raise ValueError(
            "the model has no linear layer to replace: is it quantised already, or is "
            f"all of it skipped ({', '.join(skip)})?"
        )
    grams: dict[str, Tensor] = {}
    if calibration is not None:
        linear = [name for name, m in found.items() if isinstance(m, nn.Linear)]
        grams = input_grams(quantized, calibration, linear, run)
    replaced: dict[nn.Module, nn.Module] = {}
    for name, module in found.items():
        if module not in replaced:
            try:
                replaced[module] = _quantized(
                    module, integers, grams.get(name), integer_inputs
                )
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        quantized.set_submodule(name, replaced[module])
    return quantized


@torch.no_grad()
def _quantized(
    layer: nn.Module,
    integers: IntegerFormat,
    gram: Tensor | None,
    integer_inputs: bool,
) -> nn.Module:
    if isinstance(layer, TokenEmbedding):
        return QuantizedEmbedding.from_embedding(layer, integers)
    matrix = None
    if gram is not None:
        gram = gram.to(layer.weight.device)
        matrix = gptq_or_nearest(layer.weight, gram, integers)
    return QuantizedLinear.from_linear(layer, integers, matrix, integer_inputs)
