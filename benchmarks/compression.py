"""What each way to make a model smaller costs, on the GPT of the book.

    python benchmarks/compression.py
    python benchmarks/compression.py --json compression.json

Bytes are of parameters and saved buffers, for pruned models of the form that leaves the
zeros out; errors are of the weights; bits per byte of held-out text that neither the
training nor the calibration has seen. Tokens per second are of reading 128 tokens at
once and of generating one by one through the model, not through the flat decoder that
only a whole model has; medians of rounds that take turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from measure import keep, machine, markdown, take_turns
from torch import Tensor, nn

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import BytePairTokenizer, Tokenizer
from llm_notes.inference.pruning import (
    gradient_importance,
    least_important,
    magnitude_importance,
    magnitude_masks,
    prune,
    remove_groups,
    stored_bytes,
)
from llm_notes.inference.quantization import (
    FORMATS,
    IntegerFormat,
    compression_report,
    model_bytes,
    quantize_model,
)
from llm_notes.models.gpt import GPT
from llm_notes.models.layers.cache import StaticKeyValueCache
from llm_notes.training.evaluation import bits_per_byte
from llm_notes.training.recipes import BOOK_GPT, book_gpt


@dataclass(frozen=True)
class Compressed:
    """A smaller model: how it is kept, and whether its weights can be compared."""

    model: nn.Module
    form: str = "dense"
    same_shapes: bool = True


def methods(
    model: GPT, calibration: list[Tensor]
) -> dict[str, Callable[[], Compressed]]:
    """Name of the method -> what makes the model."""

    def quantized(integers: IntegerFormat, **options) -> Callable[[], Compressed]:
        return lambda: Compressed(quantize_model(model, integers, **options))

    def thinned(share: float | None, scope: str, form: str) -> Callable[[], Compressed]:
        return lambda: Compressed(
            prune(model, magnitude_masks(model, share, scope)), form
        )

    def without_heads(importance: Callable[[], dict]) -> Callable[[], Compressed]:
        def make() -> Compressed:
            gone = least_important(importance(), n_groups=2)
            return Compressed(remove_groups(model, gone), same_shapes=False)

        return make

    def loss(model: nn.Module, token_ids: Tensor) -> Tensor:
        logits = model(token_ids[:, :-1])
        return nn.functional.cross_entropy(
            logits.flatten(0, 1), token_ids[:, 1:].flatten()
        )

    examples = [row[None] for batch in calibration for row in batch]
    three = IntegerFormat(3, group_size=32)
    return {
        "float32": lambda: Compressed(model),
        "int8, one scale": quantized(FORMATS["int8-per-tensor"]),
        "int8, a scale per channel": quantized(FORMATS["int8"]),
        "int8, tables too": quantized(FORMATS["int8"], embeddings=True),
        "int8, inputs too": quantized(FORMATS["int8"], integer_inputs=True),
        "int4, groups of 32": quantized(FORMATS["int4"]),
        "int4, zero point": quantized(FORMATS["int4-zero-point"]),
        "int4, GPTQ": quantized(FORMATS["int4"], calibration=calibration),
        "int4, tables too": quantized(FORMATS["int4"], embeddings=True),
        "3 bits, groups of 32": quantized(three),
        "3 bits, GPTQ": quantized(three, calibration=calibration),
        "half of each layer": thinned(0.5, "layer", "bitmask"),
        "half of all layers": thinned(0.5, "global", "bitmask"),
        "2:4": thinned(None, "2:4", "2:4"),
        "2 heads, by size": without_heads(lambda: magnitude_importance(model)),
        "2 heads, by gradient": without_heads(
            lambda: gradient_importance(model, loss, examples)
        ),
    }


def stored(compressed: Compressed) -> int:
    """Bytes of the model in the form that suits it."""
    n_bytes = model_bytes(compressed.model)
    if compressed.form == "dense":
        return n_bytes
    for module in compressed.model.modules():
        if type(module) is nn.Linear:
            forms = stored_bytes(module.weight)
            n_bytes += forms[compressed.form] - forms["dense"]
    return n_bytes


def measure(
    model: GPT, tokenizer: Tokenizer, text: str, calibration: list[Tensor], rounds: int
) -> list[dict[str, float | str | None]]:
    context = model.config.context_length
    made = {name: make() for name, make in methods(model, calibration).items()}
    prompt = calibration[0][:1, :context]
    n_new = context // 2

    def reading(compressed: Compressed) -> Callable[[], object]:
        return torch.inference_mode()(lambda: compressed.model(prompt))

    def writing(compressed: Compressed) -> Callable[[], object]:
        @torch.inference_mode()
        def write() -> None:
            cache, token_ids = StaticKeyValueCache(n_new), prompt[:, :1]
            for _ in range(n_new):
                logits = compressed.model(token_ids, cache=cache)
                token_ids = logits[:, -1:].argmax(dim=-1)

        return write

    read = take_turns({n: reading(c) for n, c in made.items()}, rounds)
    write = take_turns({n: writing(c) for n, c in made.items()}, rounds)
    rows = []
    for name, compressed in made.items():
        report = None
        if compressed.same_shapes:
            report = compression_report(model, compressed.model)
        n_bytes = stored(compressed)
        rows.append(
            {
                "method": name,
                "bytes": n_bytes,
                "ratio": model_bytes(model) / n_bytes,
                "mean error": report.mean_error if report else None,
                "max error": report.max_error if report else None,
                "bits per byte": bits_per_byte(compressed.model, tokenizer, text),
                "tokens/s, reading": prompt.numel() / median(read[name]),
                "tokens/s, writing": n_new / median(write[name]),
            }
        )
        print(name, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--characters", type=int, default=None, help="of held-out text")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--untrained", action="store_true", help="to try the script, not to learn"
    )
    parser.add_argument("--json", help="write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    facts = machine()
    corpus = python_reference()
    if arguments.untrained:
        torch.manual_seed(0)
        model = GPT(BOOK_GPT).eval()
        tokenizer: Tokenizer = BytePairTokenizer.train(
            corpus.train, BOOK_GPT.vocab_size
        )
    else:
        checkpoint = book_gpt()
        model, tokenizer = checkpoint.model, checkpoint.tokenizer
    # 64 windows spread over the text that the model was trained on.
    train_ids = torch.tensor(tokenizer.encode(corpus.train))
    length = model.config.context_length
    starts = torch.linspace(0, len(train_ids) - length, 64).long().tolist()
    windows = torch.stack([train_ids[s : s + length] for s in starts])
    rows = measure(
        model,
        tokenizer,
        corpus.validation[: arguments.characters],
        list(windows.split(8)),
        arguments.rounds,
    )
    cells = [
        [
            f"{v:.4g}" if isinstance(v, float) else "" if v is None else str(v)
            for v in row.values()
        ]
        for row in rows
    ]
    print(markdown(list(rows[0]), cells))
    keep(arguments.json, "compression", {"machine": facts, "rows": rows})


if __name__ == "__main__":
    main()
