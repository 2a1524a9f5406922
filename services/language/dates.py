"""Months, days of the week, and the spans that dates are counted in."""

from __future__ import annotations

MONTHS = {
    month: number
    for number, month in enumerate(
        "january february march april may june july august september october november december".split(), 1
    )
}
MONTH = rf"(?:{'|'.join(month[:3] for month in MONTHS)})[a-z]{{0,6}}\.?"
"""A pattern that matches the name of a month, shortened or not, in lower case."""
WEEKDAYS = tuple("monday tuesday wednesday thursday friday saturday sunday".split())
SPANS = tuple("second minute hour day week month year".split())


def month_number(name: str) -> int:
    """Return the number of the month that `MONTH` matched."""
    return next(number for month, number in MONTHS.items() if month.startswith(name[:3].lower()))
