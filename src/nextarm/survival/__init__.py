"""Patient tables, estimators, tests and parametric models of one or two arms.

May import: core, evidence.
"""
