"""The sections of a bundled study as data and calls; another study is another folder.

May import: core to report.
"""

from nextarm.studies.registry import STUDIES, build

__all__ = ["STUDIES", "build"]
