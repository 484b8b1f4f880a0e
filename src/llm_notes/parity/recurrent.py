"""The recurrent families against PyTorch's own `nn.RNN`, `nn.LSTM` and `nn.GRU`.

Ours runs its loop over time here, never PyTorch's kernel: that would compare the
reference with itself.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.layers.recurrent import Recurrent
from llm_notes.models.layers.recurrent_cells import LSTMCell
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.models.seq2seq import Seq2Seq, Seq2SeqConfig
from llm_notes.parity.case import Parity, compare, gradients, randomise


def rnn() -> Parity:
    """Language model of Elman's cells, two layers, continued from a state."""
    return _language_model("RNN", "rnn", nn.RNN)


def lstm() -> Parity:
    """Language model of LSTM cells, two layers, continued from a state."""
    return _language_model("LSTM", "lstm", nn.LSTM)


def gru() -> Parity:
    """Language model of GRU cells, two layers, continued from a state."""
    return _language_model("GRU", "gru", nn.GRU)


def bidirectional() -> Parity:
    """Two layers of LSTM cells in both directions, over sequences of three lengths."""
    d_input, d_hidden, lengths = 4, 5, torch.tensor([3, 7, 6])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = Recurrent(
            [LSTMCell(d_input, d_hidden), LSTMCell(2 * d_hidden, d_hidden)],
            [LSTMCell(d_input, d_hidden), LSTMCell(2 * d_hidden, d_hidden)],
            fused=False,
        )
        theirs = nn.LSTM(d_input, d_hidden, 2, batch_first=True, bidirectional=True)
        x = torch.randn(3, 7, d_input)
        states = [torch.randn(4, 3, d_hidden) for _ in range(2)]
    randomise(ours)
    names = torch_names(ours)
    _copy(ours, theirs, names)

    outputs, (h, c) = ours(x, tuple(states), padding_mask(lengths, 7)[:, 0, 0])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    packed, (their_h, their_c) = theirs(packed, tuple(states))
    their_outputs, _ = pad_packed_sequence(packed, batch_first=True)
    mine = {"outputs": outputs, "h": h, "c": c}
    other = {"outputs": their_outputs, "h": their_h, "c": their_c}
    for tensors in (mine, other):
        _scalar(tensors).backward()
    return compare(
        "Bidirectional LSTM",
        "torch.nn.LSTM",
        mine,
        other,
        gradients(ours),
        _gradients(theirs, names),
    )


def seq2seq() -> Parity:
    """Encoder, additive attention and decoder against the same from PyTorch's parts.

    The reference runs `nn.GRU` and steps of `nn.GRUCell`; its attention and readout
    are written out for one sentence at a time, which needs no padding.
    """
    return _seq2seq("Seq2seq with additive attention", attention=True)


def seq2seq_without_attention() -> Parity:
    """The same two networks with one vector between them."""
    return _seq2seq("Seq2seq without attention", attention=False)


def torch_names(recurrent: Recurrent) -> dict[str, str]:
    """Our parameters' names to those of `nn.RNN`, `nn.LSTM` and `nn.GRU`."""
    names = {}
    for cells, suffix in (("cells", ""), ("backward_cells", "_reverse")):
        for layer in range(len(getattr(recurrent, cells))):
            for ours, theirs in (("x_proj", "ih"), ("h_proj", "hh")):
                for kind in ("weight", "bias"):
                    name = f"{kind}_{theirs}_l{layer}{suffix}"
                    names[f"{cells}.{layer}.{ours}.{kind}"] = name
    return names


def _language_model(family: str, cell: str, reference: type[nn.RNNBase]) -> Parity:
    vocab_size, d_model, d_hidden, n_layers = 17, 5, 7, 2
    config = RNNConfig(vocab_size, d_model, d_hidden, n_layers, cell)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = RNNLanguageModel(config)
        theirs = nn.ModuleDict(
            {
                "embedding": nn.Embedding(vocab_size, d_model),
                "layers": reference(d_model, d_hidden, n_layers, batch_first=True),
                "output": nn.Linear(d_hidden, vocab_size, bias=False),
            }
        )
        token_ids = torch.randint(vocab_size, (3, 6))
        before = [
            torch.randn(n_layers, 3, d_hidden) for _ in ours.recurrent.zero_state(3)
        ]
    randomise(ours)
    ours.recurrent.fused = False
    names = {
        "token_embedding.weight": "embedding.weight",
        "output_proj.weight": "output.weight",
    }
    for name, their_name in torch_names(ours.recurrent).items():
        names[f"recurrent.{name}"] = f"layers.{their_name}"
    _copy(ours, theirs, names)

    logits, after = ours(token_ids, tuple(before), return_state=True)
    x = theirs["embedding"](token_ids)
    is_lstm = len(before) == 2
    h, their_after = theirs["layers"](x, tuple(before) if is_lstm else before[0])
    their_after = their_after if is_lstm else (their_after,)
    mine, other = {"logits": logits}, {"logits": theirs["output"](h)}
    for name, tensor, their_tensor in zip("hc", after, their_after, strict=False):
        mine[name], other[name] = tensor, their_tensor
    for tensors in (mine, other):
        _scalar(tensors).backward()
    return compare(
        f"{family} language model",
        f"torch.nn.{reference.__name__}",
        mine,
        other,
        gradients(ours),
        _gradients(theirs, names),
    )


def _seq2seq(family: str, attention: bool) -> Parity:
    config = Seq2SeqConfig(
        source_vocab_size=13,
        target_vocab_size=11,
        d_model=4,
        d_hidden=5,
        d_attention=6,
        d_readout=3,
        attention=attention,
    )
    lengths = torch.tensor([4, 9, 7])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = Seq2Seq(config)
        theirs = _ReferenceSeq2Seq(config)
        source_ids = torch.randint(config.source_vocab_size, (3, 9))
        target_ids = torch.randint(config.target_vocab_size, (3, 8))
    randomise(ours, std=0.3)
    names = _seq2seq_names(ours)
    _copy(ours, theirs, names)

    mine, other = {}, {}
    mask = padding_mask(lengths, 9)
    other["logits"], their_weights = theirs(source_ids, target_ids, lengths)
    if attention:
        mine["logits"], mine["weights"] = ours(
            source_ids, target_ids, mask, return_weights=True
        )
        other["weights"] = their_weights
    else:
        mine["logits"] = ours(source_ids, target_ids, mask)
    for tensors in (mine, other):
        _scalar(tensors).backward()
    return compare(
        family,
        "torch.nn.GRU and nn.GRUCell",
        mine,
        other,
        gradients(ours),
        _gradients(theirs, names),
    )


class _ReferenceSeq2Seq(nn.Module):
    """Bahdanau et al. 2015 from PyTorch's parts, as plainly as it can be written."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        d, h = config.d_model, config.d_hidden
        self.source = nn.Embedding(config.source_vocab_size, d)
        self.target = nn.Embedding(config.target_vocab_size, d)
        self.encoder = nn.GRU(d, h, batch_first=True, bidirectional=True)
        self.start = nn.Linear(h, h)
        self.attends = config.attention
        if config.attention:
            self.query = nn.Linear(h, config.d_attention, bias=False)
            self.key = nn.Linear(2 * h, config.d_attention, bias=False)
            self.score = nn.Linear(config.d_attention, 1, bias=False)
        self.decoder = nn.GRUCell(d + 2 * h, h)
        self.readout = nn.Linear(h + 2 * h + d, 2 * config.d_readout)
        self.output = nn.Linear(config.d_readout, config.target_vocab_size, bias=False)

    def forward(
        self, source_ids: Tensor, target_ids: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        logits, weights = [], []
        for source, target, length in zip(source_ids, target_ids, lengths, strict=True):
            sentence_logits, sentence_weights = self.sentence(source[:length], target)
            n_padding = source_ids.size(1) - int(length)
            logits.append(sentence_logits)
            weights.append(nn.functional.pad(sentence_weights, (0, n_padding)))
        return torch.stack(logits), torch.stack(weights)

    def sentence(self, source_ids: Tensor, target_ids: Tensor) -> tuple[Tensor, Tensor]:
        """One sentence, (S,) and (T,): logits (T, V) and alignment (T, S)."""
        annotations, last = self.encoder(self.source(source_ids)[None])
        annotations = annotations[0]  # (S, 2 H)
        state = self.start(last[1, 0]).tanh()  # (H,)
        summary = torch.cat([last[0, 0], last[1, 0]])
        all_logits, all_weights = [], []
        for y in self.target(target_ids):
            weights, context = torch.zeros(len(source_ids)), summary
            if self.attends:
                energies = [
                    self.score((self.query(state) + self.key(annotation)).tanh())
                    for annotation in annotations
                ]
                weights = torch.cat(energies).softmax(dim=0)  # (S,)
                context = (weights[:, None] * annotations).sum(dim=0)
            state = self.decoder(torch.cat([y, context])[None], state[None])[0]
            pairs = self.readout(torch.cat([state, context, y]))
            all_logits.append(self.output(torch.maximum(pairs[0::2], pairs[1::2])))
            all_weights.append(weights)
        return torch.stack(all_logits), torch.stack(all_weights)


def _seq2seq_names(ours: Seq2Seq) -> dict[str, str]:
    """Our names to those of the reference above."""
    names = {
        "source_embedding.weight": "source.weight",
        "target_embedding.weight": "target.weight",
        "output_proj.weight": "output.weight",
    }
    if ours.attention is not None:
        names["attention.q_proj.weight"] = "query.weight"
        names["attention.k_proj.weight"] = "key.weight"
        names["attention.score.weight"] = "score.weight"
    for kind in ("weight", "bias"):
        names[f"state_proj.{kind}"] = f"start.{kind}"
        names[f"readout_proj.{kind}"] = f"readout.{kind}"
        names[f"decoder.x_proj.{kind}"] = f"decoder.{kind}_ih"
        names[f"decoder.h_proj.{kind}"] = f"decoder.{kind}_hh"
    for name, their_name in torch_names(ours.encoder).items():
        names[f"encoder.{name}"] = f"encoder.{their_name}"
    return names


def _copy(ours: nn.Module, theirs: nn.Module, names: dict[str, str]) -> None:
    """Give the reference our weights; both sides have to name all of theirs."""
    weights = {names[name]: p.detach() for name, p in ours.named_parameters()}
    theirs.load_state_dict(weights, strict=True)


def _gradients(theirs: nn.Module, names: dict[str, str]) -> dict[str, Tensor]:
    """The reference's gradients by our names."""
    found = gradients(theirs)
    return {name: found[their_name] for name, their_name in names.items()}


def _scalar(outputs: dict[str, Tensor]) -> Tensor:
    """One number from all outputs, in which each element has its own weight."""
    generator = torch.Generator().manual_seed(1)
    return sum(
        (tensor * torch.randn(tensor.shape, generator=generator)).sum()
        for tensor in outputs.values()
    )
