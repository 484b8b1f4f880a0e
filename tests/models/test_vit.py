"""ViT: an image is a sequence of patches, in order."""

import pytest
import torch

from llm_notes.models.vit import PRESETS, ViT, ViTConfig, patches_of
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

CONFIG = ViTConfig(
    image_size=12, patch_size=4, n_layers=2, n_heads=3, d_model=12, n_channels=2
)


@pytest.fixture
def model() -> ViT:
    torch.manual_seed(0)
    model = ViT(CONFIG).eval()
    randomise(model)
    return model


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 2, 12, 12, generator=torch.Generator().manual_seed(1))


def test_patches_are_squares_row_by_row(images):
    patches = patches_of(images, 4)
    assert patches.shape == (3, 9, 32)
    assert patches[1, 5].equal(images[1, :, 4:8, 8:12].flatten())


def test_there_is_one_vector_for_each_patch_and_one_for_the_image(model, images):
    hidden, weights = model(images, return_weights=True)
    assert hidden.shape == (3, 1 + CONFIG.n_patches, 12)
    assert [w.shape for w in weights] == [(3, 3, 10, 10)] * 2
    torch.testing.assert_close(hidden, model(images), atol=1e-5, rtol=0)


def test_every_pixel_and_its_place_matter(model, images):
    changed = images.clone()
    changed[:, :, -1, -1] += 1
    moved = (model(images) - model(changed)).abs().amax(-1)
    assert moved.gt(1e-6).all()
    assert not torch.allclose(model(images)[:, 0], model(images.flip(-1))[:, 0])


def test_images_of_a_batch_do_not_see_each_other(model, images):
    torch.testing.assert_close(
        model(images)[1:2], model(images[1:2]), atol=1e-5, rtol=0
    )


def test_parameter_count_by_formula_equals_the_model():
    assert ViT.parameter_count(CONFIG) == count_parameters(ViT(CONFIG))
    # Dosovitskiy et al. 2021, table 1: 86M and 307M, rounded, with a head.
    assert ViT.parameter_count(PRESETS["vit-base-patch16-224"]) == 85_798_656
    assert ViT.parameter_count(PRESETS["vit-large-patch16-224"]) == 303_301_632


@pytest.mark.parametrize("shape", [(1, 3, 12, 12), (1, 2, 8, 12), (2, 12, 12)])
def test_images_of_another_shape_are_refused(model, shape):
    with pytest.raises(ValueError, match=r"expected \(B, 2, 12, 12\)"):
        model(torch.zeros(shape))


def test_patches_that_do_not_tile_the_image_are_refused():
    with pytest.raises(ValueError, match=r"image_size = 12 .* patch_size = 5"):
        ViTConfig(12, 5, 2, 3, 12)
