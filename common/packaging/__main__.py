"""``python -m common.packaging``."""

from .cli import main

main()
