"""English words by which a request speaks of its answer: verbs that order one, and nouns that name one or a part of it.

Data, and patterns made of it in lower case.
"""

from __future__ import annotations

VERBS = (
    "write answer reply respond give list name explain describe summarize summarise tell use make create compose draft "
    "include add keep limit avoid refrain start begin end finish conclude close put wrap format structure return "
    "output provide produce generate mention ensure state say repeat rewrite rephrase paraphrase translate convert "
    "compare contrast classify identify analyze analyse discuss outline suggest propose recommend show present print "
    "italicize italicise bold highlight emphasize emphasise capitalize capitalise separate separated "
    "divide mark label do never "
    "don't let's express restate reformat elaborate critique evaluate review edit correct fix improve shorten expand "
    "continue complete fill choose pick select solve compute calculate find determine prove design develop plan invent "
    "imagine pretend act break split combine organize organise sort order rank define illustrate "
    "justify argue convince "
    "persuade advise help teach walk congratulate invite apologize apologise thank introduce sell pitch advertise "
    "insert incorporate contain leave omit skip exclude stick follow address assume have be sign append attach enclose "
    "underline number count submit deliver supply offer share report record note check rate recite sing speak talk "
    "brainstorm extract simplify condense render embed place utilize utilise employ remove replace "
    "surround enclose craft pen jot detail cover tackle narrate react recount paint sketch transform "
    "turn adapt rework pick guess spell hide weave work stay restrict try"
).split()
DOCUMENTS = (
    "answer response reply output result text message essay article story poem song letter email "
    "e-mail post blog tweet "
    "paragraph summary report review speech script dialogue conversation description explanation list itinerary plan "
    "proposal advertisement ad copy caption slogan tagline biography bio resume cv recipe guide outline haiku limerick "
    "rap lyrics lyric joke riddle note memo piece passage section statement abstract analysis critique translation "
    "version rewrite sentence word slogan ballad sonnet rubric pitch monologue announcement headline bullet completion "
    "solution content writing reasoning product toast fable tale fairytale apology wish review press-release definition"
).split()
ANSWER = r"(?:answer|response|reply|output|result|text|message|everything|completion|content)"
"""What the whole answer is called."""
_SMALL = frozenset({"sentence", "word", "paragraph", "section", "bullet", "headline"})
DOCUMENT = rf"(?:{'|'.join(sorted(set(DOCUMENTS) - _SMALL, key=lambda word: (-len(word), word)))})s?"
"""What a whole answer may be: an essay, a poem."""
UNITS = {
    "word": r"words?",
    "sentence": r"sentences?",
    "paragraph": r"paragraphs?",
    "line": r"lines?|verses? lines?|rows?",
    "item": r"bullet(?:ed)?(?: points?| items?)?|bullets|items?|(?:list )?entr(?:y|ies)|points?|steps?|tips?",
    "stanza": r"stanzas?|verses?",
}
"""Parts into which an answer divides by its form."""
PARTS = (
    r"(?:titles?|headlines?|headings?|subject(?: lines?)?|introductions?|intros?|conclusions?|"
    r"comments?|captions?|names?|"
    r"questions?|options?|keys?|values?|cells?|columns?|chapters?|sections?|descriptions?|definitions?|characters?|"
    r"examples?|bodies|body|greeting|signature|footer|header|labels?|variables?|functions?|slides?|scenes?|"
    r"versions?|variants?|parts?|speakers?|turns?|rhymes?|topics?|countr(?:y|ies)|cit(?:y|ies)|"
    r"reasons?|ideas?|quotes?|dialogues?|advertisements?|password|username|email address)"
)
"""Parts of an answer that no program finds."""
CODE = (
    r"(?:functions?|programs?|scripts?|regex(?:es|p)?|regular expressions?|class|method|quer(?:y|ies)|algorithms?|api|"
    r"parser|compiler|python|javascript|java|bash|c\+\+|haskell|typescript)"
)
"""What tells that a sentence orders a program, whose own demands are none on the answer."""
ORDINALS = {
    word: place
    for place, words in enumerate(
        ("first 1st opening", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th", "seventh 7th"), start=1
    )
    for word in words.split()
} | {"last": -1, "final": -1, "closing": -1}
LANGUAGES = dict(
    pair.split(":")
    for pair in (
        "english:en french:fr german:de spanish:es italian:it portuguese:pt dutch:nl swedish:sv danish:da "
        "norwegian:no finnish:fi polish:pl czech:cs slovak:sk hungarian:hu romanian:ro bulgarian:bg russian:ru "
        "ukrainian:uk greek:el turkish:tr arabic:ar hebrew:he persian:fa farsi:fa urdu:ur hindi:hi "
        "bengali:bn punjabi:pa gujarati:gu marathi:mr tamil:ta telugu:te kannada:kn malayalam:ml nepali:ne "
        "thai:th vietnamese:vi indonesian:id malay:ms tagalog:tl chinese:zh mandarin:zh japanese:ja korean:ko "
        "swahili:sw latin:la esperanto:eo catalan:ca welsh:cy irish:ga icelandic:is croatian:hr serbian:sr "
        "slovenian:sl lithuanian:lt latvian:lv estonian:et albanian:sq afrikaans:af basque:eu galician:gl "
    ).split()
)
"""Languages by their English names, with their ISO 639-1 codes."""
CONTRACTION = (
    r"\b(?:\w+n't|(?:i|you|he|she|it|we|they|that|there|who|what|where|how|let)'(?:s|m|re|ve|ll|d)|"
    r"(?:here|when|why|this)'s)\b"
)
"""A contracted form with its apostrophe straight."""
