"""Priors from history, external controls, and how wrong they could be.

May import: core to synthesis.
"""
