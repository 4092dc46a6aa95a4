"""``python -m nextarm``."""

from nextarm.cli import main

main()
