"""nextarm: from published survival curves to the next trial arm.

The public verbs live in :mod:`nextarm.verbs` and are reachable from here: ``nextarm.pool(...)`` is
``nextarm.verbs.pool(...)``. They are loaded when first asked for, so that ``import nextarm`` stays cheap.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

#: Rooms whose name is a verb too: ``nextarm.evidence`` is the room, ``nextarm.evidence(...)`` calls the verb.
_ROOMS_THAT_ARE_VERBS = ("designs", "evidence", "report")


class RoomWithVerb(ModuleType):
    """A room that can be called by the verb of the same name, whichever of the two was imported first."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the verb of this room's name."""
        return getattr(importlib.import_module("nextarm.verbs"), self.__name__.rpartition(".")[2])(*args, **kwargs)


def __getattr__(name: str) -> Any:
    """Load a public verb, or a room that is one, on first use (PEP 562)."""
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _ROOMS_THAT_ARE_VERBS:
        room = importlib.import_module(f"nextarm.{name}")
        room.__class__ = RoomWithVerb
        return room
    verbs = importlib.import_module("nextarm.verbs")
    if name in verbs.__all__:
        return getattr(verbs, name)
    raise AttributeError(f"module 'nextarm' has no attribute {name!r}; its verbs are: {', '.join(verbs.__all__)}")


class _Door(ModuleType):
    """This module; a room that is a verb becomes callable at the moment it is bound here by the import system."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ROOMS_THAT_ARE_VERBS and isinstance(value, ModuleType):
            value.__class__ = RoomWithVerb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Door


def __dir__() -> list[str]:
    """The verbs, for completion in a notebook."""
    return ["__version__", *importlib.import_module("nextarm.verbs").__all__]
