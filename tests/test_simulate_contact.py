"""Contact sheets, and the probes on films whose shortcut is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from osteon.simulate.card import Card
from osteon.simulate.contact import MOST_BYTES, Panel, Sheet, draw, sheet_of
from osteon.simulate.probes import Sample, broken, columns, histogram, probe, shuffled, statistics, thumbnail, told

CARD = Card("squares", "1.0", use="tests", modelled=("squares",), absent=("bones",), sources=("ours",), bounds=(("thumbnail", 0.9, "the square itself shows"),))
RNG = np.random.default_rng(8)


def sample(n: int = 160, *, leak: bool = False) -> Sample:
    """Noise with a faint square of fine stripes in half of the films; the leak makes these darker."""
    films, finding = RNG.normal(100, 10, (n, 32, 32)), np.arange(n) % 2 == 0
    films[finding, 10:20, 10:20] += 8 * (np.indices((10, 10)).sum(axis=0) % 2 - 0.5)
    films[finding] -= 15 * leak
    return Sample(films, finding, np.arange(n), table=pd.DataFrame({"age": RNG.normal(60, 9, n), "sex": RNG.choice(["female", "male"], n)}))


def test_a_sheet_is_a_picture_of_every_panel_below_its_size(tmp_path: Path) -> None:
    def panel(k: int) -> Panel:
        return Panel(RNG.random((40, 40)), f"case {k}", points={"corner": np.array([2.0, 3.0])}, lines=(np.array([[1.0, 1], [9, 9]]),), boxes=(np.array([3.0, 3, 20, 20]),))

    pointed = Panel(RNG.random((60, 60)), "", points={f"structure {k}": RNG.random(2) * 60 for k in range(10)})
    path = draw(Sheet(CARD, tuple(map(panel, range(8))), pointed, "a note"), tmp_path / "docs" / "sheet.jpg")
    with Image.open(path) as image:
        assert image.format == "JPEG" and image.size[0] >= 1000
    assert path.stat().st_size < MOST_BYTES
    with Image.open(draw(Sheet(CARD, (panel(0), panel(1)), pointed), tmp_path / "sheet.png")) as image:
        assert image.format == "PNG"


def test_the_knee_has_eight_cases_two_sites_one_confounded_and_ten_structures() -> None:
    sheet = sheet_of("knee_ap")
    captions = [p.caption for p in sheet.panels]
    assert len(captions) == 8 and {int(c.split()[1].strip(",")) for c in captions} == {0, 1, 2, 3, 4}
    assert sum("site A" in c for c in captions) >= 2 and sum("site B" in c for c in captions) >= 2 and sum("confounded" in c for c in captions) == 1
    assert len(sheet.pointed.points) >= 10
    rows, cols = sheet.pointed.film.shape
    assert all(0 < r < rows and 0 < c < cols for r, c in sheet.pointed.points.values())


def test_clean_films_pass_and_a_planted_exposure_is_caught() -> None:
    clean, leaky = probe(sample()), probe(sample(leak=True))
    assert not [text for text in broken(clean, CARD) if text.startswith(("statistics", "metadata"))] or clean["statistics"].estimate < 0.65
    assert leaky["statistics"].lower > 0.9 and leaky["histogram"].lower > 0.9 and leaky["metadata"].upper < 0.75
    assert any(text.startswith("statistics") for text in broken(leaky, CARD))
    assert not any(text.startswith("thumbnail: 0.6") for text in broken(clean, CARD)), "the card allows more"


def test_a_leak_in_the_table_and_in_the_order_is_caught() -> None:
    made = sample()
    assert told(columns(made.table), np.sort(made.finding), made.patients).lower > 0.9, "the order of the cases tells"
    table = made.table.assign(scanner=np.where(made.finding, "x", "y"))
    assert told(columns(table), made.finding, made.patients).lower > 0.95


def test_shuffled_labels_stay_within_the_band() -> None:
    films = sample()
    found, band = shuffled(statistics(films.films), films.finding, permutations=20)
    assert len(found) == 20 and abs(found.mean() - 0.5) < band < 0.05
    assert found.std() > 0.01


@pytest.mark.parametrize(("features", "width"), [(statistics, 4), (thumbnail, 64), (histogram, 24)])
def test_features_have_one_row_a_film(features: object, width: int) -> None:
    films = RNG.random((5, 33, 47)).astype(np.float32)
    assert features(films).shape == (5, width)  # type: ignore[operator]
    assert np.allclose(thumbnail(films).mean(), films.mean(), atol=0.02)
    assert columns(pd.DataFrame({"a": [1.0, None], "b": ["x", "y"]})).shape == (2, 4)
