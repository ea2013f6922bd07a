"""Whether the test part knows something of what was learnt from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import OsteonError
from osteon.report.content import Block, Drawing, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.sections.films import cohort_of, unconformed
from osteon.report.words import STAMP, listed, number, plural
from osteon.validation.leakage import ERROR, Leak, checked, leaks
from osteon.validation.material import Material, folds_of, gather, recall
from osteon.validation.shift_pictures import FILE as PICTURES
from osteon.validation.shift_pictures import of_material
from osteon.value import Picture

if TYPE_CHECKING:
    from osteon.cohort import Cohort

FILE = "leakage.json"
MOST_SHOWN, HEIGHT = 6, 260  # pairs of pictures, pixels
SHOWN = ("near-duplicate picture", "same pixels", "label told by the margin of the picture")


def leakage(facts: Facts) -> Section:
    """Verdict, a row a finding, and the pictures of near-duplicates beside each other."""
    looked, found = findings(facts)
    blocks: tuple[Block, ...] = (Paragraph((verdict(facts, found),), "lead"), Paragraph((f"Looked for: {listed(looked)}.",)))
    if found:
        rows = tuple((leak.kind, leak.severity, leak.sentence, listed(leak.folds), number(leak.count)) for leak in found)
        blocks += (Table("leakage", "Findings", columns=("Kind", "", "What was seen", "Fold", "Test cases"), rows=rows,
                         note="An error can not come about by chance. A warning may be innocent: look at it."),)
    return Section("leakage", "Leakage", blocks + tuple(_pictures(facts, found)))


def verdict(facts: Facts, found: tuple[Leak, ...]) -> str:
    """The finding in one sentence."""
    errors = [leak.kind for leak in found if leak.severity == ERROR]
    if errors:
        return f"The test part is not independent of what was learnt from ({listed(errors)}): the figures of this report flatter the model."
    if not found:
        return "Nothing of what was looked for was found: the test part is independent of what was learnt from, as far as this can be seen."
    return f"No error was found; {plural(len(found), 'warning')} to look at ({listed(leak.kind for leak in found)})."


def findings(facts: Facts) -> tuple[tuple[str, ...], tuple[Leak, ...]]:
    """The kinds looked for and what was found; kept in the run, which never changes, so that films are opened once."""
    import json

    path = facts.run.folder / FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if known and (known["pictures"] or not facts.films):
        return tuple(known["looked for"]), tuple(map(Leak.from_plain, known["found"]))
    material = _material(facts)
    found = leaks(material, folds_of(facts.run, material.ids), temporal=facts.design[0] == "Given" and "date" in material.attributes)
    pictures = of_material(material)
    if pictures is not None:
        facts.run.write_table(f"{PICTURES}.csv", pictures)
    looked = checked(material)
    facts.run.write(FILE, {"pictures": facts.films, "looked for": list(looked), "found": [leak.plain() for leak in found]})
    return looked, found


def _material(facts: Facts) -> Material:
    """The cases as they are where they are at hand, else what the tables of the run tell."""
    cohort = _at_hand(facts)
    if cohort is None:
        return recall(facts.run, facts.study)
    material = gather(cohort, facts.study)
    return replace(material, ids=_codes(facts, cohort))


def _at_hand(facts: Facts) -> Cohort | None:
    try:
        return cohort_of(facts)
    except (OsteonError, OSError):
        return None


def _codes(facts: Facts, cohort: Cohort) -> list[str]:
    from osteon.engine.folder import codes

    known = codes(unconformed(facts)).cases
    return [known[i] for i in cohort.ids()]


def _pictures(facts: Facts, found: tuple[Leak, ...]) -> Iterator[Drawing]:
    seen = [n for n, s in facts.study.inputs.items() if s.kind in ("picture", "volume") and not s.many]
    shown = [leak for leak in found if leak.kind in SHOWN and leak.pairs]
    cohort = _at_hand(facts) if seen and shown else None
    if cohort is None:
        return
    at = {code: i for i, code in enumerate(_codes(facts, cohort))}
    for leak in shown:
        for k, pair in enumerate(leak.pairs[:MOST_SHOWN], 1):
            pictures = [cohort.cases[at[code]].inputs[seen[0]] for code in pair]
            if all(isinstance(p, Picture) for p in pictures):
                alt = f"{STAMP}. {leak.kind}: {listed(pair)}" if facts.simulated else f"{leak.kind}: {listed(pair)}"
                yield Drawing(f"leak-{leak.kind.split()[0]}-{k}", f"{leak.kind.capitalize()}: {listed(pair)}", data=beside([p.array for p in pictures]), alt=alt, source={"kind": leak.kind, "cases": list(pair)},
                              caption="Left: tested. Right: learnt from." if "margin" not in leak.kind else "Left: among the most marked. Right: among the least.")


def beside(arrays: list[np.ndarray]) -> bytes:
    """Pictures side by side at one height as a JPEG, each in its own grey range."""
    from PIL import Image

    from osteon.validation.fingerprints import flat_plane

    made = []
    for array in arrays:
        plane = flat_plane(array)
        low, high = np.percentile(plane, (1, 99))
        grey = Image.fromarray((255 * np.clip((plane - low) / max(high - low, 1e-9), 0, 1)).astype(np.uint8))
        made.append(grey.resize((max(1, round(HEIGHT * grey.width / grey.height)), HEIGHT)))
    sheet = Image.new("L", (sum(m.width for m in made) + 8 * (len(made) - 1), HEIGHT), 255)
    left = 0
    for part in made:
        sheet.paste(part, (left, 0))
        left += part.width + 8
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=88)
    return out.getvalue()
