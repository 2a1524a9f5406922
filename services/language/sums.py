"""Words that state sums."""

from __future__ import annotations

# Verbs that work on one number that is known.
CONTINUING = frozenset("add subtract multiply divide double halve square round take".split())
WORDS = CONTINUING | frozenset(
    """
    what what's what’s is are how much half third quarter twice double triple percent of plus minus times divided
    multiplied raised by to from the square cube root squared cubed remainder when a an prime even odd divisible
    greater less larger smaller bigger more than multiple perfect positive negative number integer whole nearest
    ten hundred thousand tenth hundredth decimal decimals place places up down digits please now again and power
    factorial away
    """.split()
)
# What the result of a sum is called.
RESULTS = tuple("result answer sum product quotient difference total outcome".split())
