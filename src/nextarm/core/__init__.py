"""What every room stands on: errors, trail, results, random streams, units.

Five files and no more. May import: the standard library and numpy; polars only inside functions.
"""
