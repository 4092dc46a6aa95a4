"""Names, cells and number of curves where text and lines of a figure touch each other, against figures drawn here."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray

mpl.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

from nextarm.figures.raster import again, signs
from nextarm.figures.raster.calibrate import CalibratedPanel, calibrate
from nextarm.figures.raster.panel import Box
from nextarm.figures.raster.read import read_raster
from nextarm.figures.raster.text import Reading
from nextarm.figures.raster.words import word_boxes

TICKS = (0, 6, 12, 18, 24)


def pixels(fig: plt.Figure, jpeg: int | None = None) -> NDArray[np.uint8]:
    """The picture of a figure, compressed if wanted."""
    fig.canvas.draw()
    rgb = np.asarray(fig.canvas.buffer_rgba())[:, :, :3].copy()
    plt.close(fig)
    if jpeg is None:
        return rgb
    held = io.BytesIO()
    Image.fromarray(rgb).save(held, "JPEG", quality=jpeg)
    return np.asarray(Image.open(held).convert("RGB"))


def panel(*, width: float = 7.0) -> tuple[plt.Figure, plt.Axes]:
    """An empty panel of 24 months."""
    fig, ax = plt.subplots(figsize=(width, 5.5), dpi=100)
    fig.subplots_adjust(left=0.22, bottom=0.3, right=0.96, top=0.88)
    ax.set(xlim=(0, 24), ylim=(0, 1.004), xticks=TICKS, xlabel="Months", ylabel="Overall survival")
    return fig, ax


def step(ax: plt.Axes, last: float, **style: object) -> None:
    """A curve that falls evenly to ``last``."""
    ax.step(np.r_[np.linspace(0, 21, 8), 23], np.r_[np.linspace(1, last, 8), last], where="post", **style)


def row(ax: plt.Axes, name: str, cells: tuple[int | None, ...], y: float, *, right: float) -> None:
    """A row of the table whose name ends at ``right`` (of the axis)."""
    ax.text(right, y, name, transform=ax.transAxes, ha="right", va="center")
    for t, n in zip(TICKS, cells, strict=True):
        if n is not None:
            ax.text(t, y, str(n), transform=ax.get_xaxis_transform(), ha="center", va="center")


def names(read: CalibratedPanel) -> list[str]:
    return sorted(h.name for h in read.panel.arm_hints)


def cells(read: CalibratedPanel) -> dict[str, tuple[int | None, ...]]:
    return {h.name: r.cells for h, r in zip(read.panel.arm_hints, read.rows, strict=True) if r is not None}


def test_a_name_that_runs_into_the_first_number_is_cut_at_the_tick():
    fig, ax = panel()
    step(ax, 0.3, color="k")
    step(ax, 0.6, color="k", ls="--")
    wanted = {"Control": (259, 225, 179, 73, None), "Treatment": (249, 188, 60, 14, 9)}
    for k, (name, numbers) in enumerate(wanted.items()):
        row(ax, name, numbers, -0.27 - 0.08 * k, right=-0.027)
    (read,) = calibrate(pixels(fig))
    assert cells(read) == wanted


def test_a_number_that_a_letter_of_the_label_touches_is_read_and_a_blank_there_stays_missing():
    wanted = ((236, 221, 155, 103, 16), (236, 221, None, 103, 16))
    for numbers in wanted:
        fig, ax = panel()
        step(ax, 0.3, color="k")
        ax.set_xlabel("Time, years")
        ax.xaxis.set_label_coords(0.49, -0.105)
        row(ax, "Arm A", numbers, -0.172, right=-0.1)
        (read,) = calibrate(pixels(fig))
        assert cells(read) == {"Arm A": numbers}


def test_names_over_curves_and_over_each_other_are_read_colour_by_colour():
    fig, ax = panel()
    for colour, last in zip("krgb", (0.5, 0.35, 0.25, 0.15), strict=True):
        step(ax, last, color=colour, lw=1.5)
    ax.text(13, 0.82, "Standard", color="k", size=12)
    ax.text(13, 0.693, "Experimental", color="r", size=12)  # over the black curve
    ax.text(3, 0.20, "Historical", color="g", size=12)
    ax.text(3, 0.165, "Unknown", color="b", size=12)
    ax.text(3, 0.05, "p = 0.021")
    (read,) = calibrate(pixels(fig))
    assert names(read) == ["Experimental", "Historical", "Standard", "Unknown"]


@pytest.mark.parametrize("jpeg", [None, 70])
def test_keys_in_a_light_frame_keep_their_line_style_and_all_names(jpeg):
    fig, ax = panel(width=6.0)
    step(ax, 0.3, color="#F8766D", lw=2.5, label="Control")
    step(ax, 0.6, color="#00BFC4", lw=2.5, label="Treatment")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.01), ncol=2, fontsize=7)
    (read,) = calibrate(pixels(fig, jpeg))
    assert {h.name: h.dash for h in read.panel.arm_hints} == {"Control": "solid", "Treatment": "solid"}


def test_events_and_censored_are_no_numbers_at_risk():
    fig, ax = panel()
    step(ax, 0.3, color="k", label="Control")
    ax.legend()
    row(ax, "At risk", (50, 41, 33, 20, 8), -0.25, right=-0.1)
    row(ax, "", (0, 2, 5, 11, 20), -0.31, right=-0.1)
    row(ax, "", (0, 7, 12, 19, 22), -0.37, right=-0.1)
    (read,) = calibrate(pixels(fig))
    assert cells(read) == {"Control": (50, 41, 33, 20, 8)}


@pytest.mark.parametrize("flat", [True, False])
def test_a_dark_curve_on_the_frame_is_found_and_none_is_invented(flat):
    fig, ax = panel()
    step(ax, 0.3, color="k", lw=2.5, label="MRD positive")
    ax.step([0, 24 if flat else 0], [1, 1], color="k", lw=2.5, ls="--", label="MRD negative")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.03), ncol=2)
    found = {c.arm: float(c.survival[-1]) for c in read_raster(pixels(fig)).curves}
    assert found.pop("MRD positive") == pytest.approx(0.3, abs=0.01)
    assert found == ({"MRD negative": 1.0} if flat else {})


def test_a_pale_curve_on_the_edge_of_the_panel_is_found_by_its_key():
    fig, ax = panel(width=12.0)
    ax.set_ylim(0, 1)
    ax.spines[["top", "right"]].set_visible(False)
    ax.step([0, 24], [1, 1], color="#F8A8A0", lw=1.0, label="Low risk")
    step(ax, 0.3, color="#00A0A8", lw=1.0, label="High risk")
    ax.legend(loc="lower left")
    found = {c.arm: float(c.survival[-1]) for c in read_raster(pixels(fig, 35)).curves}
    assert found == {"Low risk": 1.0, "High risk": pytest.approx(0.3, abs=0.01)}


def test_tick_marks_close_to_per_cent_labels_are_no_part_of_them():
    fig, ax = panel()
    step(ax, 0.3, color="b")
    ax.spines["left"].set_visible(False)  # else the marks are one piece with it
    ax.tick_params(axis="y", length=2.5, width=1.5, pad=1.5)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    (read,) = calibrate(pixels(fig, 50))
    assert read.y_fit.values.tolist() == [100, 75, 50, 25, 0]
    assert read.y_fit.by == "marks"


def test_names_at_curves_count_where_compression_left_one_of_them_pale():
    fig, ax = panel()
    step(ax, 0.6, color="#2E5973")
    step(ax, 0.3, color="#794942")
    ax.text(12, 0.85, "Drug A", color="#2E5973")
    ax.text(12, 0.2, "Placebo", color="#794942")
    ax.text(3, 0.1, "All patients", color="#555048")
    (read,) = calibrate(pixels(fig))
    assert names(read) == ["Drug A", "Placebo"]


@pytest.mark.parametrize("wanted", [[], ["1", "2"]])
def test_a_single_figure_beside_a_line_is_no_legend(wanted):
    fig, ax = panel()
    step(ax, 0.3, color="b")
    for y, name in zip((0.8, 0.7), wanted or ["1"], strict=False):
        ax.plot([12, 14], [y, y], color="b", ls="-" if name == "1" else "--")
        ax.text(14.6, y, name, va="center")
    (read,) = calibrate(pixels(fig))
    assert names(read) == wanted


@pytest.mark.parametrize("up", [1.5, 2.0])
def test_a_name_on_the_upper_edge_of_a_panel_without_a_frame_is_whole(up):
    fig, ax = panel()
    ax.set(ylim=(0, 1), yticks=[0, 0.25, 0.5, 0.75, 1])
    for side in ax.spines.values():
        side.set_visible(False)
    step(ax, 0.1, color="b", lw=2)
    edge = ax.transAxes.transform((0, 1))[1] + up
    y = ax.transData.inverted().transform((0, edge))[1]
    ax.plot([13, 15], [y, y], color="b", lw=2, clip_on=False)
    ax.text(15.6, y, "MRD  negative", va="center", size=8)
    (read,) = calibrate(pixels(fig))
    assert names(read) == ["MRD negative"]


@pytest.mark.parametrize(
    ("first", "more", "wanted"),
    [
        (("Cther", 0.90), ["Other", "Other", "Cther", "Other"], ("Other", "Cther")),
        (("95", 0.92), ["96", "95", "95", "95"], ("95", None)),
        (("95", 0.92), ["96", "96", "95", "95"], ("95", "96")),
        (("95", 0.99), [], ("95", None)),  # sure: not read again
    ],
)
def test_an_unsure_word_is_what_most_cuts_of_it_give(monkeypatch, first, more, wanted):
    def reading(name: str, sure: float) -> Reading:
        number = name if name.isdigit() else ""
        return Reading(number=number, number_confidence=sure if number else 0.0, name=name, name_confidence=sure, steps=np.zeros((0, 10)))

    monkeypatch.setattr(again, "read_crops", lambda crops: [reading(name, 0.9) for name in more][: len(crops)])
    picture = np.full((20, 40, 3), 255, np.uint8)
    (out,) = again.voted(picture, [Box(left=5, top=5, right=30, bottom=14)], [reading(*first)])
    assert (out.name, out.rival) == wanted


def test_a_number_stays_one_word_where_dotted_limits_hold_more_pieces_than_the_text() -> None:
    ink = np.zeros((900, 1600), bool)
    for k in range(75):  # dots of two dotted lines
        ink[300 + 2 * k // 3 : 306 + 2 * k // 3, 200 + 4 * k : 206 + 4 * k] |= k % 3 == 0
        ink[700:706, 200 + 4 * k : 206 + 4 * k] |= k % 3 == 0
    for row in (60, 120, 180, 240):  # digits and a point as wide apart as in print
        for left, width, height in ((40, 20, 32), (66, 5, 5), (77, 20, 32), (102, 20, 32)):
            ink[row + 32 - height : row + 32, left : left + width] = True
    boxes = [box for box, pieces in word_boxes(ink) if pieces == 4]
    assert [(b.left, b.right, b.top) for b in boxes] == [(40, 122, row) for row in (60, 120, 180, 240)]


@pytest.mark.parametrize(
    "printed",
    [
        ("Chemo", "Chemo + blinatumomab"),
        ("Age >= 10", "Age < 10"),
        ("≥ 6 months", "< 6 months"),
        ("A + B + C", "MTX/6-MP"),
        ("Interfant-06 HR", "WBC ≤ 300"),
    ],
)
def test_a_sign_that_stands_alone_is_part_of_the_name(printed):
    fig, ax = panel(width=8.0)
    for k, name in enumerate(printed):
        step(ax, 0.3 + 0.3 * k, color=("C0", "C1")[k], label=name)
        row(ax, name, (120, 80, 40, 20, 5), -0.25 - 0.07 * k, right=-0.08)
    ax.legend(loc="lower left")
    (read,) = calibrate(pixels(fig))
    assert names(read) == sorted(printed)
    assert not any("not certain" in w for w in read.warnings)


def test_a_name_beside_a_sign_that_is_not_read_is_doubted(monkeypatch):
    monkeypatch.setattr(signs, "_joined", lambda *_: None)
    fig, ax = panel(width=8.0)
    step(ax, 0.3, color="C0", label="Control")
    step(ax, 0.6, color="C1", label="Chemo + blinatumomab")
    ax.legend(loc="lower left")
    (read,) = calibrate(pixels(fig))
    assert [w for w in read.warnings if "whether the name is whole is not certain" in w]
    assert not any("Control" in w for w in read.warnings)
