"""Rules rename both ways, and unknown names are said."""

import pytest
import torch

from llm_notes.models.pretrained.names import (
    inverse,
    rename,
    require_tied,
    with_suffixes,
)

RULES = with_suffixes(
    {"h.{}.mlp": "blocks.{}.up", "e.{}.x.{}": "experts.{}.of.{}", "head": "lm_head"},
    ".weight",
    ".bias",
)


def tensors(*names: str) -> dict[str, torch.Tensor]:
    return {name: torch.full((1,), float(i)) for i, name in enumerate(names)}


def test_numbers_are_carried_in_order():
    given = tensors("h.12.mlp.bias", "e.3.x.45.weight", "head.weight")
    renamed = rename(given, RULES, "a test")
    assert list(renamed) == [
        "blocks.12.up.bias",
        "experts.3.of.45.weight",
        "lm_head.weight",
    ]
    assert renamed["experts.3.of.45.weight"] is given["e.3.x.45.weight"]


def test_the_inverse_undoes_a_renaming():
    given = tensors("h.0.mlp.weight", "e.1.x.2.bias", "head.bias")
    assert rename(rename(given, RULES, "a"), inverse(RULES), "b") == given


def test_ignored_names_are_left_out():
    assert not rename(tensors("h.3.mask"), RULES, "a test", ["h.{}.mask"])


@pytest.mark.parametrize(
    "name",
    ["h.mlp.weight", "h.1.mlp", "xh.1.mlp.weight", "h.1.mlp.weight.x", "h-1.mlp"],
)
def test_unknown_names_are_named_and_refused(name):
    with pytest.raises(ValueError, match="1 names are not those of a test: " + name):
        rename(tensors(name, "head.bias"), RULES, "a test")


def test_dots_of_a_rule_are_dots():
    with pytest.raises(ValueError, match="headXweight"):
        rename(tensors("headXweight"), RULES, "a test")


def test_a_copy_may_be_missing_and_must_be_equal():
    table = torch.ones(2, 3)
    require_tied({"head": table}, "head", "table")
    require_tied({"head": table.clone(), "table": table}, "head", "table")
    with pytest.raises(ValueError, match="head differs from table"):
        require_tied({"head": table + 1, "table": table}, "head", "table")
