"""Doors that are watched for long: healthy ones for a year, and ones whose contact, magnet or wire goes bad."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from drivers.contact_health import FAILING_REED, INDUCED_NOISE, MAGNET_DRIFTING, NAMES, ContactHealth
from drivers.reed import SETTLED, Reed
from tests.drivers.feed import feed
from tests.drivers.waveforms.physics import MS, SECOND, Pen, Waveform, draw

A_DAY = 10  # times that somebody comes or goes
YEAR = 365 * A_DAY
WELL = 21 * A_DAY  # visits before a door begins to go bad

# What a healthy door does, in hundredths. A mixed door is drawn shut, left to fall shut, and slammed.
HEALTHY = {
    "reed": {"reed": 96, "rebound": 1, "peek": 1, "noisy": 1, "glitch": 1},
    "slow": {"slow": 97, "rebound": 1, "peek": 1, "nudge": 1},
    "micro": {"micro": 98, "rebound": 1, "peek": 1},
    "rattle": {"rattle": 97, "nudge": 2, "noisy": 1},
    "mixed": {"reed": 60, "slow": 25, "rattle": 15},
    "windy": {"reed": 70, "nudge": 25, "glitch": 5},
    "noisy street": {"reed": 90, "burst": 5, "glitch": 5},
    "busy": {"reed": 30, "micro": 30, "rebound": 20, "peek": 20},
}


def live(visits: Iterator[Waveform]) -> Iterator[ContactHealth]:
    """The memory after each visit, fed by our driver; packed and unpacked each time, as by a unit that is cut."""
    health = ContactHealth()
    for waveform in visits:
        health = ContactHealth.unpack(health.pack())
        reed = Reed()
        for heard in feed(reed, waveform.edges, waveform.until_us, before=True):
            report = heard.report
            if report is not None and report.kind == SETTLED and report.edges and not report.missed:
                health.moved(report.closed, report.last_us - report.first_us, report.edges, report.faulty)
        for _ in range(reed.glitches):
            health.glitched()
        yield health


def healthy(name: str, seed: int, visits: int = YEAR) -> Iterator[Waveform]:
    """A door that is well all the time. Raises KeyError."""
    dice = random.Random(f"{name} {seed}")
    deck = [kind for kind, weight in HEALTHY[name].items() for _ in range(weight)]
    for _ in range(visits):
        yield draw(deck[int(dice.random() * len(deck))], dice)


class Ailment(NamedTuple):
    """What goes bad: its code, and how one visit looks when it has gone so far (0 well, 1 quite bad)."""

    code: int
    visit: Callable[[Pen, float], None]


def _failing(pen: Pen, far: float) -> None:
    """Blades that are worn or dirty: unquiet longer and longer, on closing and on release."""
    for _ in range(2):
        pen.answer.append((pen.now_us, not pen.closed))
        pen.bounce(pen.between(100, MS) + int(far * pen.between(10 * MS, 40 * MS)), (20, 1_500))
        pen.wait(SECOND, 4 * SECOND)


def _drifting(pen: Pen, far: float) -> None:
    """A gap that has grown: the release is clean, and on closing the field hangs at the threshold."""
    pen.move("reed")
    pen.wait(SECOND, 4 * SECOND)
    pen.answer.append((pen.now_us, True))
    pen.bounce(pen.between(100, MS) + int(far * pen.between(20 * MS, 200 * MS)), (200, 20 * MS))


def _humming(pen: Pen, far: float) -> None:
    """A wire beside a motor's: glitches between one opening and the next."""
    pen.move("reed")
    pen.wait(SECOND, 4 * SECOND)
    pen.move("reed")
    for _ in range(int(far * pen.between(4, 20))):
        pen.wait(200 * MS, 2 * SECOND)
        pen.blink(pen.skewed(1, 3 * MS))


AILMENTS = {
    "worn blades": Ailment(FAILING_REED, _failing),
    "gap grows": Ailment(MAGNET_DRIFTING, _drifting),
    "motor near the wire": Ailment(INDUCED_NOISE, _humming),
}


def ailing(name: str, seed: int, weeks: int = 8) -> Iterator[Waveform]:
    """A door that is well for three weeks, and then goes bad evenly for so many. Raises KeyError."""
    dice = random.Random(f"{name} {seed}")
    visit = AILMENTS[name].visit
    going = weeks * 7 * A_DAY
    for n in range(WELL + going):
        pen = Pen(dice)
        visit(pen, max(0, n - WELL) / going)
        yield Waveform(name, pen.edges, [], pen.edges[-1][0] + 1_500 * MS, pen.answer, 0)


def warned(visits: Iterator[Waveform]) -> list[tuple[int, int]]:
    """(visit, code) of each warning as it first came."""
    found: list[tuple[int, int]] = []
    for n, health in enumerate(live(visits)):
        found += [(n, code) for code in health.findings() if code not in {each for _, each in found}]
    return found


def survey(seeds: int) -> tuple[str, list[str]]:
    """So many doors of every kind, healthy for a year or ailing: a line that says it, and what was wrong."""
    wrong = []
    for seed, name in [(seed, name) for seed in range(seeds) for name in HEALTHY]:
        wrong += [f"{name}, seed {seed}: healthy, and warned of {NAMES[c]}" for _, c in warned(healthy(name, seed))]
    days: dict[str, list[int]] = {name: [] for name in AILMENTS}
    for seed, (name, ailment) in [(seed, each) for seed in range(seeds) for each in AILMENTS.items()]:
        found = warned(ailing(name, seed))
        days[name] += [(n - WELL) // A_DAY for n, code in found if code == ailment.code]
        if [code for _, code in found] != [ailment.code]:
            wrong.append(f"{name}, seed {seed}: want {NAMES[ailment.code]}; found {[NAMES[c] for _, c in found]}")
    named = ", ".join(f"{name} on day {max(found)} of 56 at the latest" for name, found in days.items() if found)
    return f"{len(HEALTHY) * seeds} healthy doors for a year each, {len(AILMENTS) * seeds} ailing: {named}", wrong
