"""How a question is put to a model as a program, with examples of the steps that small models take unsurely.

What is where after a row of changes, in which order things stand, how far, when, how many.
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
Four jars stand in a row: a tall one, a green one, a round one and a cracked one. The green jar is left of the \
tall jar. The round jar is right of the cracked jar. The cracked jar is second from the left. The tall jar is \
not last.
Options:
(A) The tall jar is third from the left
(B) The green jar is third from the left
(C) The round jar is third from the left
(D) The cracked jar is third from the left
""",
        """
for row in permutations(["tall", "green", "round", "cracked"]):
    at = {jar: place for place, jar in enumerate(row)}
    if at["green"] < at["tall"] and at["round"] > at["cracked"] and at["cracked"] == 1 and at["tall"] != 3:
        answer = row[2]
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
Lena borrowed a book on 25 February 2019, and today, two days later, she has read it. It is due two weeks from \
today. When is it due, in MM/DD/YYYY?
Options:
(A) 03/12/2019
(B) 03/13/2019
(C) 02/13/2019
""",
        """
borrowed = date(2019, 2, 25)
today = borrowed + timedelta(days=2)
due = today + timedelta(days=14)
answer = due.strftime("%m/%d/%Y")
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
