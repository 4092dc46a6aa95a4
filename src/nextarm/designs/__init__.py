"""One file a design: fields, schedule, decide, exact characteristics; accrual; the plan schema.

May import: core to borrowing.
"""
