"""Everything is loaded once, by one thread, before several compute.

Two threads that import at the same time may each hold a module that the other waits for (one a package, the other a part of it):
Python then refuses one of them (``_DeadlockError``). The first compiled loop of a process adds types to numba's table while another
thread reads it. Neither happens once all that computes is there, so a server asks for it first.
"""

from __future__ import annotations

import gc
import pkgutil
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")
#: What is not loaded: the command line, the readers of pictures (they work in a locked process of their own), the validation cases
#: (see :func:`load_cases`), the page that asks for it.
NOT = ("nextarm.cli", "nextarm.figures.raster", "nextarm.figures.warm", "nextarm.validation", "nextarm.web")
#: Packages that modules reach only when they need them, and whose parts reach into each other.
OTHERS = ("numba", "scipy.special", "scipy.optimize", "scipy.ndimage", "scipy.fft", "scipy.signal", "scipy.interpolate", "scipy.stats")
_LOCK = threading.Lock()
_DONE = threading.Event()


def load() -> None:
    """Import every module that computes and run one compiled loop; whoever else asks meanwhile waits, and later calls do nothing."""
    if _DONE.is_set():
        return
    with _LOCK:
        if _DONE.is_set():
            return
        for name in (*OTHERS, *_modules()):
            import_module(name)
        _first_loop()
        gc.freeze()  # what is there now stays: no later search for dead cycles goes through it again
        _DONE.set()


def loaded() -> bool:
    """Whether everything is there."""
    return _DONE.is_set()


def load_cases() -> None:
    """Import the validation cases too, by one thread: some compute what they expect as they are made, and few visitors run them."""
    load()
    with _LOCK:
        for name in _modules("nextarm.validation"):
            import_module(name)


def before_loading(work: Callable[[], T]) -> T:
    """Do ``work`` now if nothing is being loaded (and nothing is while it goes on), otherwise once everything is there."""
    if _DONE.is_set():
        return work()
    with _LOCK:
        return work()


def _modules(room: str = "nextarm") -> Iterator[str]:
    """The names of the modules of ``room``, or of all our own, without those in :data:`NOT`."""
    waiting = [(f"{room}.", list(import_module(room).__path__))]
    while waiting:
        prefix, path = waiting.pop(0)
        for found in pkgutil.iter_modules(path, prefix):
            if found.name in NOT or found.name.endswith("__main__"):
                continue
            yield found.name
            if found.ispkg:
                waiting.append((found.name + ".", list(import_module(found.name).__path__)))


def _first_loop() -> None:
    import numpy as np

    from nextarm.survival.kernels import distinct_times

    distinct_times(np.arange(2), np.zeros(2))
