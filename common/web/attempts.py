"""How often a client may try: guesses of codes, names of new readers."""

import threading
import time
from collections.abc import Callable

_KEPT = 10_000  # clients that are remembered


class Attempts:
    """A client has `burst` tries at once and one more every `pause` seconds; only tries that fail are counted.

    All clients together have `total_burst` and one more each second. Once those are used up, a client that failed waits
    for a minute, while others are not slowed down: guesses from many addresses lock no reader out. A try that is
    refused counts for nothing, so that nobody waits for ever.

    Args:
        burst, total_burst: Tries.
        pause: Seconds for one more.
        clock: Seconds.
    """

    def __init__(
        self, *, burst: int = 5, pause: float = 5, total_burst: int = 60, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.burst, self.pause, self.total_burst = burst, pause, total_burst
        self._clock = clock
        self._lock = threading.Lock()
        self._debts: dict[str, tuple[float, float]] = {}  # client → seconds that its failures cost, time of the last
        self._total, self._when = 0.0, clock()

    def wait(self, client: str) -> float:
        """Seconds until `client` may try; 0 lets it try now, which counts as failed unless `succeed` takes it back."""
        with self._lock:
            now = self._clock()
            debt, last = self._debts.get(client, (0.0, now))
            left = max(debt - (now - last), 0)
            total = max(self._total - (now - self._when), 0)
            if total > self.total_burst - 1 and debt > 0 and now - last < 60:
                return 60 - (now - last)
            if left > (self.burst - 1) * self.pause:
                return left - (self.burst - 1) * self.pause
            self._debts.pop(client, None)
            self._debts[client] = (left + self.pause, now)  # the latest stands last
            self._total, self._when = min(total + 1, self.total_burst), now
            if len(self._debts) > _KEPT:
                del self._debts[next(iter(self._debts))]
            return 0

    def succeed(self, client: str) -> None:
        """The last try of `client` was right, and is not held against it."""
        with self._lock:
            debt, last = self._debts.get(client, (0.0, 0.0))
            self._debts[client] = (max(debt - self.pause, 0), last)
            self._total = max(self._total - 1, 0)
