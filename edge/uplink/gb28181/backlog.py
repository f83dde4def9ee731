"""Pictures that wait for a receiver: few, and never half of what belongs together. Any thread."""

import threading
from collections import deque

from edge.parts import AccessUnit

MAX_UNITS = 8  # half a second at 15 a second: what a hiccup of the network takes
MAX_BYTES = 2_000_000


class Backlog:
    """Where the encoder's thread puts pictures and the stream's thread takes them.

    A full one drops whole pictures until the next key frame, for those between could not be decoded; each is counted.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._units: deque[AccessUnit] = deque()
        self._bytes = 0
        self._wants_key = True  # a receiver can begin with nothing else
        self._ended = False
        self._changed = threading.Condition()

    def put(self, unit: AccessUnit) -> None:
        """Take a picture, or drop it; never blocks."""
        with self._changed:
            full = len(self._units) >= MAX_UNITS or self._bytes + len(unit.annexb) > MAX_BYTES
            if full or (self._wants_key and not unit.key):
                self._wants_key = True
                self.dropped += 1
                return
            self._wants_key = False
            self._units.append(unit)
            self._bytes += len(unit.annexb)
            self._changed.notify()

    def take(self, within_s: float) -> AccessUnit | None:
        """The oldest; None where none came in time, or it was ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._units or self._ended, within_s)
            if self._ended or not self._units:
                return None
            unit = self._units.popleft()
            self._bytes -= len(unit.annexb)
            return unit

    def begin_anew(self) -> None:
        """Another receiver, or the same without memory: nothing before the next key frame is of use to it."""
        with self._changed:
            self.dropped += len(self._units)
            self._units.clear()
            self._bytes = 0
            self._wants_key = True

    def end(self) -> None:
        """Let go whoever waits, for good; any thread."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def starved(self) -> bool:
        """Whether nothing waits, and nothing but a key frame would be taken."""
        with self._changed:
            return self._wants_key and not self._units

    @property
    def behind(self) -> bool:
        """Whether more pictures wait already."""
        with self._changed:
            return bool(self._units)
