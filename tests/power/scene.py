"""A scene: what happens around a unit, as data in true time, so that it can be played from any instant on."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
from nacl.signing import SigningKey

from edge import wire
from edge.clock import FLOOR_NS, MS, SECOND
from edge.sim import waves
from edge.sim.history import Move, Span

UNIT = "sim-1"
TOWN_SIGN = SigningKey(b"the town signs its commands with")
BASE_NS = FLOOR_NS + 30 * 86_400 * SECOND  # UTC when a scene begins
SETTINGS: dict[str, dict[str, Any]] = {  # periods as long as they may be: what is played is the path, not heartbeats
    "camera": {"enabled": False, "before_s": 1.0, "after_s": 2.0, "fps": 2.0},
    "door": {"resample_ms": 600_000, "held_after_s": 30},
    "spool": {"alive_s": 3600},
    "uplink": {"pulse_s": 3600},
}
CALM_NS = 700 * SECOND  # after the last act: the longest pause of all (a refused frame's) is over, and all has arrived


class Act(msgspec.Struct, frozen=True):
    """One thing that happens: a method of Street, without its underscore, and what it is given."""

    at_ns: int
    verb: str
    args: tuple[Any, ...] = ()


class Scene(msgspec.Struct):
    """One fixed history. `eager`: a worker's job is done before the deciding thread goes on, else a while later."""

    name: str
    eager: bool = False
    settings: dict[str, Any] = {}
    spool: dict[str, int] = {}  # settings beyond what an installer may choose: a smaller spool is soon full
    knobs: dict[str, int] = {}  # "module.NAME" -> value, for the same reason
    picture_bytes: int = 100
    card_kb: int = 0  # 0: a folder in RAM; else a card of its own, of this size
    acts: list[Act] = []
    moves: list[Move] = []
    late: list[Span] = []  # when the card refuses or is slow: what is told meanwhile may have to be told again
    dark: list[Span] = []  # when there is no link either: what is cut off meanwhile is known to nobody
    term_s: int = 10**9  # when the term ends
    evicts: bool = False  # more comes than is kept
    hub: bool = False  # there is a second platform, which wants events
    hub_leaves: bool = False  # and is taken away again
    damaged: bool = False  # what was on the card is lost
    vanished: bool = False  # with all that could tell so to a unit that starts
    until_ns: int = 0


class Script:
    """Writes a scene: `at` a time in seconds, something happens."""

    def __init__(self, name: str, *, camera: bool = False, **scene: Any) -> None:
        settings = {section: dict(table) for section, table in SETTINGS.items()}
        settings["camera"]["enabled"] = camera
        for section, table in scene.pop("settings", {}).items():
            settings[section] = settings.get(section, {}) | table
        self.scene = Scene(name, settings=settings, **scene)
        self._camera = camera
        self._dice = random.Random(name)
        self._closed = True

    def at(self, at_s: float, verb: str, *args: Any) -> None:
        """A method of Street's."""
        self.scene.acts.append(Act(round(at_s * SECOND), verb, args))

    def door(self, at_s: float, wave: str = "bounce") -> None:
        """The door moves; where there is a camera it takes pictures around it."""
        at_ns, rest_ns = round(at_s * SECOND), 0
        self._closed = not self._closed
        for at_us, closed in waves.wave(wave, self._closed, self._dice):
            rest_ns = at_ns + at_us * 1000
            self.scene.acts.append(Act(rest_ns, "level", (closed,)))
        self.scene.moves.append(Move(at_ns, self._closed, rest_ns))
        if self._camera and not self._closed:
            for number in range(-1, 3):
                self.at(at_s + 0.25 + number / 2, "frame")

    def bad_card(self, from_s: float, to_s: float, verb: str, on: tuple[Any, ...], off: tuple[Any, ...]) -> None:
        """Something is wrong with the card for a while."""
        self.at(from_s, verb, *on)
        self.at(to_s, verb, *off)
        self.scene.late.append(Span(round(from_s * SECOND), round(to_s * SECOND) + 80 * SECOND))

    def command(self, at_s: float, id_: str, verb: str, sign: Callable[[bytes], bytes]) -> None:
        """The platform says something, signed, valid from a minute before and for an hour."""
        first_ns = BASE_NS + round(at_s * SECOND) - 60 * SECOND
        wish = wire.Command(id_, UNIT, verb, wire.rfc3339(first_ns), wire.rfc3339(first_ns + 3600 * SECOND))
        self.at(at_s, "say", "command", wire.command(wish, sign))

    def end(self) -> Scene:
        """The scene, its acts in order."""
        self.scene.acts.sort(key=lambda act: act.at_ns)
        self.scene.until_ns = self.scene.acts[-1].at_ns + CALM_NS
        return self.scene


def sign(message: bytes) -> bytes:
    """The platform's signature."""
    return bytes(TOWN_SIGN.sign(message).signature)


def ms(ns: int) -> str:
    """For people: an instant of a scene."""
    return f"{ns / MS / 1000:.3f} s"
