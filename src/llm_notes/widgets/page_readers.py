"""Models in the page that read a whole text: one fills gaps, one translates.

They run by themselves from a bundle, as those of `playground` do.
"""

from collections.abc import Sequence

from llm_notes.inference.export import bundle_as_json, unpack
from llm_notes.widgets.page import PageWidget
from llm_notes.widgets.playground import MAX_BYTES, PageModel, model_scripts
from llm_notes.widgets.tokenizer_explorer import TOKENIZER_SCRIPTS
from llm_notes.widgets.unicode_classes import unicode_classes

GAP = "___"


def gap_filler(
    model: PageModel, texts: Sequence[str], *, title: str = "Fill the gap"
) -> PageWidget:
    """A masked language model that names what could stand in a gap.

    Args:
        model: a BERTForPretraining whose bundle has the ids "mask", "start" and "end".
        texts: sentences with ___ where a word is missing; the first stands in the
            field.
        title: its name for those who hear the page.

    Raises:
        ValueError: for another model, missing ids, or a text without a gap.
    """
    _require(model, "BERTForPretraining", {"mask", "start", "end"})
    if not texts or not all(GAP in text for text in texts):
        raise ValueError(f"each text needs a gap, written as {GAP}")
    return _reader("gap", model, texts, title, {"gap": GAP}, ("explorers/gap.js",))


def translator(
    model: PageModel, texts: Sequence[str], *, title: str = "Translate"
) -> PageWidget:
    """A Transformer that translates, with the alignment of its cross-attention.

    Args:
        model: a Transformer whose bundle has the tokenizers "source" and "target" and
            the ids "bos" and "eos".
        texts: sentences to begin with; the first stands in the field.
        title: its name for those who hear the page.

    Raises:
        ValueError: for another model, missing ids, or no text.
    """
    _require(model, "Transformer", {"bos", "eos"})
    if not texts:
        raise ValueError("a translator needs a sentence to begin with")
    scripts = ("explorers/attention.js", "explorers/translation.js")
    return _reader("translation", model, texts, title, {}, scripts)


def _reader(
    kind: str,
    model: PageModel,
    texts: Sequence[str],
    title: str,
    data: dict[str, str],
    scripts: Sequence[str],
) -> PageWidget:
    content = {
        "about": model.about,
        "file": "model",
        "texts": list(texts),
        "unicode_classes": unicode_classes(),
    }
    return PageWidget(
        kind,
        content | data,
        title=title,
        description=f"{model.about} It begins with: {texts[0]}",
        scripts=(
            *TOKENIZER_SCRIPTS,
            *model_scripts({"model": model.architecture}),
            "sampling.js",
            *scripts,
        ),
        styles=(
            "explorers/attention.css",
            "explorers/playground.css",
            "explorers/readers.css",
        ),
        files={"model": bundle_as_json(model.bundle)},
        max_bytes=MAX_BYTES,
    )


def _require(model: PageModel, architecture: str, ids: set[str]) -> None:
    header = unpack(model.bundle)[0]
    there = set(header.get("ids", {}))
    if header["architecture"] != architecture or ids - there:
        wanted, found = (", ".join(sorted(names)) or "none" for names in (ids, there))
        raise ValueError(
            f"a {architecture} with the ids {wanted} is needed, and the bundle holds a "
            f"{header['architecture']} with {found}: pass them to write_bundle"
        )
