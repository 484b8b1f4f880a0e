"""Continuous batching: at every step, answers leave the batch and others join it.

A batch that waits for its slowest row leaves places empty. Here the batch is put
together anew for each token (Yu et al. 2022, "Orca", section 3.1): newcomers read their
prompts together, then all rows draw one token more. What a row draws depends on its own
prompt, settings and seed, not on its neighbours. Nothing here knows threads or HTTP.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from llm_notes.inference.sampling import sample
from llm_notes.inference.serve.answer import Answer, Update
from llm_notes.inference.serve.metrics import Metrics
from llm_notes.inference.serve.places import Places

logger = logging.getLogger(__name__)


class Scheduler:
    """The rows that run, and the answers that wait for a place.

    Args:
        model: `model(token_ids, mask=, positions=, cache=)` gives logits (B, T, V).
        n_places: the most rows.
        context_length: the most positions of a row.
        metrics: is told of steps and tokens.
        on_over: is called once for each answer, when it has left.
        prompt_budget: the most positions, padding included, that are read in one step
            unless one prompt alone has more. Their logits are all in memory.
    """

    def __init__(
        self,
        model: nn.Module,
        n_places: int,
        context_length: int,
        metrics: Metrics,
        on_over: Callable[[Answer], None] = lambda answer: None,
        prompt_budget: int = 2048,
    ) -> None:
        self._model, self._metrics, self._on_over = model, metrics, on_over
        self._device = next(model.parameters()).device
        self._size, self._budget = (n_places, context_length), prompt_budget
        self._places = Places(*self._size, self._device)
        self.running: list[Answer] = []  # row i has place i
        self.waiting: deque[Answer] = deque()

    @property
    def is_busy(self) -> bool:
        return bool(self.running or self.waiting)

    @torch.inference_mode()
    def step(self) -> None:
        """Let answers go and come, and draw one token for each row (two for new ones).

        Raises what the model raises on a token of the batch; then the batch is lost:
        see `fail`. What it raises on prompts ends the answers that came with them.
        """
        self._let_go()
        if newcomers := self._newcomers():
            self._read_prompts(newcomers)
        if self.running:
            self._read_tokens()

    def fail(self, error: Exception) -> None:
        """Give every running answer the error and start with an empty batch.

        What waits goes on. The store is taken anew: it may hold what is no number.
        """
        lost, self.running = self.running, []
        self._places = Places(*self._size, self._device)
        for answer in lost:
            self._on_over(answer)
            self._tell(answer, failed(answer, error))

    def fail_waiting(self, error: Exception) -> None:
        """Give every waiting answer the error."""
        while self.waiting:
            answer = self.waiting.popleft()
            self._on_over(answer)
            self._tell(answer, Update(error=error))

    def _newcomers(self) -> list[Answer]:
        """Who waits longest comes first, as many as there are places and budget."""
        newcomers: list[Answer] = []
        longest = 0
        while self.waiting and len(newcomers) < self._places.n_free:
            longest = max(longest, len(self.waiting[0].job.prompt_ids))
            if newcomers and longest * (len(newcomers) + 1) > self._budget:
                break
            newcomers.append(self.waiting.popleft())
        return newcomers

    def _read_prompts(self, newcomers: list[Answer]) -> None:
        self.running += newcomers
        prompts = [list(answer.job.prompt_ids) for answer in newcomers]
        lengths = [len(prompt) for prompt in prompts]
        cache = self._places.enter(lengths)
        rows = [prompt + [0] * (max(lengths) - len(prompt)) for prompt in prompts]
        try:
            logits = self._model(torch.tensor(rows, device=self._device), cache=cache)
        except Exception as error:
            logger.exception("%d prompts failed; the batch goes on", len(rows))
            self._end([(answer, failed(answer, error)) for answer in newcomers])
            return
        ends = torch.tensor(lengths, device=self._device) - 1
        self._metrics.add_tokens("prompt", sum(lengths))
        self._draw(newcomers, logits[torch.arange(len(rows)), ends])

    def _read_tokens(self) -> None:
        last_ids = [[answer.last_id] for answer in self.running]  # (B, 1)
        cache, positions, mask = self._places.step()
        token_ids = torch.tensor(last_ids, device=self._device)
        logits = self._model(token_ids, mask=mask, positions=positions, cache=cache)
        self._metrics.add_step(len(last_ids))
        self._draw(list(self.running), logits[:, -1])

    def _draw(self, answers: Sequence[Answer], logits: Tensor) -> None:
        """One token for each of B answers, from logits (B, V)."""
        updates: list[tuple[Answer, Update | None]] = []
        are_numbers = logits.isfinite().any(dim=-1) & ~logits.isnan().any(dim=-1)
        rows = zip(answers, logits.split(1), are_numbers.tolist(), strict=True)
        for answer, row, is_number in rows:
            try:
                if not is_number:
                    raise FloatingPointError("the model's logits are no numbers")
                update = draw_one(answer, row)
            except Exception as error:  # of this answer alone; others go on
                logger.exception("an answer failed; the batch goes on")
                update = failed(answer, error)
            updates.append((answer, update))
        self._metrics.add_tokens("completion", len(answers))
        self._end(updates)

    def _end(self, updates: Sequence[tuple[Answer, Update | None]]) -> None:
        """Free the places of who is over, then tell everybody what is new.

        Whoever reads a last update may ask again at once: its room is free by then.
        """
        self._let_go()
        for answer, update in updates:
            if update is not None:
                self._tell(answer, update)

    def _let_go(self) -> None:
        """Free the places of those that are over or whose client has gone."""
        for place in reversed(range(len(self.running))):
            answer = self.running[place]
            if answer.is_over or answer.cancelled:
                self._places.leave(place, clean=answer.has_failed)
                self.running[place] = self.running[-1]
                self.running.pop()
                self._on_over(answer)
        for answer in [a for a in self.waiting if a.cancelled]:
            self.waiting.remove(answer)
            self._on_over(answer)

    @staticmethod
    def _tell(answer: Answer, update: Update) -> None:
        answer.inbox.put_nowait((answer.index, update))


def failed(answer: Answer, error: Exception) -> Update:
    """Mark an answer as failed. Returns what it is told."""
    answer.is_over = answer.has_failed = True
    return Update(error=error, n_tokens=len(answer.drawn))


def draw_one(answer: Answer, logits: Tensor) -> Update | None:
    """Draw the next token of one answer from logits (1, V)."""
    job = answer.job
    changed = logits
    if job.logit_bias:
        changed = logits.clone()
        # In one go: a client may name every token there is.
        biases = torch.tensor([*job.logit_bias.values()], device=logits.device)
        changed[0, [*job.logit_bias]] += biases.to(logits)
    ids = None
    if job.settings.needs_counts:
        ids = torch.tensor([[*job.prompt_ids, *answer.drawn]], device=logits.device)
    changed = job.settings.apply(changed, ids, len(job.prompt_ids))
    if job.settings.is_greedy:
        token_id = int(changed.argmax())
    else:
        token_id = int(sample(changed, answer.generator))
    if job.n_logprobs is None:
        return answer.add(token_id)
    logprobs = logits[0].log_softmax(dim=-1)
    best = logprobs.topk(min(job.n_logprobs, len(logprobs)))
    top = tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))
    return answer.add(token_id, logprobs[token_id].item(), top)
