"""Serve the files of a folder in one locked process, as the door's child serves one: ``python serve_corpus.py FOLDER [AFTER]``.

Prints, for each file, its name when it is begun and its answer when it is done, as JSON lines.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(folder: Path, after: str = "") -> None:
    """One line before and one after each file whose name comes after ``after``."""
    files = [(p.name, p.read_bytes()) for p in sorted(folder.iterdir()) if p.name > after]
    from nextarm.figures import jail, warm

    jail.cut_network()
    warm.load()
    jail.lock(cpu_seconds=600)
    from nextarm.core.errors import NextarmError
    from nextarm.figures.child import serve
    from nextarm.figures.door import kind_of

    for name, data in files:
        print(json.dumps({"begin": name}), flush=True)
        start = time.process_time()
        try:
            answer, image = serve({"kind": kind_of(data), "page": None, "panel": None, "marks": None}, data)
        except NextarmError as error:
            answer, image = {"error": type(error).__name__, "problems": [[p.what, p.where, p.rule, p.cure] for p in error.problems]}, b""
        except MemoryError:
            answer, image = {"error": "MemoryError", "problems": [["too much memory", "", "", ""]]}, b""
        done = {"done": name, "seconds": time.process_time() - start, "read": "reading" in answer, "image": len(image)}
        print(json.dumps(done | {k: answer[k] for k in ("error", "problems") if k in answer}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
