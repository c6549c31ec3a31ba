"""Progress over the batches of a run, for terminals and for logs."""

from typing import Any

from ignite.handlers import ProgressBar

from ..progress import Progress, in_terminal


class RunProgress(ProgressBar):
    """Ignite's progress bar; where standard error is no terminal, the lines of `Progress`.

    Args:
        kwargs: As for Ignite's bar.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not in_terminal():
            self.pbar_cls = Progress
