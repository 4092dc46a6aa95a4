"""``python -m nextarm.cli``."""

from nextarm.cli import main

main()
