"""Exports of one search in three databases, with the faults on which de-duplication is known to fail.

Written before the de-duplication that it measures and not changed since. Rates of faults are ours, set from reports of users of reference managers
and de-duplication tools: a DOI absent or written as an address, abbreviated pages and journals, years that differ by one between the electronic and
the printed issue, articles in press, titles cut short, in capitals, in brackets, with another spelling, a misprint or a wrong encoding, authors with
initials in front or behind. Beside the duplicates stand twins: papers that look like duplicates and are not.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

ANATOMY = ("hip", "knee", "shoulder", "ankle", "wrist", "elbow", "lumbar spine", "cervical spine", "pelvis", "proximal femur", "distal radius", "scaphoid", "meniscus", "rotator cuff")
METHOD = ("deep learning", "a convolutional neural network", "machine learning", "transfer learning", "a vision transformer", "radiomics", "gradient boosting", "random forests",
          "a recurrent neural network", "natural language processing", "an ensemble of networks", "federated learning", "support vector machines", "statistical shape modelling")
TASK = ("detection", "classification", "segmentation", "grading", "automated measurement", "prediction", "triage", "differentiation", "quantification", "localisation", "screening", "staging")
CONDITION = ("fractures", "osteoarthritis", "implant loosening", "periprosthetic infection", "cartilage defects", "bone tumours", "osteoporosis", "ligament tears", "scoliosis", "dysplasia",
             "stenosis", "disc degeneration", "avascular necrosis", "sarcopenia", "postoperative complications", "readmission", "malalignment", "nonunion")
MODALITY = ("radiographs", "computed tomography", "magnetic resonance imaging", "ultrasound", "dual-energy X-ray absorptiometry", "wearable sensors", "registry data", "clinical notes", "video")
DESIGN = ("a retrospective cohort study", "a multicentre diagnostic accuracy study", "external validation", "a prospective study", "a registry study", "development and validation", "a reader study",
          "a pilot study", "comparison with radiologists", "a feasibility study", "a case-control study", "a simulation study")
FAMILY = ("Müller", "García-López", "Smith", "O'Brien", "Van der Berg", "Nguyen", "Kim", "Wang", "Zhang", "Li", "Tanaka", "Rossi", "Dubois", "Jørgensen", "Kowalski", "Silva", "Patel", "Cohen",
          "Johnson", "Brown", "Andersson", "Ivanov", "Yılmaz", "Chen", "Park", "Sato", "Fernández", "Núñez", "Schmidt", "Novák", "Taylor", "De Silva", "Lee", "Hernigou", "Moon", "Okafor")
GIVEN = ("Anna", "José Luis", "Wei", "Min-Jun", "Peter", "Sarah J", "Thomas", "Yuki", "Marie-Claire", "Robert A", "Elena", "Kwame", "Lars", "Fatma", "David", "Hiroshi", "Julia", "Xin", "Paulo", "Ruth")
JOURNALS = (("The Journal of bone and joint surgery. American volume", "J Bone Joint Surg Am"), ("European radiology", "Eur Radiol"), ("Scientific reports", "Sci Rep"),
            ("The Journal of arthroplasty", "J Arthroplasty"), ("Acta orthopaedica", "Acta Orthop"), ("Skeletal radiology", "Skeletal Radiol"), ("Spine", "Spine (Phila Pa 1976)"),
            ("Osteoarthritis and cartilage", "Osteoarthritis Cartilage"), ("BMC musculoskeletal disorders", "BMC Musculoskelet Disord"), ("Radiology", "Radiology"),
            ("Knee surgery, sports traumatology, arthroscopy", "Knee Surg Sports Traumatol Arthrosc"), ("Journal of orthopaedic research", "J Orthop Res"), ("PloS one", "PLoS One"),
            ("Computer methods and programs in biomedicine", "Comput Methods Programs Biomed"), ("Clinical orthopaedics and related research", "Clin Orthop Relat Res"))
GENERIC = ("Editorial", "Reply", "Letter to the editor", "Introduction", "Response to the letter to the editor", "Editorial comment", "Authors' reply", "In this issue", "CORR Insights")
SPELLING = (("tumour", "tumor"), ("orthopaed", "orthoped"), ("randomised", "randomized"), ("localisation", "localization"), ("anaesth", "anesth"), ("modelling", "modeling"), ("multicentre", "multicenter"),
            ("osteoarthritis", "osteoarthrosis"), ("postoperative", "post-operative"), ("X-ray", "x ray"), ("magnetic resonance imaging", "MRI"))
SOURCES = ("PubMed", "Embase", "Scholar")


@dataclass(frozen=True)
class Paper:
    """What is true of one publication."""

    title: str
    authors: tuple[tuple[str, str], ...]
    year: int
    journal: tuple[str, str]
    volume: str = ""
    issue: str = ""
    pages: tuple[str, str] = ("", "")
    doi: str = ""
    pmid: str = ""
    kind: str = "Article"
    abstract: str = ""


@dataclass(frozen=True)
class Search:
    """Records by source in file order, the paper of each, and pairs of papers that are preprint and paper."""

    records: dict[str, list[dict[str, str]]]
    papers: dict[str, list[int]]
    links: frozenset[tuple[int, int]]
    twins: dict[int, str] = field(default_factory=dict)

    def flat(self) -> tuple[list[dict[str, str]], list[int]]:
        """All records, source after source, and the paper of each."""
        return [r for s in SOURCES for r in self.records[s]], [p for s in SOURCES for p in self.papers[s]]


def search(records: int, seed: int = 0, *, duplicates: float = 0.3, twins: float = 0.08, titles: Sequence[str] = ()) -> Search:
    """``records`` records in which the share ``duplicates`` repeats a paper; ``titles`` are real ones, recombined where there are too few."""
    rng = random.Random(seed)
    number = records - round(records * duplicates)
    papers, links, kinds = _papers(rng, number, twins, titles)
    held: dict[int, list[str]] = {}
    for i, paper in enumerate(papers):
        held[i] = [_first_source(rng, paper)]
    for _ in range(records - number):
        i = rng.randrange(number)
        while len(held[i]) >= 3:
            i = rng.randrange(number)
        left = [s for s in SOURCES if s not in held[i] and not (s == "PubMed" and not papers[i].pmid)]
        again = not left or rng.random() < 0.04
        held[i].append(rng.choice(("Embase", "Scholar")) if again else rng.choice(left))
    places = [(source, i) for i, sources in held.items() for source in sources]
    rng.shuffle(places)
    out: dict[str, list[dict[str, str]]] = {s: [] for s in SOURCES}
    of: dict[str, list[int]] = {s: [] for s in SOURCES}
    for source, i in places:
        out[source].append(RENDER[source](rng, papers[i]))
        of[source].append(i)
    return Search(out, of, frozenset(links), kinds)


def _first_source(rng: random.Random, paper: Paper) -> str:
    return rng.choice(SOURCES if paper.pmid else SOURCES[1:])


def _papers(rng: random.Random, number: int, share: float, titles: Sequence[str]) -> tuple[list[Paper], set[tuple[int, int]], dict[int, str]]:
    """Papers, with twins of some of them behind; pairs of preprint and paper; which twin each is."""
    source = _titles(rng, number, titles)
    papers: list[Paper] = []
    links: set[tuple[int, int]] = set()
    kinds: dict[int, str] = {}
    while len(papers) < number:
        one = _paper(rng, next(source))
        if rng.random() >= share or len(papers) + 2 > number:
            papers.append(one)
            continue
        name = rng.choice(list(TWINS))
        made = TWINS[name](rng, one)[: number - len(papers)]
        kinds |= {len(papers) + i: name for i in range(len(made))}
        if name == "preprint":
            links.add((len(papers), len(papers) + 1))
        papers += made
    numbers = rng.sample(range(10_000_000, 40_000_000), len(papers))
    return [replace(p, pmid=str(n)) if p.pmid else p for p, n in zip(papers, numbers, strict=True)], links, kinds


def _titles(rng: random.Random, number: int, real: Sequence[str]) -> Iterator[str]:
    """Titles without end: the real ones in random order, then halves of real ones put together anew; or those of a grammar. Each comes once."""
    pool = [re.sub(r"\s+", " ", t).strip().rstrip(".") for t in real if t and len(t) > 25]
    seen: set[str] = set()
    rng.shuffle(pool)
    heads = [t.split(" in ", 1)[0] for t in pool if " in " in t[15:]] + [t.split(" of ", 1)[0] for t in pool if " of " in t[15:]]
    tails = [" in " + t.split(" in ", 1)[1] for t in pool if " in " in t[15:]] + [" of " + t.split(" of ", 1)[1] for t in pool if " of " in t[15:]]
    for t in pool:
        if t.lower() not in seen:
            seen.add(t.lower())
            yield t
    while True:
        t = rng.choice(heads) + rng.choice(tails) if heads and rng.random() < 0.8 else _grammar(rng)
        if t.lower() not in seen and len(t) > 25:
            seen.add(t.lower())
            yield t


def _grammar(rng: random.Random) -> str:
    m, t, c, a, i, d = (rng.choice(x) for x in (METHOD, TASK, CONDITION, ANATOMY, MODALITY, DESIGN))
    n = rng.randrange(40, 90_000)
    forms = (f"{m} for {t} of {c} of the {a} on {i}: {d}", f"{t} of {c} of the {a} with {m}: {d}", f"{m} and {i} in {t} of {a} {c}", f"can {m} improve {t} of {c} of the {a}? {d} of {n} patients",
             f"{t} of {a} {c} from {i} using {m} in {n} cases", f"{d}: {m} for {a} {t} of {c}", f"{m} versus clinicians for {t} of {c} of the {a} on {i} ({n} examinations)")
    text = rng.choice(forms)
    return text[0].upper() + text[1:]


def _authors(rng: random.Random, most: int = 9) -> tuple[tuple[str, str], ...]:
    return tuple((rng.choice(FAMILY), rng.choice(GIVEN)) for _ in range(rng.randint(1, most)))


def _doi(rng: random.Random) -> str:
    kind = rng.randrange(3)
    tail = (f"s{rng.randrange(10_000, 99_999)}-0{rng.randrange(10, 24)}-{rng.randrange(10_000, 99_999)}-{rng.choice(string.ascii_lowercase + string.digits)}" if kind == 0
            else f"j.{''.join(rng.choice(string.ascii_lowercase) for _ in range(4))}.20{rng.randrange(10, 24)}.{rng.randrange(1, 13):02d}.{rng.randrange(1, 999):03d}{rng.randrange(10, 99)}" if kind == 1
            else f"{''.join(rng.choice(string.ascii_uppercase) for _ in range(3))}.{rng.randrange(10**9, 10**10)}")
    return f"10.{rng.randrange(1000, 9999)}/{tail}"


def _paper(rng: random.Random, title: str) -> Paper:
    first = rng.randrange(1, 4000)
    online = rng.random() < 0.25
    pages = (f"e{rng.randrange(1000, 99_999)}", "") if online and rng.random() < 0.5 else (str(rng.randrange(1000, 99_999)), "") if online else (str(first), str(first + rng.randrange(3, 15)))
    return Paper(title, _authors(rng), rng.randrange(2005, 2024), rng.choice(JOURNALS), str(rng.randrange(1, 99)), str(rng.randrange(1, 13)), pages, _doi(rng),
                 str(rng.randrange(10_000_000, 38_000_000)) if rng.random() < 0.8 else "", abstract=f"Background. {title}. Methods. {rng.randrange(20, 9000)} patients. Results. {_grammar(rng)}.")


def _moved(rng: random.Random, paper: Paper, **changes: object) -> Paper:
    """The paper with identifiers and pages of its own."""
    first = rng.randrange(1, 4000)
    own = {"doi": _doi(rng), "pmid": str(rng.randrange(10_000_000, 38_000_000)) if paper.pmid else "", "pages": (str(first), str(first + rng.randrange(2, 12)))}
    return replace(paper, **{**own, **changes})  # type: ignore[arg-type]


def _part(rng: random.Random, p: Paper) -> list[Paper]:
    one, two = rng.choice((("Part I", "Part II"), ("Part 1", "Part 2"), ("part one", "part two"), ("II", "III")))
    start = rng.randrange(1, 3000)
    end = start + rng.randrange(5, 14)
    doi = p.doi[:-1] if p.doi[-1].isdigit() else p.doi
    first = replace(p, title=f"{p.title}: {one}", pages=(str(start), str(end)), doi=doi + "1")
    return [first, _moved(rng, p, title=f"{p.title}: {two}", pages=(str(end + 1), str(end + 9)), doi=doi + "2")]


def _erratum(rng: random.Random, p: Paper) -> list[Paper]:
    form = rng.choice(("Erratum to: {}", "Correction to: {}", "Correction: {}", "Retraction Note: {}", "Erratum: {}", "{} [Erratum]", "Corrigendum to \"{}\"", "{}"))
    page = str(rng.randrange(1, 4000))
    return [p, _moved(rng, p, title=form.format(p.title), kind="Erratum", year=p.year + rng.randrange(2), pages=(page, page), abstract="")]


def _later(rng: random.Random, p: Paper) -> list[Paper]:
    gap = rng.randrange(3, 9)
    return [replace(p, year=min(p.year, 2014)), _moved(rng, p, year=min(p.year, 2014) + gap, volume=str(int(p.volume) + gap), authors=(p.authors[0], *_authors(rng, 4)))]


def _meeting(rng: random.Random, p: Paper) -> list[Paper]:
    page = f"S{rng.randrange(1, 600)}"
    shared = f"10.1016/S1063-4584({rng.randrange(5, 24):02d})6{rng.randrange(10):04d}-X"
    journal = rng.choice(JOURNALS)
    return [p, _moved(rng, p, kind="Conference Abstract", year=p.year - rng.randrange(3), journal=journal, pages=(page, page), pmid="", issue="Suppl 1", doi=rng.choice((shared, "")), abstract="")]


def _follow_up(rng: random.Random, p: Paper) -> list[Paper]:
    one, two = rng.choice((("two-year results", "five-year results"), ("results at 2 years", "results at 5 years"), ("minimum 10-year follow-up", "minimum 15-year follow-up")))
    return [replace(p, title=f"{p.title}: {one}"), _moved(rng, p, title=f"{p.title}: {two}", year=p.year + rng.randrange(1, 4))]


def _word(rng: random.Random, p: Paper) -> list[Paper]:
    one, two = rng.choice((("hip", "knee"), ("men", "women"), ("CT", "MRI"), ("children", "adults"), ("acute", "chronic"), ("medial", "lateral"), ("anterior", "posterior"), ("cemented", "uncemented")))
    form = rng.choice(("{}: {} cases", "{} ({})", "{} for the {} group"))
    return [replace(p, title=form.format(p.title, one)), _moved(rng, p, title=form.format(p.title, two), year=p.year + rng.randrange(2))]


def _comment(rng: random.Random, p: Paper) -> list[Paper]:
    form = rng.choice(("Re: {}", "Reply to the letter to the editor: {}", "Commentary on: {}", "Letter to the editor regarding \"{}\"", "CORR Insights: {}", "Comment on \"{}\"", "Response to: {}"))
    return [p, _moved(rng, p, title=form.format(p.title), authors=_authors(rng, 3), year=p.year + rng.randrange(2), abstract="", kind="Letter")]


def _protocol(rng: random.Random, p: Paper) -> list[Paper]:
    return [replace(p, title=f"{p.title}: a randomised controlled trial"), _moved(rng, p, title=f"{p.title}: study protocol for a randomised controlled trial", year=p.year - rng.randrange(1, 4))]


def _preprint(rng: random.Random, p: Paper) -> list[Paper]:
    where = rng.choice((("medRxiv", "10.1101"), ("bioRxiv", "10.1101"), ("Research Square", "10.21203"), ("arXiv", "10.48550")))
    tail = f"20{rng.randrange(19, 24)}.0{rng.randrange(1, 10)}.{rng.randrange(10, 29)}.{rng.randrange(10**7, 10**8)}" if where[1] == "10.1101" else f"rs.3.rs-{rng.randrange(10**6)}/v1" if where[1] == "10.21203" else f"arXiv.{rng.randrange(1000, 9999)}.{rng.randrange(10_000, 99_999)}"
    title = p.title if rng.random() < 0.8 else f"{p.title}: development and validation"
    return [p, replace(p, title=title, journal=(where[0], where[0]), volume="", issue="", pages=("", ""), doi=f"{where[1]}/{tail}", pmid="", year=p.year - rng.randrange(2), kind="Preprint")]


def _generic(rng: random.Random, p: Paper) -> list[Paper]:
    title = rng.choice(GENERIC)
    return [_moved(rng, p, title=title, authors=_authors(rng, 2), journal=rng.choice((p.journal, rng.choice(JOURNALS))), volume=str(rng.randrange(1, 99)), abstract="") for _ in range(3)]


def _supplement(rng: random.Random, p: Paper) -> list[Paper]:
    """Abstracts of one meeting: other titles, one DOI."""
    doi, start = f"10.1016/j.joca.20{rng.randrange(10, 24)}.02.{rng.randrange(100, 999)}", rng.randrange(1, 300)
    return [replace(p, title=_grammar(rng), authors=_authors(rng), doi=doi, kind="Conference Abstract", issue="Suppl 1", pages=(f"S{start + k}", f"S{start + k}"), pmid="", abstract="") for k in range(4)]


TWINS: dict[str, Callable[[random.Random, Paper], list[Paper]]] = {
    "part": _part, "erratum": _erratum, "later": _later, "meeting": _meeting, "follow-up": _follow_up, "word": _word, "comment": _comment, "protocol": _protocol, "preprint": _preprint,
    "generic": _generic, "supplement": _supplement}


# What each database makes of a paper.

def _initials(given: str) -> str:
    return "".join(part[0] for part in re.split(r"[ -]", given) if part)


def _pages(paper: Paper, *, short: bool) -> str:
    first, last = paper.pages
    if not last or first == last:
        return first
    if short and len(first) == len(last):
        k = next((i for i, (a, b) in enumerate(zip(first, last, strict=True)) if a != b), len(first) - 1)
        return f"{first}-{last[k:]}"
    return f"{first}-{last}"


def _misprint(rng: random.Random, text: str) -> str:
    """One letter of a word lost, doubled, exchanged or swapped with the next; numbers stay."""
    places = [i for i in range(1, len(text) - 2) if text[i].isalpha() and text[i - 1].isalpha() and text[i + 1].islower() and text[i + 2].isalpha()]
    if not places:
        return text
    i = rng.choice(places)
    return rng.choice((text[:i] + text[i + 1:], text[:i] + text[i] + text[i:], text[:i] + rng.choice(string.ascii_lowercase) + text[i + 1:], text[:i] + text[i + 1] + text[i] + text[i + 2:]))


def _title(rng: random.Random, text: str) -> str:
    """Faults that any database may have."""
    if rng.random() < 0.06:
        for british, american in SPELLING:
            text = text.replace(british, american)
    if rng.random() < 0.025:
        text = _misprint(rng, text)
    if rng.random() < 0.03:
        text = text.replace("-", rng.choice(("\u2010", "\u2013", " "))).replace("'", "\u2019").replace('"', "\u201c")
    if rng.random() < 0.015 and ": " in text and len(text.split(": ")[0].split()) >= 6:
        text = text.split(": ")[0]
    if rng.random() < 0.01:
        text = text.encode("utf-8").decode("latin-1", errors="replace") if any(ord(c) > 127 for c in text) else text
    if rng.random() < 0.01:
        text = rng.choice((f"<b>{text}</b>", text.replace(" and ", " &amp; "), f"{text}<sup>1</sup>"))
    return text


def _year(rng: random.Random, paper: Paper, rate: float) -> str:
    return str(paper.year + (rng.choice((-1, 1)) if rng.random() < rate else 0))


def _wrong(rng: random.Random, doi: str) -> str:
    """Rarely a digit of the identifier is wrong."""
    if doi and rng.random() < 0.003:
        places = [i for i, c in enumerate(doi) if c.isdigit() and i > 8]
        i = rng.choice(places)
        return doi[:i] + str((int(doi[i]) + 1) % 10) + doi[i + 1:]
    return doi


def pubmed(rng: random.Random, p: Paper) -> dict[str, str]:
    """A PubMed record: full stop behind the title, short pages, both names of the journal, always a PMID."""
    title = _title(rng, p.title)
    title = f"[{title}]." if rng.random() < 0.03 else f"{title}."
    doi = _wrong(rng, p.doi) if rng.random() < 0.92 else ""
    names = [f"{f}, {g}" for f, g in p.authors]
    kind = {"Erratum": "Published Erratum", "Letter": "Letter"}.get(p.kind, "Journal Article")
    return {"title": title, "authors": "; ".join(names), "year": _year(rng, p, 0.08), "journal": p.journal[0], "abbreviation": p.journal[1], "volume": p.volume, "issue": p.issue,
            "pages": _pages(p, short=True), "doi": doi, "pmid": p.pmid, "kind": kind, "abstract": p.abstract}


def embase(rng: random.Random, p: Paper) -> dict[str, str]:
    """An Embase record: initials, full pages, sometimes an article in press without volume and pages, a DOI as an address."""
    early = rng.random() < 0.05 and p.kind == "Article"
    doi = _wrong(rng, p.doi) if rng.random() < 0.88 else ""
    doi = rng.choice((doi, doi, doi.upper(), f"https://doi.org/{doi}", f"http://dx.doi.org/{doi}")) if doi else ""
    names = [f"{f}, {'.'.join(_initials(g))}." for f, g in p.authors]
    return {"title": _title(rng, p.title), "authors": "; ".join(names), "year": str(p.year - 1) if early and rng.random() < 0.5 else _year(rng, p, 0.03), "journal": rng.choice(p.journal),
            "abbreviation": "", "volume": "" if early else p.volume, "issue": "" if early else p.issue, "pages": "" if early else _pages(p, short=False), "doi": doi,
            "pmid": p.pmid if rng.random() < 0.55 else "", "kind": "Article in Press" if early else p.kind, "abstract": p.abstract if rng.random() < 0.9 else ""}


def scholar(rng: random.Random, p: Paper) -> dict[str, str]:
    """A Scholar record: capitals, cut titles, prefixes, four authors with initials in front, seldom a DOI, no abstract."""
    title = _title(rng, p.title)
    case = rng.random()
    title = title.upper() if case < 0.04 else string.capwords(title) if case < 0.3 else title
    if rng.random() < 0.04 and len(title) > 85:
        title = title[: rng.randrange(70, 82)].rsplit(" ", 1)[0] + rng.choice(("…", "...", " …"))
    title = rng.choice(("[HTML] ", "[PDF] ", "[BOOK] ")) + title if rng.random() < 0.04 else title
    names = [f"{_initials(g)} {f}" for f, g in p.authors[:4]] + (["..."] if len(p.authors) > 4 else [])
    doi = f"https://doi.org/{p.doi}" if p.doi and rng.random() < 0.08 else ""
    return {"title": title, "authors": "; ".join(names), "year": "" if rng.random() < 0.015 else _year(rng, p, 0.05), "journal": p.journal[0] if rng.random() < 0.7 else p.journal[0][:18].rsplit(" ", 1)[0] + " …",
            "abbreviation": "", "volume": p.volume if rng.random() < 0.7 else "", "issue": p.issue if rng.random() < 0.5 else "", "pages": _pages(p, short=False) if rng.random() < 0.7 else "", "doi": doi,
            "pmid": "", "kind": "", "abstract": ""}


RENDER: dict[str, Callable[[random.Random, Paper], dict[str, str]]] = {"PubMed": pubmed, "Embase": embase, "Scholar": scholar}


# Files.

def nbib(records: Sequence[dict[str, str]]) -> str:
    """A PubMed file."""
    out = []
    for r in records:
        family = [a.split(", ") for a in r["authors"].split("; ")]
        out.append("\n".join([f"PMID- {r['pmid']}", f"VI  - {r['volume']}", f"IP  - {r['issue']}", f"DP  - {r['year']} Mar", f"TI  - {r['title']}", f"PG  - {r['pages']}",
                              *([f"LID - {r['doi']} [doi]"] if r["doi"] else []), f"AB  - {r['abstract']}",
                              *(line for f in family for line in (f"FAU - {', '.join(f)}", f"AU  - {f[0]} {_initials(f[-1])}")), "LA  - eng", f"PT  - {r['kind']}", f"TA  - {r['abbreviation']}", f"JT  - {r['journal']}",
                              *([f"AID - {r['doi']} [doi]"] if r["doi"] else []), f"SO  - {r['abbreviation']}. {r['year']} Mar;{r['volume']}({r['issue']}):{r['pages']}."]))
    return "\n\n".join(out) + "\n\n"


def ris(records: Sequence[dict[str, str]], *, manager: bool = False) -> str:
    """A RIS file as the database writes it, or as a reference manager writes it anew: other tags, an address for a DOI, lists of authors re-punctuated."""
    return "".join(_managed(r) if manager else _raw(r) for r in records)


def _raw(r: dict[str, str]) -> str:
    kind = {"Conference Abstract": "CONF", "Preprint": "UNPB"}.get(r["kind"], "JOUR")
    first, _, last = r["pages"].partition("-")
    lines = [f"TY  - {kind}", f"M3  - {r['kind']}", f"T1  - {r['title']}", *(f"A1  - {a}" for a in r["authors"].split("; ")), f"Y1  - {r['year']}//", f"JF  - {r['journal']}", f"VL  - {r['volume']}",
             f"IS  - {r['issue']}", f"SP  - {first}", f"EP  - {last}", f"DO  - {r['doi']}", f"AN  - {r['pmid']}" if r["pmid"] else "", f"N2  - {r['abstract']}", "ER  - "]
    return "\r\n".join(line for line in lines if line and not line.endswith("  - ") or line.startswith("ER")) + "\r\n\r\n"


def _managed(r: dict[str, str]) -> str:
    kind = {"Conference Abstract": "CONF", "Preprint": "UNPB"}.get(r["kind"], "JOUR")
    doi = r["doi"].removeprefix("https://doi.org/").removeprefix("http://dx.doi.org/")
    title = re.sub(r"</?\w+>", "", r["title"]).removesuffix(".").strip()
    names = [re.sub(r"\.(?=\w)", ". ", a) for a in r["authors"].split("; ")]
    lines = [f"TY  - {kind}", *(f"AU  - {a}" for a in names), f"AB  - {r['abstract']}", f"AN  - {r['pmid']}" if r["pmid"] else "", f"DA  - {r['year']}///", f"DO  - https://doi.org/{doi}" if doi else "",
             f"IS  - {r['issue']}", f"M3  - {r['kind']}", f"PY  - {r['year']}", f"SP  - {r['pages']}", f"T2  - {r['journal']}", f"TI  - {title}", f"VL  - {r['volume']}", f"ID  - {len(title) * 17 % 9999}", "ER  - "]
    return "\n".join(line for line in lines if line and not line.endswith("  - ") or line.startswith("ER")) + "\n\n"


def scores(found: Sequence[int], truth: Sequence[int]) -> tuple[float, float]:
    """Precision and recall of the pairs that a grouping puts together."""
    def pairs(groups: dict[object, int]) -> int:
        return sum(n * (n - 1) // 2 for n in groups.values())

    both: dict[object, int] = {}
    ours: dict[object, int] = {}
    true: dict[object, int] = {}
    for f, t in zip(found, truth, strict=True):
        for counts, key in ((both, (f, t)), (ours, f), (true, t)):
            counts[key] = counts.get(key, 0) + 1
    return pairs(both) / max(pairs(ours), 1), pairs(both) / max(pairs(true), 1)
