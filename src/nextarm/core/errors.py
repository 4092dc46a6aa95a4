"""The error tree and its exit codes.

Every error a user can cause is a :class:`NextarmError`. It carries one or more :class:`Problem` records, each with
what is wrong, where, the rule that was broken and the cure, so that a broken file lists all its problems at once.
The command line prints ``str(error)`` and exits with ``error.exit_code``; a traceback never reaches a user.

==== ================================================================
code meaning
==== ================================================================
0    done
1    a bug in nextarm (please report it)
2    the call was wrong: unknown option, arm, endpoint; empty selection
3    a data file or evidence package is missing or broken
4    a plan is missing or broken
5    refused: the question cannot be answered from what was given
6    the output cannot be written
7    a verification case failed
8    a figure was refused: it cannot be read without marks made by hand
130  interrupted (Ctrl-C)
==== ================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    ``what`` names the value (``accrual.rate = -2``), ``where`` the place (``plan.toml line 4``), ``rule`` what must
    hold (``must be above 0 patients a year``), ``cure`` what to do about it. Only ``what`` is compulsory.
    """

    what: str
    where: str = ""
    rule: str = ""
    cure: str = ""

    def __str__(self) -> str:
        place = f" in {self.where}" if self.where else ""
        rule = f": {self.rule}" if self.rule else ""
        text = f"{self.what}{place}{rule}".rstrip(".") + "."
        return f"{text} {self.cure.rstrip('.')}." if self.cure else text


class NextarmError(Exception):
    """Base of all errors a user can cause; never raised itself."""

    exit_code = 1

    def __init__(self, what: str = "", *, where: str = "", rule: str = "", cure: str = "", problems: Iterable[Problem] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems) or (Problem(what, where, rule, cure),)
        super().__init__(what, where, rule, cure)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        return "\n".join([f"{len(self.problems)} problems:", *(f"  - {p}" for p in self.problems)])


class OwnFault(NextarmError):  # noqa: N818 (the one error that a user cannot cause)
    """nextarm itself failed, in a process of its own; told with what to report, never as a fault of the file."""


class CallError(NextarmError):
    """The call was wrong: an unknown name, a value outside its domain, a selection that holds nothing."""

    exit_code = 2


class NoRowError(CallError):
    """A selection of rows, each value of which is known, that no row fits."""


class DataError(NextarmError):
    """A data file or evidence package is missing, malformed or breaks its own rules."""

    exit_code = 3


def unreadable(path: object, error: Exception) -> DataError:
    """The error for a text file that is there and cannot be read: what it is instead, in words.

    >>> str(unreadable("curve", IsADirectoryError()))
    'curve is a folder: must be a UTF-8 text file. Name a file in it.'
    """
    if isinstance(error, IsADirectoryError):
        return DataError(f"{path} is a folder", rule="must be a UTF-8 text file", cure="Name a file in it")
    if isinstance(error, UnicodeDecodeError):
        return DataError(f"{path} holds other than text", rule="must be a UTF-8 text file", cure="Save it as CSV in UTF-8")
    return DataError(f"{path} cannot be read", rule="must be a UTF-8 text file", cure=getattr(error, "strerror", None) or "")


class PlanError(NextarmError):
    """A plan is missing, malformed, or describes a design that cannot be."""

    exit_code = 4


class RefusedError(NextarmError):
    """The question cannot be answered from what was given; the reason and the way on are in the message."""

    exit_code = 5


class OutputError(NextarmError):
    """The output cannot be written; what was there before is untouched."""

    exit_code = 6


class VerificationError(NextarmError):
    """At least one verification case did not reproduce its expected value."""

    exit_code = 7
