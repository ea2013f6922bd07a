"""Questions to a finished run, declared by a study: each reads lines, attributes, readings and fitted models, and trains nothing."""

from __future__ import annotations

from osteon.validation.analyses.by_patient import ByPatient
from osteon.validation.analyses.committee import Committee
from osteon.validation.analyses.correlates import Correlates
from osteon.validation.analyses.costs import Costs
from osteon.validation.analyses.curve import Curve
from osteon.validation.analyses.graders import Graders
from osteon.validation.analyses.groups import Groups
from osteon.validation.analyses.horizon import Horizon
from osteon.validation.analyses.interchangeability import Interchangeability
from osteon.validation.analyses.kappas import Kappas, Mistakes
from osteon.validation.analyses.located import Located
from osteon.validation.analyses.matched_odds import MatchedOdds
from osteon.validation.analyses.net_benefit import NetBenefit
from osteon.validation.analyses.optimism import Optimism
from osteon.validation.analyses.options import Options
from osteon.validation.analyses.overlap import Overlap
from osteon.validation.analyses.paired import Paired
from osteon.validation.analyses.percent_errors import PercentErrors
from osteon.validation.analyses.ranked import Ranked
from osteon.validation.analyses.references import References
from osteon.validation.analyses.stability import Stability
from osteon.validation.analyses.streamed import Streamed
from osteon.validation.analyses.triage import Triage, TriageValue

__all__ = ["ByPatient", "Committee", "Correlates", "Costs", "Curve", "Graders", "Groups", "Horizon", "Interchangeability", "Kappas", "Located", "MatchedOdds", "Mistakes", "NetBenefit", "Optimism", "Options", "Overlap", "Paired", "PercentErrors", "Ranked", "References", "Stability", "Streamed", "Triage", "TriageValue"]
