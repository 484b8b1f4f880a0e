"""How fast a GPU trains and writes: GPT-2 in float32, in bfloat16, and compiled.

    python benchmarks/gpu_speed.py
    python benchmarks/gpu_speed.py --model gpt2-medium --batch 8 --json results.json

Each way of training is the book's own `Trainer` with another `TrainingConfig`, on
random ids of GPT-2's vocabulary: speed does not depend on what they say. The share of
the peak is 6 N + 12 L D T FLOPs for each token against what a large product of bfloat16
matrices reaches (Chowdhery et al. 2022, appendix B). Writing is greedy, in bfloat16.
"""

from __future__ import annotations

import argparse
import gc
import time
from typing import Any

import torch
from measure import keep, machine, markdown

from llm_notes.inference.generate import generate
from llm_notes.models.gpt import GPT, PRESETS, GPTConfig
from llm_notes.runtime import count_parameters
from llm_notes.training.batches import WindowBatches
from llm_notes.training.trainer import Trainer, TrainingConfig

N_SIDE = 8192  # of the square product that is the peak
WAYS: dict[str, dict[str, Any]] = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "bfloat16, compiled": {"dtype": "bfloat16", "compile": True},
    "bfloat16, compiled, forgetful": {
        "dtype": "bfloat16",
        "compile": True,
        "checkpointing": True,
    },
}


def seconds(n_times: int, work) -> float:
    """Mean seconds of one call, after the GPU has done all of them."""
    torch.cuda.synchronize()
    started_at = time.perf_counter()
    for _ in range(n_times):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - started_at) / n_times


def peak_flops() -> float:
    """FLOP/s of one large product of bfloat16 matrices."""
    a, b = (
        torch.randn(N_SIDE, N_SIDE, device="cuda", dtype=torch.bfloat16)
        for _ in range(2)
    )
    seconds(5, lambda: a @ b)
    return 2 * N_SIDE**3 / seconds(20, lambda: a @ b)


def training(sizes: GPTConfig, batch_size: int, n_steps: int, **settings) -> dict:
    """Tokens/s, gigabytes and the last loss of some steps, after those that warm up."""
    length = sizes.context_length
    ids = torch.randint(sizes.vocab_size, (200_000,))
    config = TrainingConfig(n_steps + 5, 3e-4, n_warmup=5, **settings)
    torch.manual_seed(0)
    batches = WindowBatches(ids, batch_size, length, 0)
    trainer = Trainer(GPT(sizes).cuda(), batches, config)
    trainer.model.train()
    for _ in range(5):  # compiled, and the memory is taken
        trainer.train_step(batches.next_batch())
    torch.cuda.reset_peak_memory_stats()
    each = seconds(n_steps, lambda: trainer.train_step(batches.next_batch()))
    return {
        "tokens_per_second": batch_size * length / each,
        "gigabytes": torch.cuda.max_memory_allocated() / 1e9,
        "loss": trainer.history.train_loss[-1],
    }


def writing(model: GPT, batch_size: int, n_new: int, **options) -> float:
    """Tokens/s of greedy text after prompts of 16 tokens."""
    prompts = torch.randint(model.config.vocab_size, (batch_size, 16), device="cuda")
    options["temperature"] = 0

    def write() -> None:
        generate(model, prompts, n_new, **options)

    write()
    return batch_size * n_new / seconds(2, write)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=PRESETS, default="gpt2")
    parser.add_argument("--batch", type=int, default=16, help="texts in a batch")
    parser.add_argument("--steps", type=int, default=20, help="steps that are timed")
    parser.add_argument("--new", type=int, default=128, help="tokens that are written")
    parser.add_argument("--json", help="file that keeps the figures")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        parser.error("there is no GPU; benchmarks/training_speed.py times the CPU")

    sizes = PRESETS[options.model]
    figures: dict[str, Any] = {"machine": machine(), "model": options.model}
    figures["peak_flops"] = peak_flops()
    n_parameters = GPT.parameter_count(sizes)
    of_attention = 12 * sizes.n_layers * sizes.d_model * sizes.context_length
    each = 6 * n_parameters + of_attention
    rows = []
    for way, settings in WAYS.items():
        found = training(sizes, options.batch, options.steps, **settings)
        found["of_the_peak"] = found["tokens_per_second"] * each / figures["peak_flops"]
        figures[f"training, {way}"] = found
        gc.collect()
        torch.cuda.empty_cache()
        rows.append(
            [
                way,
                f"{found['tokens_per_second']:,.0f}",
                f"{found['of_the_peak']:.2f}",
                f"{found['gigabytes']:.1f}",
                f"{found['loss']:.3f}",
            ]
        )
    print(f"{options.model}: {n_parameters:,} parameters, batch {options.batch}")
    print(f"peak {figures['peak_flops'] / 1e12:.0f} TFLOP/s in bfloat16")
    print(markdown(["training", "tokens/s", "of the peak", "GB", "loss"], rows))

    model = GPT(sizes).eval().cuda().bfloat16()
    assert count_parameters(model) == n_parameters
    rows = []
    for batch_size in (1, 16, 64):
        for name, use_cache in (("cache", True), ("no cache", False)):
            if batch_size > 16 and not use_cache:
                continue
            speed = writing(model, batch_size, options.new, use_cache=use_cache)
            figures[f"writing, batch {batch_size}, {name}"] = speed
            rows.append([str(batch_size), name, f"{speed:,.0f}"])
    print(markdown(["batch", "writing", "tokens/s"], rows))
    keep(options.json, "gpu_speed", figures)


if __name__ == "__main__":
    main()
