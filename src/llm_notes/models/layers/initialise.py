"""The weights before training: small, and smaller where many of them add up.

It knows no model: it looks at the kinds of layers and at two names.
"""

from torch import nn

from llm_notes.models.layers.embedding import TokenEmbedding


def initialise(model: nn.Module, std: float, n_layers: int | None = None) -> None:
    """Normal weights for token tables and linear maps, in place.

    Given a number of layers, the projections that write into the residual stream
    (`o_proj` and `down_proj`) get the deviation std / sqrt(2 L), because 2 L of them
    add up (GPT-2; Radford et al. 2019, section 2.3). Biases become zero; norms and
    position tables stay as they are.

    Args:
        std: deviation of the weights.
        n_layers: L, the number of blocks; no such rule when not given (BERT).
    """
    residual_std = std if n_layers is None else std / (2 * n_layers) ** 0.5
    for module in model.modules():
        if isinstance(module, TokenEmbedding):
            nn.init.normal_(module.weight, std=std)
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            writes = name.endswith(("o_proj", "down_proj"))
            nn.init.normal_(module.weight, std=residual_std if writes else std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
