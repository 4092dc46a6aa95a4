"""nextarm: from published survival curves to the next trial arm.

The public verbs live in :mod:`nextarm.verbs` and are reachable from here: ``nextarm.pool(...)`` is
``nextarm.verbs.pool(...)``. They are loaded when first asked for, so that ``import nextarm`` stays cheap.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load a public verb on first use (PEP 562)."""
    if name.startswith("_"):
        raise AttributeError(name)
    from nextarm import verbs

    if name in verbs.__all__:
        return getattr(verbs, name)
    raise AttributeError(f"module 'nextarm' has no attribute {name!r}; its verbs are: {', '.join(verbs.__all__)}")


def __dir__() -> list[str]:
    """The verbs, for completion in a notebook."""
    from nextarm import verbs

    return ["__version__", *verbs.__all__]
