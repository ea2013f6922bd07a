"""A study before it begins: plan, statistical analysis plan and sample size, generated from its declaration; what only its author knows is a blank that can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osteon.report.content import Article, Block, Items, Paragraph, Section, Table
from osteon.report.references import Citing
from osteon.report.sections.asking import rule, told
from osteon.report.words import listed, many, number, plural
from osteon.targets import Classes, Events, Grades, Masks, Measures, Objects

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.study import Study

SHARE = 0.3  # with the finding, where no cohort tells it
METRICS: Mapping[type, str] = {
    Classes: "The area under the ROC curve (AUC) with DeLong's variance on the logit scale; at the cut sensitivity, specificity, predictive values and likelihood ratios with Wilson's and log intervals; the Brier score; slope, intercept, in-the-large and O:E of calibration with a smooth curve; net benefit over the range of thresholds that matter.",
    Grades: "Quadratic weighted kappa, mean absolute error in steps, share of exact answers and of answers within one step; AUC of the finding; at the cut sensitivity and specificity.",
    Measures: "Mean absolute error beside that of always answering the mean; bias and limits of agreement with exact intervals; ICC(2,1) for absolute agreement; the concordance coefficient; at the declared cut sensitivity and specificity.",
    Masks: "Dice, IoU, 95th percentile of the Hausdorff distance (the larger of both directions), average symmetric surface distance and surface Dice at 1 mm, per structure, with their spread.",
    Objects: "Average precision and recall at the stated overlap; free-response curve with sensitivities at 1/8 to 8 false marks an image.",
    Events: "Harrell's and Uno's C, time-dependent AUC and Brier score at the horizon with weights for censoring, calibration at the horizon, D-calibration.",
}


@dataclass(frozen=True)
class Known:
    """What a cohort tells of the plan: cases, patients, sites, and how many have the finding (None where nothing tells)."""

    cases: int = 0
    patients: int = 0
    sites: int = 0
    states: tuple[int, int] | None = field(default=None, kw_only=True)

    @property
    def share(self) -> float:
        """The share with the finding; an assumption where nothing tells."""
        return self.states[0] / sum(self.states) if self.states and 0 < self.states[0] < sum(self.states) else SHARE


def plan(study: Study, cohort: Cohort | None = None) -> Article:
    """The protocol of a study; a cohort gives numbers of cases, sites and the share with the finding. Raises DataError where it does not fit the study."""
    from osteon.engine.folder import PACKAGES
    from osteon.report.words import software

    known, cite = _known(study, cohort), Citing()
    sections = (_about(study, cite), _background(study), _objectives(study), _design(study, cohort, known), _participants(study, cohort, known), _index(study), _reference(study), _division(study), _size(study, known),
                _analysis(study, cite), _integrity(), _ethics(), _reporting(study), Section("references", "References", (Items(cite.listed(), "ready"),)))
    made = f"Protocol of {study.name}, written from its declaration by {software({PACKAGES[0]: _version()})}"
    return Article(f"Study protocol: {study.question}", None, sections=sections, simulated=bool(cohort is not None and cohort.origin == "simulated"), made=made)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("osteon")
    except PackageNotFoundError:
        return ""


def _known(study: Study, cohort: Cohort | None) -> Known:
    if cohort is None:
        return Known()
    fit_for = cohort.conform(study.inputs, study.targets, eligible=study.eligible, answered=(study.primary,))
    target = study.targets[study.primary]
    found = [target.is_positive(case.truth[study.primary], target.findings[0]) for case in fit_for if study.primary in case.truth] if target.findings and target.cut is not None else []
    sites = {s for s in fit_for.column("site").tolist() if s}
    return Known(len(fit_for), len(set(fit_for.column("patient").tolist())), len(sites), states=(sum(f is True for f in found), sum(f is False for f in found)) if found else None)


def blank(prompt: str) -> Paragraph:
    """A place that the author has to fill."""
    return Paragraph((f"[To be written: {prompt}]",), "blank")


def _text(*sentences: str) -> Paragraph:
    return Paragraph(sentences)


def _about(study: Study, cite: Citing) -> Section:
    rows = (("Title", study.question), ("Short name", study.name), ("After", f"{study.cite}{f'; doi {study.doi}' if study.doi else ''} {cite(f'{study.cite}. doi: {study.doi}')}"), ("Areas", listed(study.areas)), ("What is counted", study.unit))
    return Section("about", "1 About this protocol", (Table("about", "Administrative information", columns=("", ""), rows=rows, tone="tight"),
                                                       blank("version and date; names, roles and contacts of investigators and sponsor; registration number and registry; funding and the part of the funder; interests")))


def _background(study: Study) -> Section:
    claims = tuple(f"{c.what}: {c.value} ({c.where})" for c in study.claims)
    told_ = (_text("The paper that this study follows reports, as printed there:"), Items(claims, "quoted")) if claims else ()
    return Section("background", "2 Background", (blank("the clinical problem, what is done now, earlier models and their limits, the place of this one in care, and known inequalities between groups"), *told_))


def _objectives(study: Study) -> Section:
    target = study.targets[study.primary]
    others = [t for t in study.answered if t != study.primary]
    text = [f"{study.question} The primary outcome is {study.primary} ({told(target)}), and of it {target.findings[0] if target.findings else 'the whole answer'}; the primary model is {next(iter(study.models))}. Everything else is secondary."]
    text += [f"Secondary outcomes: {listed(f'{t} ({told(study.targets[t])})' for t in others)}."] if others else []
    return Section("objectives", "3 Objectives and outcomes", (_text(*text), blank("the hypothesis with its margin, where one is tested")))


def _design(study: Study, cohort: Cohort | None, known: Known) -> Section:
    data = f"The data are those of {cohort.name} ({ {'simulated': 'made by a simulator: a verification of software, not a study of patients', 'public': 'public data', 'own': 'own data'}[cohort.origin]}; {plural(known.cases, 'case')} of {plural(known.patients, 'patient')}{f', {plural(known.sites, chr(115) + chr(105) + chr(116) + chr(101))}' if known.sites else ''})." if cohort is not None else "No data set is named yet."
    return Section("design", "4 Design and setting", (_text("Development and internal validation of a prediction model or diagnostic test on stored data; the finished model may then be asked about cases from elsewhere, without retraining.", data),
                                                      blank("sites, setting, dates of recruitment, and whether data were collected for this study")))


def _participants(study: Study, cohort: Cohort | None, known: Known) -> Section:
    rules = tuple(e.reason for e in study.eligible) or ("no rule of the declaration beyond inputs that can be read",)
    left = len(cohort) - known.cases if cohort is not None else 0
    more = (_text(f"In the cohort named above {number(left)} of {number(len(cohort))} cases fail these rules."),) if cohort is not None else ()
    return Section("participants", "5 Participants", (_text("Eligible, by the declaration:"), Items(rules), *more,
                                                      blank("inclusion and exclusion of people, how candidates are found (consecutive, random, by convenience), and treatment before or between the tests"),
                                                      _text("A case that fails a rule or can not be read is left out with its reason and counted; a withheld answer and an open reference are counted apart.")))


def _index(study: Study) -> Section:
    inputs = tuple((name, spec.description + (f" ({', '.join(spec.columns)})" if spec.columns else "") + (", optional" if spec.optional else "")) for name, spec in study.inputs.items())
    models = tuple((label, listed(m.reads), listed(m.writes)) for label, m in study.models.items())
    differs = (_text("Where this study leaves the paper:"), Items(tuple(study.differs), "quoted")) if study.differs else ()
    return Section("index", "6 The models", (Table("inputs", "What is read", columns=("Input", "Description"), rows=inputs, tone="tight"),
                                             Table("models", "The models; the first is the primary one", columns=("Model", "Reads", "Answers"), rows=models, tone="tight"), *differs,
                                             blank("devices and settings with which inputs are acquired; who will use the answers, and with what skill")))


def _reference(study: Study) -> Section:
    rows = tuple((name, type(t).__name__.lower(), told(t), listed(t.findings) or "–", rule(t)) for name, t in study.targets.items())
    return Section("reference", "7 Targets and reference standard", (Table("targets", "What is asked", columns=("Target", "Family", "Answers", "Findings, main one first", "Cut"), rows=rows, tone="tight"),
                                                                     blank("what the reference standard of each target is and why; who sets it, with which training, how often, blind to what; how disagreement is settled; the time between tests")))



def _division(study: Study) -> Section:
    keep = listed(("patient", *study.together))
    return Section("division", "8 Division of the cases", (_text(f"The cases are divided by the design {study.design!r}. Nothing that shares {keep} stands in two parts; parts resemble each other in the share of the main finding.",
                                                                "The train part is learned from; the tune part chooses the cut and, where a network is trained, the epoch; the test part is judged once, at the end. With several folds, figures are taken within folds and averaged, each at its own fold's cut."),))


def _size(study: Study, known: Known) -> Section:
    from osteon.validation.planning import size

    asked = list(_questions(study, known))
    found = [size(name, given) for name, given in asked]
    rows = tuple((f.question, number(f.number), f.counts, f.sentence) for f in found)
    why = "taken from the cohort named above" if known.states else f"assumed to be {100 * SHARE:g} %: put your own in its place"
    there = (_text(f"There are {number(known.cases)} cases in the cohort" + (f", {number(known.states[0])} with the finding and {number(known.states[1])} without" if known.states else "") + "."),) if known.cases else ()
    return Section("size", "9 Sample size", (_text(f"The share with the finding is {why}. Other expectations stand in each sentence; the command “osteon size” answers with yours."),
                                             Table("size", "How many are needed", columns=("Question", "Number", "Of", "In a sentence"), rows=rows, tone="tight"), *there,
                                             blank("which of these is the basis of this study, with the source of every expectation, and what happens if fewer are found")))


def _questions(study: Study, known: Known) -> Iterator[tuple[str, dict[str, str]]]:
    """Questions of size that suit the primary target, with the expectations as text."""
    target, share = study.targets[study.primary], f"{known.share:.4g}"
    if target.cut is not None:
        yield "sensitivity", {"sensitivity": "0.9", "half_width": "0.05", "prevalence": share}
        yield "specificity", {"specificity": "0.9", "half_width": "0.05", "prevalence": share}
    if isinstance(target, (Classes, Grades)):
        columns = sum(len(spec.columns) for spec in study.inputs.values() if spec.kind == "table")
        yield "auc", {"auc": "0.8", "half_width": "0.05", "ratio": f"{(1 - known.share) / known.share:.4g}"}
        if columns:
            yield "model", {"parameters": str(columns), "prevalence": share, "auc": "0.75"}
    if isinstance(target, Measures):
        unit = dict(target.units).get(target.main, "")
        yield "limits", {"sd": "3", "half_width": "1"} if unit else {"sd": "1", "half_width": "0.33"}
        yield "icc", {"icc": "0.9", "width": "0.1", "raters": "2"}


def _analysis(study: Study, cite: Citing) -> Section:
    kinds = dict.fromkeys(type(study.targets[t]) for t in study.answered)
    blocks: list[Block] = [Paragraph(("Estimation",), "heading"), Items(tuple(f"{listed(t for t in study.answered if type(study.targets[t]) is k)}: {METRICS.get(k, 'the metrics of its family')}" for k in kinds)),
                           _text(f"All intervals are 95 %; where one patient gives several {many(study.unit)}, patients are the units {cite('obuchowski', 'rao')}. ROC areas follow DeLong {cite('delong', 'sun')}, shares Wilson {cite('wilson')}, calibration Van Calster and colleagues {cite('calster')}."),
                           Paragraph(("The cut",), "heading"), _text(f"{study.primary}: {rule(study.targets[study.primary])}. It is hashed and dated before the test part is judged, and applied unchanged."),
                           Paragraph(("Missing data and failures",), "heading"), _text("An empty number is filled by the median of the train part with a flag of its own, an empty word is a level of its own, both fitted on the train part only; an input that can not be read gives no answer. Nothing is imputed in targets. Withheld answers and open references are counted and never merged with wrong ones."),
                           Paragraph(("Groups and fairness",), "heading"), _text(f"Groups named beforehand: {listed(study.subgroups) or 'none'}. Each group from 20 cases on gets its figures with intervals; differences from the largest group are corrected by Holm's method. A group too small for a figure is shown as such, and no equality is claimed."),
                           Paragraph(("Other models, other analyses",), "heading"), _text(f"{plural(len(study.models), 'model')}; others are compared with the first by paired tests (DeLong, McNemar mid-p), corrected by Holm's method. Further analyses declared: {listed(type(a).__name__ for a in study.analyses) or 'none'}."),
                           Paragraph(("Sensitivity analyses",), "heading"), _text("Folds one by one; at least five seeds; intervals by other methods; external cases, with the shift of every column and a repaired calibration shown and not used."),
                           blank("margins and thresholds that matter clinically, the range of thresholds of net benefit, and any analysis beyond these")]
    return Section("analysis", "10 Statistical analysis plan", tuple(blocks))


def _integrity() -> Section:
    return Section("integrity", "11 What protects the result", (Items((
        "Leakage is looked for before anything is reported: the same patient, examination, picture or near-duplicate in two parts, features fitted outside the fold, labels told by margins, sites or dates.",
        "The plan is sealed (hash and time) when the run begins, and each cut before its test part is judged; the report says what does not fit the seal.",
        "Seed, versions, budget and hashes are kept; one command makes the run again from the same cases.",
        "Explanations of single answers are shown only beside their sanity checks.")), blank("who has access to the test part and its labels until the end")))


def _ethics() -> Section:
    return Section("ethics", "12 Ethics, privacy and dissemination", (_text("The run keeps codes in place of identifiers: no name, identifier or date of a patient enters it."),
                                                                      blank("approval and consent or why they are waived; data protection; involvement of patients and the public; harms and how they are handled; publication and authorship; where data, code and model can be had")))


def _reporting(study: Study) -> Section:
    kinds = {spec.kind for spec in study.inputs.values()}
    lists = [*(("CLAIM 2024",) if kinds & {"picture", "volume", "kspace", "video"} else ()), *(("TRIPOD+AI", "PROBAST+AI") if "table" in kinds else ()), *(("STARD-AI", "QUADAS-3") if study.targets[study.primary].cut is not None else ()), "model card"]
    return Section("reporting", "13 Reporting", (_text(f"The report fills, from the run, {listed(lists)}, item by item with the place where each stands; what only authors know is left to them. Deviations from this protocol are listed with their reason."),
                                                 blank("deviations from this protocol: what, when, why")))
