"""Printed text to characters: the recognition model that rapidocr ships, run directly and on one thread.

Only the recogniser is used; where text lies is found by :mod:`~nextarm.figures.raster.words`. The model file is pinned by
its SHA-256 and read from the installed package: nothing is fetched. Crops are scaled to 48 pixels of height, put into
batches of like width, and every output is decoded twice from the same probabilities: once limited to the characters of a
number, once to those of a name (connectionist temporal classification, best path).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import CallError, DataError
from nextarm.core.result import record

MODEL = "PP-OCRv6_rec_small.onnx"
SHA256 = "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
HEIGHT = 48
MAX_WIDTH = 960
BATCH = 16
AREA = 2560  # columns of a batch together: the memory of the output, 18,710 classes a column of 8 pixels
NUMBER = "0123456789.%-"
NAME = "".join(chr(c) for c in range(33, 127)) + " ≥≤–±αβγκ−·"

Crop = NDArray[np.uint8]


@record
class Reading:
    """One crop as a number and as a name; the confidences are the mean probabilities of the characters kept.

    ``rival`` is another reading that came nearly as often where the crop was cut in several ways.
    ``steps`` holds, for each time step kept by the number decoding, the probabilities of the ten digits; it serves to find
    the second-best digit where a number breaks a rule.
    """

    number: str
    number_confidence: float
    name: str
    name_confidence: float
    steps: NDArray[np.float64]
    rival: str | None = None


@cache
def _session() -> tuple[Any, list[str]]:
    """The model and its characters (class 0 is the blank); checked against the pinned digest once a process."""
    found = find_spec("rapidocr")
    if found is None or found.origin is None or find_spec("onnxruntime") is None:
        raise CallError(
            "text recognition is not installed",
            rule="raster figures need the extra `figures`",
            cure='Install it with pip install "nextarm[figures]", or give the axis points in a marks file',
        )
    path = Path(found.origin).parent / "models" / MODEL
    if not path.is_file():
        raise DataError(
            f"{MODEL} is missing", where="the installed rapidocr", cure="Install the version of rapidocr that constraints.txt names"
        )
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError(f"{MODEL} is not the file that was tested", where="the installed rapidocr", rule=f"its SHA-256 must be {SHA256}")
    import onnxruntime  # type: ignore[import-untyped,unused-ignore]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = options.enable_cpu_mem_arena = False  # batches differ in width: an arena only grows
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    listed = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    return session, ["", *listed, " "]


@cache
def _classes(alphabet: str) -> NDArray[np.int64]:
    """Output classes of an alphabet, the blank first."""
    place = {c: i for i, c in enumerate(_session()[1])}
    return np.array([0, *(place[c] for c in alphabet if c in place)], np.int64)


def _prepared(crop: Crop) -> NDArray[np.float32]:
    import cv2

    height, width = crop.shape[:2]
    wide = int(np.clip(round(width * HEIGHT / height), 12, MAX_WIDTH))
    way = cv2.INTER_AREA if height > HEIGHT else cv2.INTER_CUBIC
    scaled = cv2.resize(crop, (wide, HEIGHT), interpolation=way)
    return np.asarray(scaled[:, :, ::-1].transpose(2, 0, 1), np.float32) / 127.5 - 1  # the model was trained on BGR


def _best_path(probabilities: NDArray[np.float32], alphabet: str) -> tuple[str, float, list[int]]:
    """Characters, mean probability and time steps of the best path when only ``alphabet`` and the blank are allowed."""
    classes = _classes(alphabet)
    kept = probabilities[:, classes]
    best = kept.argmax(1)
    top = kept.max(1)
    names = _session()[1]
    text, chances, steps, last = "", [], [], 0
    for t, k in enumerate(best.tolist()):
        if k and k != last:
            text += names[classes[k]]
            chances.append(float(top[t]))
            steps.append(t)
        elif k and k == last and top[t] > chances[-1]:
            chances[-1], steps[-1] = float(top[t]), t
        last = k
    return text, float(np.mean(chances)) if chances else 0.0, steps


def read_crops(crops: list[Crop]) -> list[Reading]:
    """Recognise crops (RGB, each one line of text); the readings are in the same order."""
    session, names = _session()
    ready = [_prepared(c) for c in crops]
    order = sorted(range(len(ready)), key=lambda i: ready[i].shape[2])
    digits = np.array([names.index(d) for d in "0123456789"])
    out: list[Reading | None] = [None] * len(crops)
    while order:
        many = int(np.clip(AREA // ready[order[0]].shape[2], 1, BATCH))
        while many > 1 and ready[order[many - 1 if many <= len(order) else -1]].shape[2] * many > AREA:
            many -= 1
        part, order = order[:many], order[many:]
        width = -(-max(ready[i].shape[2] for i in part) // 16) * 16 + 16
        batch = np.empty((len(part), 3, HEIGHT, width), np.float32)
        for row, i in enumerate(part):
            own = ready[i].shape[2]
            batch[row, :, :, :own] = ready[i]
            batch[row, :, :, own:] = np.median(ready[i][:, :, -1:], axis=1, keepdims=True)
        chances = np.asarray(session.run(None, {session.get_inputs()[0].name: batch})[0])
        for row, i in enumerate(part):
            p = chances[row]
            number, sure, steps = _best_path(p, NUMBER)
            name, name_sure, _ = _best_path(p, NAME)
            out[i] = Reading(
                number=number, number_confidence=sure, name=name.strip(), name_confidence=name_sure, steps=p[steps][:, digits].astype(float)
            )
    return [r for r in out if r is not None]
