"""Where a model of the package looks: every attention layer, on a text.

One way for all models: each attention layer is asked to return its weights while the
model runs as ever. Knows tokenizers and models, and no picture.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from llm_notes.data.tokenizers import Tokenizer, UnknownTokenIdError
from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.latent_attention import LatentAttention
from llm_notes.models.layers.mask import causal_mask
from llm_notes.models.seq2seq import Seq2Seq
from llm_notes.models.t5 import T5
from llm_notes.models.transformer import Transformer
from llm_notes.training.evaluating import evaluating
from llm_notes.widgets.attention_maps import AttentionMaps, Kind

MAX_WRITTEN = 40  # tokens that a model writes when no target is given

# Ids that stand before and after those of a text: (start, end).
Ends = tuple[Sequence[int], Sequence[int]]
NO_ENDS: Ends = ((), ())


def is_encoder_decoder(model: nn.Module) -> bool:
    """Whether the model reads one text and writes another."""
    return isinstance(model, Transformer | T5 | Seq2Seq)


@torch.no_grad()
def attention_of(
    model: nn.Module,
    tokenizer: Tokenizer,
    text: str,
    *,
    target: str | None = None,
    target_tokenizer: Tokenizer | None = None,
    ends: Ends = NO_ENDS,
    target_ends: Ends = NO_ENDS,
) -> list[AttentionMaps]:
    """The attention of a model on one text, one `AttentionMaps` for each kind.

    Args:
        model: any model of the package that has attention. A decoder gives its causal
            self-attention, an encoder its self-attention, an encoder-decoder these two
            and cross-attention, the recurrent one cross-attention alone.
        tokenizer: cuts the text.
        text: what the model reads.
        target: what an encoder-decoder writes; it writes greedily when not given.
        target_tokenizer: cuts the target; `tokenizer` when not given.
        ends: ids before and after the text, such as ([CLS], [SEP]).
        target_ends: ids before and after the target, ([start], [end]). The decoder
            reads the start and not the end; the end tells a greedy one to stop.

    Returns:
        maps whose title is the text. The queries of cross-attention are named by the
        tokens that are written there, one ahead of those that the decoder reads.

    Raises:
        ValueError: when the model has no attention, a target is missing its start, or
            the text has no tokens or too many.
    """
    device = next(model.parameters()).device
    ids = _with_ends(tokenizer.encode(text), ends)
    if not ids:
        raise ValueError("the text has no tokens: give it a word, or ends")
    names = [_name(tokenizer, i) for i in ids]
    with evaluating(model):
        if not is_encoder_decoder(model):
            found = _recorded(model, torch.tensor([ids], device=device))
            return [_maps(text, *one, names, names) for one in found.items()]
        if not target_ends[0]:
            raise ValueError(
                "a decoder begins with a start token: pass target_ends=([start], [end])"
            )
        writer = target_tokenizer or tokenizer
        written = _written(model, ids, writer, target, target_ends)
        read, written = [*target_ends[0], *written], [*written, *target_ends[1]]
        source, target_ids = (torch.tensor([row], device=device) for row in (ids, read))
        found = _recorded(model, source, target_ids)
    own = [_name(writer, i) for i in read]
    ahead = [_name(writer, i) for i in written]
    ahead = [*ahead, "?"] if len(ahead) < len(read) else ahead[: len(read)]
    sides: dict[Kind, tuple[list[str], list[str]]] = {
        "self-attention": (names, names),
        "causal self-attention": (own, own),
        "cross-attention": (ahead, names),
    }
    return [_maps(text, kind, one, *sides[kind]) for kind, one in found.items()]


def _maps(
    title: str,
    kind: Kind,
    recorded: tuple[list[Tensor], Tensor | None],
    queries: list[str],
    keys: list[str],
) -> AttentionMaps:
    layers, mask = recorded
    return AttentionMaps(
        [layer.float().cpu().numpy() for layer in layers],
        queries,
        keys if kind == "cross-attention" else None,
        title=title,
        causal=kind == "causal self-attention" and mask is None,
        mask=mask,
    )


def _recorded(
    model: nn.Module, *ids: Tensor
) -> dict[Kind, tuple[list[Tensor], np.ndarray | None]]:
    """Weights (H, T, S) of all layers by kind, and a mask where it is a window."""
    if isinstance(model, Seq2Seq):
        _, weights = model(*ids, return_weights=True)
        return {"cross-attention": ([weights], None)}  # one layer of one head
    found: dict[Kind, tuple[list[Tensor], np.ndarray | None]] = {}
    with _listening(model) as calls:
        model(*ids)
    for layer, is_cross, weights in calls:
        kind: Kind = "cross-attention" if is_cross else "self-attention"
        if layer.is_causal:
            kind = "causal self-attention"
        found.setdefault(kind, ([], None))[0].append(weights[0])
    if not found:
        raise ValueError(
            f"{type(model).__name__} has no attention layer: take GPT, Llama, BERT, "
            "T5, Transformer or Seq2Seq, or give AttentionMaps of your own weights"
        )
    windows = [
        getattr(layer, "window", None) for layer, _, _ in calls if layer.is_causal
    ]
    if windows and None not in windows:
        layers, _ = found["causal self-attention"]
        widest = causal_mask(layers[0].size(-1), window=max(windows))
        found["causal self-attention"] = layers, widest.numpy()
    return found


@contextmanager
def _listening(model: nn.Module) -> Iterator[list[tuple[nn.Module, bool, Tensor]]]:
    """(layer, whether it looks at a memory, weights) of each call of attention."""
    calls: list[tuple[nn.Module, bool, Tensor]] = []

    def ask(_layer, args, kwargs):
        return args, kwargs | {"return_weights": True}

    def note(layer, args, kwargs, output):
        is_cross = not isinstance(layer, LatentAttention) and (
            len(args) > 1 or kwargs.get("memory") is not None
        )
        calls.append((layer, is_cross, output[1]))

    with ExitStack() as stack:
        for layer in model.modules():
            if isinstance(layer, MultiHeadAttention | LatentAttention):
                hooks = (
                    layer.register_forward_pre_hook(ask, with_kwargs=True),
                    layer.register_forward_hook(note, with_kwargs=True),
                )
                for hook in hooks:
                    stack.callback(hook.remove)
        yield calls


def _written(
    model: nn.Module,
    source_ids: list[int],
    tokenizer: Tokenizer,
    target: str | None,
    ends: Ends,
) -> list[int]:
    """The ids of the target, or those that the model finds likeliest one by one."""
    if target is not None:
        return tokenizer.encode(target)
    written = list(ends[0])
    device = next(model.parameters()).device
    source = torch.tensor([source_ids], device=device)
    limit = getattr(model.config, "context_length", MAX_WRITTEN)
    while len(written) < min(limit, MAX_WRITTEN):
        logits = model(source, torch.tensor([written], device=device))
        best = int(logits[0, -1].argmax())
        if best in ends[1]:
            break
        written.append(best)
    return written[len(ends[0]) :]


def _with_ends(ids: Sequence[int], ends: Ends) -> list[int]:
    before, after = ends
    return [*before, *ids, *after]


def _name(tokenizer: Tokenizer, token_id: int) -> str:
    try:
        return tokenizer.token(token_id)
    except UnknownTokenIdError:  # a start token that only the model knows
        return f"<{token_id}>"
