"""Several studies together: pooling, meta-regression, trend over eras.

May import: core, evidence, survival, figures, patients.
"""
