"""Rolling six: the dose for the next patient while others are still observed.

Skolnik et al. 2008; its table stands in doi 10.1001/jamanetworkopen.2020.4787.

Two to six patients may be treated at a dose at once. What happens to the next one depends on how many are enrolled at this dose,
how many of them had a dose-limiting toxicity (DLT) and how many are still under observation.
"""

from __future__ import annotations

from typing import Literal

from nextarm.core.errors import CallError

RollingSixAction = Literal["stay", "escalate", "de-escalate", "hold"]
#: The most patients at one dose.
MOST_AT_DOSE = 6


def rolling_six(enrolled: int, *, dlt: int, pending: int) -> RollingSixAction:
    """Where the next patient goes, from the patients ``enrolled`` at the present dose.

    Two toxicities close the dose at once. Escalation needs none among all of at least three enrolled, nobody pending; or
    at most one among six even if all who are pending have it. With six enrolled and the outcome open the trial holds; otherwise
    the next patient comes in at the same dose. :class:`CallError` for numbers that cannot be.

    >>> rolling_six(3, dlt=0, pending=0), rolling_six(3, dlt=0, pending=1)
    ('escalate', 'stay')
    >>> rolling_six(6, dlt=1, pending=2), rolling_six(4, dlt=2, pending=1)
    ('hold', 'de-escalate')
    """
    if not 0 <= enrolled <= MOST_AT_DOSE:
        raise CallError(f"enrolled = {enrolled}", rule=f"must lie between 0 and {MOST_AT_DOSE}")
    if dlt < 0 or pending < 0 or dlt + pending > enrolled:
        raise CallError(f"dlt = {dlt} and pending = {pending}", rule=f"must be at least 0 and together at most the {enrolled} enrolled")
    if dlt >= 2:
        return "de-escalate"
    if (dlt + pending == 0 and enrolled >= 3) or (enrolled == MOST_AT_DOSE and dlt + pending <= 1):
        return "escalate"
    return "hold" if enrolled == MOST_AT_DOSE else "stay"
