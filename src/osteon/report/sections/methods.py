"""Methods text with citations, ready to paste: only what this run did."""

from __future__ import annotations

from osteon.report.content import Items, Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.families.at_cut import cut_words
from osteon.report.questions import told_of
from osteon.report.references import Citing
from osteon.report.sections.asking import design_words, told
from osteon.report.words import listed, many, number, software
from osteon.targets import Classes, Declared, Masks, Measures, Objects


def methods(facts: Facts) -> Section:
    """Design, cases, models, statistics and software in the past tense, and the papers."""
    cite = Citing()
    text = [_design(facts, cite), _cases(facts), _models(facts), *_statistics(facts, cite), _analyses(facts), _software(facts, cite)]
    note = "Written from the run. What only you know (ethics, dates, who set the reference standard and how, sample size, funding) is for you to add."
    return Section("methods", "Methods, ready to paste", (Paragraph((note,), "note"), *(Paragraph((t,), "quoted") for t in text if t), Items(cite.listed(), "ready")))


def _design(facts: Facts, cite: Citing) -> str:
    kind = "This was a verification of software on simulated cases" if facts.simulated else "This was a retrospective study of development and internal validation"
    return (f"{kind}, after the design of an earlier study {cite(f'{facts.study.cite}. doi: {facts.study.doi}')}. The question was: {facts.study.question} "
            f"The primary outcome was {facts.primary.question.target} ({told(facts.study.targets[facts.primary.question.target])}; finding: {facts.primary.question.finding}), counted by {facts.study.unit}.")


def _cases(facts: Facts) -> str:
    n, out = facts.flow, facts.left_out
    left = f"; {number(sum(count for _, count in out))} were left out ({listed(f'{reason}, {number(count)}' for reason, count in out)})" if out else "; none was left out"
    return f"Of {facts.words.cases(n['assessed'])} ({facts.cohort['name']}), {number(n['included'])} were used{left}. {design_words(facts)}"


def _models(facts: Facts) -> str:
    inputs = listed(spec.description for spec in facts.study.inputs.values())
    names = tuple(facts.about["models"])
    fitted = "; imputation, scaling and coding of columns were fitted with the model" if any(s.kind == "table" for s in facts.study.inputs.values()) else ""
    verb = "s" if len(names) == 1 else ""
    return f"{'The models' if len(names) > 1 else 'The model'} ({listed(names)}) read{verb} {inputs}. Nothing was learned outside of the train part{fitted}; the tune part chose the cut and, where a network was trained, the epoch."


def _analyses(facts: Facts) -> str:
    """The further analyses that the study declares, by their methods; empty where there is none."""
    told = dict.fromkeys(t.method for a in facts.study.analyses if (t := told_of(a)) is not None and t.method)
    return f"Declared with the study and made on the same run were {listed(told)}." if told else ""


def _statistics(facts: Facts, cite: Citing) -> list[str]:
    kinds = {type(facts.study.targets[t]) for t in facts.targets}
    out = [_ranking(facts, cite)] if any("auc" in r.metrics for r in facts.rows) else []
    out += [_cut(facts, t, cite) for t in facts.targets if any(r.table for r in facts.rows if r.question.target == t)]
    if any("sensitivity" in r.metrics for r in facts.rows):
        ratios = f", likelihood ratios with log intervals {cite('simel')}" if any("lr_positive" in r.metrics for r in facts.rows) else ""
        out.append(f"Sensitivity, specificity and predictive values are given with Wilson's score interval {cite('wilson', 'newcombe')}{ratios}.")
    if Classes in kinds:
        out.append(f"Probabilities were judged by the Brier score {cite('brier')}, and by slope and intercept of the logistic calibration line {cite('cox', 'calster')}; curves are local regressions of degree 2 {cite('loess')}.")
    if Measures in kinds:
        out.append(f"Readings were compared by mean absolute error beside that of always answering the mean, bias and limits of agreement {cite('bland')} with exact intervals {cite('carkeet')}, the intraclass correlation for absolute agreement of single readings, ICC(2,1) {cite('shrout', 'mcgraw')}, and the concordance correlation coefficient {cite('lin')}.")
    if Masks in kinds:
        out.append(f"Outlines were compared by the Dice coefficient {cite('dice')}, the 95th percentile of the Hausdorff distance (the larger of both directions) and the average symmetric surface distance {cite('reloaded')}.")
    if Objects in kinds:
        out.append(f"Boxes were matched once each, the most certain first; average precision {cite('voc', 'coco')} and recall are at the stated overlap.")
    if kinds & {Measures, Masks, Objects}:
        out.append(f"Intervals of means are from resampling {many(facts.words.person)}, so that two sides of one person do not count as two people {cite('efron')}.")
    return out + [f"All intervals are 95 % {many(facts.words.interval)}; no correction was made for the number of secondary comparisons."]


def _cut(facts: Facts, target: str, cite: Citing) -> str:
    declared = facts.study.targets[target]
    known = f" {cite('youden')}" if isinstance(declared, Classes) and not isinstance(declared.cut, Declared) else ""
    text = cut_words(facts, target)
    return f"{text[:-1]}{known}."


def _ranking(facts: Facts, cite: Citing) -> str:
    known = {str(r.metrics["auc"].get("method", "")) for r in facts.rows if "auc" in r.metrics}
    ways = {"DeLong": ("the variance of DeLong, on the logit scale", ("delong", "sun")), "Obuchowski": ("the variance of Obuchowski for clustered data", ("obuchowski",)),
            "Newcombe": ("Newcombe's score where the states are separated completely", ("newcombe_auc",))}
    used = [f"{words} {cite(*papers)}" for name, (words, papers) in ways.items() if any(name in method for method in known)]
    text = f"Intervals of the area under the ROC curve use {listed(used)}." if used else "The area under the ROC curve has no interval here."
    if len(facts.folds) > 1:
        text += f" It was taken within folds and averaged {cite('forman')}; folds were taken as independent, which they are not entirely {cite('bengio')}."
    top = next((v for r in facts.rows if (v := facts.ceiling(r, "auc")) is not None), None)
    return text + (f" The simulator's own risk function gives the attainable AUC of {number(top, 3)}." if top else "")


def _software(facts: Facts, cite: Citing) -> str:
    v = facts.about["versions"]
    parts = [software(v), f"Python {v.get('python', '')}", f"NumPy {v.get('numpy', '')} {cite('numpy')}", f"SciPy {v.get('scipy', '')} {cite('scipy')}"]
    learned = {m for m in facts.about["models"] if m in facts.study.models}
    tabular = any("table" in {facts.study.inputs[i].kind for i in facts.study.models[m].reads if i in facts.study.inputs} for m in learned)
    parts += [f"scikit-learn {v.get('scikit-learn', '')} {cite('sklearn')}"] if tabular else [f"PyTorch {v.get('torch', '')} {cite('torch')}"]
    guide = cite("tripod") if tabular else cite("claim")
    return f"Computations used {listed(parts)}, seed {facts.about['seed']}. Reporting {'borrows the order of' if facts.simulated else 'follows'} {'TRIPOD+AI' if tabular else 'CLAIM'} {guide} as far as a run can fill it."
