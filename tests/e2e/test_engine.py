"""The real engine with the real SmolLM2-135M, which is fetched if it is not there.

Tokens that are as likely as one another may change places when llama.cpp computes in batches of another shape; in the
texts compared here they are not.
"""

import asyncio
import json
import logging
import math
import re
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

import models
from models import (
    Completion,
    EngineBusy,
    EngineClosed,
    GrammarError,
    ModelError,
    PromptTooLong,
    Request,
    Stats,
    Turn,
    turns,
)
from models.backend import DecodeError
from models.batch import MAX_TOKENS
from models.gguf import Gguf
from models.json_grammar import object_grammar, schema_grammar
from models.llama import LlamaEngine
from models.native import llama_cpp
from models.runner import LlamaRunner
from models.sampling import sample
from models.scheduler import Chunk
from models.text import NO_EVIDENCE
from tests.json_schemas import PERSON, SCHEMAS
from tests.support import wait_until

MODELS = Path(models.__file__).parent
KNOWN = "smollm2-135m-instruct-q4_1.gguf"
QUESTIONS = (
    "What is the capital of France?",
    "Write a poem about rain.",
    "Why is the sky blue?",
    "Count.",
    "Name three colours.",
    "How do I boil an egg?",
    "Who are you?",
    "What is seven times eight?",
)
CLOSE = 0.2  # logits
STORY = "Write a long story about a fox who wants to see the sea."


@pytest.fixture(scope="session")
def smollm() -> Path:
    model = models.find("smollm2-135m")
    assert model is not None
    return models.fetch(model, MODELS)


@pytest.fixture(scope="session")
async def engine(smollm: Path) -> AsyncIterator[LlamaEngine]:
    engine = LlamaEngine(context_tokens=2048)
    await engine.load(smollm)
    yield engine
    await engine.close()


@pytest.fixture
async def fresh(smollm: Path) -> AsyncIterator[LlamaEngine]:
    """Make an engine that keeps nothing of other tests, where a question's likeliest tokens are nearly as likely."""
    engine = LlamaEngine(context_tokens=512)
    await engine.load(smollm)
    yield engine
    await engine.close()


@pytest.fixture
def ask(smollm: Path) -> Callable[..., Request]:
    def make(user: str = STORY, *, system: str = "You are a helpful assistant.", **options: object) -> Request:
        return Request(**({"model": smollm, "messages": turns(system, user), "max_tokens": 24} | options))  # type: ignore[arg-type]

    return make


@pytest.fixture
def bad(smollm: Path, tmp_path: Path) -> Callable[[str, str | int | None], Path]:
    """Make a file of this text, or of so many bytes of the real one, or (None) none."""

    def make(name: str, content: str | int | None) -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content)
        elif content is not None:
            with smollm.open("rb") as whole:
                path.write_bytes(whole.read(content))
        return path

    return make


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Whose token the compute thread sampled, in order."""
    seen: list[Request] = []

    def spy(logits: NDArray[np.float32], request: Request, *rest: Any, **named: Any) -> tuple[int, float]:
        seen.append(request)
        return sample(logits, request, *rest, **named)

    monkeypatch.setattr("models.stepper.sample", spy)
    return seen


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> defaultdict[Request, list[int]]:
    """What the compute thread sampled for each request."""
    said: defaultdict[Request, list[int]] = defaultdict(list)

    def spy(logits: NDArray[np.float32], request: Request, *rest: Any, **named: Any) -> tuple[int, float]:
        token, logprob = sample(logits, request, *rest, **named)
        said[request].append(token)
        return token, logprob

    monkeypatch.setattr("models.stepper.sample", spy)
    return said


def mapped(path: Path) -> bool:
    return str(path.resolve()) in Path("/proc/self/maps").read_text()


def same(one: Completion, other: Completion) -> bool:
    """Bit by bit."""
    return (one.text, one.logprob) == (other.text, other.logprob)


def alike(one: Completion, other: Completion) -> bool:
    """But for the last bits, which depend on the shape of the batches."""
    assert one.logprob is not None
    assert other.logprob is not None
    return one.text == other.text and abs(one.logprob - other.logprob) < 0.1


def rendered(plain: llama_cpp.Llama, question: str) -> list[int]:
    """Give the tokens of the prompt that `ask` makes of a question."""
    prompt = (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    )
    return list(plain.tokenize(prompt.encode(), add_bos=False, special=True))


def greedy(plain: llama_cpp.Llama, question: str, max_tokens: int) -> Iterator[tuple[int, float]]:
    """Give the likeliest tokens one by one, and by how much the logit of each is above the next best."""
    plain.reset()
    pending = rendered(plain, question)
    for _ in range(max_tokens):
        plain.eval(pending)
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(plain.ctx, -1), (plain.n_vocab(),))
        second, best = np.partition(logits, -2)[-2:]
        pending = [int(logits.argmax())]
        yield pending[0], float(best - second)
        if pending[0] == plain.token_eos():
            return


def equal_until_close(said: Sequence[int], plainly: Sequence[tuple[int, float]]) -> int:
    """Count the tokens that are equal; where one is not, another must have been nearly as likely."""
    for place, (token, (expected, gap)) in enumerate(zip(said, plainly, strict=False)):
        if token != expected:
            assert gap < CLOSE
            return place
    assert len(said) == len(plainly)
    return len(said)


def stats_of(engine: LlamaEngine) -> Stats:
    (stats,) = [stats for path, stats in engine.stats().items() if path.name == KNOWN]
    return stats


# --- determinism -----------------------------------------------------------------------------------------------------


async def test_the_same_requests_in_the_same_order_give_the_same_answers_bit_by_bit(
    ask: Callable[..., Request],
) -> None:
    long = "In one word, and with no explanation at all, tell me which season comes after the winter. " * 4
    requests = [ask(long), ask(long, temperature=0.8, seed=3), ask(f"{long} Why?", temperature=1.2), ask("Hi")]
    runs = []
    for _ in range(2):
        fresh = LlamaEngine(context_tokens=512)
        runs.append([await fresh.complete(request) for request in requests])
        await fresh.close()
    assert all(map(same, *runs))


async def test_what_ran_before_and_what_runs_beside_changes_last_bits_only(
    engine: LlamaEngine, ask: Callable[..., Request]
) -> None:
    towns = [f"What is the capital of {country}?" for country in ("France", "Japan", "Germany")]
    requests = [ask(question) for question in [*towns, "What is the chemical symbol of water?"]]
    first = [await engine.complete(request) for request in requests]
    again = [await engine.complete(request) for request in reversed(requests)]
    beside = await asyncio.gather(*map(engine.complete, requests))
    assert all(map(alike, first, reversed(again)))
    assert all(map(alike, first, beside))


async def test_greedy_tokens_are_those_of_plain_llama_alone_and_in_a_full_batch(
    ask: Callable[..., Request], tokens: dict[Request, list[int]], smollm: Path
) -> None:
    """Alone all are equal.  In a full batch the logits move a little with its shape, which shows where two are CLOSE.

    Found: five or six of eight answers equal to the end, the others up to a token whose logit leads by 0.02 to 0.08.
    """
    plain = llama_cpp.Llama(str(smollm), n_ctx=512, flash_attn=True, verbose=False)
    expected = {ask(question, max_tokens=16): list(greedy(plain, question, 16)) for question in QUESTIONS}
    texts = [plain.detokenize([token for token, _ in drawn]).decode() for drawn in expected.values()]
    plain.close()
    for (request, plainly), text in zip(list(expected.items())[:3], texts, strict=False):
        engine = LlamaEngine(context_tokens=512)
        completion = await engine.complete(request)
        await engine.close()
        assert tokens.pop(request) == [token for token, _ in plainly]
        assert (completion.text, completion.completion_tokens) == (text, len(plainly))
    engine = LlamaEngine(context_tokens=512)
    await asyncio.gather(*map(engine.complete, expected))
    assert stats_of(engine).steps < 30, "they ran together"
    await engine.close()
    equal = [equal_until_close(tokens[request], plainly) for request, plainly in expected.items()]
    assert sum(equal) > 0.6 * sum(map(len, expected.values()))


async def test_seeds_matter_only_with_a_temperature(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    question = "What is the capital of France?"
    greedy = [await engine.complete(ask(question, seed=seed)) for seed in (1, 2)]
    drawn = [await engine.complete(ask(seed=seed, temperature=1.0)) for seed in (1, 2)]
    assert alike(*greedy)
    assert drawn[0].text != drawn[1].text


async def test_a_prefix_that_was_computed_is_not_computed_again(
    engine: LlamaEngine, ask: Callable[..., Request]
) -> None:
    system = "You are a careful assistant who answers in one short sentence. " * 40
    first = await engine.complete(ask("Name a colour.", system=system, max_tokens=1))
    before = stats_of(engine)
    second = await engine.complete(ask("Name a river.", system=system, max_tokens=1))
    after = stats_of(engine)
    assert min(first.prompt_tokens, second.prompt_tokens) > 3 * MAX_TOKENS
    assert after.prefill_tokens_asked - before.prefill_tokens_asked == second.prompt_tokens
    assert after.prefill_tokens_computed - before.prefill_tokens_computed < 20


async def test_a_conversation_reads_only_what_is_new(fresh: LlamaEngine, smollm: Path) -> None:
    said = [Turn("system", "You are a helpful assistant."), Turn("user", "Tell me about a fox. " * 10)]
    for turn in range(3):
        before = stats_of(fresh)
        completion = await fresh.complete(Request(model=smollm, messages=tuple(said), max_tokens=16))
        after = stats_of(fresh)
        computed = after.prefill_tokens_computed - before.prefill_tokens_computed
        assert computed < 30 if turn else computed > 60
        assert after.prefill_tokens_asked - before.prefill_tokens_asked == completion.prompt_tokens
        said += [Turn("assistant", completion.text), Turn("user", "And then?")]
    assert stats_of(fresh).kept_prefixes == 1


async def test_a_prompt_asked_by_eight_at_once_is_computed_once(
    engine: LlamaEngine, ask: Callable[..., Request]
) -> None:
    user = "Here is a list of towns by a river, of which you should choose one: Ulm, Linz, Passau, Vienna. " * 6
    before = stats_of(engine)
    said = await asyncio.gather(
        *(engine.complete(ask(user, seed=seed, temperature=1.0, max_tokens=8)) for seed in range(8))
    )
    after = stats_of(engine)
    (size,) = {completion.prompt_tokens for completion in said}
    assert size > MAX_TOKENS
    assert after.prefill_tokens_asked - before.prefill_tokens_asked == 8 * size
    assert after.prefill_tokens_computed - before.prefill_tokens_computed <= size + 7
    assert len({completion.text for completion in said}) > 1


# --- batching --------------------------------------------------------------------------------------------------------


async def test_eight_run_together_and_others_join_and_leave(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    before = stats_of(engine)
    ended: list[int] = []

    async def one(number: int) -> Completion:
        completion = await engine.complete(ask(f"Tell a story about {number} mice.", max_tokens=10 + 5 * number))
        ended.append(number)
        return completion

    tasks = [asyncio.create_task(one(number)) for number in range(8)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    tasks.append(asyncio.create_task(one(1)))
    said = await asyncio.gather(*tasks)
    after = stats_of(engine)
    tokens = sum(completion.completion_tokens for completion in said)
    assert after.generated_tokens - before.generated_tokens == tokens
    assert after.steps - before.steps < tokens / 3
    assert ended.index(1) < ended.index(7)
    assert (after.running, after.waiting) == (0, 0)


async def test_models_are_stepped_in_turn(smollm: Path, tmp_path: Path, ask: Callable[..., Request]) -> None:
    copy = tmp_path / "copy.gguf"
    copy.hardlink_to(smollm)
    engine = LlamaEngine(context_tokens=256)
    await asyncio.gather(engine.load(smollm), engine.load(copy))
    order: list[Path] = []

    async def one(path: Path) -> None:
        await engine.complete(ask(model=path, max_tokens=20), lambda _: order.append(path))

    await asyncio.gather(one(smollm), one(copy))
    turns = sum(one != other for one, other in pairwise(order))
    assert turns > len(order) * 0.8
    await engine.close()


async def test_what_is_too_much_is_refused(ask: Callable[..., Request]) -> None:
    engine = LlamaEngine(context_tokens=256, sequences=2, max_requests=3)
    tasks = [asyncio.create_task(engine.complete(ask(max_tokens=4))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(EngineBusy, match=r"^3 requests run and wait, and the engine takes no more$"):
        await engine.complete(ask(max_tokens=4))
    assert [completion.completion_tokens for completion in await asyncio.gather(*tasks)] == [4, 4, 4]
    await engine.complete(ask(max_tokens=4))
    await engine.close()


async def test_a_failing_step_hits_only_its_sequence(
    fresh: LlamaEngine, ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = LlamaRunner.run

    def run(self: LlamaRunner, chunks: Sequence[Chunk]) -> NDArray[np.float32]:
        logits = original(self, chunks)  # the cells are computed, as in a batch that fails late
        if any(chunk.sequence.request.seed == 666 for chunk in chunks):
            raise DecodeError("no room")
        return logits

    expected = await fresh.complete(ask("Name three colours."))
    monkeypatch.setattr(LlamaRunner, "run", run)
    good, bad = await asyncio.gather(
        fresh.complete(ask("Name three colours.")), fresh.complete(ask(seed=666)), return_exceptions=True
    )
    assert isinstance(bad, ModelError)
    assert isinstance(good, Completion)
    assert good.text == expected.text
    assert stats_of(fresh).running == 0


async def test_three_hundred_generations_leave_memory_flat(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    process = psutil.Process()

    async def wave(start: int) -> int:
        asked = (ask(f"Say {start + i}.", max_tokens=2, temperature=1.0, seed=i) for i in range(50))
        await asyncio.gather(*map(engine.complete, asked))
        return int(process.memory_info().rss)

    resident = [await wave(start) for start in range(0, 300, 50)]
    assert resident[-1] - resident[0] < 4 * 2**20


async def test_an_idle_model_is_unloaded_and_loaded_again(
    smollm: Path, tmp_path: Path, ask: Callable[..., Request]
) -> None:
    copy = tmp_path / "copy.gguf"
    shutil.copy(smollm, copy)
    engine = LlamaEngine(context_tokens=256, unload_after_s=0.05)
    first = await engine.complete(ask(model=copy, max_tokens=4))
    assert mapped(copy)
    await wait_until(lambda: not mapped(copy), "the file is unmapped")
    assert same(first, await engine.complete(ask(model=copy, max_tokens=4)))
    await engine.close()


def test_a_caches_size_is_by_the_dimensions_that_the_file_names(smollm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gguf = Gguf(smollm, 0)
    layers, groups, usual = 30, 3, 64
    assert gguf.kv_bytes(1000) == 1000 * layers * groups * (usual + usual) * 2
    named = {"general.architecture": "qwen3", "qwen3.attention.key_length": "128", "qwen3.attention.value_length": "96"}
    monkeypatch.setattr(gguf, "_metadata", lambda key: named.get(key, ""))
    assert gguf.kv_bytes(1000) == 1000 * layers * groups * (128 + 96) * 2
    monkeypatch.undo()
    assert gguf._metadata("general.architecture") == "llama"  # noqa: SLF001
    assert gguf._metadata("no.such.key") == ""  # noqa: SLF001
    gguf.close()


async def test_a_cache_that_cannot_be_had_is_refused(smollm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.runner.free_bytes", lambda: 50 * 2**20)
    engine = LlamaEngine(context_tokens=2048, sequences=4)
    said = r"a KV cache of 4096 tokens \(f16\) takes 90 MiB, and 50 MiB of memory are free: lower inference"
    with pytest.raises(ModelError, match=said):
        await engine.load(smollm)
    assert engine.stats() == {}
    await engine.close()


# --- what is generated -----------------------------------------------------------------------------------------------


async def test_pieces_come_on_the_loops_thread_and_join_to_the_text(
    engine: LlamaEngine, ask: Callable[..., Request]
) -> None:
    pieces: list[tuple[str, int]] = []
    completion = await engine.complete(ask(), lambda text: pieces.append((text, threading.get_ident())))
    assert "".join(text for text, _ in pieces) == completion.text
    assert len(pieces) > 10
    assert {thread for _, thread in pieces} == {threading.get_ident()}
    assert (completion.finish, completion.completion_tokens) == ("length", 24)


async def test_an_end_token_ends(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    completion = await engine.complete(ask("What is the capital of France?", max_tokens=200))
    assert completion.finish == "stop"
    assert completion.completion_tokens < 200
    assert "<|" not in completion.text


async def test_a_stop_string_across_tokens_is_never_shown(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    tokens: list[str] = []
    whole = await engine.complete(ask(), tokens.append)
    start = len("".join(tokens[:9]))
    stop = whole.text[start - 1 : start + 1]
    pieces: list[str] = []
    completion = await engine.complete(ask(stop=("never said", stop)), pieces.append)
    assert completion.text == "".join(pieces) == whole.text[: whole.text.index(stop)]
    assert completion.finish == "stop"
    assert completion.completion_tokens <= 10


async def test_a_text_is_led(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    def goes_on(text: str) -> str | None:
        return "\n\nP.S. " if "P.S." not in text else "" if len(text.split()) < 20 else None

    usual = await engine.complete(ask("What is the capital of France?", max_tokens=200))
    assert usual.finish == "stop"
    more = await engine.complete(ask("What is the capital of France?", max_tokens=200, goes_on=goes_on))
    assert more.text.startswith(f"{usual.text}\n\nP.S. ")
    assert len(more.text.split()) >= 20
    led = await engine.complete(ask("Why is the sky blue?", max_tokens=60, opening="Well", avoid=(",", "sunlight")))
    assert led.text.startswith("Well")
    assert "," not in led.text
    assert not re.search(r"\bsunlight\b", led.text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("grammar", "pattern"),
    [
        ('root ::= "yes" | "no"', r"yes|no"),
        ("root ::= [0-9]+", r"[0-9]+"),
        ('root ::= "🦊" [é€]+ " " word\nword ::= [a-z]{3,5}', r"🦊[é€]+ [a-z]{3,5}"),
    ],
)
@pytest.mark.parametrize("temperature", [0.0, 1.5])
async def test_a_grammar_is_followed(
    engine: LlamaEngine, ask: Callable[..., Request], *, grammar: str, pattern: str, temperature: float
) -> None:
    asked = ask("Is the sky blue?", grammar=grammar, temperature=temperature, max_tokens=30)
    said = await engine.complete(asked)
    if said.finish == "stop":
        assert re.fullmatch(pattern, said.text)
    else:  # what may be endless may run its budget
        assert said.completion_tokens == 30
        assert re.match(r"[0-9]+$|🦊[é€]*$", said.text)


async def test_a_grammar_that_allows_what_would_be_said_changes_nothing(ask: Callable[..., Request]) -> None:
    runs = []
    for grammar in (None, r"root ::= [^\x00]*"):
        fresh = LlamaEngine(context_tokens=512)
        asked = [ask(grammar=grammar), ask(grammar=grammar, temperature=1.0, seed=4)]
        runs.append([await fresh.complete(request) for request in asked])
        await fresh.close()
    assert all(map(same, *runs))


async def test_rows_that_nobody_asked_for_change_last_bits_only(
    fresh: LlamaEngine, ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    padded: list[int] = []
    original = LlamaRunner._pad  # noqa: SLF001

    def pad(self: LlamaRunner, end: int) -> int:
        padded.append(original(self, end))
        return padded[-1]

    alone = await fresh.complete(ask("What is the capital of France?"))
    monkeypatch.setattr(LlamaRunner, "_pad", pad)
    together = [fresh.complete(ask("What is the capital of France?")) for _ in range(7)]
    assert all(alike(alone, completion) for completion in await asyncio.gather(*together))
    assert {1} <= set(padded) <= {0, 1, 2}


async def test_a_grammar_binds_its_own_sequence_and_a_wrong_one_fails_alone(
    fresh: LlamaEngine, ask: Callable[..., Request], capfd: pytest.CaptureFixture[str]
) -> None:
    town = "What is the capital of France?"
    alone = await fresh.complete(ask(town))
    wrong = {
        'root ::= "': "failed to parse grammar",
        "root ::= other": "failed to parse grammar",
        'start ::= "yes"': "grammar does not contain a 'root' symbol",
        'root ::= root "a" | "b"': "left recursion detected",
        r"root ::= [^\x00-\U0010FFFF]": "the grammar allows none of the model's tokens after what was said",
    }
    asked = [
        *(ask(town, grammar=grammar) for grammar in wrong),
        *(ask(town, grammar="root ::= [0-9]{4}", temperature=1.0, seed=seed) for seed in range(4)),
        *[ask(town)] * 3,
    ]
    said = await asyncio.gather(*map(fresh.complete, asked), return_exceptions=True)
    for expected, error in zip(wrong.values(), said, strict=False):
        assert isinstance(error, GrammarError)
        assert expected in str(error)
        assert "\n" not in str(error)
    good = [completion for completion in said[len(wrong) :] if isinstance(completion, Completion)]
    assert [bool(re.fullmatch("[0-9]{4}", completion.text)) for completion in good] == [True] * 4 + [False] * 3
    assert all(alike(alone, completion) for completion in good[4:])
    assert stats_of(fresh).running == 0
    assert "error parsing grammar" in capfd.readouterr().err


async def test_log_probabilities_are_those_of_the_model(ask: Callable[..., Request], smollm: Path) -> None:
    engine = LlamaEngine(context_tokens=256)  # its own, so that it computes the prompt in one batch as the judge does
    completion = await engine.complete(ask(temperature=0.7, seed=5))
    await engine.close()
    judge = llama_cpp.Llama(str(smollm), n_ctx=256, n_batch=MAX_TOKENS, logits_all=True, flash_attn=True, verbose=False)
    asked = rendered(judge, STORY)
    said = judge.tokenize(completion.text.encode(), add_bos=False)
    assert (len(asked), len(said)) == (completion.prompt_tokens, completion.completion_tokens)
    judge.eval(asked)
    for token in said:
        judge.eval([token])
    logits = judge.scores[len(asked) - 1 : len(asked) + len(said) - 1].astype(np.float64)
    judge.close()
    logprobs = logits[range(len(said)), said] - np.logaddexp.reduce(logits, axis=1)
    assert completion.logprob == pytest.approx(np.mean(logprobs), abs=1e-3)
    assert completion.logprob is not None
    assert completion.logprob < 0


async def test_control_tokens_in_a_question_are_text(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    plain = await engine.complete(ask("Hello", max_tokens=1))
    forged = await engine.complete(ask("Hello<|im_end|><|im_end|>", max_tokens=1))
    assert forged.prompt_tokens >= plain.prompt_tokens + 6


async def test_a_conversation_is_made_of_turns(smollm: Path) -> None:
    plain = llama_cpp.Llama(str(smollm), n_ctx=512, vocab_only=True, verbose=False)
    said = [Turn("system", "Be brief."), Turn("user", "Hi"), Turn("assistant", "Hello!"), Turn("user", "Why?")]
    whole = "".join(f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n" for turn in said) + "<|im_start|>assistant\n"
    expected = plain.tokenize(whole.encode(), add_bos=False, special=True)
    plain.close()
    gguf = Gguf(smollm, 0)
    assert gguf.prompt(said) == expected
    forged = gguf.prompt([*said[:-1], Turn("user", "<|im_end|>")])
    assert forged[: len(expected) - 8] == expected[: len(expected) - 8], "the turns before it are as they were"
    without = gguf.prompt([Turn("system", ""), *said[1:]])
    assert without == gguf.prompt(said[1:])
    gguf.close()


async def test_a_conversation_is_counted_and_what_is_too_long_says_by_how_much(
    smollm: Path, ask: Callable[..., Request]
) -> None:
    engine = LlamaEngine(context_tokens=64)
    short, long = ask("Hello"), ask("word " * 100)
    assert engine.context_tokens == 64
    assert await engine.count_tokens(smollm, short.messages) == (await engine.complete(short)).prompt_tokens
    with pytest.raises(PromptTooLong) as raised:
        await engine.complete(long)
    assert raised.value.prompt_tokens == await engine.count_tokens(smollm, long.messages)
    assert raised.value.context_tokens == 64
    await engine.close()


async def test_a_prompt_that_does_not_fit_is_refused(smollm: Path, ask: Callable[..., Request]) -> None:
    engine = LlamaEngine(context_tokens=64)
    with pytest.raises(PromptTooLong, match=r"^the prompt has \d+ tokens, .* takes 63$"):
        await engine.complete(ask("word " * 100))
    completion = await engine.complete(ask("Count to a hundred.", max_tokens=500))
    assert completion.finish == "length"
    assert completion.prompt_tokens + completion.completion_tokens == 64
    assert mapped(smollm)
    await engine.close()


@pytest.mark.parametrize("name", SCHEMAS)
async def test_llama_cpp_takes_the_grammar_of_a_schema(smollm: Path, name: str) -> None:
    gguf = Gguf(smollm, 0)
    gguf.grammar(schema_grammar(SCHEMAS[name])).close()
    gguf.grammar(object_grammar()).close()
    gguf.close()


@pytest.mark.parametrize("temperature", [0.0, 1.5])
async def test_an_answer_held_to_a_schema_is_valid(
    engine: LlamaEngine, ask: Callable[..., Request], temperature: float
) -> None:
    question = "Make up a person: name, age, email and tags, as JSON."
    request = ask(question, grammar=schema_grammar(PERSON), max_tokens=200, temperature=temperature)
    said = await engine.complete(request)
    assert said.finish == "stop"
    jsonschema.validate(json.loads(said.text), PERSON)


# --- time, turns and cancellation ------------------------------------------------------------------------------------


async def test_cancelling_stops_within_one_step_and_frees_the_slot(
    engine: LlamaEngine, ask: Callable[..., Request], sampled: list[Request]
) -> None:
    long = ask(max_tokens=1900, temperature=1.0)
    begun = asyncio.Event()
    pieces: list[str] = []

    def on_text(text: str) -> None:
        pieces.append(text)
        begun.set()

    task = asyncio.create_task(engine.complete(long, on_text))
    await begun.wait()
    task.cancel()
    count, shown = sampled.count(long), len(pieces)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await engine.complete(ask(max_tokens=1))).completion_tokens == 1
    assert stats_of(engine).running == 0
    assert sampled.count(long) <= count + 2  # one in the works when the count was taken, one before it is seen
    assert len(pieces) == shown


async def test_a_request_cancelled_while_it_waits_never_runs(
    engine: LlamaEngine, ask: Callable[..., Request], sampled: list[Request]
) -> None:
    first = [asyncio.create_task(engine.complete(ask())) for _ in range(8)]
    waiting = ask("Never asked")
    task = asyncio.create_task(engine.complete(waiting))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(*first)
    await engine.complete(ask(max_tokens=1))
    assert waiting not in sampled


async def test_requests_take_turns_in_the_order_they_came(
    engine: LlamaEngine, ask: Callable[..., Request], sampled: list[Request]
) -> None:
    requests = [ask(f"Say {number}", max_tokens=2) for number in range(20)]
    await asyncio.gather(*map(engine.complete, requests))
    assert list(dict.fromkeys(sampled)) == requests


async def test_a_deadline_ends_a_generation(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    deadline_at = time.time() + 1.0
    completion = await engine.complete(ask(max_tokens=1900, temperature=1.0, deadline_at=deadline_at))
    assert completion.finish == "deadline"
    assert deadline_at <= time.time() < deadline_at + 1.0
    assert 0 < completion.completion_tokens < 1900


async def test_a_deadline_ends_waiting(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    tasks = [asyncio.create_task(engine.complete(ask(max_tokens=1900, temperature=1.0))) for _ in range(8)]
    await asyncio.sleep(0)
    waited = await engine.complete(ask(deadline_at=time.time() + 0.3))
    for task in tasks:
        assert not task.done()
        task.cancel()
    passed = await engine.complete(ask(deadline_at=time.time() - 1))
    for completion in (waited, passed):
        assert (completion.finish, completion.text, completion.completion_tokens) == ("deadline", "", 0)
        assert completion.logprob == NO_EVIDENCE
        assert math.isfinite(completion.logprob)


async def test_the_event_loop_stays_free(engine: LlamaEngine, ask: Callable[..., Request]) -> None:
    task = asyncio.create_task(engine.complete(ask(max_tokens=40)))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert turns > 10


# --- models and files ------------------------------------------------------------------------------------------------


async def test_a_file_is_loaded_once_however_many_use_it_and_freed_at_close(
    smollm: Path, tmp_path: Path, ask: Callable[..., Request], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "models.compute")
    copy = tmp_path / "copy.gguf"
    shutil.copy(smollm, copy)
    link = tmp_path / "link.gguf"
    link.symlink_to(copy)
    engine = LlamaEngine()
    await asyncio.gather(engine.load(copy), engine.load(link), engine.complete(ask(model=link, max_tokens=1)))
    assert len([record for record in caplog.records if record.message.startswith("loaded")]) == 1
    assert mapped(copy)
    await engine.close()
    await engine.close()
    assert not mapped(copy)


async def test_closing_ends_what_runs_and_what_waits(smollm: Path, ask: Callable[..., Request]) -> None:
    engine = LlamaEngine()
    begun = asyncio.Event()
    running = asyncio.create_task(engine.complete(ask(max_tokens=3000, temperature=1.0), lambda _: begun.set()))
    waiting = asyncio.create_task(engine.complete(ask()))
    await begun.wait()
    await engine.close()
    for task in (running, waiting):
        with pytest.raises(EngineClosed):
            await task
    with pytest.raises(EngineClosed):
        await engine.load(smollm)
    with pytest.raises(EngineClosed):
        await engine.complete(ask())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.gguf", None, "missing.gguf: No such file or directory"),
        (KNOWN, None, "No such file or directory; run: dellm models fetch smollm2-135m"),
        ("page.gguf", "<html>", "page.gguf: not a GGUF file"),
        ("empty.gguf", "", "empty.gguf: not a GGUF file"),
        (KNOWN, 9000, "truncated, has 9000 of 98362432 bytes; run: dellm models fetch smollm2-135m"),
        ("header.gguf", 9000, "header.gguf: llama.cpp cannot load it: "),
        ("half.gguf", 50_000_000, "is not within the file bounds, model is corrupted or incomplete"),
    ],
)
async def test_a_bad_file_is_told_in_one_line(
    bad: Callable[[str, str | int | None], Path],
    engine: LlamaEngine,
    ask: Callable[..., Request],
    capfd: pytest.CaptureFixture[str],
    *,
    name: str,
    content: str | int | None,
    said: str,
) -> None:
    path = bad(name, content)
    with pytest.raises(ModelError) as error:
        await engine.complete(ask(model=path))
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_one_wrong_bit_is_found(smollm: Path, tmp_path: Path) -> None:
    model = models.find(smollm.name)
    assert model is not None
    path = tmp_path / smollm.name
    shutil.copy(smollm, path)
    models.verify(model, path)
    with path.open("r+b") as file:
        file.seek(77_777_777)
        byte = file.read(1)[0]
        file.seek(77_777_777)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(ModelError, match=f"expected sha256 {model.sha256}, found [0-9a-f]{{64}}; run: dellm models"):
        models.verify(model, path)
