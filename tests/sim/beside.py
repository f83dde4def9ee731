"""A second platform in a simulated week, with outages of its own."""

import random
from collections.abc import Callable
from pathlib import Path

from edge.clock import SECOND
from edge.parts import Link, Wish
from edge.sim import script
from edge.sim.beside import ALL, EVENTS, PlainSpeech
from edge.sim.city import City
from edge.sim.script import HOUR, WEEK
from edge.sim.world import SETTINGS, UNIT, World
from edge.uplink.other import Other

WISHES = (EVENTS, ALL)


def second(wish: Wish, *, broker: bool = False) -> Other:
    """One; the world gives it its link."""

    def nowhere(_post: Callable[[object], None]) -> Link:
        raise AssertionError("the world has not given it a link")

    return Other(wish, PlainSpeech(UNIT, "broker" if broker else "platform"), nowhere)


def live_beside(seed: int, folder: Path) -> World:
    """A week of faults with two platforms, and the calm after it."""
    world = World(seed, folder, SETTINGS, (second(WISHES[seed % 2], broker=seed % 4 == 3),))
    end_ns = script.write(world)
    _trouble(world, world.others[0], random.Random(f"beside {seed}"), mute=seed % 4 != 3)
    world.run(end_ns)
    return world


def _trouble(world: World, city: City, dice: random.Random, *, mute: bool) -> None:
    """It is away for seconds to days, again and again, in every way; at the week's end it is well."""
    kinds = ["silent", "down", "server", "denied", *(("mute", "deaf", "chatty") if mute else ())]
    for _ in range(14):
        at_ns = dice.randrange(WEEK)
        for_ns = int(SECOND * (60 * HOUR / SECOND) ** dice.random())
        begin, end = _fault(city, dice.choice(kinds))
        world.at(at_ns, begin)
        world.at(min(at_ns + for_ns, WEEK), end)


def _fault(city: City, kind: str) -> tuple[Callable[[], None], Callable[[], None]]:
    if kind in ("silent", "down"):
        return (lambda: city.cut(kind)), city.mend
    if kind == "server":
        return city.stop_server, lambda: setattr(city, "server_up", True)
    on = city.platform if kind in ("mute", "deaf") else city
    return (lambda: setattr(on, kind, True)), (lambda: setattr(on, kind, False))
