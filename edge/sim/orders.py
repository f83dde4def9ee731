"""Terms that end and begin in a simulated world: by command, as often as it takes, or by the unit's own clock.

What the platform cannot know for sure is left open: from a first `end` on nothing need be told, from the unit's word
that it has ended nothing may be, and neither holds any more once a `term` may have been heard, or was confirmed.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from edge import wire
from edge.clock import MS, SECOND, Quality
from edge.sim.history import Span

if TYPE_CHECKING:
    from edge.sim.world import World

AGAIN_NS = 600 * SECOND  # a platform that got no answer says it again
HOUR_NS = 3600 * SECOND
NEXT_DAYS = 50  # how long the term is that follows
# A clock that is good again is noticed within 60 s, and a boot may have been just now.
NOTICED_NS = 70 * SECOND
SLACK_NS = 2 * SECOND  # clocks in these worlds are up to half a second off
_ENDED = "a term that runs"  # what a unit says that has ended already


class Terms:
    """The platform's orders to one world's unit, one pause after another."""

    def __init__(self, world: "World", end_ns: int) -> None:
        self._world = world
        self._dice = world.dice
        self._end_ns = end_ns
        self._orders = 0
        self._waiting: dict[str, Callable[[dict[str, Any]], bool]] = {}  # id -> what its reply means: is it done?
        world.city.platform.on_reply = self._replied

    def write(self, count: int) -> None:
        """So many pauses, apart from one another; the last may end in the calm."""
        share_ns = self._end_ns // max(1, count)
        for n in range(count):
            at_ns = n * share_ns + self._dice.randrange(share_ns // 2)
            pause_ns = self._dice.randrange(HOUR_NS // 4, share_ns // 3)
            by_itself = self._dice.random() < 0.5
            self._world.at(at_ns, partial(self._begin, pause_ns, by_itself))

    def _begin(self, pause_ns: int, by_itself: bool) -> None:
        if by_itself:
            self._shorten(pause_ns)
        else:
            self._stop(pause_ns, self._world.now_ns)

    def _stop(self, pause_ns: int, began_ns: int) -> None:
        """By command: over when the unit says so. It may have ended since began_ns."""
        pause = self._pause(began_ns)

        def ended(reply: dict[str, Any]) -> bool:
            if reply["done"] or _ENDED in reply["said"]:
                over_ns = self._world.now_ns
                self._world.after(pause_ns, lambda: self._resume(pause, over_ns))
                return True
            return False

        self._insist("end", ended, dict)

    def _shorten(self, pause_ns: int) -> None:
        """The unit learns when its term ends, and ends it alone."""
        ends_ns = self._world.now_ns + 2 * HOUR_NS

        def learnt(reply: dict[str, Any]) -> bool:
            late = not reply["done"] and self._world.now_ns >= ends_ns
            if reply["done"]:
                pause = self._pause(ends_ns - SLACK_NS)
                self._world.at(max(ends_ns, self._world.now_ns), lambda: self._is_over(pause, pause_ns))
            elif late:  # it was never said in time, or was obeyed and the answer is lost
                self._stop(pause_ns, ends_ns - SLACK_NS)
            return bool(reply["done"]) or late

        self._insist("term", learnt, lambda: self._times(ends_ns))

    def _pause(self, began_ns: int) -> Span:
        """From here on nothing need be told, until a term is confirmed."""
        pause = Span(began_ns, 2**62)
        self._world.truth.unwatched.append(pause)
        return pause

    def _is_over(self, pause: Span, pause_ns: int) -> None:
        """As soon as the unit's clock is good: before that it may be late."""
        world = self._world
        if world.unit is None or world.clock.quality is not Quality.SYNCED:
            world.after(60 * SECOND, lambda: self._is_over(pause, pause_ns))
            return
        over_ns = world.now_ns + NOTICED_NS
        world.after(NOTICED_NS + pause_ns, lambda: self._resume(pause, over_ns))

    def _resume(self, pause: Span, over_ns: int) -> None:
        """The next term, until the unit confirms it."""
        world = self._world
        world.truth.silent.append(Span(over_ns, world.now_ns))

        def begun(reply: dict[str, Any]) -> bool:
            if reply["done"]:
                world.truth.unwatched[world.truth.unwatched.index(pause)] = Span(pause.from_ns, world.now_ns + SLACK_NS)
            return bool(reply["done"])

        self._insist("term", begun, lambda: self._times(world.now_ns + NEXT_DAYS * 24 * HOUR_NS))

    def _times(self, ends_ns: int) -> dict[str, str]:
        base_ns, now_ns = self._world.truth.base_ns, self._world.now_ns
        return {"starts": wire.rfc3339(base_ns + now_ns - HOUR_NS), "ends": wire.rfc3339(base_ns + ends_ns)}

    def _insist(self, verb: str, meant: Callable[[dict[str, Any]], bool], args: Callable[[], dict[str, str]]) -> None:
        """Say it again and again, each time as a new command, until one is answered so that `meant` is content."""
        done = [False]

        def heard(reply: dict[str, Any]) -> bool:
            done[0] = done[0] or meant(reply)
            return done[0]

        def say() -> None:
            if not done[0]:
                self._orders += 1
                id_ = f"order-{self._orders}"
                self._waiting[id_] = heard
                self._world.command(id_, verb, **args())
                self._world.after(AGAIN_NS + self._dice.randrange(1000) * MS, say)

        say()

    def _replied(self, reply: dict[str, Any]) -> None:
        heard = self._waiting.pop(reply["id"], None)
        if heard is not None:
            heard(reply)
