"""Curves and what is printed beside them to patients, in several plausible versions.

May import: core, evidence, survival, figures.
"""
