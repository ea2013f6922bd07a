"""Genes of the arachidonic acid cascade, by their approved symbols: what releases the acid, and what turns it into prostanoids, leukotrienes and epoxides.

Ours, after textbooks of biochemistry: the list of Tan 2023 was not read, only its five hub genes, which are among these.
"""

from __future__ import annotations

HUBS = ("AKR1C3", "ALOX5", "CYP2B6", "EPHX2", "PLB1")
GENES = tuple(sorted((*HUBS, *["ALOX12", "ALOX12B", "ALOX15", "ALOX15B", "CBR1", "CBR3", "CYP2C8", "CYP2C9", "CYP2C18", "CYP2C19", "CYP2E1", "CYP2J2", "CYP2U1", "CYP4A11", "CYP4A22", "CYP4F2", "CYP4F3", "CYP4F8", "GGT1", "GGT5", "GPX1", "GPX2", "GPX3", "GPX4", "GPX5", "GPX6", "GPX7", "GPX8", "HPGDS", "LTA4H", "LTC4S", "PLA2G1B", "PLA2G2A", "PLA2G2C", "PLA2G2D", "PLA2G2E", "PLA2G2F", "PLA2G3", "PLA2G4A", "PLA2G4B", "PLA2G4C", "PLA2G4D", "PLA2G4E", "PLA2G4F", "PLA2G5", "PLA2G6", "PLA2G10", "PLA2G12A", "PLA2G12B", "PTGDS", "PTGES", "PTGES2", "PTGES3", "PTGIS", "PTGS1", "PTGS2", "TBXAS1"])))
