"""osteon review as two reviewers use it, from the plan to the report, and what mistakes get."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import review_noise as noise

Cli = Callable[..., tuple[int, str, str]]


def made(cli: Cli, folder: Path, n: int = 24) -> Path:
    """A project with two sources, two reviewers and n noisy records."""
    search = noise.search(n, 1)
    project = folder / "a.review"
    (folder / "p.nbib").write_text(noise.nbib(search.records["PubMed"]), encoding="utf-8")
    (folder / "e.ris").write_text(noise.ris(search.records["Embase"]), encoding="utf-8")
    code, out, err = cli("review", "init", project, "--title", "Fractures", "--population", "adults", "--include", "accuracy", "--source", "PubMed=2023-11-01", "--source", "Embase=1 Nov 2023", "--reviewer", "anna", "--reviewer", "ben")
    assert (code, err) == (0, ""), out
    for name, source in (("p.nbib", "PubMed"), ("e.ris", "embase")):
        assert cli("review", "import", project, folder / name, "--source", source)[0] == 0
    return project


def data(cli: Cli, *args: object) -> object:
    """What a verb prints as JSON."""
    code, out, err = cli("review", *args, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_review_from_the_plan_to_the_report(cli: Cli, tmp_path: Path) -> None:
    project = made(cli, tmp_path)
    assert data(cli, "dedupe", project)["merged"] >= 0  # type: ignore[index, call-overload]
    served = data(cli, "screen", project, "--as", "anna", "--count", 100)
    assert served["criteria"]["include"] == ["accuracy"]  # type: ignore[index, call-overload]
    numbers = [r["record"] for r in served["records"]]  # type: ignore[index, call-overload]
    for who in ("anna", "ben"):
        sheet = tmp_path / f"{who}.csv"
        sheet.write_text("record,decision,reason\n" + "".join(f"{n},{'include' if n in numbers[:4] or (who == 'anna' and n == numbers[4]) else 'exclude'},\n" for n in numbers), encoding="utf-8")
        assert f"{len(numbers)} decisions of {who}" in cli("review", "screen", project, "--as", who, "--decisions", sheet)[1]
    assert "1 conflicts" in cli("review", "conflicts", project)[1]
    assert "cannot be closed" in cli("review", "close", project, "--as", "anna")[2]
    assert cli("review", "adjudicate", project, "--as", "ben", "--record", numbers[4], "--decision", "exclude")[0] == 0
    assert cli("review", "close", project, "--as", "anna")[0] == 0
    assert data(cli, "agreement", project)[0]["both"] == len(numbers)  # type: ignore[index]
    for n in numbers[:4]:
        cli("review", "fulltext", project, "--as", "anna", "--record", n, *(["--missing"] if n == numbers[3] else []))
    for who in ("anna", "ben"):
        for n in numbers[:3]:
            assert cli("review", "screen", project, "--as", who, "--stage", "fulltext", "--record", n, "--decision", "include")[0] == 0
    for who in ("anna", "ben"):
        for n in numbers[:3]:
            assert cli("review", "extract", project, f"study=Study {n}", "diseased=150", "healthy=150", "sensitivity=84.7%", "specificity=87.3%", "method=ResNet", "--as", who, "--record", n)[0] == 0
            assert cli("review", "appraise", project, "1=low", "2=high", "3=low", "4=low", "a:1=low", "a:2=low", "a:3=low", "--as", who, "--record", n, "--tool", "quadas_2")[0] == 0
    assert {r["table"] for r in data(cli, "extract", project)} == {"implied"}  # type: ignore[index, union-attr, attr-defined]
    counts = data(cli, "flow", project, "--out", tmp_path / "flow.svg")
    assert counts["databases"]["sought"] == {"all": 4, "retrieved": 3, "not retrieved": 1, "open": 0}  # type: ignore[index, call-overload]
    assert counts["complete"]  # type: ignore[index, call-overload]
    assert "<svg" in (tmp_path / "flow.svg").read_text(encoding="utf-8")
    assert cli("review", "appraise", project, "--tool", "quadas_2", "--plots", tmp_path / "plots")[0] == 0
    assert len(list((tmp_path / "plots").glob("*.svg"))) == 2
    code, out, _ = cli("review", "pool", project, "--bootstrap", 0)
    assert code == 0, "three studies are shown and not pooled"
    assert "Study" in out or "studies" in out
    assert cli("review", "report", project, "--out", tmp_path / "r.html", "--language", "es")[0] == 0
    assert "Flujo de estudios" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "3 rows" in cli("review", "export", project, tmp_path / "kept.ris", "--which", "included")[1]
    code, out, _ = cli("review", "check", project)
    assert code == 1, "the plan has no search strings"
    cli("review", "plan", project, "--search", "PubMed=knee[ti]", "--search", "Embase=knee:ti")
    assert cli("review", "check", project)[0] == 0


def test_actions_are_logged_and_taken_back(cli: Cli, tmp_path: Path) -> None:
    project = made(cli, tmp_path)
    cli("review", "screen", project, "--as", "anna", "--record", 1, "--decision", "y")
    event = data(cli, "log", project, "--kind", "decision")[-1]  # type: ignore[index]
    assert (event["who"], event["record"], event["value"]) == ("anna", 1, "include")
    assert "1 events taken back" in cli("review", "undo", project, event["event"], "--as", "anna")[1]
    assert data(cli, "log", project, "--kind", "decision")[-1]["taken back"]  # type: ignore[index]
    assert data(cli, "status", project)["stages"][0]["waiting"] == data(cli, "status", project)["stages"][0]["records"]  # type: ignore[index, call-overload]
    (tmp_path / "order.txt").write_text("9\n4\n", encoding="utf-8")
    assert "2 records are in order" in cli("review", "order", project, tmp_path / "order.txt")[1]
    assert [r["record"] for r in data(cli, "screen", project, "--as", "ben", "--count", 3)["records"]] == [9, 4, 1]  # type: ignore[index, call-overload]
    assert "was made again" in cli("review", "rebuild", project)[1]


def test_unreadable_records_are_written_beside_the_file(cli: Cli, tmp_path: Path) -> None:
    project = made(cli, tmp_path)
    (tmp_path / "bad.ris").write_text("TY  - JOUR\nTI  - A good record of something\nER  - \nTY  - JOUR\nAU  - X\nER  - \nTY  - JOUR\nTI  - cut", encoding="utf-8")
    code, out, err = cli("review", "import", project, tmp_path / "bad.ris", "--source", "PubMed")
    assert (code, "1 new" in out, "2 could not be read" in out) == (0, True, True)
    assert "line 4: a record needs a title" in err
    assert (tmp_path / "bad.ris.unreadable.csv").read_text(encoding="utf-8").splitlines()[1].startswith("4,a record needs a title")


@pytest.mark.parametrize(("args", "words"), [
    (("import", "{p}", "none.ris", "--source", "PubMed"), "there is no such file"), (("import", "{p}", "{d}/e.ris", "--source", "Scopus"), "none of the sources"), (("screen", "{p}", "--as", "nora"), "there is no reviewer 'nora'"),
    (("screen", "{p}", "--as", "anna", "--record", "999", "--decision", "include"), "there is no such record"), (("screen", "{p}", "--as", "anna", "--record", "1", "--decision", "why"), "'why' is no decision"),
    (("adjudicate", "{p}", "--as", "anna", "--record", "1", "--decision", "include"), "no conflict to settle"), (("close", "{p}", "--as", "anna"), "cannot be closed"), (("undo", "{p}", "4711", "--as", "anna"), "no event 4711"),
    (("pool", "{p}"), "no row has a two-by-two table"), (("flow", "{p}", "--language", "fr"), "no language 'fr'"), (("report", "{p}", "--out", "x.pdf"), "no report of the kind"), (("export", "{p}", "x.doc"), "no form 'doc'"),
    (("flow", "nowhere.review"), "no such project"), (("dedupe", "{p}", "--merge", "1=x"), "no number of a record"), (("init", "{p}", "--title", "again"), "a review in it already"), (("init", "new.review"), "no title"),
    (("plan", "{p}", "--source", "Scopus=03/04/2023"), "two ways"), (("extract", "{p}", "study=X", "--record", "1"), "nobody is named"), (("appraise", "{p}", "--tool", "robins", "--questions"), "no instrument"),
    (("term", "{p}", "method", "x", "magic", "--as", "anna"), "no word of the vocabulary"), (("fulltext", "{p}", "--as", "anna", "--record", "1"), "not sought"), (("update", "{p}", "--since", "999"), "no record 999"),
    (("flow", "mysql://x/y"), "cannot be opened")])
def test_mistakes_end_in_a_sentence(cli: Cli, tmp_path_factory: pytest.TempPathFactory, session_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], words: str) -> None:
    folder = session_folder("review-mistakes")
    if not (folder / "a.review").exists():
        made(cli, folder)
    monkeypatch.chdir(folder)
    code, out, err = cli("review", *(a.format(p=folder / "a.review", d=folder) for a in args))
    assert code == 2
    assert words in err
    assert err.startswith("osteon: ")
    assert "Traceback" not in out + err


def test_the_example_contradicts_itself(cli: Cli, tmp_path: Path) -> None:
    assert "62 records" in cli("review", "example", tmp_path / "seed.review")[1]
    code, out, _ = cli("review", "check", tmp_path / "seed.review", "--json")
    assert code == 1
    assert sum(f["status"] == "contradicted" for f in json.loads(out)) >= 10
    (tmp_path / "c.json").write_text('{"claims": [{"rule": "count", "of": "identified", "value": 62}]}', encoding="utf-8")
    assert any(f["said"] == "62 identified" and f["status"] == "holds" for f in json.loads(cli("review", "check", tmp_path / "seed.review", "--claims", tmp_path / "c.json", "--json")[1]))
    (tmp_path / "c.json").write_text("{", encoding="utf-8")
    assert "these are no claims" in cli("review", "check", tmp_path / "seed.review", "--claims", tmp_path / "c.json")[2]
