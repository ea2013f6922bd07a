"""Papers behind the statistics and the software, numbered in the order in which a text first cites them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PAPERS: Mapping[str, str] = MappingProxyType({
    "delong": "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated receiver operating characteristic curves. Biometrics 1988; 44: 837-45.",
    "sun": "Sun X, Xu W. Fast implementation of DeLong's algorithm. IEEE Signal Process Lett 2014; 21: 1389-93.",
    "newcombe_auc": "Newcombe RG. Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2. Stat Med 2006; 25: 559-73.",
    "obuchowski": "Obuchowski NA. Nonparametric analysis of clustered ROC curve data. Biometrics 1997; 53: 567-78.",
    "forman": "Forman G, Scholz M. Apples-to-apples in cross-validation studies. SIGKDD Explor 2010; 12: 49-57.",
    "bengio": "Bengio Y, Grandvalet Y. No unbiased estimator of the variance of K-fold cross-validation. J Mach Learn Res 2004; 5: 1089-105.",
    "wilson": "Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927; 22: 209-12.",
    "newcombe": "Newcombe RG. Two-sided confidence intervals for the single proportion. Stat Med 1998; 17: 857-72.",
    "rao": "Rao JNK, Scott AJ. A simple method for the analysis of clustered binary data. Biometrics 1992; 48: 577-85.",
    "simel": "Simel DL, Samsa GP, Matchar DB. Likelihood ratios with confidence: sample size estimation for diagnostic test studies. J Clin Epidemiol 1991; 44: 763-70.",
    "youden": "Youden WJ. Index for rating diagnostic tests. Cancer 1950; 3: 32-5.",
    "cox": "Cox DR. Two further applications of a model for binary regression. Biometrika 1958; 45: 562-5.",
    "calster": "Van Calster B, McLernon DJ, van Smeden M, et al. Calibration: the Achilles heel of predictive analytics. BMC Med 2019; 17: 230.",
    "loess": "Cleveland WS, Devlin SJ. Locally weighted regression. J Am Stat Assoc 1988; 83: 596-610.",
    "brier": "Brier GW. Verification of forecasts expressed in terms of probability. Mon Weather Rev 1950; 78: 1-3.",
    "bland": "Bland JM, Altman DG. Measuring agreement in method comparison studies. Stat Methods Med Res 1999; 8: 135-60.",
    "carkeet": "Carkeet A. Exact parametric confidence intervals for Bland-Altman limits of agreement. Optom Vis Sci 2015; 92: e71-80.",
    "shrout": "Shrout PE, Fleiss JL. Intraclass correlations: uses in assessing rater reliability. Psychol Bull 1979; 86: 420-8.",
    "mcgraw": "McGraw KO, Wong SP. Forming inferences about some intraclass correlation coefficients. Psychol Methods 1996; 1: 30-46.",
    "lin": "Lin LI. A concordance correlation coefficient to evaluate reproducibility. Biometrics 1989; 45: 255-68.",
    "efron": "Efron B, Tibshirani RJ. An introduction to the bootstrap. New York: Chapman & Hall; 1993.",
    "dice": "Dice LR. Measures of the amount of ecologic association between species. Ecology 1945; 26: 297-302.",
    "reloaded": "Maier-Hein L, Reinke A, Godau P, et al. Metrics reloaded: recommendations for image analysis validation. Nat Methods 2024; 21: 195-212.",
    "voc": "Everingham M, Van Gool L, Williams CKI, Winn J, Zisserman A. The PASCAL visual object classes (VOC) challenge. Int J Comput Vis 2010; 88: 303-38.",
    "coco": "Lin TY, Maire M, Belongie S, et al. Microsoft COCO: common objects in context. ECCV 2014: 740-55.",
    "sklearn": "Pedregosa F, Varoquaux G, Gramfort A, et al. Scikit-learn: machine learning in Python. J Mach Learn Res 2011; 12: 2825-30.",
    "torch": "Paszke A, Gross S, Massa F, et al. PyTorch: an imperative style, high-performance deep learning library. Adv Neural Inf Process Syst 2019; 32: 8024-35.",
    "numpy": "Harris CR, Millman KJ, van der Walt SJ, et al. Array programming with NumPy. Nature 2020; 585: 357-62.",
    "scipy": "Virtanen P, Gommers R, Oliphant TE, et al. SciPy 1.0: fundamental algorithms for scientific computing in Python. Nat Methods 2020; 17: 261-72.",
    "tripod": "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for reporting clinical prediction models that use regression or machine learning methods. BMJ 2024; 385: e078378.",
    "claim": "Tejani AS, Klontzas ME, Gatti AA, et al. Checklist for artificial intelligence in medical imaging (CLAIM): 2024 update. Radiol Artif Intell 2024; 6: e240300.",
})


class Citing:
    """Numbers papers as they are cited; a text of one's own (the study's paper) may be cited too."""

    def __init__(self) -> None:
        self._order: list[str] = []

    def __call__(self, *keys: str) -> str:
        """[1, 2] for some papers."""
        for key in keys:
            if key not in self._order:
                self._order.append(key)
        return f"[{', '.join(str(self._order.index(k) + 1) for k in keys)}]"

    def listed(self) -> tuple[str, ...]:
        """The papers in their order."""
        return tuple(PAPERS.get(key, key) for key in self._order)
