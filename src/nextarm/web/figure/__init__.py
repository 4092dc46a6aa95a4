"""The Figure screen: a published figure dropped in, read, corrected by hand, and taken on to patients.

``store`` keeps the work on one figure in the study folder, ``work`` does what a user asks by calling verbs, ``routes`` are the
addresses. May import: verbs, core.errors, report.
"""

from nextarm.web.figure.routes import Frame, figure_routes
from nextarm.web.figure.store import figures_in

__all__ = ["Frame", "figure_routes", "figures_in"]
