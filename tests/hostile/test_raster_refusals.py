"""What cannot be read is refused with a reason and a marks file; nothing is invented."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.figures.marks import CurveMark, Marks
from nextarm.figures.raster.calibrate import calibrate
from nextarm.figures.raster.read import read_raster
from nextarm.figures.reading import FigureRefused
from raster_figures import draw


@pytest.mark.parametrize(
    "picture",
    [
        np.full((1, 1, 3), 255, np.uint8),
        np.full((400, 500, 3), 255, np.uint8),
        np.zeros((300, 300, 3), np.uint8),
        np.random.default_rng(1).integers(0, 256, (200, 260, 3)).astype(np.uint8),
        np.tile(np.uint8([[[255] * 3], [[0] * 3]]), (100, 200, 1)),
    ],
    ids=["pixel", "white", "black", "noise", "stripes"],
)
def test_no_figure_is_refused(picture):
    with pytest.raises(FigureRefused) as refused:
        read_raster(picture)
    assert refused.value.marks is not None


def test_axis_without_labels_is_refused_with_what_was_found():
    rgb = draw(table=False).rgb
    rgb[:, :132] = 255
    with pytest.raises(FigureRefused, match="at least 3 labels") as refused:
        calibrate(rgb)
    assert any("0, 4, 8, 12" in f for f in refused.value.found)


def test_several_panels_are_refused_until_one_is_named():
    with pytest.raises(FigureRefused, match="2 panels"):
        read_raster(draw(panels=2, table=False).rgb)


def test_axis_that_is_no_survival_is_refused():
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(6, 4), dpi=100)
    ax.plot([0, 10], [50, 20], color="red")
    ax.set_ylim(0, 60)
    ax.set_yticks([0, 2.5, 5, 7.5, 10])
    ax.set_ylim(0, 11)
    fig.canvas.draw()
    rgb = np.asarray(fig.canvas.buffer_rgba())[:, :, :3].copy()
    plt.close(fig)
    with pytest.raises(FigureRefused):
        read_raster(rgb)


def test_a_marked_colour_that_is_not_there_gives_no_other_curve_its_name():
    rgb = draw(table=False).rgb
    with pytest.raises(FigureRefused, match="no curve of the colour #00c000"):
        read_raster(rgb, Marks(curves=(CurveMark(arm="New drug", colour="#00c000"),)))


def test_a_line_without_steps_is_not_graded_as_a_step_curve():
    """A picture cannot tell a smooth curve from very many patients: it is read, with a word and no better grade than C."""
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(6.4, 4.8), dpi=100)
    time = np.linspace(0, 60, 300)
    ax.plot(time, np.exp(-time / 30))
    ax.set_xlim(0, 60)
    ax.set_ylim(0, 1.02)
    fig.canvas.draw()
    rgb = np.asarray(fig.canvas.buffer_rgba())[:, :, :3].copy()
    plt.close(fig)
    reading = read_raster(rgb)
    assert any("runs slanted" in w for c in reading.curves for w in c.warnings)
    assert reading.grade == "C"
