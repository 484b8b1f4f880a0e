"""A Vision Transformer: an image as a sequence of patches.

Each patch becomes one vector by a linear map; from there on it is a Transformer
encoder like any other (Dosovitskiy et al. 2021). It knows nothing of text or labels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PreNormBlock
from llm_notes.models.layers.feedforward import FeedForward
from llm_notes.models.layers.initialise import initialise
from llm_notes.models.layers.inputs import require_dropout, require_sizes
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.layers.position import LearnedPosition


@dataclass(frozen=True)
class ViTConfig:
    """The integers that make a Vision Transformer.

    Args:
        image_size: height and width of an image, in pixels; divisible by patch_size.
        patch_size: height and width of a patch, in pixels.
        n_layers, n_heads, d_model, d_ff: as in GPT; d_ff is 4 D when not given.
        n_channels: colours of a pixel.
        norm_eps: see `LayerNorm`.
        dropout: share dropped while training.
        init_std: deviation of the weights before training.

    Raises:
        ValueError: when a size is not positive, or patches do not tile the image.
    """

    image_size: int
    patch_size: int
    n_layers: int
    n_heads: int
    d_model: int
    d_ff: int | None = None
    n_channels: int = 3
    norm_eps: float = 1e-12
    dropout: float = 0.0
    init_std: float = 0.02

    def __post_init__(self) -> None:
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        require_sizes(
            self,
            "image_size",
            "patch_size",
            "n_layers",
            "n_heads",
            "d_model",
            "d_ff",
            "n_channels",
        )
        require_dropout(self.dropout)
        if self.image_size % self.patch_size:
            raise ValueError(
                f"image_size = {self.image_size} is not divisible by patch_size = "
                f"{self.patch_size}: patches must tile the image"
            )

    @property
    def n_patches(self) -> int:
        """Patches of an image."""
        return (self.image_size // self.patch_size) ** 2


PRESETS = {
    "vit-base-patch16-224": ViTConfig(224, 16, 12, 12, 768),
    "vit-large-patch16-224": ViTConfig(224, 16, 24, 16, 1024),
}


class ViT(nn.Module):
    r"""An image encoder (Dosovitskiy et al. 2021, equations 1-4).

    $$h^0 = [x_\text{class};\, x_1 W;\, \dots;\, x_N W] + P, \qquad
      h^l = \mathrm{Block}^l(h^{l-1}), \qquad y = \mathrm{LN}(h^L)$$
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        d_patch = config.n_channels * config.patch_size**2
        self.patch_proj = nn.Linear(d_patch, config.d_model)
        self.class_token = nn.Parameter(torch.zeros(config.d_model))
        self.position_embedding = LearnedPosition(config.n_patches + 1, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            PreNormBlock(
                attention=MultiHeadAttention(
                    config.d_model, config.n_heads, dropout=config.dropout
                ),
                feed_forward=FeedForward(
                    config.d_model,
                    config.d_ff,
                    dropout=config.dropout,
                    activation=nn.functional.gelu,
                ),
                attention_norm=LayerNorm(config.d_model, config.norm_eps),
                feed_forward_norm=LayerNorm(config.d_model, config.norm_eps),
            )
            for _ in range(config.n_layers)
        )
        self.final_norm = LayerNorm(config.d_model, config.norm_eps)
        initialise(self, config.init_std)

    def forward(
        self, images: Tensor, return_weights: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Vectors of the whole image and of each patch.

        Args:
            images: (B, C, image_size, image_size) numbers.
            return_weights: also return the attention weights of each block.

        Returns:
            hidden (B, 1 + N, D): the class token's vector first, then the N patches,
            row by row; with `return_weights` also L tensors (B, H, 1 + N, 1 + N).

        Raises:
            ValueError: when images have another shape.
        """
        config = self.config
        expected = (config.n_channels, config.image_size, config.image_size)
        if images.dim() != 4 or tuple(images.shape[1:]) != expected:
            raise ValueError(
                f"images have shape {tuple(images.shape)}; expected (B, "
                f"{', '.join(map(str, expected))})"
            )
        x = self.patch_proj(patches_of(images, config.patch_size))  # (B, N, D)
        first = self.class_token.expand(x.size(0), 1, -1)
        x = torch.cat([first, x], dim=1)
        positions = torch.arange(x.size(1), device=images.device)
        x = self.dropout(x + self.position_embedding(positions))
        all_weights = []
        for block in self.blocks:
            x, weights = block(x, return_weights=return_weights)
            all_weights.append(weights)
        x = self.final_norm(x)
        return (x, all_weights) if return_weights else x

    @staticmethod
    def parameter_count(config: ViTConfig) -> int:
        """Number of parameters by formula."""
        d_model, d_ff = config.d_model, config.d_ff
        norm = 2 * d_model
        attention = 4 * (d_model * d_model + d_model)
        feed_forward = 2 * d_model * d_ff + d_ff + d_model
        block = attention + feed_forward + 2 * norm
        d_patch = config.n_channels * config.patch_size**2
        embedding = (d_patch + 1) * d_model + d_model  # patches, and the class token
        positions = (config.n_patches + 1) * d_model
        return embedding + positions + config.n_layers * block + norm


def patches_of(images: Tensor, patch_size: int) -> Tensor:
    """Cut images into squares, row by row.

    Args:
        images: (B, C, height, width), both divisible by `patch_size`.

    Returns:
        (B, N, C * patch_size ** 2): each patch's channels, then rows, then columns.
    """
    patches = nn.functional.unfold(images, patch_size, stride=patch_size)
    return patches.transpose(1, 2)
