"""Figures that are drawings: SVG and PDF pages, read exactly, without recognising anything in pixels."""
