"""The progress of an evaluation: a bar with the figures so far in a terminal, a line a question when piped."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from services.evaluation.answers import Answer
from services.evaluation.questions import Question
from services.evaluation.score import hits


class Tally:
    """Counts answers as they come, and adds them to `answers`, which holds those that were there before."""

    def __init__(self, questions: Sequence[Question], answers: dict[str, Answer], console: Console) -> None:
        self._answers = answers
        self._console = console
        self._num_questions = len(questions)
        found = [hits(question, answers[question.id]) for question in questions if question.id in answers]
        self._parts, self._parts_right = sum(map(len, found)), sum(map(sum, found))
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task(self._figures(), total=len(questions), completed=len(answers))

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        elif self._answers:
            self._console.print(f"{len(self._answers)} of {self._num_questions} are answered already", markup=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def count(self, question: Question, answer: Answer) -> None:
        """Add an answer, and show how it did."""
        self._answers[question.id] = answer
        found = hits(question, answer)
        self._parts += len(found)
        self._parts_right += sum(found)
        if self._console.is_terminal:
            self._bar.update(self._task, advance=1, description=self._figures())
            return
        status = answer.status.value if answer.status else ""
        self._console.print(
            f"{len(self._answers)}/{self._num_questions} {question.id}: {sum(found)}/{len(found)} right "
            f"in {answer.seconds or 0.0:.1f} s, {status}",
            markup=False,
        )

    def _figures(self) -> str:
        return f"right {self._parts_right}/{self._parts}"
