"""Who runs the blocks: this process, several processes, or a Dask cluster. All give the same counts, in any order.

Each function takes the plan (as text where others read it), the seed and the blocks still to be done as (block, trials), from which
it draws only as far as its results are taken, and yields (block, counts).
"""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nextarm.core.errors import CallError
from nextarm.simulation.counted import BlockCounts
from nextarm.simulation.ready import Ready, ready_from_toml

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Block = tuple[int, int]
Done = tuple[int, tuple[BlockCounts, ...]]

#: How often a block is given to another worker after one died over it.
ATTEMPTS = 3


def one_block(text: str, seed: int, block: Block) -> Done:
    """One block, whoever runs it."""
    return block[0], ready_from_toml(text).block(seed=seed, block=block[0], trials=block[1])


def in_this_process(made: Ready, seed: int, todo: Iterable[Block]) -> Iterator[Done]:
    """The blocks one after the other."""
    for block, trials in todo:
        yield block, made.block(seed=seed, block=block, trials=trials)


def in_processes(text: str, seed: int, todo: Iterable[Block], *, workers: int) -> Iterator[Done]:
    """The blocks in ``workers`` processes, each with one block at a time.

    A process that dies is replaced and its block given to another. If this process dies, however suddenly, the workers
    find their pipe closed and end.
    """
    from multiprocessing.connection import wait

    left = iter(todo)
    again: list[Block] = []
    busy: dict[Any, tuple[SpawnProcess, Block]] = {}
    deaths: dict[int, int] = {}
    try:
        while True:
            while len(busy) < workers and (block := again.pop() if again else next(left, None)) is not None:
                worker, end = _start(text, seed)
                busy[end] = (worker, block)
                _give(end, block)
            if not busy:
                return
            ready: list[Any] = list(wait(list(busy)))
            for pipe in ready:
                process, block = busy[pipe]
                try:
                    answer = pipe.recv()
                except (EOFError, ConnectionError):
                    del busy[pipe]
                    deaths[block[0]] = deaths.get(block[0], 0) + 1
                    if deaths[block[0]] >= ATTEMPTS:
                        raise RuntimeError(f"{ATTEMPTS} workers died over block {block[0]}") from None
                    again.append(block)
                    continue
                if isinstance(answer, str):
                    raise RuntimeError(f"block {block[0]} failed in a worker: {answer}")
                following = again.pop() if again else next(left, None)
                if following is None:
                    del busy[pipe]
                    pipe.close()
                    process.join()
                else:
                    busy[pipe] = (process, following)
                    _give(pipe, following)
                yield answer
    finally:
        for pipe, (process, _) in busy.items():
            pipe.close()
            process.terminate()
            process.join()


def _give(pipe: Any, block: Block) -> None:
    """Send a block; a worker that has died meanwhile is noticed at the next wait."""
    with contextlib.suppress(OSError):
        pipe.send(block)


def _start(text: str, seed: int) -> tuple[SpawnProcess, Connection[Any, Any]]:
    from multiprocessing import get_context

    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, text, seed, gc.get_threshold()), daemon=True)
    with _deaf_to_ctrl_c():
        process.start()
    there.close()
    return process, here


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """A process started here ignores Ctrl-C from its first moment: it is for the parent to answer."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's to set
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def as_worker(*collections: int) -> None:
    """How a worker begins: Ctrl-C is for its parent to answer, and it looks for dead cycles as rarely as that (its ``collections``)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(*collections)


def _serve(pipe: Connection[Any, Any], text: str, seed: int, collections: tuple[int, int, int]) -> None:
    """A worker's life: blocks in, counts out, until the other end closes."""
    as_worker(*collections)
    while True:
        try:
            block = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer: Done | str = one_block(text, seed, block)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        try:
            pipe.send(answer)
        except OSError:
            return


def on_cluster(text: str, seed: int, todo: Iterable[Block], *, address: str) -> Iterator[Done]:
    """The blocks on the Dask cluster whose scheduler is at ``address``; blocks of lost workers are run again by others.

    Whoever can reach a scheduler can run code on its workers: use one that you trust. :class:`CallError` where Dask is
    not installed or no scheduler answers.
    """
    try:
        dask: Any = import_module("distributed")
    except ImportError:
        raise CallError("cluster", rule="needs the package distributed", cure="pip install 'nextarm[cluster]'") from None
    try:
        client = dask.Client(address, timeout=5)
    except (OSError, ValueError) as error:
        raise CallError(f"cluster = {address!r}", rule=f"no scheduler answers there ({error})", cure="Give tcp://HOST:PORT") from None
    with client:
        left = iter(todo)
        threads = sum(client.nthreads().values())
        running = dask.as_completed([], with_results=False)
        for _ in range(2 * max(threads, 1)):
            if (block := next(left, None)) is not None:
                running.add(client.submit(one_block, text, seed, block, pure=False))
        for future in running:
            answer: Done = future.result()
            if (block := next(left, None)) is not None:
                running.add(client.submit(one_block, text, seed, block, pure=False))
            yield answer
