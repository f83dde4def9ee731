"""One cell of the fault matrix, played: a whole unit, a fault, openings while it lasts, and all that was seen."""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import msgspec

from edge.clock import MS, SECOND
from edge.records import Change, Event
from edge.sim.history import SLACK_NS, judge
from edge.sim.world import World
from tests.spool.samples import RAM

Stays = Literal["live", "kept", "none"]  # openings at the platform at once; recorded at once, delivered later; neither
Fault = Callable[[World], Callable[[], None]]  # begins it, and returns what ends it
Check = Callable[[World], list[str]]  # what else is wrong, in sentences

HOUR_S = 3600
CALM_S = 40  # before the fault begins
WELL_S = 60  # after its end all is well again within this, unless the cell says otherwise
FINE_NS, COARSE_NS = 10 * MS, 100 * MS  # how closely it is looked at: after an opening, and else
PHASE_S = 3.1  # how much later each seed ends the cause: pauses that do not depend on dice are met at other instants
WIRE_NS = 200 * MS  # what the simulated network itself takes


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `code` is the only warning that may show, `within_s` of the cause's beginning; "" for none at all.

    `also`: others that may show, where there is a second cause, or the fault looks like several.
    """

    name: str
    wrong: str  # what goes wrong, in words
    fault: Fault
    stays: Stays
    area: str = ""
    code: str = ""
    also: tuple[str, ...] = ()
    within_s: float = 1
    lasts_s: float = 60
    late_s: float = 0  # how much later an opening arrives because of the fault itself, such as a slow network
    at_start: bool = False  # the fault is there when the agent starts
    may_go_s: float = 0  # until then the warning may go and come, or for ever: it is of something that happened
    away_s: float = 0  # how long after an opening the agent itself may be away
    faults: bool = False  # whether exceptions reach the deciding loop's edge
    settings: Mapping[str, Any] = {}
    wave: str = "bounce"
    shows: str = "open"  # what the unit calls an open door,
    told: Change = Change.OPENED  # and its opening
    judged: bool = True  # whether every movement must be told, and none else
    detour: bool = False  # whether there is a way by HTTPS
    well_s: float = WELL_S
    all_arrive: bool = True  # no opening may be counted as gone instead
    check: Check = lambda _: []


class Opening(msgspec.Struct):
    """The door opened at at_ns (true time)."""

    at_ns: int
    recorded_ns: int | None = None
    live_ns: int | None = None
    arrived: bool = False  # at the platform, at once or later


class Seen(msgspec.Struct):
    """What was seen of a cell; s after its beginning and, `well_s`, after its end."""

    openings: list[Opening] = []
    shown_s: float | None = None
    well_s: float | None = None
    wrong: list[str] = []


def row(name: str, wrong: str, fault: Fault, stays: Stays, code: str = "", within_s: float = 1, **more: Any) -> Cell:
    """A cell in the order in which a table has it."""
    return Cell(name=name, wrong=wrong, fault=fault, stays=stays, code=code, within_s=within_s, **more)


def area(name: str, *cells: Cell, **more: Any) -> tuple[Cell, ...]:
    """Cells of one area, and what they have in common."""
    return tuple(msgspec.structs.replace(cell, area=name, **more) for cell in cells)


def play(cell: Cell, seed: int = 1) -> Seen:
    """The whole of it, in some hundredths of a second; `seed` draws pauses, latencies, bounces and the cause's end."""
    with tempfile.TemporaryDirectory(dir=RAM) as folder, closing(_Play(cell, Path(folder), seed)) as one:
        return one.run()


class _Play:
    def __init__(self, cell: Cell, folder: Path, seed: int) -> None:
        self._cell = cell
        self._world = World(seed, folder, {"camera": {"enabled": False}, **cell.settings}, detour=cell.detour)
        self._seen = Seen()
        self._shown: list[tuple[int, set[str]]] = [(0, set())]  # each change of what is shown at the unit
        self._told: set[str] = set()  # every warning that the platform was told of
        self._looked_at = 0  # of what the platform holds
        self._well_ns: int | None = None
        self._longer_s = (seed - 1) * PHASE_S

    def close(self) -> None:
        self._world.die()

    def run(self) -> Seen:
        """Calm, fault, recovery, calm."""
        cell, world, seen = self._cell, self._world, self._seen
        world.start()
        self._live(CALM_S)
        if not self._is_well():
            seen.wrong.append(f"before it began: {self._how()}")
        if cell.at_start:
            world.die()
        began_ns = world.now_ns
        end = cell.fault(world)
        world.start()
        self._meanwhile()
        ended_ns = world.now_ns
        end()
        self._well_ns = None
        self._live(cell.well_s)
        self._recovered(ended_ns)
        self._warned(began_ns, ended_ns)
        self._open("live")
        world.die()
        if cell.judged:
            seen.wrong += judge(world.truth, list(world.city.platform.held.values()))
        if bool(world.faults) is not cell.faults:
            seen.wrong.append(f"{world.faults} exceptions reached the deciding loop's edge")
        seen.wrong += cell.check(world)
        return seen

    # What happens

    def _meanwhile(self) -> None:
        """Two openings, soon after the beginning and shortly before the end; one where that is soon too."""
        cell, world = self._cell, self._world
        ends_ns = world.now_ns + int((cell.lasts_s + self._longer_s) * SECOND)
        for at_ns in sorted({world.now_ns + 3 * SECOND, max(world.now_ns + 3 * SECOND, ends_ns - 8 * SECOND)}):
            if cell.stays != "none":
                self._until(at_ns)
                self._open(cell.stays, cell.late_s, cell.away_s)
        self._until(ends_ns)

    def _open(self, stays: Stays, late_s: float = 0, away_s: float = 0) -> None:
        """Open the door, look closely, and shut it."""
        world = self._world
        one = Opening(world.now_ns)
        self._seen.openings.append(one)
        world.move(closed=False, wave=self._cell.wave)
        rest_ns = world.truth.moves[-1].rest_ns
        recorded_by_ns = rest_ns + world.config.door.settle_ms * MS + SECOND + int(away_s * SECOND)
        live_by_ns = recorded_by_ns + WIRE_NS + int(late_s * SECOND)
        while world.now_ns < live_by_ns:
            self._step(FINE_NS)
            if one.recorded_ns is None and world.unit and world.unit._c.doorkeeper.state == self._cell.shows:
                one.recorded_ns = world.now_ns
            if one.live_ns is None and one.arrived:
                one.live_ns = world.now_ns
        if one.recorded_ns is None or one.recorded_ns > recorded_by_ns:
            self._seen.wrong.append(f"an opening was not recorded within settle + 1 s: {one}")
        if stays == "live" and one.live_ns is None:
            self._seen.wrong.append(f"an opening was not at the platform in time: {one}")
        self._live(1)
        world.move(closed=True, wave=self._cell.wave)
        self._live(1)

    def _live(self, seconds: float) -> None:
        self._until(self._world.now_ns + int(seconds * SECOND))

    def _until(self, at_ns: int) -> None:
        while self._world.now_ns < at_ns:
            self._step(min(COARSE_NS, at_ns - self._world.now_ns))

    # What is seen

    def _step(self, ns: int) -> None:
        world = self._world
        world.advance(world.now_ns + ns)
        self._arrivals()
        codes = self._codes()
        if codes != self._shown[-1][1]:
            self._shown.append((world.now_ns, codes))
        self._told |= {w["code"] for w in world.city.platform.told.get("pulse", {}).get("warnings", ())}
        if not self._is_well():
            self._well_ns = None
        elif self._well_ns is None:
            self._well_ns = world.now_ns

    def _arrivals(self) -> None:
        """Openings that the platform holds since the last look: as they were, or with their interval."""
        of, held = self._world.truth.of, self._world.city.platform.held
        if len(held) == self._looked_at:
            return
        fresh = [held_.envelope.data.record for held_ in islice(held.values(), self._looked_at, None)]
        self._looked_at = len(held)
        for event in fresh:
            if isinstance(event, Event) and event.change is self._cell.told:
                first_ns, last_ns = of(event.since or event.at) - SLACK_NS, of(event.at) + SLACK_NS
                for one in self._seen.openings:
                    one.arrived = one.arrived or first_ns <= one.at_ns <= last_ns

    def _codes(self) -> set[str]:
        world = self._world
        return {w.row.code for w in world.unit._c.health.shown(world.clock.now())} if world.unit else set()

    def _is_well(self) -> bool:
        return not self._how()

    def _how(self) -> str:
        """What keeps the unit from being well; "" where nothing does."""
        if self._world.unit is None:
            return "it does not run"
        crew, codes = self._world.unit._c, self._codes()
        if codes:
            return f"it shows {', '.join(sorted(codes))}"
        if crew.journal.backlog or len(crew.album):
            return f"{crew.journal.backlog} records and {len(crew.album)} pictures wait"
        missing = [one for one in self._seen.openings if not one.arrived]
        if missing and self._cell.all_arrive:
            return f"{len(missing)} openings have not arrived"
        return "" if crew.courier.up else "there is no link"

    # What it means

    def _recovered(self, ended_ns: int) -> None:
        if self._well_ns is None:
            self._seen.wrong.append(f"{self._cell.well_s} s after the cause's end {self._how()}")
        else:
            self._seen.well_s = (self._well_ns - ended_ns) / SECOND

    def _warned(self, began_ns: int, ended_ns: int) -> None:
        """Only the root cause, in time, for as long as it lasts; and told to the platform where the link works."""
        cell, wrong = self._cell, self._seen.wrong
        for at_ns, codes in self._shown:
            if codes - {cell.code, *cell.also}:
                wrong.append(f"{(at_ns - began_ns) / SECOND:.1f} s after the beginning it shows {sorted(codes)}")
        if not cell.code:
            return
        first_ns = next((at_ns for at_ns, codes in self._shown if cell.code in codes), None)
        if first_ns is None or first_ns - began_ns > cell.within_s * SECOND:
            wrong.append(f"{cell.code} is not shown within {cell.within_s} s: {self._timeline(began_ns)}")
        if first_ns is None:
            return
        self._seen.shown_s = (first_ns - began_ns) / SECOND
        held_ns = max(first_ns, began_ns + int(cell.may_go_s * SECOND))
        if any(held_ns < at_ns < ended_ns and not codes for at_ns, codes in self._shown):
            wrong.append(f"{cell.code} goes while its cause is there: {self._timeline(began_ns)}")
        if cell.stays != "kept" and cell.code not in self._told:
            wrong.append(f"the platform is never told of {cell.code}")

    def _timeline(self, began_ns: int) -> str:
        return ", ".join(f"{(at_ns - began_ns) / SECOND:.1f} s {sorted(codes)}" for at_ns, codes in self._shown)
