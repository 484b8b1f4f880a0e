"""The image encoder against transformers."""

import torch

from llm_notes.models.pretrained.check import load_weights
from llm_notes.models.pretrained.vit import (
    vit_config_from_hugging_face,
    vit_from_hugging_face,
)
from llm_notes.models.vit import ViT
from llm_notes.parity.case import Parity, compare, gradients, randomise


def vit() -> Parity:
    """Vectors of all patches of two images, and all gradients."""
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.ViTConfig(
            image_size=12,
            patch_size=4,
            num_channels=2,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=37,
            layer_norm_eps=1e-3,  # large enough to show when it is ignored
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        theirs = transformers.ViTModel(config, add_pooling_layer=False)
        images = torch.randn(2, 2, 12, 12)
    randomise(theirs)
    ours = ViT(vit_config_from_hugging_face(config.to_dict()))
    load_weights(ours, vit_from_hugging_face(theirs.state_dict()))
    hidden = ours(images)
    expected = theirs(images).last_hidden_state
    for each in (hidden, expected):
        each.square().sin().mean().backward()
    return compare(
        "ViT",
        "transformers.ViTModel",
        {"hidden": hidden},
        {"hidden": expected},
        gradients(ours),
        vit_from_hugging_face(gradients(theirs)),
    )
