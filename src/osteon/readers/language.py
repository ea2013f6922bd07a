"""The language of a text, by its function words and its letters: enough to see that a note is not in the language that a model has learnt.

Function words are the most frequent of a language and carry no topic (Ingle NC. The Incorporated Linguist 1976; 15: 98; Grefenstette G. JADT 1995: 263). Words
that English also has are left out of the other lists, so that a short English note is never taken for another language.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

WORD = re.compile(r"[^\W\d_]+")
ENGLISH = "English"
LONGEST = 50_000  # characters of one note: a longer one is a whole record
FEWEST, CLEAR = 3, 2  # function words of another language at least, and times as many as English ones
LOST = 0.01  # share of characters that no encoding gave back
FUNCTION_WORDS: Mapping[str, frozenset[str]] = MappingProxyType({name: frozenset(words.split()) for name, words in {
    ENGLISH: "the of and was were is are with without for to at on by from this that there has had have not no be been or an a in as it he she his her patient",
    "German": "der das und ist nicht mit von zu im dem den des ein eine einer wurde wird bei nach keine kein sich auf für aus oder zur zum sind",
    "French": "le la les des et est une du dans pour pas avec sur au aux par il elle sans qui sont été lors chez ou ce cette",
    "Spanish": "el la los las del y es una en con por para se al su sin que como fue ha está lo un más",
    "Italian": "il lo gli di è una della del con per non si nel nella alla dopo che sono stato stata ed un dei senza",
    "Portuguese": "os as uma do da em com por para não se ao sem que na foi à um dos das é",
    "Dutch": "de het een en niet met van op aan bij geen werd voor na zijn er wordt uit naar te dat",
    "Swedish": "och det är inte med av på till som har ingen vid efter att en ett den från utan",
    "Danish or Norwegian": "og det er ikke med av på til som har ingen ved efter etter at en et den fra uten uden",
    "Polish": "i nie na z jest do się w po bez oraz od przez był była dla jak"}.items()})


def language_of(text: str) -> str:
    """The language of a text, or its letters where they are not Latin ("Cyrillic letters"); empty where it can not be told."""
    script = _script(text)
    if script:
        return script
    words = Counter(word.lower() for word in WORD.findall(text))
    seen = {name: sum(words[word] for word in known) for name, known in FUNCTION_WORDS.items()}
    other = max((name for name in seen if name != ENGLISH), key=lambda name: seen[name])
    if seen[other] >= FEWEST and seen[other] >= CLEAR * seen[ENGLISH]:
        return other
    return ENGLISH if seen[ENGLISH] else ""


def misfit(text: str, language: str) -> str:
    """Why a text is no note in a language ("written in German and not in English"); empty where nothing speaks against it."""
    if len(text) > LONGEST:
        return f"longer than the {LONGEST:,} characters that one note may hold"
    if not WORD.search(text):
        return "without a word"
    if text.count("\ufffd") > LOST * len(text):
        return "in an encoding that can not be told"
    found = language_of(text)
    return f"written in {found} and not in {language}" if found and found != language else ""


def _script(text: str) -> str:
    """The letters of a text where most of them are not Latin."""
    letters = [c for c in text if c.isalpha()][:2000]
    other = Counter(unicodedata.name(c, "unknown").split()[0] for c in letters if not c.isascii() and not unicodedata.name(c, "").startswith("LATIN"))
    if not letters or sum(other.values()) <= len(letters) / 2:
        return ""
    return f"{other.most_common(1)[0][0].capitalize()} letters"
