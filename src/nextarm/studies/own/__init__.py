"""The report on a study folder of one's own: its evidence, curves, questions and plans."""
