"""The compute thread with fake models: one that fails is loaded anew, and the others never notice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import numpy as np
import pytest
from numpy.typing import NDArray

from models.compute import Compute
from models.engine import Completion, EngineClosed, ModelError, Request
from models.scheduler import Chunk
from models.stepper import Stepper
from tests.fake_runner import POISON, FakeCaller, FakeRunner, alone, ask

WAIT_S = 10.0
ODD = 95  # a prompt that begins with it makes a step raise what is no DecodeError


@dataclass
class OddRunner(FakeRunner):
    name: str = ""
    order: list[str] = field(default_factory=list)

    def run(self, chunks: Sequence[Chunk]) -> NDArray[np.float32]:
        if any(chunk.sequence.prompt[0] == ODD for chunk in chunks):
            raise RuntimeError("out of order")
        self.order.append(self.name)
        return super().run(chunks)


@dataclass
class Waiting(FakeCaller):
    """Tells another thread its outcome."""

    ended: SimpleQueue[Completion | Exception] = field(default_factory=SimpleQueue)

    def end(self, outcome: Completion | Exception) -> None:
        super().end(outcome)
        self.ended.put(outcome)


class Models:
    """Fake models by path, each time one is opened."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, OddRunner]] = []
        self.opening: SimpleQueue[None] = SimpleQueue()
        self.may_open: SimpleQueue[None] = SimpleQueue()
        self.order: list[str] = []  # whose steps there were
        self.flush: Callable[[], None] = lambda: None
        self.compute = Compute(self.open, lambda: self.flush())  # noqa: PLW0108  it is exchanged

    def open(self, path: Path) -> OddRunner:
        if path.name == "slow":
            self.opening.put(None)
            self.may_open.get(timeout=WAIT_S)
        if path.name == "missing":
            raise ModelError("missing: No such file or directory")
        self.opened.append((path.name, OddRunner(name=path.name, order=self.order)))
        return self.opened[-1][1]

    def ask(self, model: str, prompt: Sequence[int], max_tokens: int = 12, **options: object) -> Waiting:
        caller = Waiting()
        self.post(ask(prompt, max_tokens, model=Path(model), **options), caller)
        return caller

    def post(self, request: Request, caller: Waiting) -> None:
        self.compute.post(partial(self.compute.submit, request, caller))


@pytest.fixture
def models() -> Iterator[Models]:
    made = Models()
    yield made
    made.compute.stop()
    assert all(runner.closed for _, runner in made.opened)


def test_a_step_that_fails_ends_its_model_only_which_is_loaded_anew(
    models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    asked: SimpleQueue[None] = SimpleQueue()
    models.compute.post(lambda: asked.get(timeout=WAIT_S))  # so that what follows is stepped together
    beside, other = models.ask("odd", [1, 2]), models.ask("good", [3, 4])
    odd = models.ask("odd", [ODD, 1])
    asked.put(None)
    for caller in (odd, beside):
        outcome = caller.ended.get(timeout=WAIT_S)
        assert isinstance(outcome, ModelError)
        assert str(outcome) == f"{Path('odd').resolve()}: RuntimeError('out of order')"
    assert [runner.closed for name, runner in models.opened if name == "odd"] == [True]
    outcome = other.ended.get(timeout=WAIT_S)
    assert isinstance(outcome, Completion)
    assert outcome.text == alone([3, 4])
    again = models.ask("odd", [1, 2]).ended.get(timeout=WAIT_S)
    assert isinstance(again, Completion)
    assert again.text == alone([1, 2])
    opened = [name for name, _ in models.opened]
    assert (sorted(opened[:2]), opened[2:]) == (["good", "odd"], ["odd"])  # the two were loaded side by side
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_model_that_cannot_be_loaded_is_told_and_tried_again(models: Models) -> None:
    for _ in range(2):
        outcome = models.ask("missing", [1]).ended.get(timeout=WAIT_S)
        assert isinstance(outcome, ModelError)
    assert models.compute.stats() == {}


def test_models_of_which_nobody_reads_go_on_in_every_third_round(models: Models) -> None:
    for name in ("voted", "read"):
        models.ask(name, [1], 1).ended.get(timeout=WAIT_S)
    models.order.clear()
    asked: SimpleQueue[None] = SimpleQueue()
    models.compute.post(lambda: asked.get(timeout=WAIT_S))
    endless = " ".join(map(str, range(1, POISON)))
    voted = models.ask("voted", [1, 2], 60, grammar=endless)
    read = models.ask("read", [3, 4], 30, grammar=endless, priority="high")
    asked.put(None)
    for caller in (read, voted):
        assert isinstance(caller.ended.get(timeout=WAIT_S), Completion)
    reading = models.order[: 1 + max(i for i, name in enumerate(models.order) if name == "read")]
    assert (reading.count("read"), reading.count("voted")) == (30, 10)


def test_others_go_on_while_a_model_is_loaded(models: Models) -> None:
    first, second = models.ask("slow", [1, 2]), models.ask("slow", [3, 4])
    models.opening.get(timeout=WAIT_S)
    assert isinstance(models.ask("good", [1, 2]).ended.get(timeout=WAIT_S), Completion)
    assert not first.outcomes
    models.may_open.put(None)
    for caller, prompt in ((first, [1, 2]), (second, [3, 4])):
        outcome = caller.ended.get(timeout=WAIT_S)
        assert isinstance(outcome, Completion)
        assert outcome.text == alone(prompt)
    assert [name for name, _ in models.opened] == ["good", "slow"]


def test_models_that_nobody_needs_yet_are_loaded_one_after_another(models: Models) -> None:
    loaded: SimpleQueue[Stepper | Exception] = SimpleQueue()
    for name in ("slow", "good", "other"):
        models.compute.post(partial(models.compute.load, Path(name), loaded.put, ahead=True))
    models.opening.get(timeout=WAIT_S)
    assert isinstance(models.ask("other", [1, 2]).ended.get(timeout=WAIT_S), Completion), "a request does not wait"
    assert [name for name, _ in models.opened] == ["other"]
    models.may_open.put(None)
    for _ in range(3):
        assert isinstance(loaded.get(timeout=WAIT_S), Stepper)
    assert [name for name, _ in models.opened] == ["other", "slow", "good"]


def test_who_waits_for_a_model_whose_turn_never_came_is_told_at_the_end(models: Models) -> None:
    loaded: SimpleQueue[Stepper | Exception] = SimpleQueue()
    for name in ("slow", "good"):
        models.compute.post(partial(models.compute.load, Path(name), loaded.put, ahead=True))
    models.opening.get(timeout=WAIT_S)
    stopping = Thread(target=models.compute.stop)
    stopping.start()
    models.may_open.put(None)
    stopping.join(WAIT_S)
    for _ in range(2):
        assert isinstance(loaded.get(timeout=WAIT_S), EngineClosed)
    assert [name for name, _ in models.opened] == ["slow"]


def test_a_model_that_is_loaded_at_the_end_is_freed(models: Models) -> None:
    caller = models.ask("slow", [1, 2])
    models.opening.get(timeout=WAIT_S)
    stopping = Thread(target=models.compute.stop)
    stopping.start()
    models.may_open.put(None)
    stopping.join(WAIT_S)
    assert isinstance(caller.ended.get(timeout=WAIT_S), EngineClosed)
    assert [runner.closed for _, runner in models.opened] == [True]


def test_who_left_before_its_turn_loads_nothing(models: Models) -> None:
    caller = Waiting(cancelled=True)
    models.post(ask([1], model=Path("good")), caller)
    assert isinstance(caller.ended.get(timeout=WAIT_S), EngineClosed)
    assert models.opened == []


def test_what_comes_after_the_end_is_told_so(models: Models) -> None:
    models.ask("good", [1, 2]).ended.get(timeout=WAIT_S)
    models.compute.stop()
    late = models.ask("good", [1, 2])
    models.compute.stop()
    assert isinstance(late.ended.get(timeout=WAIT_S), EngineClosed)


def test_the_thread_outlives_an_error_of_its_own_and_tells_those_who_wait(
    models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    asked: SimpleQueue[None] = SimpleQueue()
    models.compute.post(lambda: asked.get(timeout=WAIT_S))
    waiting = [models.ask(name, [1, 2], 60, grammar="1") for name in ("one", "two")]

    def fail() -> None:
        models.flush = lambda: None
        raise RuntimeError("out of order")

    models.ask("ready", [1], 1)
    models.compute.post(lambda: setattr(models, "flush", fail))
    asked.put(None)
    for caller in waiting:
        outcome = caller.ended.get(timeout=WAIT_S)
        assert isinstance(outcome, ModelError)
        assert str(outcome) == "the compute thread failed: RuntimeError('out of order')"
    again = models.ask("one", [1, 2]).ended.get(timeout=WAIT_S)
    assert isinstance(again, Completion)
    assert again.text == alone([1, 2])
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_path_that_leads_nowhere_is_told(models: Models, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    for path in (str(one), "a\0b"):
        outcome = models.ask(path, [1]).ended.get(timeout=WAIT_S)
        assert isinstance(outcome, (ModelError, Completion))
    assert isinstance(models.ask("good", [1, 2]).ended.get(timeout=WAIT_S), Completion)
