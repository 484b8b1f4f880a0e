"""Attention to walk through: which head looks where, token by token.

From arrays of weights, or from any model of the package that has attention.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import nn

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.widgets.attention_maps import AttentionMaps
from llm_notes.widgets.attention_of import (
    NO_ENDS,
    Ends,
    attention_of,
    is_encoder_decoder,
)
from llm_notes.widgets.page import PageWidget

__all__ = ["ATTENTION_SCRIPTS", "AttentionMaps", "attention_explorer", "attention_of"]

# What draws attention in a page, whatever gives it the weights.
ATTENTION_SCRIPTS = ("explorers/attention.js", "explorers/attention_matrix.js")
_OWN_SCRIPTS = ("explorers/attention_data.js", "explorers/attention_explorer.js")

Computed = AttentionMaps | Sequence[AttentionMaps]


def attention_explorer(
    shown: AttentionMaps | Sequence[AttentionMaps] | nn.Module,
    tokenizer: Tokenizer | None = None,
    texts: Sequence[str | tuple[str, str]] = (),
    *,
    target_tokenizer: Tokenizer | None = None,
    ends: Ends = NO_ENDS,
    target_ends: Ends = NO_ENDS,
    title: str = "Where attention looks",
    compute: Callable[..., Computed] | None = None,
) -> PageWidget:
    """All heads at a glance, one of them with lines between its tokens and as a matrix.

    Weights are kept with a precision of 1/65,535; those behind a mask are left out.
    With a model, a kernel also takes the reader's own text.

    Args:
        shown: maps of one text or several, or a model. Maps of the same title and of
            different kinds are one text with a choice of kinds.
        tokenizer, texts: with a model, what cuts texts, and the texts; for an
            encoder-decoder also pairs (source, target).
        target_tokenizer, ends, target_ends: with a model, see `attention_of`.
        title: its name for those who hear the page.
        compute: with maps, compute(text) is called in a kernel with the reader's own
            text; returns its maps.

    Raises:
        ValueError: when there is no text, or a model comes without tokenizer.
    """
    pair = False
    if isinstance(shown, nn.Module):
        compute, pair = _computing(
            shown, tokenizer, target_tokenizer, ends, target_ends
        )
        maps = [m for text in texts for m in _called(compute, text)]
    else:
        maps = [shown] if isinstance(shown, AttentionMaps) else list(shown)
    if not maps:
        raise ValueError(
            "there is no text to show: pass one AttentionMaps or more, or a model with "
            "its tokenizer and texts"
        )

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        text, target = request.get("text"), request.get("target")
        if not isinstance(text, str) or not text.strip():
            raise ValueError("type a text first")
        found = compute(text, target or None) if pair else compute(text)
        found = [found] if isinstance(found, AttentionMaps) else list(found)
        return {"text": _texts(found)[0]}

    return PageWidget(
        "attention",
        {"texts": _texts(maps), "pair": pair},
        title=title,
        description=" ".join(item.describe() for item in maps),
        scripts=(*ATTENTION_SCRIPTS, *_OWN_SCRIPTS),
        styles=("explorers/attention.css",),
        answer=None if compute is None else answer,
    )


def _computing(
    model: nn.Module,
    tokenizer: Tokenizer | None,
    target_tokenizer: Tokenizer | None,
    ends: Ends,
    target_ends: Ends,
) -> tuple[Callable[..., list[AttentionMaps]], bool]:
    """What computes the maps of a text, and whether it takes a target too."""
    if tokenizer is None:
        raise ValueError("a model needs its tokenizer: attention_explorer(model, ...)")

    def compute(text: str, target: str | None = None) -> list[AttentionMaps]:
        return attention_of(
            model,
            tokenizer,
            text,
            target=target,
            target_tokenizer=target_tokenizer,
            ends=ends,
            target_ends=target_ends,
        )

    return compute, is_encoder_decoder(model)


def _called(compute: Callable, text: str | tuple[str, str]) -> list[AttentionMaps]:
    return compute(text) if isinstance(text, str) else compute(*text)


def _texts(maps: Iterable[AttentionMaps]) -> list[dict[str, Any]]:
    """Maps of one title in a row are one text, as long as their kinds differ."""
    texts: list[dict[str, Any]] = []
    for item in maps:
        kinds = [one["kind"] for one in texts[-1]["items"]] if texts else []
        if not texts or texts[-1]["title"] != item.name or item.kind in kinds:
            texts.append({"title": item.name, "items": []})
        texts[-1]["items"].append(item.as_data())
    return texts
