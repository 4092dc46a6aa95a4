"""The door of the figures room: kinds by first bytes, sizes, and what the locked child cannot do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from figures_as_text import exponential_arm, page, pdf, picture, svg
from nextarm.core.errors import CallError, DataError
from nextarm.figures import door, load_marks
from nextarm.figures.reading import FigureRefused

pytest.importorskip("pypdfium2")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="limits need a POSIX system")


def locked(code: str, *, lock: str = "(jail.cut_network(), jail.lock())[0]") -> subprocess.CompletedProcess[str]:
    script = f"import sys\nfrom nextarm.figures import jail\ndone = {lock}\n{code}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "webp"])
def test_the_kind_is_told_by_the_first_bytes(kind: str) -> None:
    pytest.importorskip("PIL")
    assert door.kind_of(picture(kind)) == kind


def test_drawings_are_told_by_their_first_bytes() -> None:
    assert door.kind_of(svg([exponential_arm("a", 20)]).encode()) == "svg"
    assert door.kind_of(b"\xef\xbb\xbf\n<svg></svg>") == "svg"
    assert door.kind_of(pdf([b""])) == "pdf"
    for other in (b"", b"<html></html>", b"GIF89a", b"  %PDF-1.4", b"\x1f\x8b\x08"):
        with pytest.raises(DataError):
            door.kind_of(other)


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_text(svg([exponential_arm("Control", 20)]))
    found = door.read_figure(path)
    assert found.reading.file_kind == "svg"
    assert found.overlay.startswith(b"\x89PNG")


def test_files_that_are_missing_too_large_or_folders_are_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.svg"
    with large.open("wb") as file:
        file.truncate(door.MOST_BYTES + 1)
    for path, words in ((tmp_path / "none.svg", "does not exist"), (tmp_path, "is not a file"), (large, "too large")):
        with pytest.raises(DataError, match=words):
            door.read_figure(path)
    with pytest.raises(CallError, match="page = 0"):
        door.read_figure(large, page=0)


def test_a_child_that_dies_becomes_a_message(tmp_path: Path) -> None:
    """The content stream asks for more memory than there is: the library aborts, the door says so."""
    path = tmp_path / "bomb.pdf"
    path.write_bytes(pdf([b"0 0 m 1 1 l S\n" * 8_000_000]))
    with pytest.raises(DataError, match=r"bomb\.pdf"):
        door.read_figure(path)


def test_a_refusal_comes_through_the_door_whole(tmp_path: Path) -> None:
    path = tmp_path / "words.svg"
    path.write_text(
        svg([exponential_arm("a", 20)], table=False).replace('class="end">', 'class="end">S').replace('class="mid">', 'class="mid">t')
    )
    with pytest.raises(FigureRefused) as caught:
        door.read_figure(path)
    assert caught.value.exit_code == 8
    assert "words.svg" in str(caught.value)
    assert caught.value.marks is not None
    assert caught.value.image.startswith(b"\x89PNG")


def test_a_fault_of_ours_is_told_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a damaged file: the place and the way to report are told; what a parsing library meets stays the file's fault."""
    from PIL import UnidentifiedImageError

    from nextarm.figures import child, read_file
    from nextarm.figures.vector import svg as reader

    def broken(*_: object, **__: object) -> None:
        raise IndexError("list index out of range")

    def damaged(*_: object, **__: object) -> None:
        raise UnidentifiedImageError("cannot identify")

    data = svg([exponential_arm("a", 20)]).encode()
    monkeypatch.setattr(reader, "read_svg", broken)
    answer, image = child.serve({"kind": "svg"}, data)
    error = door._error(answer, "figure.svg", image)
    assert error.exit_code == 1
    said = str(error)
    assert "a fault of nextarm, not of the file (IndexError in figures/read_file.py line" in said
    assert "Please report it" in said
    assert "figure.svg" in said
    assert "Traceback" not in said
    monkeypatch.setattr(read_file, "_drawing", damaged)
    assert child.serve({"kind": "svg"}, data)[0]["error"] == "DataError"


def test_an_endless_child_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "WAIT_SECONDS", 0.05)
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([page([exponential_arm("a", 20)])]))
    with pytest.raises(DataError, match="took too long"):
        door.read_figure(path)


def test_a_busy_machine_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    said = str(door._waited(6.04))
    assert "the machine is busy: reading got 6.0 s of processor time in 600 s" in said
    assert "smaller picture" not in said
    assert "took too long" in str(door._waited(None))


def test_endings_of_the_child_are_told_apart() -> None:
    assert "too long" in str(door._died(-24))
    assert "memory" in str(door._died(71))
    assert "damaged" in str(door._died(-11))


@POSIX
def test_the_child_opens_no_connection() -> None:
    for code in (
        "import socket; socket.socket()",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request as u; u.urlopen('http://127.0.0.1:9')",
    ):
        ran = locked(code)
        assert ran.returncode == 1
        assert "PermissionError" in ran.stderr or "may not use socket" in ran.stderr, ran.stderr


@POSIX
def test_not_even_code_beneath_python_reaches_a_network() -> None:
    """A socket made by the C library, past the interpreter: in a network namespace of its own there is no way out."""
    code = """
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.socket(2, 1, 0)
address = struct.pack('<H', 2) + struct.pack('>H', 9) + bytes([192, 0, 2, 1]) + bytes(8)
print(done, fd, libc.connect(fd, address, 16), ctypes.get_errno())
"""
    ran = locked(code)
    cut, _, answer, number = ran.stdout.split()
    if cut != "True":
        pytest.skip("this system gives no network namespace to a process without rights; the interpreter's own block is tested above")
    assert int(answer) == -1
    assert int(number) == 101  # network is unreachable


@POSIX
@pytest.mark.parametrize(
    "code",
    ["open('/tmp/x', 'w')", "import os; os.open('/tmp/x', os.O_CREAT | os.O_WRONLY)", "import os; os.system('true')",
     "import subprocess; subprocess.run(['true'])", "import os; os.fork()", "import os; os.remove('/tmp/none')"],
)  # fmt: skip
def test_the_child_writes_no_file_and_starts_no_program(code: str) -> None:
    ran = locked(code)
    assert ran.returncode == 1
    assert "PermissionError" in ran.stderr


@POSIX
def test_processor_time_is_bounded() -> None:
    assert locked("while True: pass", lock="jail.lock(cpu_seconds=1)").returncode == -24


@POSIX
def test_memory_is_bounded() -> None:
    ran = locked("bytearray(1 << 31)")
    assert "MemoryError" in ran.stderr
    assert locked("len(bytearray(1 << 28))").returncode == 0


def test_broken_marks_say_everything_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    for text, words in (
        ("{", "not JSON"), ("[1]", "marks.json"), ('{"x_axis": [{"pixel": 1, "value": 2}]}', "needs two points"), ('{"colour": 1}', "colour"),
        ('{"curves": [{"colour": "red"}]}', "colour"), ('{"region": [5, 5, 1, 9]}', "left < right"), ('{"x_axis": [{"pixel": NaN, "value": 1}]}', "x_axis"),
        ("[" * 90_000, "marks.json"), (" " * 100_001, "too large"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(DataError, match=words):
            load_marks(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not a text file"):
        load_marks(path)
    path.write_text(json.dumps({"x_axis": [{"pixel": 1, "value": 0}, {"pixel": 9, "value": 12}], "percent": True}))
    assert load_marks(path).x_axis[1].value == 12


@pytest.mark.parametrize(("axis", "words"), [("x_axis", "rise to the right"), ("y_axis", "fall downwards")])
def test_marks_whose_axis_runs_backwards_are_refused(tmp_path: Path, axis: str, words: str) -> None:
    low, high = (0, 60) if axis == "y_axis" else (60, 0)
    (tmp_path / "marks.json").write_text(json.dumps({axis: [{"pixel": 100, "value": low}, {"pixel": 500, "value": high}]}))
    with pytest.raises(DataError, match=words):
        load_marks(tmp_path / "marks.json")


@pytest.mark.parametrize(("value", "words"), [(24, "have one value, 24"), (20, "off one straight line")])
def test_marks_whose_axis_is_not_even_are_refused(tmp_path: Path, value: int, words: str) -> None:
    points = [{"pixel": 100 + 100 * k, "value": v} for k, v in enumerate((0, value, 24, 36))]
    (tmp_path / "marks.json").write_text(json.dumps({"x_axis": points}))
    with pytest.raises(DataError, match=words):
        load_marks(tmp_path / "marks.json")
