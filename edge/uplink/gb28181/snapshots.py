"""Pictures that a platform asked for (GB/T 28181-2022, 9.14): one after another, and then word of those that arrived.

The unit takes and uploads each; here is only when, under which name, and what is said afterwards.
"""

from collections.abc import Callable

from edge.clock import SECOND, Clock
from edge.loop import Loop
from edge.uplink.gb28181.clockwork import digits
from edge.uplink.gb28181.controls import Snaps

LATEST_NS = 30 * SECOND  # a picture that has not arrived by then never will

Take = Callable[[str, str, Callable[[bool], None]], None]  # (file id, address, what to do once it is known to be there)
Finished = Callable[[str, list[str]], None]  # (session, file ids)


class Snapshots:
    """Lives in the deciding thread. One request at a time; another one while it runs takes its place."""

    def __init__(self, device: str, take: Take, finished: Finished, loop: Loop, clock: Clock) -> None:
        self._device = device
        self._take = take
        self._finished = finished
        self._loop = loop
        self._clock = clock
        self._life = 0

    def begin(self, wish: Snaps) -> None:
        """Take the first picture now."""
        self._life += 1
        self._next(wish, self._life, [], 1)

    def stop(self) -> None:
        """No more pictures: the term is over, or the platform gone."""
        self._life += 1

    def _next(self, wish: Snaps, life: int, there: list[str], number: int) -> None:
        if life != self._life:
            return
        if number > wish.count:
            self._finished(wish.session, there)
            return
        name = f"{self._device}02{digits(self._clock.read().wall_ns)}{number:02d}"
        begun_ns, over = self._loop.now(), [False]

        def done(arrived: bool) -> None:
            if over[0]:
                return
            over[0] = True
            if arrived:
                there.append(name)
            due_ns = begun_ns + (wish.interval_s * SECOND if number < wish.count else 0)
            self._loop.at(max(due_ns, self._loop.now()), lambda: self._next(wish, life, there, number + 1))

        address = f"{wish.url}{name}.jpg" if wish.url.endswith("/") else wish.url
        self._loop.after(LATEST_NS, lambda: done(False))
        self._take(name, address, done)
