"""A picture in a file, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from services.evaluation.rows import EvaluationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@contextmanager
def drawing(path: Path, size: tuple[float, float]) -> Iterator[Axes]:
    """Give the axes to draw on, with a grid, `size` in inches; write them in the form that the file's name says.

    Raises:
        EvaluationError: matplotlib, the extra `eval`, is not installed, or the file cannot be written.

    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # an extra, and slow to import
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise EvaluationError("a plot needs matplotlib: pip install 'dellm[eval]'") from None
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.grid(alpha=0.3)
    yield axes
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside right upper")
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:  # ValueError: a form that it does not know
        reason = error.strerror if isinstance(error, OSError) else "give a file that ends in .png or .svg"
        raise EvaluationError(f"{path}: {reason}") from None
