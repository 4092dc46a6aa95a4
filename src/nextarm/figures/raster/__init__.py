"""Figures made of pixels: the panel, its axes and its text; the curves; both joined.

``read.read_raster`` is the one door. All pixel positions are floats in the convention of :mod:`~nextarm.figures.raster.panel`.
"""
