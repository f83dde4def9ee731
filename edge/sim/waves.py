"""What a contact does electrically when a door moves: waveforms as (microseconds from the first edge, closed). Pure."""

import random
from collections.abc import Iterator

NAMES = ("clean", "bounce", "rattle", "glitch", "chatter", "stuck")

Wave = Iterator[tuple[int, bool]]


def wave(name: str, to_closed: bool, dice: random.Random) -> Wave:
    """The level changes of one movement towards `to_closed`; "chatter" never ends. Raises KeyError.

    clean: one edge. bounce: 1-10 ms, as a new reed does. rattle: 250 ms, a slammed or ill-fitting door.
    glitch: 3 ms and back, no movement at all. chatter: a contact that never rests. stuck: nothing happens.
    """
    return _MAKERS[name](to_closed, dice)


def _clean(to_closed: bool, _dice: random.Random) -> Wave:
    yield 0, to_closed


def _bounce(to_closed: bool, dice: random.Random) -> Wave:
    return _toggles(to_closed, dice, total_us=dice.randint(1_000, 10_000), gap_us=(50, 900))


def _rattle(to_closed: bool, dice: random.Random) -> Wave:
    return _toggles(to_closed, dice, total_us=250_000, gap_us=(2_000, 30_000))


def _glitch(to_closed: bool, _dice: random.Random) -> Wave:
    yield 0, to_closed
    yield 3_000, not to_closed


def _chatter(to_closed: bool, dice: random.Random) -> Wave:
    at_us, level = 0, to_closed
    while True:
        yield at_us, level
        level = not level
        at_us += dice.randint(1_000, 20_000)


def _stuck(_to_closed: bool, _dice: random.Random) -> Wave:
    yield from ()


def _toggles(to_closed: bool, dice: random.Random, *, total_us: int, gap_us: tuple[int, int]) -> Wave:
    """Edges for total_us that end at rest in `to_closed`."""
    at_us = 0
    yield at_us, to_closed
    while (at_us := at_us + dice.randint(*gap_us)) < total_us:
        yield at_us, not to_closed
        at_us += dice.randint(*gap_us)
        yield at_us, to_closed


_MAKERS = {
    "clean": _clean,
    "bounce": _bounce,
    "rattle": _rattle,
    "glitch": _glitch,
    "chatter": _chatter,
    "stuck": _stuck,
}
