"""Published figures to curves: axes, curves, censor ticks, at-risk table.

May import: core, evidence, survival.
"""
