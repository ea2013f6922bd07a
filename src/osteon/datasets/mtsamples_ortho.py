"""MTSamples, orthopaedics, neurosurgery and radiology: transcribed sample notes in English, with weak labels from their own diagnosis lines.

Nobody has read these notes for a dislocation or a fracture. A note is taken as positive where the lines under its heading of diagnosis, impression or assessment name one that is neither
denied nor doubted nor past; those lines are then taken out of the text, for they hold the answer. A note without such a heading has no label.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.cohort import Cohort, Excluded
from osteon.cohort.folder import strings
from osteon.cohort.rows import Rows
from osteon.errors import DataError, listed, message
from osteon.models.assertions import asserted

if TYPE_CHECKING:
    import pandas as pd

FILE = "notes.csv"
COLUMNS = ("case_id", "specialty", "sample_name", "text")
LICENCE = "not verified: the site states none; the notes are samples with invented names and dates"
GENRES = {"Radiology": "radiology"}  # every other specialty writes notes of the clinic or the theatre
OTHER = "clinic or operative"
FINDINGS = {"dislocation": r"\b(?:re-?)?(?:disloc|sublux)\w*", "fracture": r"\bfractur\w*"}
HEADING = re.compile(r"^[ \t]*(?:[A-Z]+[ \t-]+)*(?:DIAGNOS[IE]S|IMPRESSIONS?|ASSESSMENT)[^\n:]{0,40}:", re.M | re.I)
NEXT = re.compile(r"\n[ \t]*[A-Z][A-Za-z ,/&'()-]{2,60}:")
WEAK = "a dislocation (of any joint) named under the note's own heading of diagnosis, impression or assessment and not denied there, found by rule; nobody has read the notes, and those lines are not in the text"


def mtsamples_ortho(root: Path) -> Cohort:
    """Notes without their diagnosis lines, with weak `dislocation` and `fracture` (of any joint or bone) and `genre`; a patient is not known, so that each note stands for one.

    Raises DataError where the table or a column is missing or a case stands twice; a note without a diagnosis to label it by is listed.
    """
    path = Path(root) / FILE
    if not path.exists():
        raise DataError(message(root, f"the file {FILE} is not there", expected=f"{FILE} with {', '.join(COLUMNS)}"))
    table = strings(path)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise DataError(message(path, f"the column {missing[0]!r} is missing", expected=", ".join(COLUMNS), found=f"Found {listed(table.columns)}"))
    twice = table["case_id"][table["case_id"].duplicated()]
    if len(twice):
        raise DataError(message(path, f"the case {twice.iloc[0]!r} is there twice", expected="one row a note"))
    notes = {row["case_id"]: divided(row["text"] if isinstance(row["text"], str) else "") for row in table.to_dict("records")}
    excluded = tuple(Excluded(case, "data set", "no heading of diagnosis to label the note by") for case, (_, diagnosis) in notes.items() if not diagnosis)
    frame = table[~table["case_id"].isin([e.id for e in excluded])].reset_index(drop=True)
    if not len(frame):
        raise DataError(message(path, "no note can be used", found=f"The first: {excluded[0].id}, {excluded[0].reason}" if excluded else "Found no row"))
    return Cohort("mtsamples_ortho", "public", cases=Rows(_labelled(frame, notes), None), excluded=excluded, licence=LICENCE,
                  notes={"source": "mtsamples.com", "weak labels": WEAK, "a patient": "one note, for whose note it is is not known"})


def divided(text: str) -> tuple[str, str]:
    """A note without what stands under its headings of diagnosis, and that."""
    rest, found, at = [], [], 0
    for heading in HEADING.finditer(text):
        if heading.start() < at:
            continue
        after = NEXT.search(text, heading.end())
        end = after.start() if after else len(text)
        rest.append(text[at:heading.start()])
        found.append(text[heading.end():end])
        at = end
    return "".join((*rest, text[at:])).strip(), "\n".join(found).strip()


def _labelled(frame: pd.DataFrame, notes: dict[str, tuple[str, str]]) -> pd.DataFrame:
    import pandas as pd

    ids = frame["case_id"].tolist()
    labels = {name: ["yes" if asserted(notes[i][1], finding) else "no" for i in ids] for name, finding in FINDINGS.items()}
    return pd.DataFrame({"case_id": ids, "patient_id": ids, "genre": frame["specialty"].map(lambda s: GENRES.get(s, OTHER)), "note": [notes[i][0] or None for i in ids], **labels}, dtype=object)
