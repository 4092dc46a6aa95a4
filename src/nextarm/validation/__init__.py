"""Cases (inputs, expected value, tolerance, source, kind) and the runner behind ``nextarm verify``.

May import: core to studies.
"""
