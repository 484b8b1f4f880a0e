"""Batching: token ids in, the tensors of one training step out.

Each way of learning from text has its module: `windows` for a causal model (and
`memory_map` for texts larger than memory), `packing` for many short documents,
`pairs` for an encoder-decoder, `masked` and `sentence_pairs` for BERT, `spans` for T5,
`instructions` for dialogues.
"""

from llm_notes.data.batching.instructions import (
    ChatTemplate,
    InstructionBatch,
    Message,
    exchange,
    instruction_batch,
    prompt_ids,
)
from llm_notes.data.batching.masked import mask_tokens
from llm_notes.data.batching.memory_map import (
    TokenFileError,
    open_token_ids,
    write_token_ids,
)
from llm_notes.data.batching.packing import PackedRows, first_fit, pack_documents
from llm_notes.data.batching.padding import IGNORE, pad_rows
from llm_notes.data.batching.pairs import PairBatch, collate_pairs, pair_batches
from llm_notes.data.batching.sentence_pairs import (
    SentencePair,
    SentencePairBatch,
    collate_sentence_pairs,
    draw_sentence_pairs,
)
from llm_notes.data.batching.spans import (
    corrupt_spans,
    noise_mask,
    restore_spans,
    span_counts,
)
from llm_notes.data.batching.windows import consecutive_windows, sample_windows

__all__ = [
    "IGNORE",
    "ChatTemplate",
    "InstructionBatch",
    "Message",
    "PackedRows",
    "PairBatch",
    "SentencePair",
    "SentencePairBatch",
    "TokenFileError",
    "collate_pairs",
    "collate_sentence_pairs",
    "consecutive_windows",
    "corrupt_spans",
    "draw_sentence_pairs",
    "exchange",
    "first_fit",
    "instruction_batch",
    "mask_tokens",
    "noise_mask",
    "open_token_ids",
    "pack_documents",
    "pad_rows",
    "pair_batches",
    "prompt_ids",
    "restore_spans",
    "sample_windows",
    "span_counts",
    "write_token_ids",
]
