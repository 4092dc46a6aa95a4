"""Several studies together: pooling, meta-regression, trend over eras.

May import: core, evidence, survival, figures, patients.
"""

from nextarm.synthesis.estimates import ScaledEstimate, StudyEstimate, se_from_interval, to_scale
from nextarm.synthesis.pool import PooledEstimate, PooledStudy, pool
from nextarm.synthesis.scales import MEASURES, SCALES, Scale, scale
from nextarm.synthesis.tau import ESTIMATORS, METHODS, profile_likelihood, q_profile

__all__ = [
    "ESTIMATORS",
    "MEASURES",
    "METHODS",
    "SCALES",
    "PooledEstimate",
    "PooledStudy",
    "Scale",
    "ScaledEstimate",
    "StudyEstimate",
    "pool",
    "profile_likelihood",
    "q_profile",
    "scale",
    "se_from_interval",
    "to_scale",
]
