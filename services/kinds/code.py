"""`code`: a program to be written, mended or explained."""

from __future__ import annotations

import re

from services.kinds.kind import Kind, Way
from services.kinds.text import open_prompt, read_whole
from services.language import nouns
from services.language.grammar import either

METHOD = "code"

# Greedy: of a program the likeliest token is the right one more often than in prose, and it seldom loops.
_WAYS = (Way(METHOD),)
_LANGUAGE = either(map(re.escape, nouns.PROGRAMMING_LANGUAGES))
_PIECE = (
    r"functions?|programs?|scripts?|code|algorithms?|class|classes|methods?|quer(?:y|ies)|regular\s+expressions?|api|apis"
    r"|endpoints?|websites?|web\s+pages?|unit\s+tests?|snippets?|macros?|data\s+structures?|subroutines?|one-liners?"
)
_ASKED = re.compile(
    rf"\b(?:write|implement|create|develop|build|code|program|fix|debug|refactor|optimi[sz]e|complete|give|show|generate"
    rf"|provide|make|design|convert|translate|port)\b[^.?!\n]{{0,80}}?(?<![\w+#])(?:{_LANGUAGE}|{_PIECE})(?![\w+#])",
    re.IGNORECASE,
)
_STRONG = re.compile(
    rf"(?<![\w+#])(?:{_LANGUAGE}|function|program|script|code|algorithm|regex|unit\s+test)", re.IGNORECASE
)
_LINES = re.compile(
    r"^[ \t]{0,40}(?:def\s+\w+\s*\(|class\s+\w+\s*[(:{]|import\s+[\w.]+\s*$|from\s+[\w.]+\s+import\s|#include\s*<"
    r"|public\s+class\s"
    r"|(?:async\s+)?function\s+\w+\s*\(|(?:const|let|var)\s+\w+\s*=|fn\s+\w+\s*[(<]|func\s+\w+\s*\(|SELECT\s.+\sFROM\s"
    r"|<\?php|<!DOCTYPE|int\s+main\s*\()",
    re.MULTILINE,
)
_FENCE = re.compile(r"^\s{0,3}(?:```|~~~)", re.MULTILINE)
_ABOUT = re.compile(
    r"\b(?:essay|poem|story|letter|email|blog|article|song|haiku|speech|training\s+program|exercise\s+program|dress\s+code"
    r"|(?:fitness|workout|loyalty|television|tv|government|school)\s+program)\b",
    re.IGNORECASE,
)
_MAX_CHARS = 16_000


def is_code(request: str) -> bool:
    """Tell whether a request holds code or asks for some."""
    request = request[:_MAX_CHARS]
    if _LINES.search(request):
        return True
    if _FENCE.search(request):
        return bool(_STRONG.search(request))
    return bool(_ASKED.search(request)) and bool(_STRONG.search(request)) and not _ABOUT.search(request)


CODE = Kind(
    name="code",
    recognise=is_code,
    ways=lambda _: _WAYS,
    prompt=open_prompt,
    read=read_whole,
    voted=False,
)
