"""What reads inputs and answers targets: the contract, and the few models that there are."""

from __future__ import annotations

from osteon.models.apart import Apart
from osteon.models.arms import Arm, affordable, arms, bare, factors, sizes
from osteon.models.around import Around
from osteon.models.blend import Blend
from osteon.models.chain import Chain
from osteon.models.formula import Formula
from osteon.models.fusion import Fusion
from osteon.models.net import Net
from osteon.models.protocol import Desk, Model
from osteon.models.selection import Selection
from osteon.models.tabular import Tabular

__all__ = ["Apart", "Arm", "Around", "Blend", "Chain", "Desk", "Formula", "Fusion", "Model", "Net", "Selection", "Tabular", "affordable", "arms", "bare", "factors", "sizes"]
