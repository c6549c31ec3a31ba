"""``python -m common.data``."""

from .cli import main

main()
