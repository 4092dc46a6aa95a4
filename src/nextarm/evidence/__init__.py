"""Published facts with their sources: schema, loading, checking, querying, risk groups.

May import: core.
"""
