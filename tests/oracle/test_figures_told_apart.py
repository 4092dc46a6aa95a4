"""Curves drawn over a figure: no arm in the colour that is printed for another, each name at its own line."""

from __future__ import annotations

import io
from itertools import permutations

import numpy as np
import pytest
from PIL import Image

from figures_as_text import exponential_arm, svg
from nextarm import verbs
from nextarm.figures import colours_for
from nextarm.figures.read_file import read_file
from nextarm.figures.told_apart import PALETTE

BLUE, ORANGE, BLACK = PALETTE[0], PALETTE[1], PALETTE[2]


@pytest.mark.parametrize("printed", [("#ff7f0e", "#1f77b4"), ("#e69f00", "#0072b2"), ("#d62728", "#1f77b4"), ("#f8766d", "#00468b")])
def test_a_warm_and_a_blue_arm_are_never_drawn_in_each_others_colour(printed: tuple[str, str]) -> None:
    assert colours_for(printed) == (ORANGE, BLUE)
    assert colours_for(printed[::-1]) == (BLUE, ORANGE)


def test_black_is_drawn_black_and_its_twin_otherwise() -> None:
    assert colours_for(["#1f77b4", "#000000"]) == (BLUE, BLACK)
    assert len(set(colours_for(["#000000"] * 6))) == 6
    assert len(colours_for(["#000000"] * 8)) == 8
    assert colours_for([]) == ()


def test_the_palette_is_given_back_in_any_order() -> None:
    for order in list(permutations(PALETTE))[::97]:
        assert colours_for(order) == order


def test_each_name_stands_beside_its_own_line_and_free_of_the_others() -> None:
    arms = [exponential_arm("Control", 30), exponential_arm("New drug", 20, median=30.0)]
    reading, overlay = read_file(svg(arms).encode(), kind="svg")
    looks = verbs.figure_look(reading, height=8.0)
    assert [look["arm"] for look in looks] == [c.arm for c in reading.curves]
    boxes = [look["name"] for look in looks]
    for k, (left, top, right, bottom) in enumerate(boxes):
        away = []
        for i in range(len(boxes)):
            place = reading.positions(i)
            at = np.linspace(left, right, 20)
            held = place.down[np.searchsorted(place.across, at, side="right") - 1]
            assert not np.any((held > top) & (held < bottom)), (k, i)
            away.append(np.abs(held - (top + bottom) / 2).mean())
        assert int(np.argmin(away)) == k
    image = np.asarray(Image.open(io.BytesIO(overlay)).convert("RGB"))
    for look in looks:  # each colour is really drawn
        wanted = [int(look["colour"][i : i + 2], 16) for i in (1, 3, 5)]
        assert np.count_nonzero(np.all(image == wanted, axis=2)) > 200


def test_the_key_stands_above_the_picture_and_covers_nothing_of_it() -> None:
    # a band along the upper edge, where a title may stand: all of it is seen, blended with white as the whole picture is
    band = '<rect x="-50" y="0" width="2000" height="9" fill="#20c040"/>'
    arms = [exponential_arm("Control", 30), exponential_arm("New drug", 20, median=30.0)]
    _, overlay = read_file(svg(arms, extra=band).encode(), kind="svg")
    image = np.asarray(Image.open(io.BytesIO(overlay)).convert("RGB")).astype(int)
    wanted = np.round(np.array([0x20, 0xC0, 0x40]) * 0.55 + 255 * 0.45)
    of_band = np.all(np.abs(image - wanted) <= 2, axis=2)
    rows = np.flatnonzero(of_band.mean(axis=1) == 1.0)
    assert rows.size >= 15
    above = image[: rows[0]]
    assert np.count_nonzero(np.any(above < 128, axis=2)) > 100, "the key is written above it"
    assert not of_band[: rows[0]].any()
