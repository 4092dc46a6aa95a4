"""The process that parses: reads one request from standard input, locks itself in, looks at the file, writes one answer, ends.

Request: four bytes of length, JSON (kind, page, panel, marks; pictures: whether the reader of pictures is loaded; picture: only
the picture is wanted), the bytes of the file. Answer: four bytes of length, JSON (``reading`` or ``picture``, or ``error`` with
its problems), a PNG.
"""

from __future__ import annotations

import sys

from nextarm.figures import jail

OUT_OF_MEMORY = 71
#: Libraries that parse a stranger's bytes: what fails in them is the file.
PARSERS = ("PIL", "pypdfium2", "pypdfium2_raw", "xml", "zlib", "struct", "expat")


def main() -> None:
    """Serve one request."""
    import json
    import os
    import struct

    out = sys.stdout.buffer
    jail.cut_network()
    whole = sys.stdin.buffer.read()
    size = struct.unpack(">I", whole[:4])[0]
    request = json.loads(whole[4 : 4 + size])
    if request.get("pictures"):
        from nextarm.figures import warm

        warm.load()
    jail.lock()
    try:
        answer, image = serve(request, whole[4 + size :])
        body = json.dumps(answer, allow_nan=False).encode()
        out.write(struct.pack(">I", len(body)) + body + image)
        out.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    os._exit(0)  # libraries that parsed a damaged file are not asked to clean up


def serve(request: dict[str, object], data: bytes) -> tuple[dict[str, object], bytes]:
    """The answer to one request; every failure becomes an answer."""
    from nextarm.core.errors import NextarmError
    from nextarm.core.result import to_data
    from nextarm.figures.marks import Marks
    from nextarm.figures.read_file import read_file
    from nextarm.figures.reading import FigureRefused

    try:
        if request.get("picture"):
            from nextarm.figures.picture import picture_of

            size, image = picture_of(data, kind=request["kind"], page=request.get("page") or 1)  # type: ignore[arg-type]
            return {"picture": size}, image
        marks = Marks.model_validate(request["marks"]) if request.get("marks") else None
        reading, image = read_file(
            data, kind=request["kind"], page=request.get("page"), panel=request.get("panel"), marks=marks,  # type: ignore[arg-type]
            pictures=bool(request.get("pictures", True)),
        )  # fmt: skip
        return {"reading": to_data(reading)}, image
    except FigureRefused as refusal:
        answer = _answer(refusal)
        answer["found"] = list(refusal.found)
        answer["marks"] = None if refusal.marks is None else refusal.marks.model_dump(mode="json")
        return answer, refusal.image
    except NextarmError as error:
        return _answer(error), b""
    except MemoryError:
        raise
    except RecursionError:
        return {"error": "DataError", "problems": [["the file is nested too deeply", "", "", ""]]}, b""
    except Exception as error:
        return failed(error), b""


def failed(error: Exception) -> dict[str, object]:
    """An unforeseen failure: a library that parses found the file damaged, or the fault is ours and is told as that."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    inner = frames[-1].filename.replace("\\", "/") if frames else ""
    if type(error).__module__.partition(".")[0] in PARSERS or any(f"/{p}/" in inner for p in PARSERS):
        rule = f"reading failed with {type(error).__name__}"
        return {"error": "DataError", "problems": [["the file is damaged, or of a form that is not known", "", rule, ""]]}
    ours = [f for f in frames if "/nextarm/" in f.filename.replace("\\", "/")]
    place = f"{ours[-1].filename.replace(chr(92), '/').rpartition('/nextarm/')[2]} line {ours[-1].lineno}" if ours else ""
    what = f"a fault of nextarm, not of the file ({type(error).__name__} in {place or 'an unknown place'})"
    return {"error": "OwnFault", "problems": [[what, "", "", "Please report it with this line and the file, if you may share it"]]}


def _answer(error: object) -> dict[str, object]:
    problems = [[p.what, p.where, p.rule, p.cure] for p in error.problems]  # type: ignore[attr-defined]
    return {"error": type(error).__name__, "problems": problems}


if __name__ == "__main__":
    main()
