"""BERT with both heads of its pretraining against transformers."""

import torch
from torch import nn

from llm_notes.models.bert import BERTForPretraining
from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.pretrained.bert import (
    bert_config_from_hugging_face,
    bert_from_hugging_face,
)
from llm_notes.models.pretrained.check import load_weights
from llm_notes.parity.case import Parity, compare, gradients, randomise


def bert() -> Parity:
    """Token and pair logits of two padded sentence pairs, and all gradients."""
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=53,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=37,
            max_position_embeddings=19,
            type_vocab_size=3,
            layer_norm_eps=1e-3,  # large enough to show when it is ignored
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        theirs = transformers.BertForPreTraining(config)
        token_ids = torch.randint(53, (2, 11))
        segment_ids = torch.randint(3, (2, 11))
    randomise(theirs)
    ours = BERTForPretraining(bert_config_from_hugging_face(config.to_dict()))
    load_weights(ours, bert_from_hugging_face(theirs.state_dict()))
    mask = padding_mask(torch.tensor([11, 8]), 11)
    real = mask[:, 0, 0]

    token_logits, pair_logits = ours(token_ids, segment_ids, mask)
    expected = theirs(
        input_ids=token_ids, token_type_ids=segment_ids, attention_mask=real.long()
    )
    pairs = torch.tensor([1, 0])
    for tokens, pair in (
        (token_logits, pair_logits),
        (expected.prediction_logits, expected.seq_relationship_logits),
    ):
        loss = nn.functional.cross_entropy(tokens[real], token_ids[real])
        (loss + nn.functional.cross_entropy(pair, pairs)).backward()
    return compare(
        "BERT",
        "transformers.BertForPreTraining",
        {"tokens": token_logits[real], "pairs": pair_logits},
        {
            "tokens": expected.prediction_logits[real],
            "pairs": expected.seq_relationship_logits,
        },
        gradients(ours),
        bert_from_hugging_face(gradients(theirs)),
    )
