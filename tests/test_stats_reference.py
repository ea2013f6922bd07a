"""Every method against its reference implementation, in one table.

`python tests/test_stats_reference.py` prints the table with the largest difference of each row.
"""
from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from osteon.stats import (
    agreement,
    calibration,
    clusters,
    conformal,
    curves,
    detection,
    freeresponse,
    groups,
    interchangeability,
    intervals,
    kappa,
    multiclass,
    multiplicity,
    ordinal,
    paired,
    readers,
    reconstruction,
    regression,
    roc,
    sample_size,
    segmentation,
    survival,
    survival_prediction,
    two_by_two,
    utility,
)
from osteon.stats.intervals import Interval, normal_quantile

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("stats_facts.py"))))
Z196 = 0.950004209703559  # the level whose normal quantile is 1.96, which some references use


class Comparison(NamedTuple):
    """One method, what it was compared with, our numbers, theirs, and the largest difference allowed."""

    method: str
    reference: str
    ours: Callable[[], object]
    theirs: object
    tolerance: float = 1e-6


def ends(*found: Interval) -> list[float]:
    """Estimate and limits in a row."""
    return [v for i in found for v in (i.estimate, i.lower, i.upper)]


def limits(*found: Interval) -> list[float]:
    """Limits in a row."""
    return [v for i in found for v in (i.lower, i.upper)]


def error_of(found: Interval) -> float:
    """Standard error behind normal limits."""
    return (found.upper - found.estimate) / normal_quantile(found.level)


def logit_error_of(found: Interval) -> float:
    """Standard error behind limits on the logit scale."""
    log_odds = [np.log(v / (1 - v)) for v in (found.estimate, found.upper)]
    return (log_odds[1] - log_odds[0]) / normal_quantile(found.level) * found.estimate * (1 - found.estimate)


# Newcombe 1998 (81/263, 15/148, 0/20, 1/29) and four corners.
COUNTS = np.array([[81, 263], [15, 148], [0, 20], [1, 29], [10, 10], [45, 50], [0, 1], [97, 100]]).T
PROPORTION_LIMITS = {
    "Wilson": [0.2552885198783, 0.3662095769828, 0.06238639953074, 0.1604872417233, 0, 0.1611251580528,
               0.006113214292763, 0.1717552187932, 0.7224672001371, 1, 0.7863976856252, 0.9565242350681, 0,
               0.7934506856228, 0.9154806357095, 0.989745475976],
    "Clopper-Pearson": [0.2527367455853, 0.3676219226014, 0.05784401008345, 0.1616504903495, 0, 0.1684334709831,
                        0.0008726468835799, 0.1776442954887, 0.6915028921812, 1, 0.7818646335658, 0.966724906411, 0,
                        0.975, 0.9148239470257, 0.9937700284617],
    "Agresti-Coull": [0.25522066519, 0.3662774316711, 0.0613859749288, 0.1614876663252, -0.02868440248967,
                      0.1898095605425, -0.008418075475741, 0.1862865085617, 0.6791126942495, 1.043354505888,
                      0.7820622661305, 0.9608596545628, -0.03904982889782, 0.8325005145206, 0.9117481674664,
                      0.993477944219],
    "Jeffreys": [0.254521934991, 0.3656474991741, 0.0604485170093, 0.1576431434787, 0, 0.1166389829049,
                 0.003746173649057, 0.1500776860022, 0.7828037324908, 1, 0.794645171977, 0.9608056356058, 0,
                 0.8532536836904, 0.9221124305736, 0.9914797168926]}


def proportions() -> list[Comparison]:
    """Intervals of a proportion and the two-by-two panel."""
    rows = [Comparison(f"{name} interval", "R binom.test, prop.test, binom 1.1.1.1, qbeta",
                       lambda name=name: np.ravel(np.column_stack(intervals.proportion_limits(*COUNTS, method=name))),
                       answer) for name, answer in PROPORTION_LIMITS.items()]
    keys = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence", "apparent_prevalence",
            "lr_positive", "lr_negative", "dor")
    # epiR 2.0.57 epi.tests: exact limits of proportions, log limits of ratios.
    answers = {(670, 202, 74, 640): [
        0.9005376344086, 0.8767461767957, 0.9210922995837, 0.7600950118765, 0.7297764632036, 0.7885803245751,
        0.7683486238532, 0.7388926273798, 0.7959784291654, 0.8963585434174, 0.8716392862901, 0.9177401746631,
        0.8259773013871, 0.8064048880264, 0.844334642377, 0.469104665826, 0.4443055382824, 0.4940183588943,
        0.5498108448928, 0.5249373476564, 0.5744996250662, 3.75372617907, 3.320688435507, 4.243234648805,
        0.1308551747312, 0.1050643235119, 0.1629770809116, 28.686111854429, 21.518191656635, 38.241736408694],
        (18, 3, 2, 37): [
        0.9, 0.6830172859809, 0.9876514728297, 0.925, 0.7961352512671, 0.984257820149, 0.8571428571429,
        0.636576012983, 0.9695110323785, 0.9487179487179, 0.8267552186264, 0.9937280279043, 0.9166666666667,
        0.8161422166234, 0.9723866896626, 0.3333333333333, 0.2168694454312, 0.4668726747428, 0.35, 0.2313264221485,
        0.4840280093706, 12, 4.002108665348, 35.981032011149, 0.1081081081081, 0.02894478411411, 0.4037813166144,
        111, 17.009570334103, 724.356921308997]}
    rows += [Comparison("two-by-two panel", "R epiR 2.0.57 epi.tests", lambda cells=cells: ends(
        *(two_by_two.two_by_two(*cells, method="Clopper-Pearson")[k] for k in keys)), answer)
        for cells, answer in answers.items()]
    rows.append(Comparison("Youden index, number needed to diagnose", "R epiR 2.0.57 epi.tests (estimates)", lambda: [
        two_by_two.two_by_two(*cells)[k].estimate for cells in answers for k in
        ("youden", "number_needed_to_diagnose")], [0.6606326462851, 1.513700549955, 0.825, 1.212121212121]))
    rows.append(Comparison("predictive values at a prevalence", "Bayes by hand", lambda: [
        two_by_two.predictive_values(92, 12, 8, 88, prevalence=p)[k].estimate for p in (0.01, 0.05, 0.1, 0.2, 0.5)
        for k in ("ppv_at_prevalence", "npv_at_prevalence")], [0.071875, 0.9990825688073, 0.2875, 0.9952380952381,
                                                               0.46, 0.99, 0.6571428571429, 0.9777777777778,
                                                               0.8846153846154, 0.9166666666667]))
    return rows


def roc_curves() -> list[Comparison]:
    """AUC, DeLong, partial area, cut: pROC 1.18.0."""
    y, a, b, ref = facts.ROC_TRUTH, facts.ROC_FIRST, facts.ROC_SECOND, "R pROC 1.18.0"

    def unpaired() -> list[float]:
        _, test = roc.compare_independent_aucs((y[::2], a[::2]), (y[1::2], a[1::2]))
        return [test.statistic, test.df[0], test.p, roc.auc(y[::2], a[::2]), roc.auc(y[1::2], a[1::2])]

    def paired_test() -> list[float]:
        gap, test = roc.compare_aucs(y, a, b)
        return [test.statistic, test.p, *ends(gap)]

    def cut() -> list[float]:
        found = curves.youden_cut(y, a)
        return [found.value, found.sensitivity, found.specificity]

    return [
        Comparison("AUC, DeLong interval", ref, lambda: ends(*(roc.auc_interval(y, s, scale="linear") for s in (a, b))),
                   [0.8462857142857, 0.7462582722417, 0.9463131563298, 0.8714285714286, 0.7690233517137,
                    0.9738337911435]),
        Comparison("DeLong covariance", ref, lambda: roc.delong(y, [a, b])[1][[0, 1, 0], [0, 1, 1]],
                   [0.05103534699262**2, 0.05224852115788**2, 0.001603633453381]),
        Comparison("paired DeLong test", ref, paired_test, [-0.5451369205193, 0.5856593515873, -0.02514285714286,
                                                            -0.1155405033369, 0.06525478905123]),
        Comparison("unpaired DeLong test", ref, unpaired, [0.390752556684, 55.52180901839, 0.6974755080445,
                                                           0.8642533936652, 0.8217592592593]),
        Comparison("partial AUC, McClish", ref, lambda: [
            curves.partial_auc(y, a), curves.mcclish(curves.partial_auc(y, a), 0.2)],
            [0.1131428571429, 0.7587301587302]),
        Comparison("Youden cut", ref, cut, [0.565, 0.72, 0.8571428571429]),
        Comparison("Hanley-McNeil standard error", "formula in R", lambda: np.sqrt(
            roc.hanley_mcneil_variance(0.8462857142857143, 25, negatives=35)), 0.05423125700354)]


def paired_tables() -> list[Comparison]:
    """McNemar and paired differences: R mcnemar.test, PropCIs 0.3.0 (its sign turned), Newcombe by formula."""
    tables = {(59, 6, 16, 80): ([0.0346896648407, 0.0524787902832, 0.03300625766123, 0.05500883362927], {
        "Tango": [-0.1240234208403, -0.005433416144448], "Newcombe": [-0.1186211956387, -0.00462511393305],
        "Agresti-Min": [-0.1182420095788, -0.004457376924241], "Wald": [-0.1183996576616, -0.005823944822892]}),
        (30, 2, 8, 10): ([0.0654296875, 0.109375, 0.0577795711236, 0.1138462980067], {
            "Tango": [-0.2548025465012, 0.004660263061523], "Newcombe": [-0.2425971447643, 0.006408365545708],
            "Agresti-Min": [-0.2363957883008, 0.005626557531594], "Wald": [-0.2394131280154, -0.000586871984624]}),
        (10, 0, 5, 5): ([0.03125, 0.0625, 0.02534731867747, 0.0736382701203], {
            "Tango": [-0.4687007963657, -0.04859352111816], "Newcombe": [-0.4337187017077, -0.03190805023214],
            "Agresti-Min": [-0.4237471215928, -0.03079833295268], "Wald": [-0.4397726967822, -0.06022730321775]})}
    rows = [Comparison("McNemar mid-p, exact, asymptotic, corrected", "R 4.2.2 mcnemar.test, binom.test",
                       lambda cells=cells: [paired.mcnemar(paired.PairedTable(*cells), method=m).p for m in
                                            paired.MCNEMAR_METHODS], p) for cells, (p, _) in tables.items()]
    # PropCIs stops its search for Tango's limits at about 1e-7.
    return rows + [Comparison(f"{name} paired difference", "R PropCIs 0.3.0; Newcombe by formula in R",
                              lambda cells=cells, name=name: limits(
                                  paired.paired_difference(paired.PairedTable(*cells), method=name)), answer)
                   for cells, (_, found) in tables.items() for name, answer in found.items()]


SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def agreements() -> list[Comparison]:
    """Continuous agreement: psych 2.2.9, irr 0.84.1, epiR 2.0.57; Shrout & Fleiss 1979, Bland & Altman 1986."""
    def altman() -> list[float]:
        found = agreement.bland_altman(WRIGHT, MINI)
        return [*ends(found["bias"]), *limits(found["lower_limit"], found["upper_limit"]),
                found["proportional_slope"].estimate, agreement.limit_error(38.765129873607, 17, 1.96)]

    return [
        Comparison("ICC, six forms with limits", "R psych 2.2.9 ICC, irr 0.84.1 icc",
                   lambda: ends(*agreement.icc(SHROUT_FLEISS).values()),
                   [0.1657417684055, -0.1329323248748, 0.7225600623281, 0.2897637795276, 0.01878651337471,
                    0.761084369649, 0.7148407148407, 0.3424647650339, 0.9458582599554, 0.4427971336793,
                    -0.8844421552381, 0.9124154203408, 0.620050547599, 0.0711368153025, 0.9272320401677,
                    0.9093155423771, 0.6756747138163, 0.9858916781691]),
        Comparison("Bland-Altman, exact limits", "R 4.2.2 qt with ncp (Carkeet 2015)", altman,
                   [-2.117647058824, -22.048837696645, 17.813543578998, -124.160798294838, -53.094931416739,
                    48.859637299095, 119.925504177193, 0.02868744515255, 16.395107984715]),
        Comparison("Lin's concordance", "R epiR 2.0.57 epi.ccc", lambda: ends(agreement.lin_ccc(WRIGHT, MINI)),
                   [0.9427424314275, 0.8504918731686, 0.9787262791701])]


def kappas() -> list[Comparison]:
    """Agreement on grades: vcd 1.4.11, psych 2.2.9, irr 0.84.1; Krippendorff 2004; Gwet 2014."""
    a, b, c = facts.RATER_A, facts.RATER_B, facts.RATER_C
    three = np.column_stack([a, b, c])
    return [
        Comparison("Cohen's kappa and its error, three weightings", "R vcd 1.4.11 Kappa", lambda: [
            v for w in kappa.WEIGHTS for v in kappa.kappa_of(kappa.cross_table(a, b, classes=5),
                                                             kappa.agreement_weights(5, w))],
            [0.3882352941176, 0.06921328351907, 0.6517412935323, 0.04649353333669, 0.8321678321678,
             0.03062840264295]),
        Comparison("test of kappa 0", "R irr 0.84.1 kappa2", lambda: [
            kappa.kappa_test(a, b, classes=5, weights=w).statistic for w in ("linear", "quadratic")],
            [8.734708349356, 7.454810306994]),
        Comparison("Fleiss' kappa and its z", "R irr 0.84.1 kappam.fleiss", lambda: [
            kappa.fleiss_kappa(three, classes=5).estimate, kappa.fleiss_test(three, classes=5).statistic],
            [0.4358523725835, 13.253239052084]),
        Comparison("Krippendorff's alpha, four metrics", "R irr 0.84.1 kripp.alpha", lambda: [
            kappa.krippendorff_alpha(facts.KRIPPENDORFF, metric=m) for m in
            ("nominal", "ordinal", "interval", "ratio")],
            [0.7434210526316, 0.8153875037549, 0.8491071428571, 0.7974027747116]),
        # The same 4 raters by 12 units are table 2.10 of Gwet's Handbook of Inter-Rater Reliability: AC1 = .77544.
        Comparison("Gwet's AC1", "published value (Gwet, Handbook)", lambda: kappa.gwet_ac(
            facts.KRIPPENDORFF - 1, classes=5).estimate, 0.77544, 5e-6)]


def calibrations() -> list[Comparison]:
    """Calibration: rms 6.5.0 val.prob, glm and loess of R 4.2.2."""
    p, y = facts.PREDICTED, facts.OUTCOME

    def line() -> list[float]:
        found = calibration.calibration(y, p)
        return [found["calibration_intercept"].estimate, *ends(found["calibration_slope"],
                                                               found["calibration_in_the_large"]),
                found["observed_expected"].estimate]

    def smooth(**options: float) -> list[float]:
        found = calibration.calibration_errors(y, p, **options)
        return [found["ici"], found["e90"], found["emax"]]

    def tests() -> list[float]:
        z, u, h = calibration.spiegelhalter(y, p), calibration.unreliability(y, p), calibration.hosmer_lemeshow(y, p)
        return [z.statistic, z.p, u.statistic, u.p, h.statistic, h.p]

    return [
        Comparison("calibration intercept, slope, in the large, O:E", "R 4.2.2 glm", line,
                   [-0.2040794923526, 0.7955246915956, 0.5003459859317, 1.09070339726, -0.08154185918249,
                    -0.427556130752, 0.2644724123871, 0.9584549078391], 1e-5),
        Comparison("ICI and E90, loess computed directly", "R 4.2.2 loess(surface='direct')",
                   lambda: smooth()[:2], [0.04770710052344, 0.1102604377811]),
        Comparison("ICI, E90 and Emax against the interpolated loess", "R 4.2.2 loess (default)", smooth,
                   [0.04681900193831, 0.1088455106565, 0.1198992504963], 5e-3),
        Comparison("Eavg, E90 and Emax with degree 1, span 2/3", "R rms 6.5.0 val.prob (lowess)",
                   lambda: smooth(span=2 / 3, degree=1), [0.03745497212106, 0.06974657715632, 0.07956976762122]),
        Comparison("Spiegelhalter, unreliability and Hosmer-Lemeshow tests", "R rms 6.5.0 val.prob", tests,
                   [0.8470064964212, 0.3969915004392, 1.92052859299, 0.3827917020992, 9.310674595512,
                    0.3167694921288]),
        Comparison("expected calibration error, two binnings", "R 4.2.2 cut, quantile", lambda: [
            calibration.expected_calibration_error(y, p, by=b) for b in ("width", "count")],
            [0.0579295, 0.0754845]),
        Comparison("Brier, scaled Brier, Nagelkerke R2", "R rms 6.5.0 val.prob", lambda: [
            calibration.brier(y, p).estimate, calibration.scaled_brier(y, p).estimate,
            calibration.nagelkerke_r2(y, p)], [0.17528720315, 0.1730760554311, 0.2248943306683]),
        Comparison("AUC of probabilities", "R pROC 1.18.0", lambda: roc.auc(y, p), 0.7516216534969)]


def utilities() -> list[Comparison]:
    """Net benefit: dcurves 0.5.1."""
    at = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)

    def binary() -> np.ndarray:
        found = utility.decision_curve(facts.OUTCOME, facts.PREDICTED, thresholds=at, resamples=10)
        return np.concatenate([found.model, found.treat_all])

    def timed() -> np.ndarray:
        found = utility.survival_decision_curve(facts.TIME, facts.EVENT, facts.PREDICTED, horizon=5, thresholds=at,
                                                resamples=2)
        return np.concatenate([found.model, found.treat_all])

    return [
        Comparison("net benefit", "R dcurves 0.5.1 dca", binary,
                   [0.2668421052632, 0.2266666666667, 0.1941176470588, 0.17125, 0.15, 0.1035714285714,
                    0.06333333333333, 0.05, 0.2684210526316, 0.2277777777778, 0.1823529411765, 0.13125,
                    0.07333333333333, 0.007142857142857, -0.1583333333333, -0.39]),
        Comparison("net benefit with censoring", "R dcurves 0.5.1 dca(Surv)", timed,
                   [0.383285463337, 0.3272721287689, 0.2688097810527, 0.2381109253947, 0.1910108652356,
                    0.1866963927281, 0.1474513799514, 0.07558441558442, 0.3891676548725, 0.3552325245876,
                    0.3173050260339, 0.274636590161, 0.2262790295051, 0.1710132458983, 0.03284878688139,
                    -0.1605814557423])]


def survivals() -> list[Comparison]:
    """Time to event: survival 3.5.3, riskRegression 2022.11.28, timeROC."""
    t, d, r, at = facts.TIME, facts.EVENT, facts.LOG_ODDS, (2, 4, 6, 8)
    predicted = np.array([  # exp(-basehaz exp(lp)) of the first 10 cases
        [0.8915928005213, 0.7798997023501, 0.65371124519, 0.557291696987],
        [0.8401103383568, 0.685613068329, 0.5244387349989, 0.4115942332807],
        [0.9404285144472, 0.8754107653816, 0.7964933453544, 0.7312844211945],
        [0.9341299473699, 0.8627582841308, 0.7769091551931, 0.7066683813285],
        [0.6841478260649, 0.4394019915357, 0.2450716164444, 0.1445559675288],
        [0.9129991329708, 0.8210344125179, 0.7137689912565, 0.6289032032784],
        [0.657912249519, 0.4037119066074, 0.2120221414995, 0.1184424508799],
        [0.7702022367852, 0.5679837165877, 0.3801138096174, 0.2643716552373],
        [0.8471295645912, 0.6980837747572, 0.5408557428904, 0.4294190176732],
        [0.9168735667168, 0.8286013471653, 0.7250547432831, 0.642620457499]])

    def meier() -> list[float]:
        curve = survival.kaplan_meier(t, d)
        return ends(*(curve.interval(x) for x in at))

    def cox() -> list[float]:
        fit = survival.fit_cox(r[:, None], t, d)
        return [fit.coefficients[0], fit.covariance[0, 0] ** 0.5, *fit.survival(r[:10, None], at).ravel()]

    def mean() -> list[float]:
        found = survival.restricted_mean(t, d, horizon=8)
        return [found.estimate, error_of(found)]

    def concordance() -> list[float]:
        harrell, uno = survival_prediction.harrell_c(t, d, r), survival_prediction.uno_c(t, d, r)
        return [harrell.estimate, logit_error_of(harrell), uno.estimate, logit_error_of(uno),
                survival_prediction.uno_c(t, d, r, horizon=8).estimate]

    def areas() -> list[float]:
        return [v for x in at for i in [survival_prediction.time_auc(t, d, r, at=x)] for v in
                (i.estimate, logit_error_of(i))]

    def briers() -> list[float]:
        s = survival.fit_cox(r[:, None], t, d).survival(r[:, None], at)
        found = [survival_prediction.brier_at(t, d, s[:, k], at=x) for k, x in enumerate(at)]
        null = [survival_prediction.null_brier_at(t, d, at=x) for x in at]
        scores = [i.estimate for i in found]
        return [*scores, *(error_of(i) for i in found), *null, *(1 - np.array(scores) / null),
                survival_prediction.integrated_brier(at, scores, rule="left")]

    return [
        Comparison("Kaplan-Meier with limits", "R survival 3.5.3 survfit", meier,
                   [0.815, 0.7629238990685, 0.8706307415602, 0.6528513419449, 0.5885888064363, 0.7241301058031,
                    0.4977063800978, 0.4288442644463, 0.5776261018901, 0.4064012905959, 0.3363139632251,
                    0.4910947122569]),
        Comparison("restricted mean and error", "R survival 3.5.3 survfit(rmean)", mean,
                   [5.355589639279, 0.2001298136774]),
        Comparison("Cox regression, predicted survival", "R survival 3.5.3 coxph, basehaz", cox,
                   [0.4828355849985, 0.07104518839372, *predicted.ravel()]),
        Comparison("Harrell and Uno C with errors", "R survival 3.5.3 concordance", concordance,
                   [0.6656939501779, 0.02784779490929, 0.6953456977238, 0.03069036668241, 0.6756186741238]),
        Comparison("time-dependent AUC and error", "R riskRegression 2022.11.28 Score", areas,
                   [0.6917592439065, 0.05006250294573, 0.686158528242, 0.04231524705832, 0.7198733520592,
                    0.03901851937951, 0.7996351774508, 0.03566403696555]),
        Comparison("time-dependent AUC and error", "R timeROC", areas,
                   [0.6917592439065, 0.05006250294573, 0.686158528242, 0.04231522429739, 0.7198733520592,
                    0.03901851477761, 0.7996351774508, 0.03566421714269]),
        Comparison("Brier(t), error, null, IPA, IBS", "R riskRegression 2022.11.28 Score", briers,
                   [0.1421322102128, 0.2054175098954, 0.2133060778518, 0.180006387875, 0.01658925865322,
                    0.0146320200148, 0.01307236303476, 0.01250093837439, 0.150775, 0.2266364672656, 0.2499947393077,
                    0.2412392815979, 0.05732243267917, 0.09362552119802, 0.146757734013, 0.2538263806677,
                    0.14021394949])]


def classes() -> list[Comparison]:
    """Several classes: pROC 1.18.0, caret 6.0.93, irr 0.84.1."""
    y, p = facts.CLASS, facts.CLASS_PROBABILITIES
    called = p.argmax(1)
    keys = ("sensitivity", "specificity", "ppv", "npv", "f1", "prevalence", "apparent_prevalence",
            "balanced_accuracy")
    by_class = [0.7837837837838, 0.8679245283019, 0.8055555555556, 0.8518518518519, 0.7945205479452, 0.4111111111111,
                0.4, 0.8258541560428, 0.7368421052632, 0.9014084507042, 0.6666666666667, 0.9275362318841, 0.7,
                0.2111111111111, 0.2333333333333, 0.8191252779837, 0.6, 0.9428571428571, 0.75, 0.8918918918919,
                0.6666666666667, 0.2222222222222, 0.1777777777778, 0.7714285714286, 0.7142857142857, 0.9078947368421,
                0.5882352941176, 0.9452054794521, 0.6451612903226, 0.1555555555556, 0.1888888888889, 0.8110902255639]
    return [
        Comparison("Hand-Till M, one against the rest", "R pROC 1.18.0 multiclass.roc", lambda: [
            multiclass.hand_till(y, p), *multiclass.one_vs_rest_aucs(y, p)],
            [0.916999847592, 0.9469658337583, 0.8917716827279, 0.9228571428571, 0.9144736842105]),
        Comparison("panel of each class", "R caret 6.0.93 confusionMatrix", lambda: [
            panel[k].estimate for panel in multiclass.class_panels(y, called, classes=4) for k in keys], by_class),
        Comparison("accuracy, balanced accuracy, macro F1, MCC", "R caret 6.0.93; MCC by formula in R", lambda: [
            multiclass.macro(y, called, classes=4)[k] for k in ("accuracy", "balanced_accuracy", "macro_f1", "mcc")],
            [0.7222222222222, 0.7087279008332, 0.7015871262336, 0.6143936599085]),
        Comparison("accuracy, exact limits", "R caret 6.0.93 confusionMatrix", lambda: limits(
            intervals.clopper_pearson(65, 90)), [0.6178112252215, 0.8114957373781]),
        Comparison("kappa and quadratic kappa of calls", "R caret 6.0.93; irr 0.84.1 kappa2", lambda: [
            kappa.cohen_kappa(y, called, classes=4, weights=w).estimate for w in ("unweighted", "quadratic")],
            [0.6128033040785, 0.6646016842513]),
        Comparison("multiclass Brier, log loss, RPS", "formula in R", lambda: [
            multiclass.multiclass_brier(y, p), multiclass.multiclass_log_loss(y, p),
            ordinal.ranked_probability_scores(y, p, normalised=False).mean()],
            [0.3800346381248, 0.7203748892268, 0.3022313764302])]


def clustered() -> list[Comparison]:
    """Several cases a patient: Rao & Scott 1992 and Obuchowski 1997 by formula in R, jackknife by hand."""
    y, s, z, who = facts.CLUSTER_TRUTH, facts.CLUSTER_SCORE, facts.CORRECT, facts.PATIENT

    def proportion() -> list[float]:
        share, variance, plain = clusters.ratio_variance(z, who)
        return [share, variance, variance / plain, share * (1 - share) / variance, clusters.anova_icc(z, who)]

    def bounds() -> list[float]:
        return limits(*(clusters.clustered_proportion(z, who, method=m, level=v) for m, v in (
            ("Wald", Z196), ("logit", Z196), ("Wilson", 0.95))), intervals.wilson(z.sum(), len(z)))

    def area() -> list[float]:
        found, cov = clusters.clustered_auc(y, s, who)
        return [found[0], cov[0, 0], roc.delong(y, s)[1][0, 0] ** 0.5]

    def bootstrapped() -> list[float]:
        found = clusters.resampled_auc(y.astype(bool), s, who, clusters.draws(40, resamples=20000, seed=1))
        return [found.std(ddof=1)]

    return [
        Comparison("clustered proportion, design effect, effective size, ICC", "formula in R", proportion,
                   [0.6517857142857, 0.004037840699221, 1.992580069503, 56.208531699269, 0.4391852749105], 1e-8),
        Comparison("clustered proportion: Wald, logit, Wilson limits; naive", "formula in R; Hmisc 4.8.0", bounds,
                   [0.527239462515, 0.7763319660564, 0.5195255274383, 0.7641654353916, 0.5211907027671,
                    0.7629609535129, 0.559851944496, 0.7336526465729], 1e-8),
        Comparison("clustered AUC (Obuchowski), naive error", "formula in R; pROC 1.18.0", area,
                   [0.7203525641026, 0.001983434153476, 0.04853079599341], 1e-8),
        Comparison("clustered AUC, bootstrap error", "4,000 resamples by hand", bootstrapped,
                   [0.04450426183753901], 1e-3)]


def reader_studies() -> list[Comparison]:
    """Readers: MRMCaov 0.3.0, RJafroc 2.1.2."""
    def study(**options: str) -> list[float]:
        x = facts.READER_RATINGS >= 3 if options.get("figure") == "sensitivity" else facts.READER_RATINGS
        found = readers.reader_study(facts.READER_TRUTH, x, scale="linear", **options)
        return [found.test.statistic, found.test.df[-1], found.test.p, *ends(found.differences[0, 1]),
                *ends(*found.means)]

    def components() -> list[float]:
        c = readers.reader_study(facts.READER_TRUTH, facts.READER_RATINGS).components
        return [c.reader, c.test_reader, c.error, c.cov1, c.cov2, c.cov3]

    def each_reader() -> list[float]:
        figures, cov = readers.figure_covariance(facts.READER_TRUTH.astype(bool), facts.READER_RATINGS, figure="auc",
                                                 covariance="DeLong")
        return ends(*readers.reader_differences(figures, cov))

    def marks() -> list[float]:
        found = freeresponse.free_response(6, lesion_cases=[3, 3, 4, 5], lesion_ratings=[0.9, 0.5, 0.7, -np.inf],
                                           false_cases=[0, 2, 2, 3, 4], false_ratings=[0.3, 0.6, 0.2, 0.4, 0.1])
        return [freeresponse.figure_of_merit(found, k) for k in freeresponse.FIGURES]

    def exchange() -> list[float]:
        found = interchangeability.interchangeability(facts.STANDARD, facts.TEST)
        half = (found.excess.upper - found.excess.estimate) / 2.0226909200367604  # t of 39 df
        return [found.standard_standard, found.standard_test, found.excess.estimate, half]

    ref, gap = "R MRMCaov 0.3.0", -0.0523538961039
    one, two = 0.7739448051948, 0.8262987012987
    return [
        Comparison("MRMC, random readers and cases, DeLong", ref, study,
                   [0.6451866059999, 3.078475868609, 0.4792155032946, gap, -0.2568223940206, 0.1521146018129, one,
                    0.631452374136, 0.9164372362536, two, 0.6883156287233, 0.9642817738741]),
        Comparison("MRMC, random readers and cases, jackknife", ref, lambda: study(covariance="jackknife"),
                   [0.6451647082589, 3.078684847217, 0.4792187502821, gap, -0.2568182663951, 0.1521104741873, one,
                    0.6311769922411, 0.9167126181485, two, 0.6881441055106, 0.9644532970868]),
        Comparison("MRMC, fixed readers", ref, lambda: study(random="cases"),
                   [2.253222241725, 1, 0.1333365013108, gap, -0.1207127988459, 0.01600500663812, one, 0.6799991497526,
                    0.867890460637, two, 0.7419467194008, 0.9106506831966]),
        Comparison("MRMC, fixed cases", ref, lambda: study(random="readers"),
                   [0.653570727237, 3, 0.4780016041839, gap, -0.2584471592045, 0.1537393669967, one, 0.6214930918298,
                    0.9263965185598, two, 0.676787827184, 0.9758095754134]),
        Comparison("MRMC, sensitivity", ref, lambda: study(figure="sensitivity", covariance="jackknife"),
                   [0.45, 3.155818540434, 0.5481733531557, -0.04545454545455, -0.2551959121149, 0.1642868212058,
                    0.7840909090909, 0.6214230426181, 0.9467587755637, 0.8295454545455, 0.6680065057008,
                    0.9910844033901]),
        Comparison("Obuchowski-Rockette components", ref, components,
                   [0.0005929971167487, 0.006063652517831, 0.003835222741038, 0.001484070749348, 0.001488083618379,
                    0.001460834802623], 1e-9),
        Comparison("difference of each reader", ref, each_reader,
                   [0.00487012987013, -0.1447468817248, 0.154487141465, -0.2321428571429, -0.3558744218379,
                    -0.1084112924478, 0.06899350649351, -0.06791873099281, 0.2059057439798, -0.05113636363636,
                    -0.1768945340437, 0.07462180677093]),
        Comparison("wAFROC, AFROC, inferred ROC, MaxLLF, MaxNLF", "R RJafroc 2.1.2 UtilFigureOfMerit", marks,
                   [0.6666666666667, 0.7083333333333, 0.7222222222222, 0.75, 1], 1e-9),
        Comparison("excess disagreement and its error", "formula", exchange,
                   [0.3416666666666667, 0.35625, 0.014583333333333346, 0.04024138128601288])]


def squares() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three masks of 20 by 20."""
    masks = np.zeros((3, 20, 20), bool)
    masks[0, 4:12, 4:12] = masks[1, 5:13, 6:14] = masks[2, 2:6, 2:6] = True
    return tuple(masks)


def shapes() -> list[Comparison]:
    """Masks (scipy 1.17.1 by formula, MedPy 0.5.2, SimpleITK 2.5.7) and boxes (pycocotools 2.0.11)."""
    a, b, c = squares()

    def scores(x: np.ndarray, y: np.ndarray, spacing: tuple[float, float]) -> list[float]:
        m = segmentation.mask_scores(x, y, spacing=spacing)
        forth, back = segmentation.surface_distances(x, y, spacing=spacing)
        return [m.dice, m.iou, m.hd, m.hd95, segmentation.hausdorff(forth, back, percentile=95, pooled=True), m.assd,
                segmentation.average_distance(forth, back, pooled=False), m.nsd]

    answers = [
        ("shifted", (a, b, (1.0, 1.0)), [0.65625, 0.4883720930232558, 2.23606797749979, 2, 2, 1.380367197852603,
                                         1.380367197852603, 0.5357142857142857]),
        ("unequal spacing", (a, b, (2.0, 0.5)), [0.65625, 0.4883720930232558, 2.23606797749979, 2.0400093283257394,
                                                 2.0615528128088303, 1.2249150282253078, 1.2249150282253076,
                                                 0.6428571428571429]),
        ("unequal size", (a, c, (1.0, 1.0)), [0.1, 0.05263157894736842, 8.48528137423857, 7.810249675906654,
                                              7.810249675906654, 3.7514898118480575, 3.115363272266369, 0.25])]
    rows = [Comparison(f"Dice, IoU, HD, HD95 twice, ASSD twice, NSD: {name}",
                       "SimpleITK 2.5.7, MedPy 0.5.2, scipy 1.17.1", lambda given=given: scores(*given), answer)
            for name, given, answer in answers]
    images = [detection.ImageBoxes([[10, 10, 30, 30], [50, 50, 70, 70]],
                                   [[11, 11, 31, 31], [52, 48, 72, 68], [80, 80, 90, 90]], [0.9, 0.6, 0.5]),
              detection.ImageBoxes([[20, 20, 40, 40]], [[25, 25, 45, 45], [60, 60, 70, 70]], [0.8, 0.3]),
              detection.ImageBoxes([], [[5, 5, 15, 15]], [0.4])]

    def precision() -> list[float]:
        found = [detection.matched_hits(images, t) for t in (0.3, 0.5, 0.75)]
        return [detection.mean_average_precision(images), *(detection.average_precision(*f) for f in found),
                *(detection.average_precision(*f, convention="area") for f in found)]

    def free() -> np.ndarray:
        hits, values, lesions = detection.matched_hits(images, 0.5)
        return np.concatenate(detection.froc(hits, values, lesions=lesions, images=3)[:2])

    return [*rows, Comparison("mAP, AP at 0.30, 0.50, 0.75 by both conventions", "pycocotools 2.0.11; VOC by formula",
                              precision, [0.3227722772277228, 1, 0.5544554455445545, 0.33663366336633654, 1,
                                          0.5555555555555556, 0.3333333333333333]),
            Comparison("FROC corners", "formula", free, np.array([1, 1, 2, 2, 2, 2, 0, 1, 1, 2, 3, 4]) / 3)]


def pictures() -> list[Comparison]:
    """Reconstruction: scikit-image 0.26, conventions of fastMRI."""
    def pair() -> tuple[np.ndarray, np.ndarray]:
        noise = np.random.default_rng(1).normal(0, 0.05, (32, 32))
        target = np.add.outer(np.sin(np.arange(32) / 5), np.cos(np.arange(32) / 7))
        target = (target - target.min()) / (target.max() - target.min())
        return target.round(4), np.clip(target + noise, 0, None).round(4)

    def scores() -> list[float]:
        x, y = pair()
        return [reconstruction.nmse(x, y), reconstruction.psnr(x, y), reconstruction.ssim(x, y),
                reconstruction.ssim(x, y, window="gaussian")]

    return [Comparison("NMSE, PSNR, SSIM 7 by 7, SSIM Gaussian", "scikit-image 0.26", scores,
                       [0.009130967141217767, 26.18273850373329, 0.814906241010089, 0.7365908865851565])]


def plans() -> list[Comparison]:
    """Sample size, p-values, conformal sets, groups: pmsampsize 1.1.3, p.adjust, formulae."""
    p = [0.01, 0.02, 0.03, 0.04, 0.05, 0.001, 0.2]
    adjusted = {"bonferroni": [0.07, 0.14, 0.21, 0.28, 0.35, 0.007, 1], "holm": [0.06, 0.1, 0.12, 0.12, 0.12, 0.007,
                0.2], "hochberg": [0.06, 0.1, 0.1, 0.1, 0.1, 0.007, 0.2], "bh": [0.035, 0.04666666666667, 0.0525,
                0.056, 0.05833333333333, 0.007, 0.2], "by": [0.09075, 0.121, 0.136125, 0.1452, 0.15125, 0.01815,
                0.5185714285714]}

    def development() -> list[float]:
        b = sample_size.binary_model_size(parameters=24, prevalence=0.174, r2=0.288)
        s = sample_size.survival_model_size(parameters=30, r2=0.051, rate=0.065, horizon=2, follow_up=2.07)
        c = sample_size.continuous_model_size(parameters=25, r2=0.2, mean=1.9, sd=0.6)
        return [*b.criteria.values(), b.cases, b.shrinkage, b.max_r2, s.criteria["shrinkage"],
                s.criteria["optimism"], s.cases, s.max_r2, *list(c.criteria.values())[:3], c.cases,
                sample_size.mean_factor(918, 25, r2=0.2, mean=1.9, sd=0.6)]

    def conformed() -> list[float]:
        scores = [0.578, 0.516, 0.863, 0.453, 0.646, 0.458, 0.676, 0.901, 0.097, 0.894, 0.902, 0.361, 0.003, 0.459,
                  0.675, 0.2, 0.183, 0.364, 0.898]
        q = conformal.conformal_quantile(scores)
        kept = conformal.prediction_sets([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [0.05, 0.05, 0.9]], q)
        return [q, *conformal.coverage_law(19), *kept.ravel()]

    return [
        Comparison("adjusted p-values, five methods", "R 4.2.2 p.adjust", lambda: np.array(
            [multiplicity.adjust(p, method=m) for m in adjusted]), list(adjusted.values()), 1e-12),
        Comparison("size to develop a model: binary, survival, continuous", "R pmsampsize 1.1.3", development,
                   [623, 662, 221, 662, 0.9052036952956, 0.603208667767, 5143, 1039, 5143, 0.554726493553, 918, 401,
                    259, 918, 1.018296123312]),
        Comparison("size for sensitivity, AUC, O:E", "Buderer 1996; formulae in R", lambda: [
            sample_size.sensitivity_size(0.9, 0.05, prevalence=0.3),
            sample_size.sensitivity_size(0.95, 0.03, prevalence=0.5), sample_size.auc_size(0.85, 0.05, ratio=2),
            sample_size.observed_expected_size(0.018, 0.245), sample_size.observed_expected_size(0.2, 0.1)],
            [461, 406, 104, 909, 400], 0),
        Comparison("conformal quantile and sets", "Angelopoulos & Bates 2023, by hand", conformed,
                   [0.901, 18, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1], 1e-12),
        Comparison("conditional logistic regression, 1:1 pairs", "McNemar: odds ratio b / c, error of its log",
                   matched_pairs, [12 / 5, np.sqrt(1 / 12 + 1 / 5)]),
        Comparison("difference of two proportions", "Newcombe 1998, 56/70 - 48/80", lambda: ends(
            groups.compare_rates((56, 70), (48, 80)).difference), [0.2, 0.0524, 0.3339], 5e-5)]


def matched_pairs() -> list[float]:
    """Odds ratio and error of its logarithm of 30 pairs, exposed: 12 cases only, 5 controls only."""
    exposed = np.zeros((60, 1))
    exposed[::2][:12] = 1
    exposed[1::2][12:17] = 1
    fit = regression.fit_conditional_logistic(exposed, np.tile([1, 0], 30), np.repeat(np.arange(30), 2))
    return [float(np.exp(fit.coefficients[0])), float(fit.covariance[0, 0] ** 0.5)]


def comparisons() -> list[Comparison]:
    """The whole table."""
    parts = (proportions, roc_curves, paired_tables, agreements, kappas, calibrations, utilities, survivals, classes,
             clustered, reader_studies, shapes, pictures, plans)
    return [row for part in parts for row in part()]


def largest_difference(row: Comparison) -> float:
    """The largest absolute difference between our numbers and theirs."""
    ours, theirs = np.asarray(row.ours(), float), np.asarray(row.theirs, float)
    assert ours.shape == theirs.shape, (row.method, ours.shape, theirs.shape)
    return float(np.abs(ours - theirs).max())


@pytest.mark.parametrize("row", comparisons(), ids=lambda row: row.method)
def test_a_method_agrees_with_its_reference(row: Comparison) -> None:
    assert largest_difference(row) <= row.tolerance


def test_differences_between_printed_results_are_rounding() -> None:
    strict = [row for row in comparisons() if row.tolerance <= 1e-6]
    assert len(strict) > 60
    assert np.median([largest_difference(row) for row in strict]) < 1e-10


NOT_COMPARED = (
    ("C index and Dxy printed by rms val.prob", "val.prob rounds ranks into bins; the AUC here equals pROC's"),
    ("Youden and number-needed limits of epiR", "epiR adds the limits of sensitivity and specificity, which covers "
     "too often; ours are Newcombe's square-and-add"),
    ("limits of kappa printed by psych cohen.kappa", "psych's are plain and cover 93 % at 100 cases; ours are on "
     "Fisher's z; kappa and its error are compared with vcd"),
    ("means of MRMCaov on the logit scale", "MRMCaov has the linear scale only, which is compared; the default here is "
     "the logit scale, which covers better"),
    ("wilson of Hmisc binconf at 1 and n - 1, and prop.test with correction", "other methods under the same name"),
    ("surface distance of DeepMind's package", "it weighs surface elements by area; ours counts elements, as MONAI"),
    ("HD and mean distance of SimpleITK over whole volumes", "it measures filled masks, not surfaces"),
    ("aSAH, Van Dyke and dataset04 results", "the data sets belong to GPL packages and are not copied"),
)


def page() -> str:
    """The table as Markdown."""
    lines = ["| method | reference | largest difference | allowed |", "|---|---|---|---|"]
    lines += [f"| {r.method} | {r.reference} | {largest_difference(r):.1e} | {r.tolerance:g} |" for r in comparisons()]
    lines += ["", "Not compared:", "", *(f"- {what}: {why}." for what, why in NOT_COMPARED)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page())
