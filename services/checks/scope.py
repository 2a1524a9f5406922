"""Which part of the answer a demand is about: the whole, each sentence, the second paragraph.

A demand on a part that no program finds (a title, a comment, an introduction) is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.checks.amount import Amount
from services.checks.demand import Demand, GoesOn, Repair, Verify
from services.checks.pieces import SPLIT
from services.checks.request import Sentence
from services.language.grammar import either
from services.language.number_words import FEW, ONES, value
from services.language.orders import ANSWER, DOCUMENT, ORDINALS, PARTS, UNITS

_UNIT = "|".join(f"(?P<{{0}}_{unit}>{pattern})" for unit, pattern in UNITS.items())
_ADJECTIVES = rf"(?:(?:single|new|numbered|of|the|these|your|my|those|{either(FEW)}|\d+|odd|even) ){{0,3}}"
_NTH = "|".join(ORDINALS)
_CUE = re.compile(
    r"\b(?:(?:each|every|all)\s+(?!\w+(?:ed|ing)\b|the\b|of\b|in\b|capital|caps|upper|"
    rf"lower){_ADJECTIVES}(?:{_UNIT.format('each')}|(?P<each_other>[\w-]+))\b"
    rf"|(?P<place>{_NTH})\s+(?:{_UNIT.format('nth')}|(?P<nth_other>{PARTS}))\b"
    rf"|(?P<named>paragraph|sentence|line|stanza)\s+(?P<number>\d{{1,2}}|{either(ONES)})\b"
    rf"|(?:the|a|an|your|its|his|her|their)\s+(?:\w+ )?(?P<part>{PARTS})\s+(?:\w+\s+){{0,2}}?(?:should|"
    r"must|has|have|of|with|in|be|is|are|containing|that|to|needs?|around|wrapped|using)\b"
    rf"|\b(?:(?:one|any|both|some|two|neither|none) of (?:the|your|them)|another)\b(?P<some>)"
    rf"|\b(?P<relative>who|whose|whom|where|because|while|that (?:says?|states?|requires?|bans?|forbids?))\b)",
    re.IGNORECASE,
)
_RESET = re.compile(
    r"[,;:(–—]|\b(?:entire|whole|overall|total|complete|full)\b|(?<!of )(?<!in )\b(?:your|the) "
    rf"(?:final )?(?:{ANSWER}|{DOCUMENT})\b|\band (?:also |then )?(?:use|write|do|don't|avoid|keep|"
    rf"include|make|answer|your|the (?:{ANSWER}|{DOCUMENT}|word|letter))\b",
    re.IGNORECASE,
)
_CUE_AFTER = re.compile(
    r"\s*,?(?:(?:(?:allocated |reserved |used )?(?:in|for|per|of|to|on|within)|at the (?:start|beginning|end) of)\s+)?"
    r"(?:a\s+"
    rf"(?:{_UNIT.format('one')})\b|(?:per|each|every)\s+(?:{_UNIT.format('each')}|(?P<each_other>(?!\w+"
    r"(?:ed|ing)\b)\w+))\b"
    rf"|(?:the )?(?P<place>{_NTH})\s+(?:{_UNIT.format('nth')})\b|(?P<alone>each|apiece)\b(?!\s+\w*(?:ed|ing)\b))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Scope:
    """A part of the answer: the whole where `unit` is "", each unit where `place` is 0, else the unit at that place."""

    unit: str = ""
    place: int = 0

    @property
    def told(self) -> str:
        """The part in words: "each sentence"."""
        if not self.unit:
            return ""
        return f"{self.unit} {self.place}" if self.place > 0 else f"{'the last' if self.place else 'each'} {self.unit}"

    def lift(self, verify: Verify) -> Verify:
        """Return the verification of the whole answer from that of a part."""
        if not self.unit:
            return verify

        def verify_parts(answer: str) -> str | None:
            parts = SPLIT[self.unit](answer)
            if self.place:
                place = self.place - 1 if self.place > 0 else self.place
                if not parts or place >= len(parts):
                    return f"{len(parts)} {self.unit}s, so there is no {self.told}"
                reason = verify(parts[place])
                return f"{self.told}: {reason}" if reason else None
            for number, part in enumerate(parts, start=1):
                if reason := verify(part):
                    return f"{self.unit} {number} of {len(parts)}: {reason}"
            return None

        return verify_parts


WHOLE = Scope()


def demand(
    family: str,
    told: str,
    verify: Verify,
    scope: Scope = WHOLE,
    *,
    repair: Repair | None = None,
    subject: str = "",
    amount: Amount | None = None,
    opening: str = "",
    avoid: tuple[str, ...] = (),
    goes_on: GoesOn | None = None,
) -> Demand:
    """Return a demand on the part of the answer that `scope` names.

    A part is not mended, and its writer is not led, but for the beginning of the first part.
    """
    return Demand(
        family,
        f"{scope.told}: {told}" if scope.unit else told,
        scope.lift(verify),
        None if scope.unit else repair,
        f"{scope.told} {subject}" if subject else "",
        amount,
        opening if not scope.unit or scope.place == 1 else "",
        () if scope.unit else avoid,
        None if scope.unit else goes_on,
    )


def scope_of(sentence: Sentence, start: int, end: int) -> Scope | None:
    """Return which part of the answer the words from `start` to `end` are about; None where no program finds it."""
    before = sentence.text[:start]
    resets = [reset.end() for reset in _RESET.finditer(before)]
    cues = [cue for cue in _CUE.finditer(before) if cue.end() > (resets[-1] if resets else 0)]
    if after := _CUE_AFTER.match(sentence.text, end):
        return _scope(after)
    return _scope(cues[-1]) if cues else WHOLE


def _scope(cue: re.Match[str]) -> Scope | None:
    groups = {name: text for name, text in cue.groupdict().items() if text is not None}
    for name in groups:
        kind, _, unit = name.partition("_")
        if unit in UNITS and kind in {"each", "one"}:
            return Scope(unit)
        if unit in UNITS and kind == "nth":
            return Scope(unit, ORDINALS[groups["place"].lower()])
    if "named" in groups:
        number = groups["number"].lower()
        return Scope(groups["named"].lower(), value(number))
    return None
