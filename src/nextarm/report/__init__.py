"""Charts, tables and the one-file HTML renderer. Knows no disease.

May import: core to simulation.
"""
