"""Tokenizers against the library `tokenizers`: the same ids, token by token.

The corpus is the book's; both sides read its held-out part. What is counted as an error
is each id that differs, and each entry of a learned vocabulary that does.
"""

import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import (
    BytePairTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
)
from llm_notes.data.tokenizers.word_piece import BERT_SPECIAL_TOKENS, CONTINUES
from llm_notes.parity.case import Parity

GPT2_PATTERN = (
    r"'s|'t|'re|'ve|'m|'ll|'d"
    r"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
)
_VOCAB_SIZE = 1024


def byte_pair() -> Parity:
    """Train both on the corpus; compare the merges and the held-out ids."""
    corpus = python_reference()
    ours = BytePairTokenizer.train(corpus.train, _VOCAB_SIZE)
    theirs = trained_byte_pair(corpus.train, _VOCAB_SIZE)
    return _compared(
        "byte-level BPE",
        "tokenizers.models.BPE",
        ours=[*ours.merges, *ours.encode(corpus.validation)],
        theirs=[*merges_of(theirs), *theirs.encode(corpus.validation).ids],
    )


def word_piece() -> Parity:
    """Train both on the corpus; compare the vocabularies and the held-out ids."""
    corpus = python_reference()
    ours = WordPieceTokenizer.train(corpus.train, _VOCAB_SIZE)
    characters = [
        piece for piece in ours.vocabulary if len(piece.removeprefix(CONTINUES)) == 1
    ]
    theirs = trained_word_piece(corpus.train, _VOCAB_SIZE, characters)
    vocabulary = theirs.get_vocab()
    return _compared(
        "WordPiece",
        "tokenizers.models.WordPiece",
        ours=[*ours.vocabulary, *ours.encode(corpus.validation)],
        theirs=[
            *sorted(vocabulary, key=vocabulary.__getitem__),
            *theirs.encode(corpus.validation).ids,
        ],
    )


def unigram() -> Parity:
    """Give both the same pieces and scores; compare the held-out ids.

    The training is not compared: the library's drops pieces by other approximations.
    """
    corpus = python_reference()
    ours = UnigramTokenizer.train(corpus.train, _VOCAB_SIZE)
    theirs = unigram_with(ours.pieces)
    return _compared(
        "Unigram",
        "tokenizers.models.Unigram",
        ours=ours.encode(corpus.validation),
        theirs=theirs.encode(corpus.validation).ids,
    )


def trained_byte_pair(text: str, vocab_size: int) -> Any:
    """The library's byte-level BPE, trained on a text as GPT-2's was."""
    import tokenizers

    byte_level = tokenizers.pre_tokenizers.ByteLevel
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = byte_level(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=byte_level.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def merges_of(tokenizer: Any) -> list[tuple[int, int]]:
    """The merges of the library's BPE, as pairs of ids."""
    model = json.loads(tokenizer.to_str())["model"]
    pairs = (m.split(" ") if isinstance(m, str) else m for m in model["merges"])
    return [(model["vocab"][a], model["vocab"][b]) for a, b in pairs]


def trained_word_piece(
    text: str, vocab_size: int, characters: Sequence[str], lower_case: bool = True
) -> Any:
    """The library's WordPiece, trained on a text as BERT's pre-tokeniser cuts it.

    Args:
        characters: the text's characters, with ## and without, in the order of their
            ids. Left to itself, the library numbers those with ## in the order of a
            hash table, which differs from run to run and decides about ties. Named
            among the special tokens, they keep their order.
    """
    import tokenizers

    tokenizer = word_piece_with({"[UNK]": 0}, lower_case)
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        special_tokens=[*BERT_SPECIAL_TOKENS, *characters],
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    # As special tokens they would be cut out of words too: take the vocabulary only.
    return word_piece_with(tokenizer.get_vocab(), lower_case)


def word_piece_with(vocabulary: dict[str, int], lower_case: bool = True) -> Any:
    """The library's WordPiece with a given vocabulary, and BERT's pre-tokeniser."""
    import tokenizers

    model = tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return tokenizer


def unigram_with(pieces: Sequence[tuple[str, float]]) -> Any:
    """The library's Unigram with the same pieces, bytes and words as ours."""
    import tokenizers

    # An unknown character costs 10 more than the rarest entry, bytes included.
    rarest = min((score for _, score in pieces), default=0.0)
    entries = [(f"<0x{byte:02X}>", rarest) for byte in range(256)]
    entries += [*pieces, ("<unk>", rarest)]
    model = tokenizers.models.Unigram(
        entries, unk_id=len(entries) - 1, byte_fallback=True
    )
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split(
        tokenizers.Regex(GPT2_PATTERN), behavior="isolated"
    )
    return tokenizer


def _compared(
    family: str, reference: str, ours: Sequence[Any], theirs: Sequence[Any]
) -> Parity:
    """Count what differs; an entry that one side lacks differs too."""
    pairs = list(zip_longest(ours, theirs))
    n_different = sum(mine != other for mine, other in pairs)
    return Parity(family, reference, len(pairs), float(n_different))
