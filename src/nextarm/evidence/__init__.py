"""Published facts with their sources: schema, loading, checking, querying, risk groups.

May import: core.
"""

from nextarm.evidence.bibtex import bibtex
from nextarm.evidence.checks import PackageCheck
from nextarm.evidence.classify import Classification, PatientGroup, classify, protocols
from nextarm.evidence.loading import BUNDLED, check_evidence, check_package, load_package
from nextarm.evidence.marks import MARKS, how_read
from nextarm.evidence.new_study import NewStudy, new_study
from nextarm.evidence.package import Package
from nextarm.evidence.preference import Preferred, Rejected, preferred_outcomes
from nextarm.evidence.query import Selection, agent_choices, list_table, select, values_of
from nextarm.evidence.remarks import Remark, remarks
from nextarm.evidence.schema import (
    TABLES,
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
from nextarm.evidence.setting import SETTINGS, setting_of
from nextarm.evidence.sharing import shared_patients

__all__ = [
    "BUNDLED",
    "MARKS",
    "SETTINGS",
    "TABLES",
    "Agent",
    "AgentEvidence",
    "Arm",
    "Classification",
    "Comparison",
    "Count",
    "Lesion",
    "NewStudy",
    "OngoingTrial",
    "Outcome",
    "Package",
    "PackageCheck",
    "PatientGroup",
    "Preferred",
    "Rejected",
    "Remark",
    "RiskGroup",
    "Selection",
    "SourceRow",
    "Study",
    "agent_choices",
    "bibtex",
    "check_evidence",
    "check_package",
    "classify",
    "how_read",
    "list_table",
    "load_package",
    "new_study",
    "preferred_outcomes",
    "protocols",
    "remarks",
    "select",
    "setting_of",
    "shared_patients",
    "values_of",
]
