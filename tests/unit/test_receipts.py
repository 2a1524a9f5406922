"""Receipts: the bytes that are signed, what they bind, and how a reply is checked against them."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec
import nkeys
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from schemas.messages import ChunkOutcome, ModelAnswer, Reply, Result, Synthesis, Vote
from schemas.plans import Chunk, Given, Task
from schemas.receipts import ModelFile, Receipt
from schemas.terms import CALCULATOR, PlannedCall, Source, Status
from services.receipts.keys import KeyFile, KeyFileError, format_keys, parse_keys, read_key_file
from services.receipts.signature import DOMAIN, holds, make_receipt, read_public, signed_bytes
from services.receipts.statement import NotSigned, Statement, canonical, make_statement
from services.receipts.verify import Finding, check, check_reply
from services.runtime.keys import Identity, new_seed
from services.voting.vote import vote_of
from tests.records import said

ANN, BOB = Identity(new_seed()), Identity(new_seed())
KEYS = {"n1": frozenset({ANN.public}), "n2": frozenset({BOB.public})}
CHUNK = Chunk(index=0, text="Who wrote Emma?", kind="fact")
GIVEN = [Given(question="What is Emma?", answer="a novel")]
FILES = [ModelFile(model="m", sha256="ab" * 32, quantization="Q4_K_M"), ModelFile(model="idle")]

texts = st.text(max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
answers = st.builds(
    ModelAnswer,
    model=texts,
    text=texts,
    final=texts,
    logprob=numbers,
    prompt_tokens=st.integers(0, 9999),
    completion_tokens=st.integers(0, 9999),
    latency_s=numbers,
    finish=texts,
    method=texts,
)
results = st.builds(
    Result,
    id=st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True),
    chunk=st.integers(0, 9),
    node=st.sampled_from(["n1", "n2"]),
    replica=st.integers(0, 9),
    started_at=numbers,
    latency_s=numbers,
    answers=st.lists(answers, min_size=1, max_size=3),
    chosen=st.just(0),
    confidence=st.floats(0, 1),
    error=st.none() | texts,
    dropped_turns=st.integers(0, 9),
    too_long=st.booleans(),
)


def task(id_: str = "q1", chunk: Chunk = CHUNK, node: str = "n1", earlier: list[Given] | None = None) -> Task:
    return Task(
        id=id_,
        chunk=chunk.index,
        node=node,
        text=chunk.text,
        kind=chunk.kind,
        replica=0,
        deadline_at=9,
        context=chunk.context,
        given=earlier or [],
    )


def result(node: str = "n1", final: str = "Jane Austen", id_: str = "q1") -> Result:
    return Result(
        id=id_,
        chunk=0,
        node=node,
        replica=0,
        started_at=1.5,
        latency_s=0.25,
        answers=[said(final), said("Emma Woodhouse")],
        chosen=0,
        confidence=0.9,
    )


def signed(unsigned: Result, of: Task | None = None, by: Identity = ANN) -> Result:
    statement = canonical(make_statement(unsigned, of or task(), FILES, "a library 1.0"))
    return structs.replace(unsigned, receipt=make_receipt(statement, by.public, by.sign))


# --- the bytes -------------------------------------------------------------------------------------------------------


@given(results)
def test_a_statement_is_read_back_as_it_was_written(of: Result) -> None:
    statement = make_statement(of, task(), FILES, "a library 1.0")
    text = canonical(statement)
    assert msgspec.json.decode(text, type=Statement) == statement
    assert canonical(msgspec.json.decode(text, type=Statement)) == text


@given(results, results)
def test_results_that_differ_are_signed_differently(one: Result, other: Result) -> None:
    assume(one != other)
    assert canonical(make_statement(one, task(), [], "")) != canonical(make_statement(other, task(), [], ""))


@given(texts)
def test_no_text_that_a_server_has_signed_is_a_receipt(nonce: str) -> None:
    """A client signs whatever text a server sends when it connects."""
    assert not signed_bytes(nonce).startswith(nonce.encode()) or not nonce
    with pytest.raises(UnicodeDecodeError):
        DOMAIN.decode()
    signature = b64encode(ANN.sign(nonce.encode())).decode()
    assert not holds(ANN.public, nonce, signature)


def test_texts_travel_once() -> None:
    text = "It was written by Jane Austen. " * 100
    receipt = signed(structs.replace(result(), answers=[said("Austen", text=text)])).receipt
    assert receipt is not None
    assert "It was" not in receipt.statement
    assert len(msgspec.json.encode(receipt)) < 1500


# --- what is bound ---------------------------------------------------------------------------------------------------


@given(results)
def test_what_was_signed_holds_after_a_way_over_the_wire(of: Result) -> None:
    chunk = structs.replace(CHUNK, index=of.chunk)
    by = ANN if of.node == "n1" else BOB
    sent = signed(of, task(of.id, chunk, of.node, GIVEN), by)
    came = msgspec.json.decode(msgspec.json.encode(sent), type=Result)
    check(came, chunk, GIVEN, KEYS)


CHANGES: dict[str, object] = {
    "replica": 1,
    "started_at": 2.5,
    "latency_s": 0.5,
    "answers": [said("Ann Radcliffe"), said("Emma Woodhouse")],
    "chosen": 1,
    "confidence": 1.0,
    "error": "none",
    "dropped_turns": 1,
    "too_long": True,
}


@pytest.mark.parametrize("field", CHANGES)
def test_whatever_is_changed_is_told(field: str) -> None:
    with pytest.raises(NotSigned, match=f"with other {field}"):
        check(structs.replace(signed(result()), **{field: CHANGES[field]}), CHUNK, [], KEYS)


def test_every_field_of_a_result_is_bound() -> None:
    elsewhere = {"id", "chunk", "node", "receipt"}
    assert set(Result.__struct_fields__) == set(CHANGES) | elsewhere | {"checks"}


@pytest.mark.parametrize("field", ModelAnswer.__struct_fields__)
def test_every_field_of_an_answer_is_bound(field: str) -> None:
    honest = signed(result())
    first = honest.answers[0]
    value = getattr(first, field)
    others: dict[type, Any] = {str: "x", list: [PlannedCall(id="c", name="bake", arguments="{}")]}
    other = structs.replace(first, **{field: value + others.get(type(value), 1)})
    with pytest.raises(NotSigned, match="with other answers"):
        check(structs.replace(honest, answers=[other, *honest.answers[1:]]), CHUNK, [], KEYS)


def test_a_receipt_serves_no_other_place() -> None:
    honest = signed(result())
    check(honest, CHUNK, [], KEYS)
    with pytest.raises(NotSigned, match="for chunk 1 of query q1"):
        check(structs.replace(honest, id="q2"), CHUNK, [], KEYS)
    with pytest.raises(NotSigned, match="for chunk 1 of query q1"):
        check(structs.replace(honest, chunk=1), structs.replace(CHUNK, index=1), [], KEYS)
    with pytest.raises(NotSigned, match="as n1"):
        check(structs.replace(honest, node="n2"), CHUNK, [], KEYS | {"n2": KEYS["n1"]})
    for other in ({"text": "Who wrote Persuasion?"}, {"kind": "list"}, {"context": "Emma is a film."}):
        with pytest.raises(NotSigned, match="another question"):
            check(honest, structs.replace(CHUNK, **other), [], KEYS)
    with pytest.raises(NotSigned, match="another question"):
        check(honest, CHUNK, GIVEN, KEYS)


def test_a_key_that_is_not_the_nodes_is_told() -> None:
    with pytest.raises(NotSigned, match="it is not signed"):
        check(result(), CHUNK, [], KEYS)
    with pytest.raises(NotSigned, match="no key of this node is known"):
        check(signed(result()), CHUNK, [], {"n2": KEYS["n2"]})
    with pytest.raises(NotSigned, match="is not known as this node's"):
        check(signed(result(), by=BOB), CHUNK, [], KEYS)
    honest = signed(result())
    assert honest.receipt is not None
    forged = structs.replace(honest.receipt, signature=b64encode(BOB.sign(b"x")).decode())
    with pytest.raises(NotSigned, match="the signature does not hold"):
        check(structs.replace(honest, receipt=forged), CHUNK, [], KEYS)
    junk = make_receipt("{}", ANN.public, ANN.sign)
    with pytest.raises(NotSigned, match="can't be read"):
        check(structs.replace(honest, receipt=junk), CHUNK, [], KEYS)


def test_a_newer_nodes_receipt_holds() -> None:
    """What it states beyond this version is ignored."""
    statement = msgspec.json.decode(canonical(make_statement(result(), task(), FILES, "x")))
    statement["result"]["mood"] = statement["weather"] = "fair"
    receipt = make_receipt(msgspec.json.encode(statement).decode(), ANN.public, ANN.sign)
    check(structs.replace(result(), receipt=receipt), CHUNK, [], KEYS)


# --- keys ------------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32))
def test_public_keys_are_read_as_nkeys_writes_them(raw: bytes) -> None:
    pair = nkeys.from_seed(bytearray(nkeys.encode_seed(raw, nkeys.PREFIX_BYTE_USER)))
    key = pair.public_key.decode()
    assert read_public(key) == bytes(pair._keys.verify_key)  # noqa: SLF001  # it has no other way to it
    with pytest.raises(ValueError, match="no public key"):
        read_public(key[:20] + ("A" if key[20] != "A" else "B") + key[21:])


@given(st.text(), st.text(), st.text())
def test_junk_is_no_signature(key: str, statement: str, signature: str) -> None:
    assert not holds(key, statement, signature)
    assert not holds(ANN.public, statement, signature)


def test_a_file_of_keys_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "nodes.pub"
    path.write_text(format_keys([("n1", ANN.public), ("n2", BOB.public), ("n1", BOB.public)]))
    assert read_key_file(path) == {"n1": {ANN.public, BOB.public}, "n2": {BOB.public}}
    assert read_key_file(tmp_path) == read_key_file(path), "the folder does as well"


@pytest.mark.parametrize(
    "line",
    ["n1", "n1 U123", f"n.1 {ANN.public}", f"n1 {ANN.public} {BOB.public}", ANN.seed],
    ids=["no key", "no public key", "no name", "two keys", "a seed"],  # the keys are others in every process
)
def test_a_wrong_line_is_told_by_its_number(line: str) -> None:
    with pytest.raises(KeyFileError, match=r"^line 2: ") as error:
        parse_keys(f"# keys\n{line}\n")
    assert ANN.seed not in str(error.value)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "nodes.pub"
    with pytest.raises(KeyFileError, match="No such file"):
        KeyFile(path)
    path.write_text(format_keys([("n1", ANN.public)]))
    file = KeyFile(path)
    new = tmp_path / "new"
    new.write_text(format_keys([("n2", BOB.public)]))
    new.replace(path)
    assert file.read() == {"n2": {BOB.public}}
    path.write_text("damaged")
    with pytest.raises(KeyFileError, match="line 1"):
        file.read()
    assert file.known == {"n2": {BOB.public}}


# --- a reply ---------------------------------------------------------------------------------------------------------


def outcome(*voting: Vote, winner: str = "Jane Austen", **more: object) -> ChunkOutcome:
    fields = {"index": 0, "text": CHUNK.text, "kind": CHUNK.kind, "decided": "all", "winner": winner, "final": winner}
    return msgspec.convert(fields | {"votes": list(voting)} | more, ChunkOutcome)


def vote(of: Result, *, won: bool = True) -> Vote:
    assert of.chosen is not None
    return vote_of(of, of.chosen, weight=0.5, fitness=0.5, won=won)


def reply(*chunks: ChunkOutcome, answer: str = "Jane Austen") -> Reply:
    return Reply(
        id="q1", status=Status.COMPLETE, answer=answer, chunks=list(chunks), synthesis=Synthesis(method="verbatim")
    )


def findings(of: Reply) -> list[Finding]:
    return list(check_reply(msgspec.json.decode(msgspec.json.encode(of), type=Reply), KEYS))


def reasons(of: Reply) -> list[str | None]:
    return [finding.reason for finding in findings(of)]


def test_an_honest_reply_holds_and_says_which_file_said_what() -> None:
    for shape in (outcome(vote(signed(result()))), outcome(vote(signed(result()))).lean()):
        (found,) = findings(reply(shape))
        assert (found.reason, found.node, found.model, found.final, found.won) == (None, "n1", "m", "Jane Austen", True)
        assert (found.files, found.engine) == (FILES[:1], "a library 1.0")


TAMPERED: dict[str, dict[str, object]] = {
    "another answer was signed": {"answer": "Ann Radcliffe"},
    "with other confidence": {"confidence": 1.0},
    "with other answers of its models": {"answers": [said("Jane Austen"), said("someone")]},
    "as n1": {"node": "n2"},
}


@pytest.mark.parametrize("reason", TAMPERED)
def test_a_vote_that_was_tampered_with_is_told(reason: str) -> None:
    tampered = structs.replace(vote(signed(result())), **TAMPERED[reason])
    keys = KEYS | {"n2": KEYS["n1"]}
    found = list(check_reply(reply(outcome(tampered)), keys))
    assert reason in str(found[0].reason)
    assert found[-1].reason == "no vote that holds says what won"


def test_a_vote_for_another_query_or_without_a_signature_is_told() -> None:
    elsewhere = signed(result(id_="q0"), task("q0"))
    assert reasons(reply(outcome(vote(elsewhere))))[0] == "it was signed for chunk 1 of query q0"
    assert reasons(reply(outcome(vote(result()))))[0] == "it is not signed"


def test_a_winner_that_nobody_signed_is_told() -> None:
    honest = vote(signed(result()))
    assert reasons(reply(outcome(honest, winner="Ann Radcliffe"), answer="Ann Radcliffe")) == [
        None,
        "no vote that holds says what won",
    ]
    assert reasons(reply(outcome(honest), answer="Ann Radcliffe"))[1:] == ["the answer is another text than the winner"]
    assert reasons(reply(outcome(honest, winner="Emma Woodhouse"), answer="Not sure: Emma Woodhouse")) == [None], (
        "the node's other model may have had the better wording"
    )
    assert reasons(reply(outcome())) == ["its votes are not on record"]
    cached = outcome(source=msgspec.to_builtins(Source(query="q0", answered_at=1)))
    assert "query q0" in str(reasons(reply(cached))[0])


def test_the_calculator_is_computed_again() -> None:
    def computed(value: str) -> Reply:
        voting = Vote(
            node=CALCULATOR,
            model=CALCULATOR,
            answer=value,
            final=value,
            weight=0.9,
            confidence=0.9,
            fitness=1,
            won=True,
            latency_s=0,
            answers=[],
        )
        chunk = outcome(voting, winner=value, text="What is 12 times 12?", kind="sum")
        return reply(chunk, answer=value)

    assert reasons(computed("144")) == [None]
    assert reasons(computed("145"))[0] == "computed again it is 144"


@given(st.text())
def test_wild_statements_are_refused_in_one_line(statement: str) -> None:
    receipt = make_receipt(statement, ANN.public, ANN.sign)
    wild = structs.replace(result(), receipt=Receipt(**structs.asdict(receipt)))
    with pytest.raises(NotSigned) as error:
        check(wild, CHUNK, [], KEYS)
    assert "\n" not in str(error.value)
