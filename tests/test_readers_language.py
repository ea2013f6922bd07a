"""The language of a note, and what is no note: told by function words and letters, listed and never dropped."""

from __future__ import annotations

import pytest

from osteon.readers.inputs import Codes, Text
from osteon.readers.language import LONGEST, language_of, misfit
from osteon.simulate.notes import notes

OTHERS = {
    "German": "Kein Nachweis einer Luxation. Die Prothese ist nicht gelockert und der Schaft steht im Lot.",
    "French": "La prothèse est en place, sans luxation. Pas de fracture du fémur avec les clichés.",
    "Spanish": "Sin luxación de la prótesis. El paciente está bien y no se queja de dolor en la cadera.",
    "Italian": "Non si osserva lussazione della protesi. Il paziente è stato dimesso con le stampelle.",
    "Portuguese": "Não há luxação da prótese. O doente foi operado com uma abordagem posterior e está bem.",
    "Dutch": "Er is geen luxatie van de prothese. De patiënt loopt met een stok en heeft geen pijn.",
    "Swedish": "Ingen luxation av protesen. Patienten är inte smärtpåverkad och går med en käpp till toaletten.",
    "Polish": "Nie stwierdza się zwichnięcia protezy. Chory jest po operacji i nie zgłasza bólu w biodrze.",
    "Cyrillic letters": "Вывиха протеза нет. Пациент ходит с тростью.", "Greek letters": "Δεν υπάρχει εξάρθρημα της πρόθεσης."}


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_is_told(language: str) -> None:
    assert language_of(OTHERS[language]) == language
    assert misfit(OTHERS[language], "English") == f"written in {language} and not in English"
    assert not misfit(OTHERS[language], language)


def test_no_english_note_is_taken_for_another_language() -> None:
    table = notes(600, 4, difficulty=1.0)
    assert {language_of(text) for text in table["note"]} <= {"English", ""}
    short = ("No fx. THR L in situ.", "Hip reduced in ED.", "XR pelvis: NAD", "Dr. de la Cruz seen with Mr. van den Berg, no dislocation of the hip.", "s/p THR")
    assert not any(misfit(text, "English") for text in short)


@pytest.mark.parametrize(("text", "words"), [("", "without a word"), (" \n. 12/3 ", "without a word"), ("hip " * 25_000, f"{LONGEST:,} characters"), ("hip\ufffd\ufffdreplacement in place", "encoding")])
def test_what_is_no_note(text: str, words: str) -> None:
    assert words in misfit(text, "English")


def test_a_note_declares_its_language_and_codes_have_none() -> None:
    german = OTHERS["German"]
    assert Text("note").misfit(german) and not Text("note", written="German").misfit(german)
    assert Text("note", written="German").misfit("There is no dislocation of the prosthesis on the left.")
    assert not Codes("codes").misfit("T84.02; Z96.64") and not Codes("codes").misfit("") and Codes("codes").optional
