"""A student learns from soft targets alone; the teacher stays as it is."""

import torch
from torch import nn

from llm_notes.models.gpt import GPT
from llm_notes.training.batches import WindowBatches, count_targets
from llm_notes.training.config import TrainingConfig
from llm_notes.training.distillation import DistillationLoss
from llm_notes.training.losses import forward_kl
from llm_notes.training.trainer import Trainer


def test_student_comes_near_its_teacher_from_soft_targets_alone(model, text_ids):
    torch.manual_seed(1)
    teacher = GPT(model.config)
    for p in teacher.parameters():  # no knowledge of any text: only it can be copied
        nn.init.normal_(p, std=0.5)
    before = [p.clone() for p in teacher.parameters()]
    x = text_ids[:48].view(4, 12)
    with torch.no_grad():
        distance = forward_kl(model(x), teacher(x)).mean()
    loss = DistillationLoss(teacher, temperature=2.0, soft_weight=1.0)
    Trainer(
        model,
        WindowBatches(text_ids, 8, 12, seed=0),
        TrainingConfig(80, learning_rate=2e-2, n_warmup=5, dtype="float32"),
        loss=loss,
        count=count_targets,
    ).fit()
    with torch.no_grad():
        assert forward_kl(model(x), teacher(x)).mean() < 0.3 * distance
    for old, new in zip(before, teacher.parameters(), strict=True):
        assert old.equal(new)
        assert new.grad is None


def test_teacher_has_no_dropout_while_the_student_trains():
    torch.manual_seed(0)
    teacher = nn.Sequential(nn.Embedding(5, 4), nn.Dropout(0.5), nn.Linear(4, 5))
    student = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5)).train()
    loss = DistillationLoss(teacher)
    batch = (torch.tensor([[1, 2]]), torch.tensor([[2, 3]]))
    assert loss(student, batch).equal(loss(student, batch))


def test_settings_reach_the_formula(model, text_ids):
    teacher = GPT(model.config)
    batch = (text_ids[:24].view(2, 12), text_ids[1:25].view(2, 12))
    hard = nn.functional.cross_entropy(model(batch[0]).transpose(1, 2), batch[1])
    loss = DistillationLoss(teacher, soft_weight=0.0)(model, batch)
    torch.testing.assert_close(loss, hard, atol=1e-5, rtol=0)
    values = {
        DistillationLoss(teacher, temperature, 1.0, reverse)(model, batch).item()
        for temperature in (1.0, 3.0)
        for reverse in (False, True)
    }
    assert len(values) == 4
