"""Clean a report, cut it into words and sentences, take its sections.

``clean`` follows stated rules, in this order. It is idempotent: cleaning a clean text changes nothing.

1. *Marks of the table it came from*: HTML entities and tags, ``_x000D_``, control characters and template brackets go;
   typographic quotes, dashes and blanks become plain ones. Anything that is not a string is the empty text.
2. *List numbers*: ``1.``, ``2)``, ``(3)`` and ``#4`` at the start of a sentence or a line go, and so does the next
   number of a running list within a line ("Cardiomegaly 2. Effusion"). "1.9 cm", "T12" and "rib 4." stay.
3. *XXXX*, which the Indiana University collection writes where its anonymisation took a word out, often a harmless one:
   - ``x-XXXX`` stands for "x-ray", and is the only one that is filled in: the others would be guesses;
   - a word glued to XXXX goes with it ("XXXX-filled", "02/010/XXXX"); a slash only separates ("XXXX/granulomas");
   - a sentence that lost its subject ("The XXXX are intact.") or everything ("XXXX.") goes as a whole;
   - before a full stop, a verb or a preposition, the small words that would dangle go too ("compared to XXXX.");
   - "no XXXX of a pleural effusion" becomes "no pleural effusion", "the XXXX and soft tissues" becomes "the soft
     tissues", "a XXXX opacity" becomes "an opacity";
   - everywhere else XXXX alone goes.
4. *Punctuation*: doubled stops and blanks, blanks before a comma, empty brackets, "clear.There" are repaired.

Explained in ``notebooks/01_explore_reports_and_images.ipynb`` and ``notebooks/03_tokenize_reports.ipynb``.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import zip_longest

SECTIONS = ("indication", "comparison", "findings", "impression")
TARGETS = ("findings", "impression", "report")

_PLAIN = str.maketrans("“”„«»‘’`´‐‑‒–—−⁄", '"' * 5 + "'" * 4 + "-" * 6 + "/")
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_TAGS = re.compile(r"</?(?:br|p|div|span|b|i|u|em|strong|ul|ol|li|font)\b[^<>]*>|_x000D_|\r\n?", re.IGNORECASE)

_LIST_MARK = re.compile(r"(^|\n|[.:;?!]\s|\w+\s)\s*(?:[(#]?(\d{1,2})[.)]|#(\d{1,2}))(?=\s|[A-Z]|,|$)[\s,]*")
_NUMBERED = {"rib", "ribs", "grade", "stage", "type", "level", "t", "l", "c", "s"}  # "rib 4." ends a sentence

_SMALL = (
    r"(?:in|of|from|to|at|on|the|a|an|and|or|with|by|for|since|dated|per|than|as|versus|this|these|both|most|more|less)"
)
_VERB = (
    r"(?:is|are|was|were|be|been|has|have|had|seen|seem|appears?|remains?|demonstrates?|shows?|represents?|reflects?"
    r"|indicates?)"
)
_AFTER = rf"(?:{_VERB}|in|of|from|to|at|on|with|by|for|since|within|without|due|versus|and|or)"
_SUBJECT_LOST = re.compile(
    rf"^(?:(?:the|both|visuali[sz]ed|visible|remaining|surrounding)\s)*XXXX\s{_VERB}\b", re.IGNORECASE
)
_EMPTY = re.compile(rf"^(?:\W|XXXX|\d|\b(?:{_SMALL}|{_VERB})\b)*$", re.IGNORECASE)
_XXXX_RULES = [
    (re.compile(pattern, re.IGNORECASE), by)
    for pattern, by in (
        (r"^XXXX\W+(?:(?:and|or|of)\s+)*", ""),
        (r"\b(no|any)\sXXXX\sof\s(?:(?:an?|the|any)\s)?", r"\1 "),
        (r"\b(?:the|an?)\sXXXX\sof\s", ""),
        (rf"\b({_SMALL}\s)XXXX\s(?:and|or)\s", r"\1"),
        (rf"(?:\b(?:{_SMALL}|{_VERB})\s)*XXXX(?=\s*(?:[.,;:?!)]|$))", ""),
        (rf"(?:\b{_SMALL}\s)*XXXX\s(?={_AFTER}\b)", ""),
        (r"\b(a)n?\sXXXX\s(?=[aeiou])", r"\1n "),
        (r"\b(a)n\sXXXX\s", r"\1 "),
        (r"\s*XXXX", ""),
    )
]
_REPAIRS = [
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\[<?|>?\]", " "),  # brackets of a dictation template: "[<Heart size is normal.>]"
        (r"\(\W*\)|<\W*>", " "),
        (r"\s+", " "),
        (r"\s+(?=[.,;:?!)])", ""),
        (r"(?<=\()\s+", ""),
        (r"[,;:]+(?=[.;:?!])|(?<=[.:;?!,]),+", ""),
        (r"([.?!])[.;:]+", r"\1"),
        (r"(?<=[a-z]{2}[.?!])(?=[A-Z])", " "),
        (r"^[\s.,;:?!)/-]+|\s+$", ""),
    )
]
_SENTENCE_END = re.compile(r"(?<=[.?!])(?<!\bDr\.)(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\b[ap]\.m\.)\s+")
_TOKEN = re.compile(r"<unk>|\w+(?:[-']\w+|(?<=\d)[.,]\d+)*|[^\w\s\"]")
_UPPER = re.compile(r"\b(?:[tlcs]\d{1,2}|ct|pa|ap|mri|picc|copd|cabg|svc|ng|chf|icd|kub|tb|ppd)\b")
_HEADING = re.compile(
    r"(?:^|(?<=[\n.;]))\s*(?:(indication|history|clinical history|reason for exam\w*)|(comparisons?)|(findings?)"
    r"|(impression|conclusion|opinion))\s*:",
    re.IGNORECASE,
)


def _without_list_numbers(text: str) -> str:
    last = 0

    def drop(match: re.Match[str]) -> str:
        nonlocal last
        before, number = match[1], int(match[2] or match[3])
        if before[:1].isalnum():  # in the middle of a line: only the next number of a running list, before a capital
            follows = text[match.end() : match.end() + 1]
            if number != last + 1 or not follows.isupper() or before.strip().lower() in _NUMBERED:
                return match[0]
            before = before.strip() + ". "
        last = number
        return ". " if before == "\n" else before

    return _LIST_MARK.sub(drop, re.sub(r"(^|\n)\s*[-*•·]\s+", r"\1. ", text))


def _without_xxxx(sentence: str) -> str:
    if "XXXX" not in sentence:
        return sentence
    if _SUBJECT_LOST.match(sentence) or _EMPTY.match(sentence):
        return ""
    kept = sentence
    for pattern, by in _XXXX_RULES:
        kept = pattern.sub(by, kept)
    kept = kept.strip()
    return kept[:1].upper() + kept[1:] if sentence[0] == "X" else kept


def _clean_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", html.unescape(text)).translate(_PLAIN)
    text = _without_list_numbers(_HIDDEN.sub("", _TAGS.sub("\n", text)))
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\b([xX])-[xX]{4,}", r"\1-ray", re.sub(r"\b[xX]{4,}\b", "XXXX", text))
    text = re.sub(r"(?:\d+/)*[\w'-]*XXXX[\w'-]*(?:/\d+\b)*", "XXXX", text)
    text = re.sub(r"XXXX(?:(?:[\s,/]|\b(?:and|or)\b)+XXXX)+", "XXXX", text)
    text = re.sub(r"XXXX/|/XXXX", " XXXX ", text)
    text = " ".join(_without_xxxx(sentence) for sentence in _SENTENCE_END.split(re.sub(r"\s+", " ", text)))
    for pattern, by in _REPAIRS:
        text = pattern.sub(by, text)
    return text


def clean(text: object) -> str:
    """A report's text without list numbers, XXXX and the marks of the table it came from; its case is kept.

    Args:
        text: the text as it was distributed. Anything but a string (None, NaN) counts as no text.

    Returns:
        One line of text, by the rules at the top of this module; ``clean(clean(x)) == clean(x)``.

    Example:
        >>> clean("1. Stable 1.9 cm nodule. 2. No XXXX of pneumonia on chest x-XXXX.")
        'Stable 1.9 cm nodule. No pneumonia on chest x-ray.'
    """
    if not isinstance(text, str):
        return ""
    while (cleaner := _clean_once(text)) != text:
        text = cleaner
    return text


def tokenize(text: object) -> list[str]:
    """Clean and lower-case a text and cut it into words, numbers and punctuation marks.

    "1.9", "x-ray" and "patient's" are one token each; so are "." and ",". Quotation marks are left out.

    Example:
        >>> tokenize("Heart size normal, 1.9 cm.")
        ['heart', 'size', 'normal', ',', '1.9', 'cm', '.']
    """
    return split_tokens(clean(text))


def split_tokens(text: str) -> list[str]:
    """The tokens of a text that is clean already. No token goes over a blank, so a text has the tokens of its sentences."""
    return _TOKEN.findall(text.lower())


def detokenize(tokens: Sequence[str]) -> str:
    """Tokens back to text that reads like a report: sentence case, punctuation attached, "T12" and "CT" in capitals.

    Example:
        >>> detokenize(["no", "change", "at", "t12", ".", "x-ray", "normal", "."])
        'No change at T12. X-ray normal.'
    """
    text = re.sub(r"\s+([.,;:?!)%])|(\()\s+", r"\1\2", " ".join(tokens))
    text = _UPPER.sub(lambda m: m[0].upper(), re.sub(r"\s?/\s?", "/", text))
    text = re.sub(r"\bdr\.", "Dr.", text)
    return re.sub(r"(?:^|[.?!]\s)[a-z]", lambda m: m[0].upper(), text)


def sentences(text: object) -> list[str]:
    """The sentences of a text after cleaning, each with its full stop.

    Example:
        >>> sentences("1. Heart normal. 2. Nodule of 1.9 cm, seen by Dr. Smith.")
        ['Heart normal.', 'Nodule of 1.9 cm, seen by Dr. Smith.']
    """
    return [sentence for sentence in _SENTENCE_END.split(clean(text)) if sentence]


def sentence_numbers(tokens: Sequence[str]) -> list[int]:
    """Which sentence each token of a report stands in, from 0; the token that ends a sentence belongs to it.

    Example:
        >>> sentence_numbers(["heart", "normal", ".", "seen", "by", "dr", ".", "smith", "."])
        [0, 0, 0, 1, 1, 1, 1, 1, 1]
    """
    numbers, number, before = [], 0, ""
    for token in tokens:
        numbers.append(number)
        number += token in (".", "?", "!") and before not in ("dr", "vs")
        before = token
    return numbers


def split_sections(text: str) -> dict[str, str]:
    """A free text cut at headings such as "FINDINGS:" and "Impression:"; a text without headings is all findings.

    Returns:
        One entry for each of `SECTIONS`, the empty string where the text does not have it.
    """
    found = dict.fromkeys(SECTIONS, "")
    marks = list(_HEADING.finditer(text))
    found["findings"] = text[: marks[0].start() if marks else None].strip()
    for mark, following in zip_longest(marks, marks[1:]):
        name = SECTIONS[mark.lastindex - 1]
        body = text[mark.end() : following.start() if following else None].strip()
        found[name] = f"{found[name]} {body}".strip()
    return found


def target_text(row: Mapping[str, str], target: str) -> str:
    """The clean text that a model is to write for one study.

    Args:
        row: a row of the studies table (or any mapping) with ``findings`` and ``impression``.
        target: ``"findings"``, ``"impression"`` or ``"report"``: the findings, then the impression, whichever exist.

    Returns:
        The cleaned text; the empty string where the study has none.

    Raises:
        ValueError: for another target.
    """
    if target not in TARGETS:
        raise ValueError(f"target {target!r}: choose one of {', '.join(TARGETS)}")
    parts = [clean(row[section]) for section in (TARGETS[:2] if target == "report" else (target,))]
    parts = [part if part[-1] in ".?!" else part + "." for part in parts if part]
    return " ".join(parts)
