"""How a sequence that samples tokens comes to its end."""

from pathlib import Path

from models.engine import Completion, Request, turns
from models.sequence import Sequence

LINE = [b"I", b" am", b" here", b".", b"\n"]


class Caller:
    cancelled = False
    outcome: Completion | Exception | None = None

    def start(self) -> None: ...

    def say(self, text: str) -> None: ...

    def end(self, outcome: Completion | Exception) -> None:
        self.outcome = outcome


def generate(pieces: list[bytes], *, may_loop: bool = False) -> Completion:
    """Let a sequence sample these pieces and an end token."""
    caller = Caller()
    request = Request(model=Path("fake"), messages=turns("", ""), max_tokens=400, may_loop=may_loop)
    sequence = Sequence(request, caller, [1], 400)
    for piece in [*pieces, None]:
        if sequence.finish is None:
            sequence.accept(2, -1.0, piece)
    assert sequence.finish is not None
    sequence.end(sequence.finish)
    assert isinstance(caller.outcome, Completion)
    return caller.outcome


def test_a_text_that_runs_in_circles_is_ended() -> None:
    said = generate(LINE * 50)
    assert said.finish == "loop"
    assert 20 * len(LINE) < said.completion_tokens < 45 * len(LINE)
    assert said.text.startswith("I am here.\n" * 20)


def test_a_text_that_may_repeat_itself_goes_on() -> None:
    said = generate(LINE * 50, may_loop=True)
    assert (said.finish, said.completion_tokens) == ("stop", 251)
