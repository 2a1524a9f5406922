"""The scheduler and what it drives, with a fake model behind the narrow `Runner`."""

from __future__ import annotations

from collections.abc import Sequence as Values
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.backend import DecodeError
from models.engine import EngineClosed, GrammarError, ModelError, PromptTooLong, Request
from models.scheduler import HIGH_EXTRA, MIN_PREFIX_TOKENS
from models.stepper import Stepper
from tests.fake_runner import (
    BATCH_TOKENS,
    BLUR,
    CONTEXT_TOKENS,
    POISON,
    FakeCaller,
    FakeRunner,
    alone,
    ask,
    finish,
    next_token,
)


def run_all(requests: Values[Request], runner: FakeRunner) -> tuple[list[FakeCaller], Stepper]:
    stepper = Stepper(runner)
    callers = [FakeCaller() for _ in requests]
    for request, caller in zip(requests, callers, strict=True):
        stepper.add(request, caller)
    finish(stepper)
    return callers, stepper


@dataclass
class FakeClock:
    """Unix time, which passes when a test says so."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


ANY = " ".join(map(str, range(1, POISON)))  # a grammar without an end
tokens = st.integers(1, POISON - 1)
prompts = st.one_of(
    st.lists(tokens, min_size=1, max_size=40),
    st.builds(lambda head, tail: [*range(1, head + 1), *tail], st.integers(1, 60), st.lists(tokens, max_size=5)),
)


@given(
    asked=st.lists(st.tuples(prompts, st.integers(1, 20)), min_size=1, max_size=12),
    sequences=st.integers(1, 5),
    slots=st.integers(0, 8),
    cache_tokens=st.integers(CONTEXT_TOKENS, 3 * CONTEXT_TOKENS),
    sharing=st.booleans(),
    priorities=st.lists(st.sampled_from(["high", "normal"]), min_size=12, max_size=12),
)
def test_an_answer_does_not_depend_on_neighbours(
    asked: list[tuple[list[int], int]],
    sequences: int,
    slots: int,
    cache_tokens: int,
    priorities: list[str],
    *,
    sharing: bool,
) -> None:
    slots += sequences + HIGH_EXTRA
    runner = FakeRunner(sequences=sequences, slots=slots, cache_tokens=cache_tokens, sharing=sharing)
    requests = [ask(*wish, priority=priority) for wish, priority in zip(asked, priorities, strict=False)]
    callers, stepper = run_all(requests, runner)
    for (prompt, max_tokens), caller in zip(asked, callers, strict=True):
        assert caller.completion.text == "".join(caller.said) == alone(prompt, max_tokens)
        assert caller.completion.prompt_tokens == len(prompt)
        assert caller.started == 1
    stats = stepper.stats()
    assert stats.prefill_tokens_asked == sum(len(prompt) for prompt, _ in asked)
    assert stats.prefill_tokens_computed <= stats.prefill_tokens_asked
    assert stats.generated_tokens == sum(caller.completion.completion_tokens for caller in callers)
    if not sharing:
        assert stats.prefill_tokens_computed == stats.prefill_tokens_asked


@given(st.integers(MIN_PREFIX_TOKENS + 1, 150), st.integers(2, 9), st.integers(1, 9))
def test_a_prompt_asked_several_times_is_computed_once(length: int, times: int, sequences: int) -> None:
    prompt = [1 + i % 90 for i in range(length)]
    _, stepper = run_all([ask(prompt)] * times, FakeRunner(sequences=sequences))
    assert stepper.stats().prefill_tokens_computed == length + times - 1


def test_nobody_waits_for_a_short_prefix() -> None:
    runner = FakeRunner()
    run_all([ask([1, 2, 3, 4, 5, 6, 7, 8])] * 2, runner)
    assert runner.batches[0] == [(0, 0, 8), (1, 0, 8)]


def test_a_prefix_is_shared_by_one_who_runs_who_reads_and_who_has_ended() -> None:
    stepper = Stepper(FakeRunner(sequences=3))
    system = list(range(1, 81))
    stepper.add(ask([*system, 5], 40), FakeCaller())
    stepper.step()
    stepper.add(ask([*system, 6], 1), FakeCaller())  # the first has read 16 of 81 tokens
    for _ in range(20):
        stepper.step()
    stepper.add(ask([*system, 7], 1), FakeCaller())
    finish(stepper)
    stepper.add(ask([*system, 8], 1), FakeCaller())
    finish(stepper)
    assert stepper.stats().prefill_tokens_computed == 81 + 3


def test_the_prefix_that_was_used_last_is_kept_longest() -> None:
    stepper = Stepper(FakeRunner(sequences=1, slots=3))
    system, other = [7] * 40, [8] * 40

    def computed(prompt: list[int]) -> int:
        before = stepper.stats().prefill_tokens_computed
        stepper.add(ask(prompt, 1), FakeCaller())
        finish(stepper)
        return stepper.stats().prefill_tokens_computed - before

    assert [computed([*system, 1]), computed([*other, 1])] == [41, 41]
    assert [computed([*system, i]) for i in range(2, 9)] == [1] * 7
    assert computed([*other, 2]) == 41, "its slot was needed"


def test_a_conversation_goes_on_where_it_was() -> None:
    stepper = Stepper(FakeRunner(sequences=2, slots=6))
    conversations = {who: [who] * 10 for who in range(1, 6)}
    for turn in range(3):
        for who, said in conversations.items():
            before = stepper.stats()
            caller = FakeCaller()
            stepper.add(ask(said, 5), caller)
            finish(stepper)
            after = stepper.stats()
            computed = after.prefill_tokens_computed - before.prefill_tokens_computed
            answer = [int(word) for word in caller.completion.text.split()]
            asked = after.prefill_tokens_asked - before.prefill_tokens_asked
            assert asked == len(said)
            assert computed == 10 if turn == 0 else computed <= 4, "what was asked now, and the last token said"
            conversations[who] = [*said, *answer, 90 + turn, 80, 70]
    assert (stepper.stats().kept_prefixes, stepper.stats().evicted_prefixes) == (5, 0)
    assert stepper.stats().reused_prefixes == stepper.stats().requests - len(conversations)


def test_what_was_used_least_recently_gives_way_to_who_runs() -> None:
    stepper = Stepper(FakeRunner(sequences=2, slots=6, cache_tokens=CONTEXT_TOKENS))
    for who in (1, 2, 3):
        stepper.add(ask([who] * 49, 1), FakeCaller())
        finish(stepper)
    assert stepper.stats().kept_prefixes == 3
    stepper.add(ask([4] * 60, 1), FakeCaller())
    finish(stepper)
    assert (stepper.stats().kept_prefixes, stepper.stats().evicted_prefixes) == (3, 1)
    computed = stepper.stats().prefill_tokens_computed
    for who in (2, 3):
        stepper.add(ask([who] * 49, 1), FakeCaller())
        finish(stepper)
    assert stepper.stats().prefill_tokens_computed == computed + 2


def test_who_does_not_fit_waits_until_there_is_room() -> None:
    stepper = Stepper(FakeRunner(sequences=4, cache_tokens=200))
    callers = [FakeCaller() for _ in range(4)]
    for i, caller in enumerate(callers):
        stepper.add(ask([i + 1] * 50, 30, grammar=ANY), caller)
    stepper.step()
    assert [caller.started for caller in callers] == [1, 1, 0, 0]
    finish(stepper)
    assert all(caller.completion.completion_tokens == 30 for caller in callers)


def test_equal_prompts_need_room_once() -> None:
    stepper = Stepper(FakeRunner(sequences=4, cache_tokens=210))
    callers = [FakeCaller() for _ in range(4)]
    for caller in callers:
        stepper.add(ask([7] * 80, 30, grammar=ANY), caller)
    stepper.step()
    assert [caller.started for caller in callers] == [1] * 4
    finish(stepper)
    assert all(caller.completion.completion_tokens == 30 for caller in callers)


def test_the_one_it_waited_for_may_be_cancelled() -> None:
    runner = FakeRunner()
    stepper = Stepper(runner)
    prompt = list(range(1, 90))
    first, second = FakeCaller(), FakeCaller()
    stepper.add(ask(prompt), first)
    stepper.add(ask(prompt), second)
    for _ in range(3):
        stepper.step()
    assert all(len(batch) == 1 for batch in runner.batches)
    first.cancelled = True
    finish(stepper)
    assert second.completion.text == alone(prompt)
    assert sum(size for batch in runner.batches for _, start, size in batch if start < len(prompt)) == len(prompt)


def test_who_generates_is_not_held_up_by_a_long_prompt() -> None:
    runner = FakeRunner()
    stepper = Stepper(runner)
    caller = FakeCaller()
    stepper.add(ask([3, 4], 30), caller)
    stepper.step()
    stepper.add(ask([9] * 120), FakeCaller())
    for _ in range(5):
        said = len(caller.said)
        stepper.step()
        assert caller.outcomes or len(caller.said) == said + 1


def test_of_one_caller_the_first_is_served_first() -> None:
    stepper = Stepper(FakeRunner(sequences=2))
    callers = [FakeCaller() for _ in range(10)]
    for i, caller in enumerate(callers):
        stepper.add(ask([i + 1, 50]), caller)
    while stepper.busy:
        stepper.step()
        started = [caller.started for caller in callers]
        assert started == sorted(started, reverse=True)


def test_one_who_asks_much_holds_up_others_by_one_request() -> None:
    stepper = Stepper(FakeRunner(sequences=1))
    many = [FakeCaller() for _ in range(20)]
    for i, caller in enumerate(many):
        stepper.add(ask([i + 1, 50], caller="a"), caller)
    stepper.step()
    started = sum(caller.started for caller in many)
    other = FakeCaller()
    stepper.add(ask([77, 50], caller="b"), other)
    while not other.started:
        stepper.step()
    assert sum(caller.started for caller in many) <= started + 1
    finish(stepper)
    assert all(caller.completion for caller in many)


def test_who_reads_goes_first_and_the_others_go_on() -> None:
    runner = FakeRunner(sequences=8)
    stepper = Stepper(runner)
    normal = [FakeCaller() for _ in range(7)]
    for i, caller in enumerate(normal):
        stepper.add(ask([i + 1, 3], 60, grammar=ANY), caller)
    for _ in range(2):
        stepper.step()
    reading = FakeCaller()
    stepper.add(ask([50, 4], 30, grammar=ANY, priority="high"), reading)
    before = [len(caller.said) for caller in normal]
    for step in range(1, 31):
        stepper.step()
        assert len(reading.said) == step or reading.outcomes, "it has a token of every step"
        if step > 2:
            assert len(runner.batches[-1]) <= 1 + 3
    gained = [len(caller.said) - was for caller, was in zip(normal, before, strict=True)]
    assert max(gained) - min(gained) <= 1
    assert min(gained) >= 30 // 3
    finish(stepper)


def test_who_reads_gets_the_next_slot_and_the_larger_part_of_a_batch() -> None:
    runner = FakeRunner(sequences=2)
    stepper = Stepper(runner)
    callers = [FakeCaller() for _ in range(5)]
    for i, caller in enumerate(callers[:4]):
        stepper.add(ask([i + 1] * 60, 2), caller)
    stepper.step()
    stepper.add(ask([50] * 60, 2, priority="high"), callers[4])
    while not callers[4].outcomes:
        stepper.step()
    assert sum(caller.started for caller in callers[:4]) <= 3
    finish(stepper)
    assert all(caller.completion for caller in callers)


def test_a_failing_sequence_fails_alone() -> None:
    runner = FakeRunner()
    good, bad = [[5] * 40, [6, 7], [5] * 40 + [8]], [9] * 20 + [POISON, 3]
    callers, stepper = run_all([ask(good[0]), ask(bad), ask(good[1]), ask(bad), ask(good[2])], runner)
    for caller in (callers[1], callers[3]):
        (error,) = caller.outcomes
        assert isinstance(error, ModelError)
    assert [callers[i].completion.text for i in (0, 2, 4)] == [alone(prompt) for prompt in good]
    caller = FakeCaller()
    stepper.add(ask([1, 2, 3]), caller)
    finish(stepper)
    assert caller.completion.text == alone([1, 2, 3])


def test_where_state_cannot_be_cut_a_failing_batch_ends_its_sequences_only() -> None:
    runner = FakeRunner(sequences=4, sharing=False)
    stepper = Stepper(runner)
    prompts = [[5, 6], [7] * 10 + [POISON, 3], [8] * 40, [9, 10], [11, 12]]
    callers = [FakeCaller() for _ in prompts]
    for prompt, caller in zip(prompts, callers, strict=True):
        stepper.add(ask(prompt, 20), caller)
    stepper.step()  # the batch of 16 has room for three of them
    assert [[type(outcome) for outcome in caller.outcomes] for caller in callers] == [[DecodeError]] * 3 + [[]] * 2
    assert runner.failed == callers[:3]
    assert all(not runner.cells.get(slot) for slot in range(4))
    finish(stepper)
    assert [caller.completion.text for caller in callers[3:]] == [alone(prompt, 20) for prompt in prompts[3:]]


def test_logits_that_are_no_numbers_end_their_sequence_and_are_no_prefix_for_others() -> None:
    blurred, good = [*range(1, 31), BLUR, 3], [5, 6]
    callers, stepper = run_all([ask(good), ask(blurred)], FakeRunner())
    again = FakeCaller()
    stepper.add(ask(blurred), again)
    finish(stepper)
    for caller in (callers[1], again):
        (error,) = caller.outcomes
        assert isinstance(error, ModelError)
        assert str(error) == "fake: its logits are not numbers"
    assert callers[0].completion.text == alone(good)
    assert stepper.stats().prefill_tokens_computed == len(good) + 2 * len(blurred)


def test_what_is_counted() -> None:
    runner = FakeRunner(sequences=2)
    stepper = Stepper(runner)
    callers = [FakeCaller() for _ in range(3)]
    prompt = list(range(1, 60))
    for tokens, caller in zip([prompt, [*prompt, 7], [3, 4]], callers, strict=True):
        stepper.add(ask(tokens), caller)
    assert stepper.stats().python_s > 0, "a prompt's tokens are made outside the model"
    stepper.step()
    stats = stepper.stats()
    assert (stats.requests, stats.prefill_tokens_asked, stats.prefill_tokens_computed) == (1, 59, BATCH_TOKENS)
    for caller in callers:
        caller.cancelled = True
    stepper.step()
    assert stepper.stats().steps == stats.steps == 1, "there was nothing to compute"
    stepper.add(ask(prompt, 1), FakeCaller())
    finish(stepper)
    after = stepper.stats()
    assert (after.requests, after.prefill_tokens_asked, after.prefill_tokens_computed) == (2, 118, 59)
    assert after.steps == len(runner.batches)
    assert after.decode_s == runner.decode_s
    assert after.python_s > stats.python_s


@given(st.lists(st.tuples(prompts, st.lists(tokens, max_size=4)), min_size=1, max_size=8))
def test_a_grammar_binds_its_own_sequence(asked: list[tuple[list[int], list[int]]]) -> None:
    requests = [ask(prompt, grammar=" ".join(map(str, allowed)) or "none") for prompt, allowed in asked]
    runner = FakeRunner()
    callers, _ = run_all([*requests, *(ask(prompt) for prompt, _ in asked)], runner)
    for (prompt, allowed), caller, free in zip(asked, callers, callers[len(asked) :], strict=False):
        if allowed:
            assert set(caller.completion.text.split()) <= set(map(str, allowed))
            assert caller.completion.finish == "length"  # it allows no end
        else:
            assert isinstance(caller.outcomes[0], GrammarError)
        assert free.completion.text == alone(prompt)
    for grammar, (_, allowed) in zip(runner.grammars, asked, strict=True):
        assert len(grammar.accepted) == (12 if allowed else 0)
        assert grammar.closed == 1


def test_a_wrong_grammar_is_refused() -> None:
    stepper = Stepper(FakeRunner())
    with pytest.raises(GrammarError):
        stepper.add(ask([1], grammar="wrong"), FakeCaller())
    assert not stepper.busy


def test_a_deadline_ends_who_waits_and_who_runs() -> None:
    clock = FakeClock()
    stepper = Stepper(FakeRunner(sequences=1), clock)
    running, waiting = FakeCaller(), FakeCaller()
    stepper.add(ask([4, 5], 100, deadline_at=clock.now + 5), running)
    stepper.add(ask([4, 6], deadline_at=clock.now), waiting)
    stepper.step()
    assert (waiting.completion.finish, waiting.completion.text, waiting.started) == ("deadline", "", 0)
    assert not running.outcomes
    clock.now += 5
    stepper.step()
    assert running.completion.finish == "deadline"
    assert running.completion.text == "".join(running.said) == f"{next_token([4, 5])} "
    assert not stepper.busy


def test_a_prompt_that_fills_the_context_is_refused() -> None:
    stepper = Stepper(FakeRunner())
    with pytest.raises(PromptTooLong, match=r"^the prompt has 160 tokens, fake takes 159$") as raised:
        stepper.add(ask([1] * CONTEXT_TOKENS), FakeCaller())
    assert (raised.value.prompt_tokens, raised.value.context_tokens) == (CONTEXT_TOKENS, CONTEXT_TOKENS)
    caller = FakeCaller()
    stepper.add(ask([2] * (CONTEXT_TOKENS - 1), 50), caller)
    finish(stepper)
    assert caller.completion.completion_tokens == 1


def test_abandoning_ends_all() -> None:
    stepper = Stepper(FakeRunner(sequences=2))
    callers = [FakeCaller() for _ in range(4)]
    for caller in callers:
        stepper.add(ask([1, 2, 3], 50), caller)
    stepper.step()
    stepper.abandon(EngineClosed("closed"))
    assert [type(caller.outcomes[0]) for caller in callers] == [EngineClosed] * 4
    assert not stepper.busy


class Coming(RuleBasedStateMachine):
    """Requests come, are cancelled, and meet their deadlines in any order."""

    sharing = True

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.runner = FakeRunner(sequences=3, slots=7, cache_tokens=CONTEXT_TOKENS + 40, sharing=self.sharing)
        self.stepper = Stepper(self.runner, self.clock)
        self.asked: list[tuple[list[int], int, FakeCaller, float]] = []

    @rule(
        prompt=prompts,
        max_tokens=st.integers(1, 15),
        poisoned=st.sampled_from([False, False, False, True]),
        grammar=st.sampled_from([None, " ".join(map(str, range(POISON)))]),
        time_s=st.sampled_from([0, 2, 5, 1000, 1000]),
        who=st.sampled_from("ab"),
        priority=st.sampled_from(["high", "normal"]),
    )
    def ask(  # each is drawn apart
        self,
        *,
        prompt: list[int],
        max_tokens: int,
        poisoned: bool,
        grammar: str | None,
        time_s: int,
        who: str,
        priority: str,
    ) -> None:
        prompt = [*prompt, POISON, 1] if poisoned else prompt
        caller = FakeCaller()
        due_at = self.clock.now + time_s
        options = {"grammar": grammar, "deadline_at": due_at, "caller": who, "priority": priority}
        self.stepper.add(ask(prompt, max_tokens, **options), caller)
        self.asked.append((prompt, max_tokens, caller, due_at))

    @rule(seconds=st.integers(1, 3))
    def pass_time(self, seconds: int) -> None:
        self.clock.now += seconds
        self.stepper.step()
        assert all(caller.outcomes for *_, caller, due_at in self.asked if due_at <= self.clock.now)

    @rule(steps=st.integers(1, 6))
    def step(self, steps: int) -> None:
        for _ in range(steps):
            self.stepper.step()

    @precondition(lambda self: any(not caller.outcomes for *_, caller, _ in self.asked))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        going = [caller for *_, caller, _ in self.asked if not caller.outcomes]
        caller = data.draw(st.sampled_from(going))
        caller.cancelled = True
        said = len(caller.said)
        self.stepper.step()
        (outcome,) = caller.outcomes
        assert isinstance(outcome, EngineClosed)
        assert len(caller.said) == said, "nothing more is computed for it"

    @invariant()
    def slots_are_counted(self) -> None:
        stats = self.stepper.stats()
        going = sum(not caller.outcomes for *_, caller, _ in self.asked)
        assert stats.running + stats.waiting == going
        assert stats.running <= self.runner.sequences + HIGH_EXTRA

    def teardown(self) -> None:
        finish(self.stepper)
        stats = self.stepper.stats()
        assert (stats.running, stats.waiting) == (0, 0)
        for prompt, max_tokens, caller, _ in self.asked:
            assert len(caller.outcomes) == 1
            if caller.cancelled:
                assert isinstance(caller.outcomes[0], EngineClosed)
            elif isinstance(caller.outcomes[0], ModelError):
                assert POISON in prompt or not self.sharing
                assert any(failed is caller for failed in self.runner.failed)
            elif caller.completion.finish == "deadline":
                assert alone(prompt, max_tokens).startswith(caller.completion.text)
            else:
                assert caller.completion.text == alone(prompt, max_tokens)
                assert POISON not in prompt
        assert stats.prefill_tokens_computed <= stats.prefill_tokens_asked
        assert all(grammar.closed == 1 for grammar in self.runner.grammars)
        callers = [FakeCaller() for _ in range(self.runner.sequences)]
        for i, caller in enumerate(callers):
            self.stepper.add(ask([i + 1, 9], 20), caller)
        self.stepper.step()
        assert all(caller.started for caller in callers), "every slot can be had again"


class ComingToStateThatCannotBeCut(Coming):
    """The same of a recurrent model."""

    sharing = False


TestComing = Coming.TestCase
TestComing.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestComingToStateThatCannotBeCut = ComingToStateThatCannotBeCut.TestCase
TestComingToStateThatCannotBeCut.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def largest(*, alone: bool = True, beside: bool = False, left_s: float | None = None, read_before: bool = False) -> int:
    """Return the most tokens that a step had of a prompt of 100."""
    runner = FakeRunner()
    stepper = Stepper(runner, clock=lambda: 1000.0)
    if read_before:
        stepper.add(ask([5, 6], 1, priority="high"), FakeCaller())
        stepper.step(alone=alone)
        assert not stepper.busy
    if beside:
        stepper.add(ask([5, 6], 150, grammar=" ".join(map(str, range(1, POISON)))), FakeCaller())
        stepper.step(alone=alone)
    deadline_at = None if left_s is None else 1000.0 + left_s
    stepper.add(ask([1 + i % 90 for i in range(100)], 1, deadline_at=deadline_at), FakeCaller())
    for _ in range(12):
        stepper.step(alone=alone)
    return max(count for batch in runner.batches for _, _, count in batch)


def test_a_prompt_that_delays_nobody_is_read_in_larger_steps() -> None:
    assert largest() == largest(left_s=60.0) == 3 * BATCH_TOKENS
    assert largest(alone=False) == largest(left_s=5.0) == BATCH_TOKENS
    assert largest(beside=True) > BATCH_TOKENS
    assert largest(beside=True, read_before=True) < BATCH_TOKENS


@pytest.mark.parametrize(("tokens", "largest"), [(24, BATCH_TOKENS - 1), (90, 8)])
def test_beside_one_who_reads_a_short_prompt_is_read_at_once_and_a_long_one_by_and_by(
    tokens: int, largest: int
) -> None:
    runner = FakeRunner()
    stepper = Stepper(runner)
    stepper.add(ask([5, 6], 150, grammar=" ".join(map(str, range(1, POISON))), priority="high"), FakeCaller())
    stepper.step()
    stepper.add(ask([1 + i % 90 for i in range(tokens)], 1, priority="high"), FakeCaller())
    stepper.step()
    assert max(count for _, _, count in runner.batches[-1]) in range(largest - 5, largest + 1)
