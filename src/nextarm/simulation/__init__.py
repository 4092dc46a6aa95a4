"""Virtual trials: the plain oracle, blocks and workers, operating characteristics.

May import: core to designs.
"""
