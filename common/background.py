"""Work that a loop need not wait for."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Background:
    """Runs tasks in threads while the caller goes on.

    At most `waiting` tasks are kept, so that what they hold stays bounded: then `add` waits for the oldest. It pays for
    tasks that let go of Python's lock, such as compressing files.

    Args:
        threads: That run tasks; they start with the first one.
        waiting: Tasks, running ones included, that are kept at most.
    """

    def __init__(self, *, threads: int = 2, waiting: int = 4) -> None:
        self.waiting = waiting
        self._pool = ThreadPoolExecutor(threads)
        self._tasks: deque[Future] = deque()

    def add(self, task: Callable[..., Any], *args: Any) -> None:
        """Run ``task(*args)`` in turn; raises what an earlier task has raised."""
        while self._tasks and (self._tasks[0].done() or len(self._tasks) >= self.waiting):
            self._tasks.popleft().result()
        self._tasks.append(self._pool.submit(task, *args))

    def finish(self) -> None:
        """Wait for all tasks; raises what the first of them to fail has raised."""
        while self._tasks:
            self._tasks.popleft().result()
