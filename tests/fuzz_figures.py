"""Fuzz the readers of figures for some time: ``python tests/fuzz_figures.py [--minutes 10] [--seed 0] [--keep FOLDER]``.

Good figures and the hostile corpus are mutated (bytes, numbers, pieces cut, doubled, exchanged) and served in a locked
process, as the door's child serves them. A crash is a process that ends by a signal other than for want of memory, an input
that takes more than 30 s of processor time, or an answer that is not one message. Ends with 0 if there was none; inputs that
crash are kept. Failures of a library that the child turns into a message ("the file is damaged") are counted by type; a failure of
nextarm itself (``OwnFault``) is a crash.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
import select
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
LONGEST = 30.0
KINDS = ("svg", "pdf", "png", "jpeg", "tiff", "webp")
#: How good figures are drawn or written; half of the inputs are mutations of them.
WAYS = ("", "broken", "upward", "two", "palette", "gray", "progressive", "lzw", "lossless")
#: Inputs after which a worker is replaced, so that its own processor time stays bounded.
A_WORKER = 400
#: A library that asks for memory it does not get ends the process: the door reports that. These endings are counted, not crashes.
WANT_OF_MEMORY = (-6, 71)


def seeds() -> dict[str, bytes]:
    """Good figures in every kind, and those hostile files that are small."""
    from figures_as_text import exponential_arm, page, pdf, picture, svg
    from figures_hostile import corpus

    arms = [exponential_arm("Control", 20), exponential_arm("New drug", 25, median=30.0)]
    good = {
        "svg": svg(arms).encode(), "svg-broken": svg(arms, broken=True, dashes=True, black=True).encode(), "pdf": pdf([page(arms)]),
        "svg-upward": svg(arms, upward=True, percent=True).encode(), "pdf-two": pdf([page(arms[:1]), page(arms)]),
        **{k: picture(k, size=(160, 120)) for k in ("png", "jpeg", "tiff", "webp")},
        "png-palette": picture("png", size=(120, 90), mode="P"), "png-gray": picture("png", size=(120, 90), mode="L"),
        "jpeg-progressive": picture("jpeg", size=(120, 90), progressive=True),
        "tiff-lzw": picture("tiff", size=(120, 90), compression="tiff_lzw"),
        "webp-lossless": picture("webp", size=(120, 90), lossless=True),
    }  # fmt: skip
    return good | {k: v for k, v in corpus().items() if 8 < len(v) < 60_000}


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """One to eight changes of one input."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        if not out:
            break
        at = rng.randrange(len(out))
        match rng.randrange(9):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                del out[at : at + rng.choice((1, 4, 64, 1024))]
            case 3:
                piece = out[at : at + rng.choice((4, 64, 512))]
                out[at:at] = piece * rng.choice((1, 2, 50))
            case 4:
                out[at : at + 4] = struct.pack(
                    rng.choice((">I", "<I")), rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 65_536, rng.randrange(2**32)))
                )
            case 5:
                other = rng.choice(others)
                start = rng.randrange(max(1, len(other)))
                out[at : at + rng.choice((0, 50, 500))] = other[start : start + rng.choice((10, 200, 2000))]
            case 6:
                numbers = list(re.finditer(rb"\d+(?:\.\d+)?", bytes(out[:200_000])))
                if numbers:
                    hit = rng.choice(numbers)
                    out[hit.start() : hit.end()] = rng.choice(
                        (b"0", b"-1", b"1e309", b"99999999999", b"0.0000001", b"NaN", b"1e-320", b"4294967296")
                    )
            case 7:
                del out[at:]
            case _:
                words = (
                    b"<g>",
                    b"</g>",
                    b"transform='scale(1e9)'",
                    b"<use href='#a'/>",
                    b"&amp;",
                    b"]]>",
                    b" obj ",
                    b"endobj",
                    b"stream\n",
                    b"/Kids [2 0 R]",
                    b"q ",
                )
                out[at:at] = rng.choice(words)
    return bytes(out[:2_000_000])


def worker() -> None:
    """Serve inputs from standard input, each four bytes of length and the bytes; one line of JSON for each."""
    from nextarm.figures import jail, warm

    source, answer = sys.stdin.buffer, sys.stdout
    jail.cut_network()
    warm.load()
    jail.lock(cpu_seconds=100_000)
    from nextarm.core.errors import NextarmError
    from nextarm.figures import child
    from nextarm.figures.door import kind_of

    while len(head := source.read(4)) == 4:
        data = source.read(struct.unpack(">I", head)[0])
        start = time.process_time()
        try:
            found, _ = child.serve({"kind": kind_of(data), "page": None, "panel": None, "marks": None}, data)
            json.dumps(found, allow_nan=False)
            rule = found["problems"][0][2] if "error" in found else ""  # type: ignore[index]
            line = {"kind": str(found.get("error", "read")), "rule": rule if "failed with" in str(rule) else ""}
            if line["kind"] == "OwnFault":
                line = {"kind": "CRASH", "rule": str(found["problems"][0][0])}  # type: ignore[index]
        except NextarmError as error:
            line = {"kind": type(error).__name__, "rule": ""}
        except MemoryError:
            line = {"kind": "MemoryError", "rule": ""}
        except BaseException as error:  # this is what must not happen
            line = {"kind": "CRASH", "rule": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(line | {"seconds": time.process_time() - start}), file=answer, flush=True)


def started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), "--worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--worker", action="store_true")
    options = parser.parse_args()
    if options.worker:
        worker()
        return 0
    rng, pool = random.Random(options.seed), seeds()
    names, others = sorted(pool), list(pool.values())
    good = [n for n in names if n.partition("-")[0] in KINDS and n.partition("-")[2] in WAYS]
    counts: collections.Counter[str] = collections.Counter()
    end, crashes, slowest, served, process = time.monotonic() + 60 * options.minutes, 0, 0.0, 0, started()
    while time.monotonic() < end:
        data = mutated(pool[rng.choice(good if rng.random() < 0.5 else names)], rng, others)
        assert process.stdin is not None
        assert process.stdout is not None
        line = b""
        try:
            process.stdin.write(struct.pack(">I", len(data)) + data)
            process.stdin.flush()
            if select.select([process.stdout], [], [], 8 * LONGEST)[0]:
                line = process.stdout.readline()
            else:
                process.kill()
        except BrokenPipeError:
            pass
        served += 1
        if line:
            answer = json.loads(line)
            kind, slowest = answer["kind"] + (f" ({answer['rule']})" if answer["rule"] else ""), max(slowest, answer["seconds"])
            bad = answer["kind"] == "CRASH" or answer["seconds"] > LONGEST
        else:
            code = process.wait()
            kind, bad = f"process ended with {code}", code not in WANT_OF_MEMORY
        counts[kind] += 1
        if bad:
            crashes += 1
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"crash-{options.seed}-{served}").write_bytes(data)
            print(f"CRASH at input {served}: {kind}", flush=True)
        if not line or served % A_WORKER == 0:
            if process.poll() is None:
                process.stdin.close()
                process.wait()
            process = started()
    process.kill()
    print(f"{served} inputs in {options.minutes:g} minutes, {crashes} crashes, slowest {slowest:.1f} s of processor time")
    for kind, count in counts.most_common():
        print(f"  {count:7d} {kind}")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
