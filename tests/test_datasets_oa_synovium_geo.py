"""Synovium series: a small one in the published layout, what is refused, and the real ones where they are present."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.datasets.oa_synovium_geo import gse55235, gse55457, oa_synovium, within_samples
from osteon.datasets.synovium_probes import PROBES
from osteon.errors import DataError
from osteon.readers.expression import read_expression
from osteon.studies import study
from osteon.validation.shift import shifts

GROUPS = ("normal", "OA", "RA")
NAMES = ("GSM1", "GSM2", "GSM3")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three samples of six probe sets, as the selection of the repository keeps them."""
    signal = np.array([[100, 220, 300], [5, 12, 16], [40, 80, 121], [900, 2000, 2500], [0, 1, 2], [60, 130, 170]])
    table = pd.DataFrame(signal, columns=NAMES).assign(probe_id=[f"{k}_at" for k in range(6)])
    (tmp_path / "GSE55235_expression.csv.gz").write_bytes(gzip.compress(table[["probe_id", *NAMES]].to_csv(index=False).encode()))
    pd.DataFrame({"sample_id": NAMES, "group": GROUPS, "age": (61, 70, 2), "gender": ("male", "female", "female")}).to_csv(tmp_path / "GSE55235_samples.csv", index=False)
    return tmp_path


def test_a_series_gives_two_groups_and_lists_the_third(small: Path) -> None:
    cohort = oa_synovium(small, "GSE55235", probes=("0_at", "3_at"))
    assert cohort.ids() == ["GSM1", "GSM2"] and cohort.column("disc").tolist() == ["control", "degenerated"] and cohort.column("sex").tolist() == ["male", "female"]
    assert [(e.id, e.step) for e in cohort.excluded] == [("GSM3", "group")] and "rheumatoid" in cohort.excluded[0].reason
    assert cohort.origin == "public" and "osteoarthritis" in str(cohort.notes["tissue"])


def test_each_sample_is_on_its_own_scale(small: Path) -> None:
    """Four times the signal with the same shape gives the same level, and no sample moves another."""
    signal = read_expression(small / "GSE55235_expression.csv.gz") + 1000.0
    level = within_samples(signal)
    assert np.allclose(level.median(axis=1), 0) and np.allclose(level.quantile(0.75, axis=1) - level.quantile(0.25, axis=1), 1)
    assert np.allclose(within_samples(signal.iloc[:1]), level.iloc[:1])
    assert np.allclose(within_samples(4 * (signal + 1) - 1), level)
    with pytest.raises(DataError, match="sample GSM1, probe set 4_at: the signal can not be put on the log scale"):
        within_samples(signal - 1000.5)


@pytest.mark.parametrize(("change", "said"), [({"group": ("normal", "OA", "gout")}, "row 4: the group is none"), ({"sample_id": ("GSM1", "GSM1", "GSM3")}, "row 3: the sample stands there twice"),
                                              ({"sample_id": ("GSM1", "GSM2", "GSM9")}, "Not there: GSM9")])
def test_a_sheet_that_does_not_fit_is_refused(small: Path, change: dict[str, tuple[str, ...]], said: str) -> None:
    path = small / "GSE55235_samples.csv"
    pd.read_csv(path).assign(**change).to_csv(path, index=False)
    with pytest.raises(DataError, match=said):
        oa_synovium(small, "GSE55235", probes=("0_at",))


def test_what_is_missing_is_named(small: Path) -> None:
    with pytest.raises(DataError, match="300 of what is asked for are not there"):
        gse55235(small)
    with pytest.raises(DataError, match="GSE55457_expression.csv.gz is not there"):
        gse55457(small)
    pd.read_csv(small / "GSE55235_samples.csv").drop(columns="group").to_csv(small / "GSE55235_samples.csv", index=False)
    with pytest.raises(DataError, match="the column 'group' is missing"):
        gse55235(small)


def test_the_real_series_fit_the_study_and_differ_by_series(shared_data: Callable[[str], Path]) -> None:
    declared, both = study("tan_2023"), [make(shared_data("oa_synovium_geo")) for make in (gse55235, gse55457)]
    tables = []
    for cohort, left_out in zip(both, (10, 13), strict=True):
        fit_for = cohort.conform(declared.inputs, declared.targets, answered=declared.answered)
        assert len(fit_for) == 20 and len(fit_for.excluded) == left_out and (fit_for.column("disc") == "degenerated").sum() == 10
        tables.append(fit_for.table("genes"))
        assert tables[-1].shape == (20, 300) and tables[-1].notna().all(axis=None)
    large = [s for s in shifts(*tables) if abs(s.smd) > 0.8]
    assert len(large) > 20, "probe sets lie at other levels in the other series, though every sample is on its own scale"


def test_the_probes_are_the_most_variable_of_both_series(shared_data: Callable[[str], Path]) -> None:
    ranks = []
    for series in ("GSE55235", "GSE55457"):
        level = within_samples(read_expression(shared_data("oa_synovium_geo") / f"{series}_expression.csv.gz"))
        level = level.loc[:, ~level.columns.str.startswith("AFFX")]
        ranks.append((level - level.median()).abs().median().rank(ascending=False))
    most = (ranks[0] + ranks[1]).sort_values(kind="stable").index[:300]
    assert len(set(PROBES) & set(most)) >= 299, "a tie at the end may fall either way"
