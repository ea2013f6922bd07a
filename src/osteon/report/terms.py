"""Every metric and term that a report may use: short name, plain words, how it is printed, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from osteon.report.content import Cell
from osteon.report.words import number, with_unit


@dataclass(frozen=True)
class Metric:
    """How a metric is printed: `scale` is index (3 digits), share (per cent), ratio, or unit (that of the reading)."""

    short: str
    plain: str
    scale: str = field(default="index", kw_only=True)
    digits: int = field(default=3, kw_only=True)
    better: int = field(default=1, kw_only=True)  # 1 higher, -1 lower, 0 neither
    meaning: str = field(default="", kw_only=True)


def _share(short: str, plain: str, meaning: str, better: int = 1) -> Metric:
    return Metric(short, plain, scale="share", digits=1, better=better, meaning=meaning)


def _unit(short: str, plain: str, meaning: str, *, digits: int = 2, better: int = 0) -> Metric:
    return Metric(short, plain, scale="unit", digits=digits, better=better, meaning=meaning)


METRICS: Mapping[str, Metric] = MappingProxyType({
    "auc": Metric("AUC", "area under the ROC curve", meaning="The chance that of two cases, one with and one without the finding, the one with it gets the higher score. "
                  "0.5 is a coin, 1 is perfect. It says nothing about whether the probabilities are right."),
    "sensitivity": _share("Sensitivity", "share found of those with the finding", "Of all cases with the finding, the share that is flagged at the cut."),
    "specificity": _share("Specificity", "share left alone of those without the finding", "Of all cases without the finding, the share that is not flagged at the cut."),
    "ppv": _share("PPV", "positive predictive value", "Of all flagged cases, the share that has the finding. It falls where the finding is rarer."),
    "npv": _share("NPV", "negative predictive value", "Of all cases that are not flagged, the share without the finding. It rises where the finding is rarer."),
    "accuracy": _share("Accuracy", "share of right calls", "The share of all calls at the cut that is right. With a rare finding it is high even for a useless test."),
    "prevalence": _share("Prevalence", "share with the finding", "The share of the cases that has the finding.", 0),
    "exact": _share("Exact class", "share of cases given their own class", "The share of cases whose named class is the true one."),
    "recall": _share("Recall", "share of true objects found", "Of all true objects, the share that a box of sufficient overlap was put on."),
    "lr_positive": Metric("LR+", "positive likelihood ratio", scale="ratio", digits=2, meaning="How many times more often a flag is raised in cases with the finding than in those without. "
                          "1 says nothing; above 10 is strong."),
    "lr_negative": Metric("LR−", "negative likelihood ratio", scale="ratio", digits=2, better=-1, meaning="How many times as often no flag is raised in cases with the finding as in those without. "
                          "1 says nothing; below 0.1 is strong."),
    "brier": Metric("Brier score", "mean squared error of the probability", better=-1, meaning="Mean squared distance of the probability from what happened (0 or 1); 0 is perfect. "
                    "Always naming the prevalence p scores p(1 − p)."),
    "calibration_slope": Metric("Slope", "calibration slope", scale="ratio", digits=2, better=0, meaning="1 is right. Below 1 the probabilities are too extreme (the usual sign of overfitting), above 1 too timid."),
    "calibration_intercept": Metric("Intercept", "calibration intercept", scale="ratio", digits=2, better=0, meaning="The height of the calibration line on the log-odds scale beside its slope; 0 is right."),
    "calibration_in_the_large": Metric("In the large", "calibration in the large", scale="ratio", digits=2, better=0, meaning="Whether probabilities are too low (above 0) or too high (below 0) on the whole, in log odds; 0 is right."),
    "observed_expected": Metric("O:E", "observed over expected", scale="ratio", digits=2, better=0, meaning="How many cases had the finding for each one that the probabilities expect; 1 is right."),
    "mae": _unit("MAE", "mean absolute error", "The mean distance of a reading from the reference, whichever way, in its own unit.", better=-1),
    "mae_of_the_mean": _unit("Always the mean", "error of always answering the mean", "The mean absolute error of one constant answer, the mean of the test cases: what a reading must beat.", better=-1),
    "bias": _unit("Bias", "mean difference, answer minus reference", "The mean of answer minus reference: 0 where readings are not shifted as a whole."),
    "loa_lower": _unit("Lower limit", "lower limit of agreement", "About 95 of 100 differences (answer minus reference) lie between the two limits of agreement.", digits=1),
    "loa_upper": _unit("Upper limit", "upper limit of agreement", "About 95 of 100 differences (answer minus reference) lie between the two limits of agreement.", digits=1),
    "icc": Metric("ICC(2,1)", "intraclass correlation, absolute agreement, single reading", meaning="The part of the variance that is due to the cases and not to who reads them; 1 is perfect. It rises with the spread of the cases."),
    "ccc": Metric("CCC", "concordance correlation", meaning="Closeness to the line of identity: correlation, punished for a shift or a stretch; 1 is perfect."),
    "r": Metric("r", "Pearson's correlation", meaning="How closely answer and reference follow one line, whichever line: a shift or a stretch goes unseen. 1 is perfect."),
    "dice": Metric("Dice", "overlap of two outlines", meaning="Twice the common area over the sum of both areas: 1 is the same outline, 0 no overlap."),
    "iou": Metric("IoU", "common area over joint area", meaning="Common area over joint area: 1 is the same, 0 no overlap."),
    "hd95": Metric("HD95", "95th percentile of the distance between outlines", scale="unit", digits=2, better=-1, meaning="95 of 100 points of either outline lie nearer than this to the other outline (mm)."),
    "assd": Metric("ASSD", "mean distance between outlines", scale="unit", digits=2, better=-1, meaning="The mean distance from each outline to the other (mm)."),
    "nsd": Metric("NSD 1 mm", "share of outlines within 1 mm", meaning="The share of both outlines that runs within 1 mm of the other: 1 is all of it (normalised surface distance)."),
    "c_index": Metric("C-index", "concordance of risk and time", meaning="Of two cases whose order is known, the chance that the one with the earlier event has the higher risk; 0.5 is a coin, 1 is perfect."),
    "kappa": Metric("Kappa", "Cohen's kappa of calls and truth", meaning="Agreement of the calls at the cut with the truth beyond what chance gives: 0 is chance, 1 is perfect. It falls where the finding is rare."),
    "kappa_quadratic": Metric("Kappa", "quadratic weighted kappa", meaning="Agreement of grades beyond chance; a miss by two steps weighs four times one by one step. 0 is chance, 1 is perfect."),
    "vus": Metric("All steps in order", "volume under the ROC surface", meaning="Of one case of each step, drawn at random, how often all are ranked in order; with five steps a coin gives 1 in 120, 1 is perfect."),
    "ssim": Metric("SSIM", "structural similarity", meaning="Likeness of two images in local brightness, contrast and structure; 1 is the same image."),
    "psnr": Metric("PSNR", "peak signal to noise", scale="ratio", digits=1, meaning="The largest value over the error, in decibels; higher is nearer."),
    "nmse": Metric("NMSE", "normalised mean squared error", digits=4, better=-1, meaning="Squared error over the squared signal; 0 is the same image."),
    "residual": Metric("Residual", "distance from what was measured", digits=3, better=-1, meaning="Of the measured signal, the part that coils of smooth sensitivity could not have measured of this picture: aliasing, invention, noise. "
                       "The fully sampled picture has one too, of noise."),
    "distance": _unit("Distance", "mean distance of points or surfaces", "The mean distance of found points from the true ones (in pixels of the film), or from each surface to the other (mm).", better=-1),
    "registered": _unit("Registered", "mean distance after the best rigid fit of the whole", "The same distance of points once the whole answer is laid onto the truth by one rigid motion: what is left is shape.", better=-1),
    "rotation": Metric("Turn, degrees", "mean turn of a body beside the truth", scale="ratio", digits=1, better=-1, meaning="By how many degrees a body stands turned beside the true one, about whichever axis, on average over the bodies."),
    "ap": Metric("AP", "average precision", meaning="How well boxes are placed over all confidences: precision averaged over recall at the stated overlap; 1 is perfect."),
    "ap_coco": Metric("AP 0.50 to 0.95", "average precision over overlaps", meaning="Average precision of boxes, averaged over the overlaps 0.50, 0.55 to 0.95 (COCO): a box that sits loosely costs something here."),
    "mask_ap": Metric("AP, outlines", "average precision of outlines", meaning="Average precision where an object counts as found by the overlap of its outline, not of its box."),
    "mask_ap_coco": Metric("AP 0.50 to 0.95, outlines", "average precision of outlines over overlaps", meaning="Average precision of outlines, averaged over the overlaps 0.50, 0.55 to 0.95 (COCO)."),
    "mask_iou": Metric("IoU, outlines", "overlap of outlines", meaning="Common area over joint area of each true outline and the one that found it, 0 for a missed one, on average."),
})

FINER: Mapping[str, int] = MappingProxyType({"s": 1, "m": 1, "m/s": 1})  # more decimals, for what is read is of the order of one

GLOSSARY: Mapping[str, str] = MappingProxyType({
    "95 % interval": "A range that would hold the true value in 95 of 100 repetitions of the study, if its assumptions hold. It is about chance only: not about bias, and not about other hospitals.",
    "Monte-Carlo interval": "The same on simulated cases: it tells how far the figure would move with another draw of the simulator. It shrinks as more cases are made, and says nothing about patients.",
    "attainable": "The AUC of the simulator's own risk function: no model can do better on its cases but by chance.",
    "train, tune, test": "The part that a model learns from; the part on which the cut and the best training step are chosen; the part that is looked at once, at the end.",
    "fold": "One division of the cases into parts. With several folds every case is tested once, by a model that has not seen it.",
    "cut": "The score at and above which a case is flagged.",
    "withheld": "The model gave no answer, and said why. It is counted apart, never as right or wrong.",
    "open reference": "The reference standard itself does not say whether the finding is there. Counted apart.",
    "external validation": "The finished model asked about cases from elsewhere, without any retraining.",
    "natural frequency": "A share told as a count of cases: 17 of 100, not 17 %.",
})


def cell(key: str, metric: Mapping[str, Any] | None, unit: str = "") -> Cell:
    """A metric {estimate, lower, upper, reason} as a cell with its interval below; what is undefined is told with its reason."""
    if metric is None:
        return Cell("–")
    shown = METRICS.get(key, Metric(key, key))
    value, lower, upper = (float(metric[k]) if metric[k] is not None else float("nan") for k in ("estimate", "lower", "upper"))
    if value != value:
        return Cell("not defined", str(metric.get("reason") or ""))
    if lower != lower:
        return Cell(printed(shown, value, unit), f"no interval: {metric.get('reason') or 'not computed'}", value=value)
    return Cell(printed(shown, value, unit), f"{_bare(shown, lower, unit)} to {_bare(shown, upper, unit)}", value=value, lower=lower, upper=upper)


def printed(metric: Metric, value: float, unit: str = "") -> str:
    """A value as its metric is printed, with its unit."""
    if metric.scale == "unit":
        return with_unit(value, unit, metric.digits + FINER.get(unit, 0))
    return _bare(metric, value) + ("\u00a0%" if metric.scale == "share" else "")


def _bare(metric: Metric, value: float, unit: str = "") -> str:
    return number(100 * value if metric.scale == "share" else value, metric.digits + (FINER.get(unit, 0) if metric.scale == "unit" else 0))


def inline(key: str, metric: Mapping[str, Any], unit: str = "") -> str:
    """A metric in running text: 0.682 (0.641 to 0.722)."""
    made = cell(key, metric, unit)
    return f"{made.text} ({made.under})" if made.under else made.text


def header(key: str) -> str:
    """The head of a metric's column."""
    return METRICS[key].short if key in METRICS else key
