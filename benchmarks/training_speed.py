"""How fast a training step is: our GPT beside `transformers`, in one process.

    python benchmarks/training_speed.py
    python benchmarks/training_speed.py --compile --rounds 11 --json results.json

The same architecture, sizes and batch: forward, backward, AdamW. Theirs is AdamW as
most people write it, and also with `fused=True`, as ours. Before anything is timed,
both get the same weights and have to give the same logits. The peak is what a large
matrix product reaches in the same turns; beside it stands what the products of the
model's own layers reach, which are smaller, with nothing between them.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from measure import keep, machine, markdown, ratio, take_turns
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from llm_notes.data.batching import sample_windows
from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.ngram_gpt import NgramGPT, NgramGPTConfig
from llm_notes.models.pretrained.gpt2 import gpt2_from_hugging_face
from llm_notes.training.fast_recipe import ngram_gpt_optimizer
from llm_notes.training.optim import parameter_groups

STEPS = 4  # in each turn
N_HEADS, N_LAYERS, D_MODEL, CONTEXT, BATCH = 4, 4, 128, 128, 16
THEIRS, OURS = "transformers GPT-2, AdamW", "GPT, fused AdamW"
THEIRS_FUSED = "transformers GPT-2, fused AdamW"
COMPILED, NGRAMS = "GPT, fused AdamW, compiled", "NgramGPT, Muon with AdamW"
PRODUCTS, PEAK = "the layers' products alone", "matrix product"

Step = Callable[[], None]


def batch() -> tuple[Tensor, Tensor, int]:
    """One batch of the Python reference, and V."""
    text = python_reference().train
    tokenizer = CharacterTokenizer.train(text)
    ids = torch.tensor(tokenizer.encode(text))
    x, y = sample_windows(ids, BATCH, CONTEXT, torch.Generator().manual_seed(0))
    return x, y, tokenizer.vocab_size


def step_of(loss_of: Callable[[], Tensor], optimizer: torch.optim.Optimizer) -> Step:
    """One step: forward, backward, optimiser."""

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of().backward()
        optimizer.step()

    return step


def their_model(vocab_size: int) -> nn.Module:
    """GPT-2 of `transformers`, without dropout."""
    import transformers

    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=vocab_size,
            n_positions=CONTEXT,
            n_embd=D_MODEL,
            n_layer=N_LAYERS,
            n_head=N_HEADS,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=None,
        )
    )


def their_step(x: Tensor, vocab_size: int, fused: bool | None = None) -> Step:
    """Their loss shifts the labels itself, so it scores one target less in each row."""
    model = their_model(vocab_size).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=fused)
    return step_of(lambda: model(x, labels=x).loss, optimizer)


def our_step(
    x: Tensor, y: Tensor, vocab_size: int, name: str, their_state: dict | None = None
) -> Step:
    """One of our models with its optimiser."""
    sizes = (vocab_size, CONTEXT, N_LAYERS, N_HEADS, D_MODEL)
    if name == NGRAMS:
        model = NgramGPT(NgramGPTConfig(*sizes))
        optimizer = ngram_gpt_optimizer(model)
    else:
        model = GPT(GPTConfig(*sizes))
        if their_state is not None:
            model.load_state_dict(gpt2_from_hugging_face(their_state))
        groups = parameter_groups(model, weight_decay=0.01)
        optimizer = torch.optim.AdamW(groups, lr=1e-4, fused=True)

    def loss_of() -> Tensor:
        return nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())

    if name == COMPILED:
        loss_of = torch.compile(loss_of)
    return step_of(loss_of, optimizer)


def require_equal(x: Tensor, y: Tensor, vocab_size: int) -> None:
    """Both models have to compute the same function before their time is compared."""
    theirs = their_model(vocab_size).eval()
    ours = GPT(GPTConfig(vocab_size, CONTEXT, N_LAYERS, N_HEADS, D_MODEL)).eval()
    ours.load_state_dict(gpt2_from_hugging_face(theirs.state_dict()))
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x).logits, atol=1e-5, rtol=0)


def product(n: int = 1024) -> Step:
    """A matrix product of 2 n^3 operations, often enough to be timed."""
    a, b = torch.randn(n, n), torch.randn(n, n)

    def step() -> None:
        for _ in range(5):
            a @ b

    step.flops = 5 * 2 * n**3
    return step


def products_of_layers(vocab_size: int) -> Step:
    """The products of all linear layers of one step, forward and backward, no more."""
    d, n_rows = D_MODEL, BATCH * CONTEXT
    block = [(d, d)] * 4 + [(d, 4 * d), (4 * d, d)]
    sizes = block * N_LAYERS + [(d, vocab_size)]
    weights = [torch.randn(n_out, n_in) for n_in, n_out in sizes]
    values = {n: torch.randn(n_rows, n) for n in (d, 4 * d, vocab_size)}

    def step() -> None:
        for weight in weights:
            x, gradient = values[weight.size(1)], values[weight.size(0)]
            x @ weight.T
            gradient @ weight
            gradient.T @ x

    step.flops = sum(3 * 2 * n_rows * n_in * n_out for n_in, n_out in sizes)
    return step


def peak_megabytes(name: str) -> float:
    """Memory that training adds to a fresh process, at its highest."""
    command = [sys.executable, __file__, "--memory-of", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def measure_memory(name: str) -> None:
    """Print what training adds to this process at its highest, in MB (Linux).

    Libraries take memory when they are first used. That is not the model's, so the
    first steps are not looked at.
    """
    x, y, vocab_size = batch()

    def train(n_steps: int) -> None:
        if name == THEIRS:
            step = their_step(x, vocab_size)
        else:
            step = our_step(x, y, vocab_size, name)
        for _ in range(n_steps):
            step()

    train(2)
    gc.collect()
    # What was freed goes back to the system, and the highest mark begins anew.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = status_megabytes("VmRSS")
    train(5)
    print(status_megabytes("VmHWM") - before)


def status_megabytes(field: str) -> float:
    """One line of what the kernel says of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--compile", action="store_true", help="also compiled (slow)")
    parser.add_argument("--json", metavar="FILE", help="where figures are kept")
    parser.add_argument("--memory-of", metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        measure_memory(arguments.memory_of)
        return

    facts = machine()
    x, y, vocab_size = batch()
    require_equal(x, y, vocab_size)
    names = [OURS, NGRAMS] + [COMPILED] * arguments.compile
    steps = {
        THEIRS: their_step(x, vocab_size),
        THEIRS_FUSED: their_step(x, vocab_size, fused=True),
    }
    steps |= {name: our_step(x, y, vocab_size, name) for name in names}
    with FlopCounterMode(display=False) as counter:
        steps[OURS]()
    flops = counter.get_total_flops()
    steps |= {PEAK: product(), PRODUCTS: products_of_layers(vocab_size)}
    turns = {
        name: (lambda step=step: [step() for _ in range(STEPS)])
        for name, step in steps.items()
    }
    seconds = take_turns(turns, arguments.rounds)
    peak = [STEPS * steps[PEAK].flops / s for s in seconds[PEAK]]
    alone = median(
        STEPS * steps[PRODUCTS].flops / s / p
        for s, p in zip(seconds[PRODUCTS], peak, strict=True)
    )

    figures, rows = {"machine": facts, "rounds": arguments.rounds}, []
    for name in (THEIRS, THEIRS_FUSED, *names):
        rates = [STEPS * BATCH * CONTEXT / s for s in seconds[name]]
        low, middle, high = ratio(seconds[THEIRS], seconds[name])
        row = {
            "tokens_per_second": median(rates),
            "times_theirs": middle,
            "lowest": low,
            "highest": high,
        }
        if name in (OURS, COMPILED):  # the counter cannot see into the others' kernels
            of_peak = [
                STEPS * flops / s / p for s, p in zip(seconds[name], peak, strict=True)
            ]
            row["of_peak"] = median(of_peak)
        if name not in (COMPILED, THEIRS_FUSED):
            row["megabytes"] = median(peak_megabytes(name) for _ in range(3))
        figures[name] = row
        rows.append(
            [
                name,
                f"{row['tokens_per_second']:,.0f}",
                f"{middle:.2f} ({low:.2f}-{high:.2f})",
                f"{row['of_peak']:.2f}" if "of_peak" in row else "",
                f"{row['megabytes']:.0f}" if "megabytes" in row else "",
            ]
        )
    header = ["training", "tokens/s", "times theirs", "of the peak", "MB"]
    print(markdown(header, rows))
    print(f"peak {median(peak) / 1e9:.0f} GFLOP/s, {flops / 1e9:.2f} GFLOP a step")
    print(f"the products of the layers alone: {alone:.2f} of the peak")
    figures |= {"peak_gflops": median(peak) / 1e9, "products_of_peak": alone}
    keep(arguments.json, "training_speed", figures)


if __name__ == "__main__":
    main()
