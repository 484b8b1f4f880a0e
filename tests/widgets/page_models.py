"""What tests of the models in the page share: pages, models, and PyTorch's twins.

A twin is the PyTorch model with the part taken away that a switch takes away in the
page. Knows no test.
"""

from importlib.resources import files

import torch
from torch import Tensor, nn

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.export import bundle_as_json, write_bundle
from llm_notes.inference.quantization import IntegerFormat, quantize_model
from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.position import LearnedPosition, SinusoidalPosition

STATIC = files("llm_notes.widgets") / "static"
LETTERS = CharacterTokenizer.train("abcdefghijklmnopqrstu")
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>m</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline'"></head><body>{scripts}</body></html>"""


def open_page(chromium, folder, scripts):
    """A page from a file with these scripts below static/, and its complaints.

    It may load nothing and evaluate no text as a program, like the book's pages.
    """
    texts = [(STATIC / name).read_text("utf-8") for name in scripts]
    file = folder / "models.html"
    file.write_text(
        PAGE.format(scripts="".join(f"<script>{text}</script>" for text in texts)),
        encoding="utf-8",
    )
    page, complaints = chromium.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url == file.as_uri() else complaints.append(request.url)
        ),
    )
    page.goto(file.as_uri())
    return page, complaints


def spread(model, seed=0):
    """Weights large enough that a wrong line shows, biases and gains not trivial."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(noise * (0.3 if parameter.dim() > 1 else 0.2))
    return model.eval()


def quantised(model, integers=None, **options):
    """In eight bits with a scale for each row, tables too."""
    options = {"embeddings": True} | options
    return quantize_model(model, integers or IntegerFormat(8), **options).eval()


def load(page, model, tokenizer=LETTERS, ids=None):
    """Put the model's bundle on the page as `model`."""
    page.evaluate(
        "text => { globalThis.model = llmNotes.models.load("
        "llmNotes.bundle.read(JSON.parse(text))); }",
        bundle_as_json(write_bundle(model, tokenizer, ids)),
    )


def message_of(page, expression, argument=None):
    """What the error of an expression in `x` says; None when there is none."""
    return page.evaluate(
        f"x => {{ try {{ {expression}; return null; }}"
        " catch (error) { return `${error.name}: ${error.message}`; } }",
        argument,
    )


def random_ids(n, vocab_size, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(vocab_size, (n,), generator=generator).tolist()


def assert_close(found, expected: Tensor, tolerance=1e-4):
    found = torch.as_tensor(found, dtype=torch.float32)
    torch.testing.assert_close(found, expected.float(), atol=tolerance, rtol=1e-5)


def without_scale(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            module.scale = 1.0


def without_mask(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            module.is_causal = False


def without_positions(model: nn.Module) -> None:
    """No rotation, and zeros in each table of positions."""
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            module.rotary = None
        elif isinstance(module, LearnedPosition):
            module.weight.data.zero_()
        elif isinstance(module, SinusoidalPosition):
            module.table.zero_()


def without_head(attention: MultiHeadAttention, head: int) -> None:
    """Heads enter o_proj side by side; the numbers of one of them become zero."""

    def hook(module, inputs):
        (x,) = inputs
        x = x.clone()
        x[..., head * attention.d_head : (head + 1) * attention.d_head] = 0
        return (x,)

    attention.o_proj.register_forward_pre_hook(hook)
