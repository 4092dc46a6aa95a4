"""The sections of a bundled study as data and calls; another study is another folder.

May import: core to report.
"""
