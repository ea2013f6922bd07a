"""What a note says of a finding, by rule: there, denied, doubted, past, thinkable, or another person's.

Cues within the same clause decide (NegEx: Chapman WW et al. J Biomed Inform 2001; 34: 301; ConText: Harkema H et al. J Biomed Inform 2009; 42: 839). The kinds, their reach
forwards and backwards, the words that end it and the phrases that only look like a denial are those of the papers; the lists are ours and shorter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

PRESENT = "present"
# For each kind the cues that act on what follows and those that act on what came before, the strongest kind first
CUES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "family": (r"mother|father|parents?|sister|brother|siblings?|aunt|uncle|cousin|grand(?:mother|father)|son|daughter|family history|famil(?:y|ial)",) * 2,
    "historical": (r"histor(?:y|ies)|h/o|hx|past|previous(?:ly)?|prior|old|remote|earlier|status[ -]post|s/p|recovered from|had .* in (?:19|20)\d\d|(?:months?|years?) ago|back in",
                   r"(?:months?|years?) ago|in (?:19|20)\d\d|back in|,? ?(?:since )?(?:then )?(?:resolved|healed|settled)|once,|no longer|none since|in the past"),
    "hypothetical": (r"if|should|in case of|in the event of|risks?|precautions?|prevent(?:s|ed|ion)?|avoid(?:s|ance)?|prophyla\w+|consent\w*|complications? including|return for|watch for|call for|signs of|surveillance"
                     r"|warned|educat\w+|would|whenever|unless|(?:request|order|exam\w*|to)[: ]+rule out", r"precautions?|(?:should|were to|would|may) (?:occur|arise|recur|develop)|occurs?|develops?|as a risk|is (?:a risk|prevented|explained)|to be avoided|be suspected"),
    "uncertain": (r"possibl[ey]|probabl[ey]|maybe|may|might|could (?:be|this)|suspicious|suspect(?:ed|s)?|suspicion|question(?:able| of)|equivocal|concern(?:s|ed|ing)? (?:for|about)|doubtful|consider(?:ed|s)?|differential|unclear"
                  r"|uncertain|(?:not|un)sure|not certain|wonders?|worried|(?:can ?not|could not|not) (?:be )?(?:exclude|rule out|confirm|prove)d?|r/o|rule out|versus|vs",
                  r"(?:can ?not|could not|not) (?:be )?(?:excluded|ruled out|confirmed|proven)|(?:is|was|were|remains?) (?:possible|probable|suspected|doubtful|unclear|a consideration|in question)|is in the differential|not (?:yet )?(?:seen|confirmed) by|suspected"),
    "negated": (r"no|not|non|nor|without|w/o|denie[sd]|deny|negative(?: for)?|absen(?:ce|t)|free (?:of|from)|never|nothing|neither|ruled? out|rules out|exclude[sd]?|lack of|fail(?:s|ed) to (?:show|reveal)|unremarkable for",
                r"(?:is|was|were|are|has|have)(?: been)? (?:not|never|ruled out|excluded|absent|negative)|not (?:seen|present|found|evident|identified|demonstrated)|ruled out|unlikely")})
LOOKS_LIKE = re.compile(r"\b(?:no (?:increase|change|doubt|longer)|not (?:only|necessarily)|without (?:difficulty|delay))\b")  # no denial of what follows
ENDS = re.compile(r"\b(?:but|however|although|though|except|apart from|aside from|yet|whereas|secondary to|due to)\b|;")
SENTENCE = re.compile(r"[^.?!\n]+(?:\.(?=\d)[^.?!\n]+)*")
COPIED = re.compile(r"^.*\b(?:copied|carried over|from (?:the )?previous note|prior note)\b.*$(?:.|\n)*?(?:^.*\bend of\b.*$|^<<end>>$|\Z)", re.M | re.I)


@dataclass(frozen=True)
class Mention:
    """One place of a text that names the finding, and what is said of it there."""

    said: str
    begin: int
    end: int


def mentions(text: str, finding: str) -> Iterator[Mention]:
    """Every place that names a finding (a regular expression); what was copied from an earlier note is past."""
    copied = [found.span() for found in COPIED.finditer(text)]
    for sentence in SENTENCE.finditer(text):
        for found in re.finditer(finding, sentence[0], re.I):
            begin, end = (sentence.start() + at for at in found.span())
            past = any(first <= begin < last for first, last in copied)
            yield Mention("historical" if past else _said(sentence[0].lower(), *found.span()), begin, end)


def asserted(text: str, finding: str) -> bool:
    """Whether any place says that the patient has the finding now."""
    return any(mention.said == PRESENT for mention in mentions(text, finding))


def marked(text: str, finding: str) -> str:
    """The text with what is said of the finding tied to its name ("negated-dislocation"), so that a bag of words holds it."""
    out, at = [], 0
    for mention in mentions(text, finding):
        out += [text[at:mention.begin], "" if mention.said == PRESENT else f"{mention.said}-", text[mention.begin:mention.end]]
        at = mention.end
    return "".join((*out, text[at:]))


def _said(sentence: str, begin: int, end: int) -> str:
    """The strongest kind with a cue in reach: before the finding or after it, no further than a word that ends a clause."""
    before, after = ENDS.split(sentence[:begin])[-1], ENDS.split(sentence[end:])[0]
    before = LOOKS_LIKE.sub(" ", before)
    return next((kind for kind, (ahead, back) in CUES.items() if _holds(ahead, before) or _holds(back, after)), PRESENT)


def _holds(cues: str, part: str) -> bool:
    return re.search(rf"(?<![\w/])(?:{cues})(?![\w/])", part) is not None
