"""What a review set out to do: question, criteria, sources, reasons, areas, people. A change of plan is an event of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from osteon.errors import DataError, listed, message, near
from osteon.evidence.review.store import Event, Store
from osteon.study import AREAS

KINDS = ("database", "register", "other")  # the columns of the flow diagram of PRISMA 2020: databases and registers on the left, other methods on the right
LANGUAGES = ("en", "es")
PIRD = ("population", "index", "reference", "diagnosis")
TITLE, FULLTEXT = "title", "fulltext"
STAGES = (TITLE, FULLTEXT)
REASONS: Mapping[str, tuple[str, ...]] = {
    TITLE: (), FULLTEXT: ("wrong population", "wrong index test", "wrong reference standard", "wrong outcome", "wrong study design", "no original data", "duplicate publication", "not retrievable in a known language")}
# Words that speak for an area: the second, rule-based label that stands beside the label of a reviewer.
WORDS: Mapping[str, tuple[str, ...]] = {
    "basic science": ("cartilage tissue", "gene", "protein", "histolog", "cell", "mice", "finite element", "biomechanic", "microct", "osteoblast", "synovi"),
    "radiographic assessment": ("radiograph", "x-ray", "mri", "magnetic resonance", "computed tomography", " ct ", "ultraso", "imaging", "cobb"),
    "spine-oriented surgery": ("spine", "spinal", "lumbar", "cervical", "scoliosis", "vertebra", "pedicle", "disc herniation"),
    "outcomes assessment": ("outcome", "readmission", "complication", "mortality", "length of stay", "satisfaction", "survival", "discharge"),
    "basic ai education": ("education", "training of residents", "algorithm", "convolutional", "natural language", "automat", "curricul")}


@dataclass(frozen=True)
class SearchSource:
    """One place that was searched: its name, kind, the string and the day of the search."""

    name: str
    kind: str = "database"
    search: str = field(default="", kw_only=True)
    searched: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not self.name:
            raise DataError(message("plan, sources", "a source has no name"))
        if self.kind not in KINDS:
            raise DataError(message(f"plan, source {self.name}", f"there is no kind {self.kind!r}", expected=", ".join(KINDS)))


@dataclass(frozen=True)
class People:
    """Who screens, how many decide on each record, and who may settle a conflict (anyone where nobody is named)."""

    reviewers: tuple[str, ...] = ()
    per_record: int = 2
    adjudicators: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        if self.per_record not in (1, 2):
            raise DataError(message("plan, per_record", f"{self.per_record} decisions on a record", expected="2 (two blinded reviewers), or 1"))


@dataclass(frozen=True)
class Plan:
    """The plan of a review."""

    title: str
    question: Mapping[str, str] = field(default_factory=dict, hash=False)
    include: tuple[str, ...] = field(default=(), kw_only=True)
    exclude: tuple[str, ...] = field(default=(), kw_only=True)
    sources: tuple[SearchSource, ...] = field(default=(), kw_only=True)
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(REASONS), kw_only=True, hash=False)
    areas: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {a: WORDS[a] for a in AREAS}, kw_only=True, hash=False)
    people: People = field(default_factory=People, kw_only=True)

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise DataError(message("plan", "the review has no title"))
        _known("question", self.question, PIRD)
        _known("reasons", self.reasons, STAGES)
        names = [s.name for s in self.sources]
        if len(set(names)) < len(names):
            raise DataError(message("plan, sources", "a name stands twice", expected="each source once", found=f"Found {listed(names)}"))

    def source(self, name: str) -> SearchSource:
        """The source of a name, in any case of letters; raises DataError with the near ones."""
        found = next((s for s in self.sources if s.name.lower() == name.lower()), None)
        if found is None:
            raise DataError(message("--source", f"{name!r} is none of the sources of the plan", do=f"{near(name, [s.name for s in self.sources])} Add it with `osteon review plan PROJECT --source NAME=DATE`"))
        return found

    def reviewer(self, name: str) -> str:
        """The name of a reviewer of the plan; raises DataError with the near ones."""
        if name not in self.people.reviewers:
            raise DataError(message("--as", f"there is no reviewer {name!r}", do=f"{near(name, self.people.reviewers)} Add one with `osteon review plan PROJECT --reviewer NAME`"))
        return name

    def adjudicator(self, name: str) -> str:
        """The name of one who may settle a conflict; raises DataError."""
        allowed = self.people.adjudicators or self.people.reviewers
        if name not in allowed:
            raise DataError(message("--as", f"{name!r} may not settle conflicts", expected=listed(allowed) or "a reviewer of the plan"))
        return name

    def reason(self, stage: str, name: str) -> str:
        """A reason of the plan for a stage, in any case of letters; raises DataError with the near ones. A stage without reasons takes any words."""
        known = self.reasons.get(stage, ())
        found = next((r for r in known if r.lower() == name.lower()), None)
        if known and name and found is None:
            raise DataError(message("--reason", f"{name!r} is none of the reasons of the plan", do=near(name, known)))
        return found or name


def _known(where: str, given: Iterable[str], known: tuple[str, ...]) -> None:
    strange = sorted(set(given) - set(known))
    if strange:
        raise DataError(message(f"plan, {where}", f"{strange[0]!r} is not known", expected=", ".join(known), do=near(strange[0], known)))


def day(value: object, where: str) -> str:
    """A date as YYYY-MM-DD: 2023-11-01, 1 Nov 2023 and 25/11/2023 are understood, 03/04/2023 (March or April?) is refused with DataError."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()[:10]
    text = str(value).strip()
    for form in ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%d.%m.%Y", "%Y/%m/%d"):
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    try:
        read = {datetime.strptime(text, form).date() for form in ("%d/%m/%Y", "%m/%d/%Y") if _reads(text, form)}
    except ValueError:
        read = set()
    if len(read) == 1:
        return read.pop().isoformat()
    raise DataError(message(where, f"the date {text!r} {'can be read in two ways' if read else 'is not understood'}", expected="YYYY-MM-DD"))


def _reads(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def from_plain(data: Mapping[str, Any]) -> Plan:
    """A plan of plain data (a YAML file, or `plain`); raises DataError naming what is not understood."""
    _known("top level", data, tuple(f.name for f in fields(Plan)))
    try:
        sources = tuple(SearchSource(s["name"], s.get("kind", "database"), search=s.get("search", ""), searched=day(s["searched"], f"plan, source {s['name']}") if s.get("searched") else "")
                        for s in data.get("sources") or ())
        people = dict(data.get("people") or {})
        asked: dict[str, Any] = {k: tuple(map(str, data[k])) for k in ("include", "exclude") if data.get(k)}
        words: dict[str, Any] = {k: {a: tuple(w or ()) for a, w in _areas(data[k]).items()} if k == "areas" else {a: tuple(w or ()) for a, w in data[k].items()} for k in ("areas", "reasons") if data.get(k)}
        return Plan(str(data.get("title") or ""), {k: str(v or "") for k, v in (data.get("question") or {}).items()}, sources=sources,
                    people=People(tuple(map(str, people.get("reviewers") or ())), int(people.get("per_record") or 2), adjudicators=tuple(map(str, people.get("adjudicators") or ()))),
                    **asked, **words)
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise DataError(message("plan", "this is no plan", expected="title, question, include, exclude, sources, reasons, areas, people", found=f"{type(error).__name__}: {error}")) from None


def _areas(data: Any) -> dict[str, Any]:
    """Areas with their words; a plain list takes the words that we know."""
    return dict(data) if isinstance(data, Mapping) else {str(a): WORDS.get(str(a), ()) for a in data}


def plain(plan: Plan) -> dict[str, Any]:
    """The plan as plain data; `from_plain` is its inverse."""
    return asdict(plan)


def read_plan(path: Path) -> Plan:
    """The plan in a YAML file; raises DataError."""
    import yaml

    if not path.is_file():
        raise DataError(message(path, "there is no such file", expected="a plan in YAML"))
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(message(path, "this is no YAML in UTF-8", found=" ".join(str(error).split()))) from None
    if not isinstance(data, dict):
        raise DataError(message(path, "the file holds no mapping", expected="title, question, include, exclude, sources, people"))
    return from_plain(data)


def plan_of(store: Store) -> Plan:
    """The plan that holds now."""
    found = store.payloads("plan")
    if not found:
        raise DataError(message("review", "the project has no plan", do="Make it with `osteon review init`"))
    return from_plain(found[-1]["payload"])


def set_plan(store: Store, who: str, plan: Plan) -> None:
    """Write the plan, or its change. Raises DataError where the change would leave a decision without its reviewer."""
    gone = {s["who"] for s in store.payloads("decision")} - set(plan.people.reviewers)
    if gone:
        raise DataError(message("plan, reviewers", f"{listed(sorted(gone))} has decided on records and cannot be left out", do="Keep the name; new records are shared among all who are named"))
    with store.write(who) as writing:
        writing.append(Event("plan", "plan", payload=plain(plan)))


def changed(plan: Plan, **parts: Any) -> Plan:
    """A plan with lists made longer: sources, include, exclude, reviewers, adjudicators."""
    people = replace(plan.people, reviewers=_more(plan.people.reviewers, parts.get("reviewers")), adjudicators=_more(plan.people.adjudicators, parts.get("adjudicators")))
    return replace(plan, people=people, sources=(*plan.sources, *(parts.get("sources") or ())), include=_more(plan.include, parts.get("include")), exclude=_more(plan.exclude, parts.get("exclude")))


def _more(now: tuple[str, ...], new: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*now, *(new or ()))))
