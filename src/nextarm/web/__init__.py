"""The local web page. Parses, calls a verb, shows the result.

May import: verbs, the plan schema (designs.plan), core.errors, report.
"""
