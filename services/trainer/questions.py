"""Questions with a known answer: facts that nobody disputes, and word problems with fresh numbers.

Pure.  The word problems are told as stories, so that they need the models, not a calculator; their numbers are drawn
anew, so that no answer can be remembered.  The facts are such as a small model may know and as do not change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

STORY_SHARE = 0.5

FACTS = (
    ("What is the capital of France?", "Paris"),
    ("What is the capital of Japan?", "Tokyo"),
    ("What is the capital of Italy?", "Rome"),
    ("What is the capital of Egypt?", "Cairo"),
    ("What is the capital of Canada?", "Ottawa"),
    ("What is the capital of Australia?", "Canberra"),
    ("What is the capital of Norway?", "Oslo"),
    ("What is the capital of Poland?", "Warsaw"),
    ("What is the capital of Cuba?", "Havana"),
    ("What is the capital of Kenya?", "Nairobi"),
    ("What is the capital of Greece?", "Athens"),
    ("What is the capital of Portugal?", "Lisbon"),
    ("Which planet is the largest in the solar system?", "Jupiter"),
    ("Which planet is the closest to the Sun?", "Mercury"),
    ("Which planet is known as the Red Planet?", "Mars"),
    ("How many planets orbit the Sun?", "8"),
    ("How many strings does a violin have?", "4"),
    ("How many days does a leap year have?", "366"),
    ("How many minutes are there in an hour?", "60"),
    ("How many sides does a hexagon have?", "6"),
    ("How many legs does a spider have?", "8"),
    ("How many degrees are there in a right angle?", "90"),
    ("How many letters does the English alphabet have?", "26"),
    ("What is the chemical symbol of gold?", "Au"),
    ("What is the chemical symbol of iron?", "Fe"),
    ("What is the chemical symbol of sodium?", "Na"),
    ("Which chemical element has the symbol O?", "Oxygen"),
    ("Which chemical element has atomic number 1?", "Hydrogen"),
    ("What is the largest ocean on Earth?", "Pacific Ocean"),
    ("What is the highest mountain on Earth?", "Mount Everest"),
    ("On which continent is the Sahara desert?", "Africa"),
    ("On which continent is Brazil?", "South America"),
    ("In which city is the Eiffel Tower?", "Paris"),
    ("In which city is the Colosseum?", "Rome"),
    ("Who wrote the play Hamlet?", "William Shakespeare"),
    ("Who wrote the novel Oliver Twist?", "Charles Dickens"),
    ("Who painted the Mona Lisa?", "Leonardo da Vinci"),
    ("Who composed the Moonlight Sonata?", "Ludwig van Beethoven"),
    ("Who proposed the theory of relativity?", "Albert Einstein"),
    ("In which year did World War II end?", "1945"),
    ("In which year did humans first land on the Moon?", "1969"),
    ("At how many degrees Celsius does water freeze?", "0"),
)

_NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Irene", "Jonas", "Kate", "Leo")
_THINGS = ("apples", "books", "pencils", "marbles", "stamps", "cards", "shells", "buttons")


@dataclass(frozen=True, slots=True)
class Known:
    """A question and its only answer."""

    question: str
    answer: str


def draw_known(random: Random, story_share: float = STORY_SHARE) -> Known:
    """Draw a word problem, with the probability `story_share`, or a fact."""
    if random.random() < story_share:
        return draw_story(random)
    return Known(*random.choice(FACTS))


def draw_story(random: Random) -> Known:
    """Draw a word problem with numbers of its own; its answer is a whole number that it does not hold."""
    while True:
        known = random.choice(STORIES)(random)
        if not re.search(rf"\b{known.answer}\b", known.question):
            return known


def _bought(random: Random) -> Known:
    name, thing, price, num = random.choice(_NAMES), random.choice(_THINGS), random.randint(2, 9), random.randint(3, 12)
    paid = price * num + random.randint(1, 30)
    return Known(
        f"{name} buys {num} {thing} for ${price} each. {name} has ${paid} to begin with. "
        f"How many dollars does {name} have left?",
        str(paid - price * num),
    )


def _shared(random: Random) -> Known:
    name, thing, friends, each = (
        random.choice(_NAMES),
        random.choice(_THINGS),
        random.randint(3, 8),
        random.randint(4, 15),
    )
    kept = random.randint(2, 9)
    return Known(
        f"{name} has {friends * each + kept} {thing}. {name} keeps {kept} of them. "
        f"{friends} friends share the rest equally. How many {thing} does each friend get?",
        str(each),
    )


def _drove(random: Random) -> Known:
    speed, hours, more = random.randrange(40, 100, 5), random.randint(2, 6), random.randrange(10, 60, 5)
    return Known(
        f"A bus drives {hours} hours at {speed} km per hour. After a stop it drives another {more} km. "
        "How many kilometers does the bus drive in total?",
        str(speed * hours + more),
    )


def _stacked(random: Random) -> Known:
    boxes, each, broken = random.randint(4, 12), random.randint(6, 20), random.randint(2, 20)
    return Known(
        f"A shop receives {boxes} boxes with {each} glasses in each box. {broken} of the glasses are broken. "
        "How many glasses are whole?",
        str(boxes * each - broken),
    )


def _saved(random: Random) -> Known:
    name, weekly, weeks, had = (
        random.choice(_NAMES),
        random.randint(5, 25),
        random.randint(4, 12),
        random.randint(10, 80),
    )
    return Known(
        f"{name} has ${had} in a savings jar. Every week {name} puts ${weekly} into it. "
        f"How many dollars are in the jar after {weeks} weeks?",
        str(had + weekly * weeks),
    )


def _read(random: Random) -> Known:
    name, pages, days = random.choice(_NAMES), random.randint(8, 30), random.randint(3, 9)
    left = random.randint(10, 90)
    return Known(
        f"A book has {pages * days + left} pages. {name} reads {pages} pages a day for {days} days. "
        f"How many pages has {name} still to read?",
        str(left),
    )


def _baked(random: Random) -> Known:
    name, trays, each, bag = (
        random.choice(_NAMES),
        random.randint(2, 6),
        random.choice((12, 18, 24)),
        random.choice((2, 3, 6)),
    )
    return Known(
        f"{name} bakes {trays} trays of {each} cookies. {name} packs them in bags of {bag}. "
        f"How many bags does {name} fill?",
        str(trays * each // bag),
    )


def _counted(random: Random) -> Known:
    sheep, hens = random.randint(3, 20), random.randint(3, 20)
    return Known(
        f"On a farm there are {sheep} sheep. There are also {hens} hens on the farm. "
        "How many legs do these animals have in total?",
        str(4 * sheep + 2 * hens),
    )


def _aged(random: Random) -> Known:
    older, younger = random.sample(_NAMES, 2)
    age, gap, later = random.randint(4, 20), random.randint(2, 15), random.randint(3, 12)
    return Known(
        f"{younger} is {age} years old. {older} is {gap} years older than {younger}. "
        f"How old will {older} be in {later} years?",
        str(age + gap + later),
    )


def _earned(random: Random) -> Known:
    name, wage, hours, days = random.choice(_NAMES), random.randint(9, 30), random.randint(3, 8), random.randint(2, 6)
    return Known(
        f"{name} earns ${wage} an hour. {name} works {hours} hours a day. "
        f"How many dollars does {name} earn in {days} days?",
        str(wage * hours * days),
    )


STORIES: tuple[Callable[[Random], Known], ...] = (
    _bought, _shared, _drove, _stacked, _saved, _read, _baked, _counted, _aged, _earned,
)  # fmt: skip
