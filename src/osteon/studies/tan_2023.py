"""Tan 2023: marker genes of disc degeneration by three selectors, and a small network on what they have in common."""

from __future__ import annotations

from osteon.datasets.arachidonic_acid import GENES
from osteon.datasets.oa_synovium_geo import PROBES, gse55235, gse55457
from osteon.design import CrossValidation
from osteon.models import Selection, Tabular, arms
from osteon.readers.inputs import Record
from osteon.simulate.few import Few
from osteon.simulate.omics import disc_expression, gene_names
from osteon.study import Claim, Study
from osteon.targets import Classes
from osteon.validation.analyses import Optimism, Stability

SAMPLES = 100
SMALL = {"hidden_layer_sizes": (5,), "alpha": 1.0, "max_iter": 3000}
SETS = {"all three": ("LASSO", "random forest", "SVM-RFE"), "LASSO": ("LASSO",), "random forest": ("random forest",), "SVM-RFE": ("SVM-RFE",), "no selection": ()}


def network(genes: tuple[str, ...]) -> Tabular:
    """The small network on the genes that every one of some selectors chose in the train part."""
    return Tabular("neural network", reads=("genes",), writes=("disc",), settings=SMALL, select=Selection(genes))


STUDY = Study(
    cite="Tan J, Shi M, Li B, Liu Y, Luo S, Cheng X. Lipids Health Dis 2023; 22: 204",
    doi="10.1186/s12944-023-01962-5",
    reference=23,
    areas=("basic science",),
    unit="sample",
    question="Do the genes that three selectors agree on tell a degenerated disc from a healthy one, and in another series too?",
    inputs={"genes": Record("log2 expression of the genes of one pathway, by symbol (simulated ones are G001 and so on; the synovium series have probes)", numbers=(*GENES, *gene_names(), *PROBES))},
    targets={"disc": Classes(("control", "degenerated"))},
    primary="disc",
    design=CrossValidation(folds=5, repeats=4, tune=0.2),
    models=arms(network, genes=SETS),
    simulate=Few(disc_expression, SAMPLES),
    datasets={"oa_synovium_gse55235": gse55235, "oa_synovium_gse55457": gse55457},
    analyses=(Optimism(), Stability()),
    subgroups=("batch", "site"),
    claims=(
        Claim("AUC of the network, training series", "0.961", "abstract", "disc.degenerated.auc"),
        Claim("AUC of the network, validation series", "0.72", "abstract", "disc.degenerated.auc"),
        Claim("genes that were left", "5: AKR1C3, ALOX5, CYP2B6, EPHX2, PLB1", "abstract"),
        Claim("selectors", "LASSO, random forest, support vector machine with recursive feature elimination", "abstract"),
    ),
    differs=(
        "the paper selects on its training series and reports the AUC there; here genes are chosen in the train part of every fold, and how much the other ways flatter is an analysis",
        "that the hub genes are the intersection of the three sets is not in the abstract: it is assumed; where nothing is shared, no answer is given",
        f"{SAMPLES} samples and 300 genes of which 5 matter are simulated; the paper's number of samples is not in its abstract",
        "five hidden units; neither size nor software of the paper's network is in its abstract",
        "penalty of the LASSO by the smallest cross-validated deviance, 30 genes at most from forest and elimination: ours",
        "single cells, enrichment, immune cells, Connectivity Map, flow cytometry and RT-PCR are left out",
        "the two synovium series stand in for a second real series: osteoarthritis is called degenerated there, normal synovium control; they carry no gene symbols, so that no pathway could be named",
    ),
)
