"""How fast a channel may be used. Counts what was sent; reads no clock."""

from collections import deque

import msgspec

from edge.clock import SECOND


class Limit(msgspec.Struct, frozen=True):
    """At most so many messages within any so many seconds."""

    count: int
    within_s: int


class Pace:
    """Keeps within all limits of one channel."""

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self._limits = limits
        self._sent_ns: deque[int] = deque(maxlen=max(limit.count for limit in limits))

    def wait_ns(self, now_ns: int, *, spare: int = 0) -> int:
        """How long until one more may be sent and so many after it; 0: now."""
        waits = [0]
        for limit in self._limits:
            room = limit.count - min(spare, limit.count - 1)
            if len(self._sent_ns) >= room:
                waits.append(self._sent_ns[-room] + limit.within_s * SECOND - now_ns)
        return max(waits)

    def spend(self, now_ns: int) -> None:
        """One is being sent."""
        self._sent_ns.append(now_ns)
