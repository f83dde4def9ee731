"""What happens in a simulated world, from its seed: a door's daily rhythm and all that goes wrong. See world.py."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from edge.clock import MS, SECOND, Quality
from edge.errors import FullError, PartError
from edge.sim.history import Span
from edge.sim.orders import Terms

if TYPE_CHECKING:
    from edge.sim.world import World

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
WEEK = 7 * 24 * HOUR
CALM_NS = 6 * HOUR  # at the end nothing goes wrong any more, and everything must arrive
CARD_AFTER_NS = 80 * SECOND  # a card that is well again is tried again within a minute

_FULL = FullError("simulated card", found="no room", wanted="room", remedy="It is over by itself.")
_BROKEN = PartError("simulated card", found="an input/output error", wanted="a card", remedy="It is over by itself.")


class Odds(msgspec.Struct, frozen=True):
    """How much happens in a week."""

    movements: int = 40
    cuts: int = 5  # of power
    kills: int = 3  # of the agent alone
    networks: int = 5
    servers: int = 2
    platforms: int = 4  # deaf, mute, chatty, or a broker that denies
    cards: int = 3
    contacts: int = 1
    clocks: int = 2
    terms: int = 1
    blocks: int = 3  # of MQTT alone, where there is another way


TYPICAL = Odds()


def write(world: "World", weeks: float = 1, odds: Odds = TYPICAL) -> int:
    """Script the world; returns the true time at which to end it."""
    end_ns = int(weeks * WEEK)
    script = _Script(world, end_ns)
    script.movements(int(odds.movements * weeks))
    for what, count in (
        (script.cut, odds.cuts),
        (script.kill, odds.kills),
        (script.network, odds.networks),
        (script.server, odds.servers),
        (script.platform, odds.platforms),
        (script.card, odds.cards),
        (script.contact, odds.contacts),
        (script.clock, odds.clocks),
    ):
        for _ in range(round(count * weeks)):
            what()
    if world.web is not None:
        for _ in range(round(odds.blocks * weeks)):
            script.block()
    if odds.terms:
        Terms(world, end_ns).write(round(odds.terms * weeks))
    world.at(end_ns, script.calm)
    return end_ns + CALM_NS


class _Script:
    def __init__(self, world: "World", end_ns: int) -> None:
        self._world = world
        self._dice = world.dice
        self._end_ns = end_ns
        self._moves_ns: list[int] = []

    def movements(self, count: int) -> None:
        """By day rather than by night; most apart, some in quick succession."""
        at_ns = 0
        days = self._end_ns // (24 * HOUR) or 1
        times = sorted(
            self._dice.randrange(days) * 24 * HOUR + int(self._dice.triangular(6, 23, 13) * HOUR) for _ in range(count)
        )
        for time_ns in times:
            quick = self._dice.random() < 0.2
            at_ns = max(at_ns + self._dice.randint(400, 3000) * MS, 0 if quick else time_ns)
            self._moves_ns.append(at_ns)
            wave = self._dice.choice(("clean", "bounce", "bounce", "rattle"))
            self._world.at(at_ns, partial(self._move, wave))

    def _move(self, wave: str) -> None:
        self._world.move(not self._world.closed, wave)

    def cut(self) -> None:
        """Power goes, often just when the door moves, and comes back with a clock that is not what it was."""
        at_ns = self._moment()
        off_ns = self._how_long(2 * SECOND, 8 * HOUR)
        draw = self._dice.random()
        quality = Quality.UNSYNCED if draw < 0.6 else Quality.RESTORED if draw < 0.9 else Quality.SYNCED
        wrong_ns = -off_ns if quality is Quality.RESTORED else 0
        self._world.at(at_ns, self._world.cut)
        self._world.at(at_ns + off_ns, lambda: self._boot(quality, wrong_ns))

    def kill(self) -> None:
        """The agent alone is gone, and started again."""
        at_ns = self._moment()
        self._world.at(at_ns, self._world.die)
        self._world.at(at_ns + self._dice.randint(1, 20) * SECOND, self._world.start)

    def network(self) -> None:
        """No network for seconds or days, with or without anybody saying so."""
        kind = self._dice.choice(("silent", "down"))
        city = self._world.city
        self._while(self._how_long(SECOND, 48 * HOUR), lambda: city.cut(kind), city.mend)

    def block(self) -> None:
        """A firewall lets HTTPS through, and MQTT no more."""
        kind = self._dice.choice(("refused", "dropped"))
        city = self._world.city
        self._while(self._how_long(10 * MINUTE, 48 * HOUR), lambda: city.block(kind), lambda: city.block(""))

    def server(self) -> None:
        """The broker is down."""
        city = self._world.city
        self._while(self._how_long(SECOND, 12 * HOUR), city.stop_server, lambda: setattr(city, "server_up", True))

    def platform(self) -> None:
        """The broker denies, or the platform does not do its part."""
        city = self._world.city
        on, what = self._dice.choice(
            ((city.platform, "deaf"), (city.platform, "mute"), (city, "chatty"), (city, "denied"))
        )
        self._while(
            self._how_long(MINUTE, 12 * HOUR), lambda: setattr(on, what, True), lambda: setattr(on, what, False)
        )

    def card(self) -> None:
        """Full, broken, slow, or hanging."""
        world, card = self._world, self._world.parts["card"]
        for_ns = self._how_long(SECOND, 6 * HOUR)
        fault = self._dice.choice((_FULL, _BROKEN, None, None))
        slow_ns = self._dice.choice((300 * MS, 3 * SECOND, 60 * SECOND))

        def begin() -> None:
            card.fault = fault
            card.takes_ns = slow_ns if fault is None else card.takes_ns
            world.truth.card_bad.append(Span(world.now_ns, world.now_ns + for_ns + CARD_AFTER_NS))

        def end() -> None:
            card.fault = None
            card.takes_ns = 3 * MS

        self._while(for_ns, begin, end)

    def contact(self) -> None:
        """The reed chatters."""
        for_ns = self._how_long(SECOND, 10 * SECOND)
        self._world.at(self._dice.randrange(self._end_ns), lambda: self._world.chatter(for_ns))

    def clock(self) -> None:
        """The time server is lost for a while."""
        world = self._world
        self._while(
            self._how_long(MINUTE, 24 * HOUR),
            lambda: world.set_clock(Quality.RESTORED, None, self._dice.randint(-500, 500) * MS),
            self._sync,
        )

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        world, city = self._world, self._world.city
        world.parts["card"].fault, world.parts["card"].takes_ns = None, 3 * MS
        city.mend()
        city.block("")
        city.server_up, city.denied, city.chatty = True, False, False
        city.platform.deaf = city.platform.mute = False
        world.boot(Quality.SYNCED)
        self._sync()

    def _boot(self, quality: Quality, wrong_ns: int) -> None:
        world = self._world
        world.boot(quality, wrong_ns)
        life = world.life
        if quality is Quality.SYNCED:
            self._sync()
        elif self._dice.random() < 0.85:
            world.after(self._how_long(5 * SECOND, 2 * HOUR), lambda: self._sync() if world.life == life else None)

    def _sync(self) -> None:
        error_ms = self._dice.choice((1, 5, 40))
        self._world.set_clock(Quality.SYNCED, error_ms, self._dice.randint(-error_ms * MS, error_ms * MS))

    def _while(self, for_ns: int, begin: Callable[[], None], end: Callable[[], None]) -> None:
        at_ns = self._dice.randrange(self._end_ns)
        self._world.at(at_ns, begin)
        self._world.at(min(at_ns + for_ns, self._end_ns), end)

    def _how_long(self, least_ns: int, most_ns: int) -> int:
        """Most are short, some are long."""
        return int(least_ns * (most_ns / least_ns) ** self._dice.random())

    def _moment(self) -> int:
        """Any time; half the time when a movement is being settled, sent and committed."""
        if self._moves_ns and self._dice.random() < 0.5:
            return self._dice.choice(self._moves_ns) + self._dice.randint(40_000, 120_000) * 1000
        return self._dice.randrange(self._end_ns)
