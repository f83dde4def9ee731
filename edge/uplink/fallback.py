"""A Link of two: the usual way, and another one where the usual one is blocked. No thread, no socket, no clock.

Each attempt of the courier tries the usual way first, and then the other one once the usual one has failed for a while
as a blocked one does. While the other one is up the usual one is looked for now and then, and taken as soon as it is
there: the courier sends again what has no receipt, and the platform holds each record once.
"""

import logging
import random
from collections.abc import Callable

import msgspec

from edge.clock import SECOND
from edge.errors import DistrustError, DoorunitError, LimitError, RefusedError, UntimedError
from edge.loop import Loop, Timer
from edge.parts import Fact, Link, LinkDown, LinkUp

log = logging.getLogger(__name__)

ATTEMPTS = 5  # running; a firewall that refuses costs some seconds, and a broker that starts anew fewer attempts
PATIENCE_NS = 30 * SECOND  # since the first of them; a firewall that drops takes the connecting's time-out for each
STEADY_NS = 10 * SECOND  # a connection that ends sooner was no connection
LOOK_NS = (30 * SECOND, 900 * SECOND)  # between two looks for the usual way: at first, and at most
# Somebody answered, and it was no: the way is there, and another one would not help.
_ANSWERED = (DistrustError, UntimedError, RefusedError, LimitError)

Post = Callable[[object], None]


class FallbackLink:
    """parts.Link; lives in the deciding thread. usual, other: make the two links, each given where it posts."""

    def __init__(
        self, usual: Callable[[Post], Link], other: Callable[[Post], Link], loop: Loop, dice: random.Random
    ) -> None:
        self._loop = loop
        self._dice = dice
        self._usual = usual(lambda fact: loop.call(self._hear_usual, fact))
        self._other = other(lambda fact: loop.call(self._hear_other, fact))
        self._up: Link | None = None
        self._up_ns = 0
        self._asked = False  # the courier waits for LinkUp or LinkDown
        self._left: list[Link] = []  # to be tried yet, for that
        self._under_way: list[Link] = []  # are being connected
        self._said: dict[Link, DoorunitError] = {}  # why those that were tried for it did not come about
        self._failures = 0  # of the usual way, running
        self._since_ns = 0  # the first of them
        self._why = ""  # the last of them
        self._detour = False  # the other way was the last that held
        self._look_ns = LOOK_NS[0]
        self._timer: Timer | None = None  # the next look, or the usual way's proof

    def connect(self) -> None:
        """Begin to connect; answered by LinkUp or LinkDown. Never blocks."""
        if self._up is None and not self._asked:
            self._asked = True
            self._said.clear()
            self._left = [self._other, self._usual] if self._detour else [self._usual]
            self._try_next()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Hand a message to the way that is up; False where none is. Never blocks."""
        return self._up is not None and self._up.publish(topic, payload, qos=qos, retain=retain, token=token)

    def abandon(self) -> None:
        """End a connection over which nothing is answered; LinkDown follows. Never blocks."""
        if self._up is not None:
            self._up.abandon()

    def close(self) -> None:
        """Close both; safe to repeat."""
        self._set_timer(None)
        self._usual.close()
        self._other.close()

    # Facts

    def _hear_usual(self, fact: Fact) -> None:
        if isinstance(fact, LinkUp):
            self._come_up(self._usual, fact)
        elif isinstance(fact, LinkDown):
            was_up, steady = self._up is self._usual, self._loop.now() - self._up_ns >= STEADY_NS
            if not (was_up and steady):
                self._count(fact.error)
            if was_up and self._blocked():  # it lets connections come about and ends them
                self._detour = True
            self._come_down(self._usual, fact)
        else:
            self._pass(self._usual, fact)

    def _hear_other(self, fact: Fact) -> None:
        if isinstance(fact, LinkUp):
            self._come_up(self._other, fact)
        elif isinstance(fact, LinkDown):
            self._come_down(self._other, fact)
        else:
            self._pass(self._other, fact)

    def _pass(self, link: Link, fact: Fact) -> None:
        if link is self._up:
            self._loop.post(fact)

    def _come_up(self, link: Link, fact: LinkUp) -> None:
        self._end_trial(link)
        if self._up is self._usual or (link is self._other and not self._asked):
            link.abandon()  # too late: it is not wanted any more
            return
        before, self._up, self._up_ns = self._up, link, self._loop.now()
        self._asked, self._left = False, []
        if link is self._usual:
            if before is not None:
                log.info("the usual way to the platform is free again")
                before.abandon()
            self._set_timer(self._loop.after(STEADY_NS, self._trust))
            self._loop.post(fact)
        else:
            self._detour = True
            self._look_later()
            self._loop.post(msgspec.structs.replace(fact, instead=self._why or "the usual way did not hold"))

    def _come_down(self, link: Link, fact: LinkDown) -> None:
        tried = self._end_trial(link)
        if link is self._up:
            self._up = None
            self._set_timer(None)
            self._loop.post(fact)
        elif self._asked and tried:
            self._said[link] = fact.error
            self._left = [each for each in self._left if each is not link]
            if link is self._usual and not self._detour and self._blocked():
                self._left.append(self._other)
            self._try_next()
        elif tried and self._up is self._other:  # it was only a look
            self._look_ns = min(2 * self._look_ns, LOOK_NS[1])
            self._look_later()

    # Trying

    def _try_next(self) -> None:
        """The next of those that are left; with none left and none under way, that was it."""
        while self._left:
            link = self._left.pop(0)
            if link not in self._under_way:  # else a look that is under way counts as an attempt
                self._try(link)
                return
        if not self._under_way:
            self._asked = False
            self._loop.post(LinkDown(self._blame()))

    def _try(self, link: Link) -> None:
        self._under_way.append(link)
        link.connect()

    def _end_trial(self, link: Link) -> bool:
        if link not in self._under_way:
            return False
        self._under_way.remove(link)
        return True

    def _look_later(self) -> None:
        wait_ns = int(self._look_ns * self._dice.uniform(0.5, 1))
        self._set_timer(self._loop.after(wait_ns, self._look))

    def _look(self) -> None:
        self._timer = None
        if self._usual not in self._under_way:
            self._try(self._usual)

    def _trust(self) -> None:
        """The usual way held."""
        self._timer = None
        self._failures = 0
        self._detour = False
        self._look_ns = LOOK_NS[0]

    def _set_timer(self, timer: Timer | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer

    # Whether it is blocked

    def _count(self, error: DoorunitError) -> None:
        if isinstance(error, _ANSWERED):
            self._failures = 0
            return
        self._failures += 1
        self._since_ns = self._loop.now() if self._failures == 1 else self._since_ns
        self._why = f"{error.what}: {error.found}"

    def _blocked(self) -> bool:
        waited_ns = self._loop.now() - self._since_ns
        return self._failures >= ATTEMPTS or (self._failures > 1 and waited_ns >= PATIENCE_NS)

    def _blame(self) -> DoorunitError:
        """One error for all that was tried: the usual way's tells whose fault it is."""
        first, second = self._said[self._usual], self._said.get(self._other)
        if second is None:
            return first
        found = f"{first.found}; and by the other way, {second.what}: {second.found}"
        return type(first)(first.what, found=found, wanted=first.wanted, remedy=first.remedy)
