"""How a question is put to a model as a program, with examples of the steps in which small models often err.

They are about where things are after a row of changes, about distances and about counts.  Examples of orders and dates
were left out again: they cost half of the tokens, and the models of the default pool were right no more often with
them.
"""

from __future__ import annotations

_CODE = (
    "Work this out by a few lines of Python: first the facts that are stated, then step by step what follows, at last "
    "`answer`. Code only."
)


def instructed(question: str) -> str:
    """Put a question so that it is answered by a program."""
    return f"{question}\n\n{_CODE}"


_EXAMPLES = (
    (
        """
Nina, Otto and Pia each hold a cup. At first Nina holds the blue cup, Otto the red cup and Pia the clay cup. \
Nina and Otto trade cups. Then Otto and Pia trade cups. Which cup does Pia hold now?
Options:
(A) blue cup
(B) red cup
(C) clay cup
""",
        """
cup = {"Nina": "blue cup", "Otto": "red cup", "Pia": "clay cup"}
cup["Nina"], cup["Otto"] = cup["Otto"], cup["Nina"]
cup["Otto"], cup["Pia"] = cup["Pia"], cup["Otto"]
answer = cup["Pia"]
""",
    ),
    (
        """
A robot goes 4 m north, 3 m east, 4 m south and 3 m east. Is it back where it began?
Options:
- Yes
- No
""",
        """
x, y = 0, 0
y += 4
x += 3
y -= 4
x += 3
answer = "Yes" if (x, y) == (0, 0) else "No"
""",
    ),
    (
        """
In my bag are two pens, an apple, three plums, a ruler and a pear. How many fruits are in it?
""",
        """
fruits = {"apple": 1, "plums": 3, "pear": 1}
answer = sum(fruits.values())
""",
    ),
)
EXAMPLES = tuple(
    (instructed(question.strip()), f"```python\n{program.strip()}\n```") for question, program in _EXAMPLES
)
