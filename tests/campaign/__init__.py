"""What a user may get wrong, at every command, and what is told of it: ``python -m tests.campaign``."""
