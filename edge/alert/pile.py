"""What waits to be told over one channel: bounded, and what has grown stale is only counted."""

from collections import deque

from edge.alert.words import Alert, Batch, Tally, count

MOST = 64  # changes of one door that are still told one by one; beyond it the oldest are counted


class Pile:
    """All that waits goes into one message: whoever waits for a limit or a server gets one message, not fifty."""

    def __init__(self, stale_ns: int, most: int = MOST) -> None:
        self._stale_ns = stale_ns
        self._most = most
        self._fresh: deque[Alert] = deque()
        self._late: Tally | None = None

    def __bool__(self) -> bool:
        return bool(self._fresh) or self._late is not None

    def put(self, alert: Alert) -> None:
        """One more, the newest."""
        self._fresh.append(alert)
        while len(self._fresh) > self._most:
            self._age()

    def take(self, now_ns: int) -> Batch:
        """All of it; what has waited too long is counted."""
        while self._fresh and now_ns - self._fresh[0].told_ns > self._stale_ns:
            self._age()
        batch = Batch(tuple(self._fresh), self._late)
        self._fresh.clear()
        self._late = None
        return batch

    def back(self, batch: Batch) -> None:
        """It was not told after all; nothing is lost and order is kept."""
        self._late = batch.late if self._late is None else _add(batch.late, self._late)
        self._fresh.extendleft(reversed(batch.fresh))
        while len(self._fresh) > self._most:
            self._age()

    def _age(self) -> None:
        event = self._fresh.popleft().event
        self._late = _add(self._late, Tally(count([event]), event, event))


def _add(earlier: Tally | None, later: Tally) -> Tally:
    if earlier is None:
        return later
    counts = {
        change: n
        for change in (*earlier.counts, *later.counts)
        if (n := earlier.counts.get(change, 0) + later.counts.get(change, 0))
    }
    return Tally(counts, earlier.first, later.last)
