"""Published facts with their sources: schema, loading, checking, querying, risk groups.

May import: core.
"""

from nextarm.evidence.loading import check_package, load_package
from nextarm.evidence.marks import MARKS
from nextarm.evidence.package import Package
from nextarm.evidence.schema import (
    Agent,
    AgentEvidence,
    Arm,
    Comparison,
    Count,
    Lesion,
    OngoingTrial,
    Outcome,
    RiskGroup,
    SourceRow,
    Study,
)
from nextarm.evidence.sharing import shared_patients

__all__ = [
    "MARKS",
    "Agent",
    "AgentEvidence",
    "Arm",
    "Comparison",
    "Count",
    "Lesion",
    "OngoingTrial",
    "Outcome",
    "Package",
    "RiskGroup",
    "SourceRow",
    "Study",
    "check_package",
    "load_package",
    "shared_patients",
]
