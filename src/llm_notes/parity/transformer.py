"""The 2017 Transformer and multi-head attention against PyTorch's own layers."""

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.transformer import Transformer, TransformerConfig
from llm_notes.parity.case import Parity, compare, gradients, randomise

_LAYERS = {
    "attention": "self_attn",
    "cross_attention": "multihead_attn",
    "feed_forward.up_proj": "linear1",
    "feed_forward.down_proj": "linear2",
    "attention_norm": "norm1",
    "cross_attention_norm": "norm2",
}


def multi_head_attention() -> Parity:
    """`MultiHeadAttention` against `torch.nn.MultiheadAttention`, across two texts."""
    d_model, n_heads = 12, 3
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = MultiHeadAttention(d_model, n_heads)
        theirs = nn.MultiheadAttention(d_model, n_heads, batch_first=True)
        x, memory = torch.randn(2, 5, d_model), torch.randn(2, 7, d_model)
    randomise(ours)
    theirs.load_state_dict(_attention_to_pytorch(ours.state_dict(), "", ""))
    mask = padding_mask(torch.tensor([7, 4]), 7)
    output, weights = ours(x, memory, mask=mask, return_weights=True)
    # There, True means that a key may not be looked at.
    expected, expected_weights = theirs(
        x,
        memory,
        memory,
        key_padding_mask=~mask[:, 0, 0],
        average_attn_weights=False,
    )
    output.square().sum().backward()
    expected.square().sum().backward()
    return compare(
        "multi-head attention",
        "torch.nn.MultiheadAttention",
        {"output": output, "weights": weights},
        {"output": expected, "weights": expected_weights},
        _attention_to_pytorch(gradients(ours), "", ""),
        gradients(theirs),
    )


def transformer() -> Parity:
    """Encoder and decoder against `torch.nn.Transformer`, padding on both sides."""
    config = TransformerConfig(
        vocab_size=23,
        context_length=17,
        n_layers=2,
        n_heads=3,
        d_model=12,
        d_ff=20,
        target_vocab_size=19,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = Transformer(config)
        source = torch.randint(config.vocab_size, (2, 7))
        target = torch.randint(config.target_vocab_size, (2, 5))
        theirs = _pytorch_transformer(config)
    randomise(ours)
    theirs.load_state_dict(_to_pytorch(ours.state_dict()))
    source_mask = padding_mask(torch.tensor([7, 4]), 7)
    target_mask = padding_mask(torch.tensor([3, 5]), 5)
    logits = ours(source, target, source_mask, target_mask)

    def embed(table: nn.Module, ids: Tensor) -> Tensor:
        positions = ours.position(torch.arange(ids.size(1)))
        return table(ids) * config.d_model**0.5 + positions

    hidden = theirs(
        embed(ours.source_embedding, source),
        embed(ours.target_embedding, target),
        tgt_mask=~torch.ones(5, 5, dtype=torch.bool).tril(),
        src_key_padding_mask=~source_mask[:, 0, 0],
        tgt_key_padding_mask=~target_mask[:, 0, 0],
        memory_key_padding_mask=~source_mask[:, 0, 0],
    )
    expected = hidden @ ours.target_embedding.weight.T
    # Padding is scored by nobody.
    real = target_mask[:, 0, 0]
    _loss(logits[real], target[real]).backward()
    our_gradients = gradients(ours)
    tables = [name for name in our_gradients if name.endswith("embedding.weight")]
    compared = {name: our_gradients.pop(name).clone() for name in tables}
    ours.zero_grad(set_to_none=True)
    _loss(expected[real], target[real]).backward()
    their_gradients = gradients(theirs) | {
        name: ours.get_parameter(name).grad for name in tables
    }
    return compare(
        "Transformer (2017)",
        "torch.nn.Transformer",
        {"logits": logits[real]},
        {"logits": expected[real]},
        _to_pytorch(our_gradients) | compared,
        their_gradients,
    )


def _pytorch_transformer(config: TransformerConfig) -> nn.Transformer:
    # PyTorch adds a norm after each stack, which the paper's post-norm blocks do not
    # have; stacks that are built by hand leave it out.
    sizes = {
        "d_model": config.d_model,
        "nhead": config.n_heads,
        "dim_feedforward": config.d_ff,
        "dropout": 0.0,
        "batch_first": True,
    }
    n_layers = config.n_layers
    return nn.Transformer(
        config.d_model,
        config.n_heads,
        batch_first=True,
        custom_encoder=nn.TransformerEncoder(
            nn.TransformerEncoderLayer(**sizes), n_layers, enable_nested_tensor=False
        ),
        custom_decoder=nn.TransformerDecoder(
            nn.TransformerDecoderLayer(**sizes), n_layers
        ),
    )


def _to_pytorch(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of our blocks under the names of `torch.nn.Transformer`."""
    theirs: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not name.startswith(("encoder.", "decoder.")):
            continue
        stack, number, rest = name.split(".", 2)
        prefix = f"{stack}.layers.{number}."
        part, _, kind = rest.rpartition(".")
        names = _LAYERS | {
            "feed_forward_norm": "norm2" if stack == "encoder" else "norm3"
        }
        if part in names:
            theirs[f"{prefix}{names[part]}.{kind}"] = tensor
        elif part.endswith("q_proj"):
            attention = part.rpartition(".")[0]
            theirs |= _attention_to_pytorch(
                tensors,
                f"{stack}.{number}.{attention}.",
                f"{prefix}{names[attention]}.",
            )
    return theirs


def _attention_to_pytorch(
    tensors: dict[str, Tensor], prefix: str, new_prefix: str
) -> dict[str, Tensor]:
    """One attention's tensors: PyTorch keeps q, k and v in one matrix."""
    theirs: dict[str, Tensor] = {}
    for kind in ("weight", "bias"):
        qkv = [tensors[f"{prefix}{c}_proj.{kind}"] for c in "qkv"]
        theirs[f"{new_prefix}in_proj_{kind}"] = torch.cat(qkv)
        theirs[f"{new_prefix}out_proj.{kind}"] = tensors[f"{prefix}o_proj.{kind}"]
    return theirs


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits, targets)
