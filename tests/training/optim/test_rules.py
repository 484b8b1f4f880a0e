"""Each rule equals PyTorch's, or its formula written in NumPy, over many steps."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from llm_notes.training.optim import SGD, Adam, AdamW, Lion, Muon

SHAPES = [(5, 3), (3, 5), (4, 4), (7,), ()]
MATRICES = [(6, 4), (4, 6), (4, 6), (5, 5), (3, 12), (1, 4)]


def descend(
    rule, shapes, n_steps=60, dtype=torch.float64, lr_of=None, **settings
) -> list[Tensor]:
    """The weights after some steps with the same pseudo-random gradients."""
    generator = torch.Generator().manual_seed(0)
    params = [torch.randn(s, generator=generator, dtype=dtype) for s in shapes]
    optimizer = rule(params, **settings)
    for step in range(n_steps):
        if lr_of is not None:
            optimizer.param_groups[0]["lr"] = lr_of(step)
        for param in params:
            noise = torch.randn(param.shape, generator=generator, dtype=dtype)
            param.grad = 0.3 * param + noise
        optimizer.step()
    return params


def assert_equal(ours: list[Tensor], theirs: list[Tensor], atol: float = 1e-9) -> None:
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=atol, rtol=0)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
        {"weight_decay": 0.2},
    ],
)
def test_sgd_equals_pytorch(settings):
    settings = {"lr": 0.05, **settings}
    assert_equal(
        descend(SGD, SHAPES, **settings), descend(torch.optim.SGD, SHAPES, **settings)
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"betas": (0.8, 0.95), "eps": 1e-2},
        {"weight_decay": 0.3},
        {"betas": (0.0, 0.0)},
    ],
)
@pytest.mark.parametrize(
    ("ours", "theirs"), [(Adam, torch.optim.Adam), (AdamW, torch.optim.AdamW)]
)
def test_adam_and_adamw_equal_pytorch(ours, theirs, settings):
    settings = {"lr": 0.02, **settings}
    assert_equal(descend(ours, SHAPES, **settings), descend(theirs, SHAPES, **settings))


def test_adamw_equals_pytorch_in_float32_while_the_rate_changes():
    def lr_of(step):
        return 0.01 / (1 + step)

    runs = [
        descend(rule, SHAPES, dtype=torch.float32, lr_of=lr_of, weight_decay=0.1)
        for rule in (AdamW, torch.optim.AdamW)
    ]
    assert_equal(*runs, atol=1e-5)


def test_adam_counts_the_steps_of_each_parameter_apart():
    def run(rule):
        often, seldom = torch.ones(2), torch.ones(2)
        optimizer = rule([often, seldom], lr=0.1)
        for step in range(7):
            often.grad = torch.tensor([1.0, -2.0])
            seldom.grad = torch.tensor([0.5, 3.0]) if step % 3 == 2 else None
            optimizer.step()
        return [often, seldom]

    assert_equal(run(AdamW), run(torch.optim.AdamW), atol=1e-6)


@pytest.mark.parametrize("weight_decay", [0.0, 0.4])
def test_lion_equals_its_formula_in_numpy(weight_decay):
    lr, (beta1, beta2) = 0.03, (0.9, 0.97)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    grads = torch.randn(50, 5, 3, generator=generator, dtype=torch.float64)

    param = start.clone()
    optimizer = Lion([param], lr, (beta1, beta2), weight_decay)
    theta, m = start.numpy().copy(), np.zeros((5, 3))
    for grad in grads:
        param.grad = grad
        optimizer.step()
        g = grad.numpy()
        u = np.sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta
        theta, m = theta - lr * u, beta2 * m + (1 - beta2) * g
    np.testing.assert_allclose(param.numpy(), theta, atol=1e-12)


@pytest.fixture
def exact_torch_muon(monkeypatch):
    """PyTorch's Muon without its rounding to bfloat16."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    return torch.optim.Muon


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"nesterov": False, "momentum": 0.8},
        {"weight_decay": 0.5, "adjust_lr_fn": "match_rms_adamw"},
        {"ns_steps": 3, "ns_coefficients": (2.0, -1.5, 0.5)},
        {"ns_steps": 1},
    ],
)
def test_muon_equals_pytorch(settings, exact_torch_muon):
    settings = {"lr": 0.02, "weight_decay": 0.0, **settings}
    assert_equal(
        descend(Muon, MATRICES, **settings),
        descend(exact_torch_muon, MATRICES, **settings),
    )


def test_muon_equals_pytorch_in_float32(exact_torch_muon):
    runs = [
        descend(rule, MATRICES, 30, torch.float32, lr=0.02, weight_decay=0.0)
        for rule in (Muon, exact_torch_muon)
    ]
    assert_equal(*runs, atol=1e-4)  # 30 steps of length 1, each with its rounding


def test_muon_in_bfloat16_stays_near_pytorch():
    settings = {"lr": 0.02, "weight_decay": 0.1}
    theirs = descend(torch.optim.Muon, MATRICES, 1, torch.float32, **settings)
    ours = descend(
        Muon, MATRICES, 1, torch.float32, ns_dtype=torch.bfloat16, **settings
    )
    assert_equal(ours, theirs, atol=0.02 * 0.05)


def test_muon_without_a_gradient_leaves_weights_as_they_are():
    weight = torch.ones(3, 4)
    optimizer = Muon([weight])
    optimizer.step()
    weight.grad = torch.zeros(3, 4)
    optimizer.step()
    assert weight.equal(torch.ones(3, 4))


@pytest.mark.parametrize("rule", [SGD, Adam, AdamW, Lion, Muon])
def test_groups_keep_their_own_settings(rule):
    slow, fast = torch.ones(2, 3), torch.ones(2, 3)
    optimizer = rule([{"params": [slow], "lr": 0.001}, {"params": [fast]}], lr=0.1)
    slow.grad, fast.grad = torch.eye(2, 3), torch.eye(2, 3)
    optimizer.step()
    ratio = (1 - fast[0, 0]) / (1 - slow[0, 0])
    assert ratio.item() == pytest.approx(100, rel=0.15)  # AdamW also decays


@pytest.mark.parametrize("rule", [SGD, Adam, AdamW, Lion, Muon])
def test_a_loaded_state_goes_on_as_if_nothing_had_happened(rule):
    settings = {"momentum": 0.9} if rule is SGD else {}
    grads = torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(1))
    weight = torch.ones(3, 4)
    optimizer = rule([weight], lr=0.05, **settings)
    for step, grad in enumerate(grads):
        if step == 3:
            state = copy.deepcopy(optimizer.state_dict())  # as from disk
            twin = weight.clone()
            second = rule([twin], lr=0.7)
            second.load_state_dict(state)
        weight.grad = grad
        optimizer.step()
        if step >= 3:
            twin.grad = grad
            second.step()
    assert weight.equal(twin)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(AdamW, torch.optim.AdamW), (Muon, torch.optim.Muon), (SGD, torch.optim.SGD)],
)
def test_state_of_pytorchs_optimiser_loads(ours, theirs):
    weight, twin = torch.ones(3, 4), torch.ones(3, 4)
    settings = {"momentum": 0.9} if ours is SGD else {}
    first = theirs([weight], lr=0.05, **settings)
    weight.grad = torch.arange(12.0).view(3, 4) - 5
    first.step()
    second = ours([twin])
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    twin.copy_(weight)
    weight.grad = twin.grad = torch.eye(3, 4)
    first.step()
    second.step()
    torch.testing.assert_close(twin, weight, atol=2e-3, rtol=0)  # Muon's bfloat16


def test_closure_is_called_once_with_gradients_and_its_loss_returned():
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = SGD([weight], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 3.0
    assert weight.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("rule", "settings", "message"),
    [
        (SGD, {"lr": -0.1}, "lr is -0.1; it must be 0 or above"),
        (AdamW, {"weight_decay": -1}, "weight_decay is -1; it must be 0 or above"),
        (Adam, {"betas": (0.9, 1.0)}, r"betas is \(0.9, 1.0\); it must lie in"),
        (Adam, {"eps": -1e-8}, "eps is -1e-08"),
        (Lion, {"betas": (-0.1, 0.9)}, r"betas is \(-0.1, 0.9\)"),
        (Muon, {"momentum": 1.0}, r"momentum is 1.0; it must lie in \[0, 1\)"),
        (Muon, {"adjust_lr_fn": "none"}, "adjust_lr_fn is 'none'; it must be"),
        (SGD, {"nesterov": True}, "nesterov looks ahead by the momentum"),
        (SGD, {"lr": float("nan")}, "lr is nan"),
    ],
)
def test_impossible_settings_are_refused(rule, settings, message):
    with pytest.raises(ValueError, match=message):
        rule([torch.ones(2, 2)], **settings)


def test_a_groups_settings_are_checked_too():
    with pytest.raises(ValueError, match="lr is -1"):
        AdamW([{"params": [torch.ones(2)], "lr": -1}])


def test_muon_refuses_a_vector_and_says_who_takes_it():
    with pytest.raises(ValueError, match=r"shape \(3,\): give that to AdamW"):
        Muon([torch.ones(2, 2), torch.ones(3)])
