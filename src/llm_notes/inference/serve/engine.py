"""The thread in which the model runs. It knows jobs and answers, and no HTTP.

Any thread may submit and cancel; only the engine's own touches model and batch.
"""

import logging
import threading
from collections.abc import Collection, Sequence

from torch import nn

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.serve.answer import Answer, Inbox, Job
from llm_notes.inference.serve.metrics import Metrics
from llm_notes.inference.serve.scheduler import Scheduler
from llm_notes.models.ngram_gpt import NgramGPT

logger = logging.getLogger(__name__)
N_PLACES, MAX_WAITING = 16, 64


class EngineFull(RuntimeError):
    """All places are taken, and so is the queue."""


class EngineClosed(RuntimeError):
    """The server is going down, or did not start."""


class Engine:
    """A model that many clients share.

    Args:
        model: a causal language model with a key/value cache (GPT, Llama).
        tokenizer: its tokenizer.
        n_places: answers that run at the same time.
        max_waiting: answers that may wait for a place.
        end_ids: tokens that end an answer.
        metrics: what is counted; its own when not given.

    Raises:
        ValueError: for sizes below 1 place or 0 that wait, or a model that counts
            places from the end of the batch, so that rows of different lengths would
            disturb each other without a word.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        *,
        n_places: int = N_PLACES,
        max_waiting: int = MAX_WAITING,
        end_ids: Collection[int] = (),
        metrics: Metrics | None = None,
    ) -> None:
        window = getattr(model.config, "window", None)
        slides = window is not None and window < model.config.context_length
        if slides or isinstance(model, NgramGPT):
            raise ValueError(
                f"{type(model).__name__} with window = {window} cannot be served: a "
                "window, or n-grams, would be counted from the end of the longest row. "
                "Serve a GPT, or a Llama without a sliding window"
            )
        if n_places < 1 or max_waiting < 0:
            raise ValueError(
                f"n_places = {n_places} and max_waiting = {max_waiting}: at least one "
                "answer has to run, and 0 or more may wait"
            )
        self.tokenizer, self.end_ids = tokenizer, frozenset(end_ids)
        self.context_length: int = model.config.context_length
        self.metrics = metrics or Metrics()
        self._device = next(model.parameters()).device
        self.capacity = n_places + max_waiting
        self._scheduler = Scheduler(
            model.eval(), n_places, self.context_length, self.metrics, self._on_over
        )
        self._wake = threading.Condition()
        self._incoming: list[Answer] = []
        self._unfinished: set[Answer] = set()
        self._is_closing, self._gives_up = False, False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether jobs are taken."""
        return self._thread.is_alive() and not self._is_closing

    def start(self) -> None:
        """Begin to work; once."""
        self._thread.start()

    def submit(self, jobs: Sequence[Job], inbox: Inbox) -> list[Answer]:
        """Queue all jobs or none; updates come as (number of the job, `Update`).

        Raises:
            EngineFull: when there is no room for all of them.
            EngineClosed: when the engine does not run.
        """
        answers = [
            Answer(job, self.tokenizer, self.end_ids, index, inbox, self._device)
            for index, job in enumerate(jobs)
        ]
        with self._wake:
            if not self.is_alive:
                raise EngineClosed("the engine does not run")
            n_unfinished = len(self._unfinished)
            if n_unfinished + len(answers) > self.capacity:
                raise EngineFull(
                    f"{n_unfinished} of {self.capacity} answers are in work"
                )
            self._unfinished.update(answers)
            self._incoming += answers
            self._wake.notify()
        return answers

    def cancel(self, answers: Sequence[Answer]) -> None:
        """Nobody waits for these any more: their places are freed at the next step.

        They stop counting at once: whoever was told that the time is over may ask
        again without meeting the answers that it gave up.
        """
        for answer in answers:
            answer.cancelled = True
        with self._wake:
            self._unfinished.difference_update(answers)

    def close(self, seconds: float = 10.0) -> None:
        """Take nothing new, finish what is in work within some seconds, and end."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
            self._gives_up = True
            self._thread.join(seconds)

    def _run(self) -> None:
        scheduler = self._scheduler
        while True:
            with self._wake:
                while not (self._incoming or scheduler.is_busy or self._is_closing):
                    self._wake.wait()
                scheduler.waiting.extend(self._incoming)
                self._incoming.clear()
            if self._gives_up:
                scheduler.fail(EngineClosed("the server was stopped"))
                scheduler.fail_waiting(EngineClosed("the server was stopped"))
            if not scheduler.is_busy:
                if self._is_closing:
                    return
                continue
            try:
                scheduler.step()
            except Exception as error:
                logger.exception("a step failed; its answers are lost, others go on")
                scheduler.fail(error)
            self.metrics.set_load(len(scheduler.running), len(scheduler.waiting))

    def _on_over(self, answer: Answer) -> None:
        with self._wake:
            self._unfinished.discard(answer)
