"""Doctor over the fault matrix: while each fault is there, does doctor name its cause, that alone, and nothing else?

python tests/sim/doctor_matrix.py            # every cell; prints those that it gets wrong
python tests/sim/doctor_matrix.py --all      # a line for each cell
python tests/sim/doctor_matrix.py disk TLS   # those whose area or name has one of these words

Each cell of matrix.py is played up to its fault. A technician comes twice: as soon as the cell expects its warning,
and shortly before the fault ends (where the warning is of something that lasts). doctor gets the agent's own answer,
as over the socket, and looks at the same world by probes; its checks are the shipped ones.
"""

import argparse
import logging
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge.board.host import HostReading
from edge.clock import MS, SECOND, Stamp
from edge.errors import DistrustError, LinkError, PartError, RefusedError, ServerError, UnknownHostError
from edge.onsite.check import Scene
from edge.onsite.doctor import Report, built_in, examine, one_by_one
from edge.onsite.probes import Folder, Interface, Probes, Route
from edge.sim.world import World
from edge.unit.answers import questions
from tests.sim.matrix import CELLS
from tests.sim.stage import CALM_S, Cell
from tests.spool.samples import RAM

AIM = 0.95
PATIENCE_NS = 2 * SECOND  # for the agent's answer, as the desk has it
STEP_NS = 100 * MS
# What doctor finds nearer to the cause than the warning that the cell expects; each is an equal answer to it.
NEARER = {
    "net.interface": "link.network",
    "net.address": "link.network",
    "net.gateway": "link.network",
    "net.names": "link.network",
    "net.blocked": "link.network",
    "card.readonly": "spool.failing",
    "card.missing": "spool.lost",
}


class WorldProbes(Probes):
    """The machine and the network of one simulated world, as it is now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._city = world.city

    def now(self) -> int:
        return self._world.clock.now()

    def clock(self) -> Stamp:
        return self._world.clock.read()

    def host(self) -> HostReading:
        return self._world.host

    def folder(self) -> Folder:
        fault = self._world.parts["card"].fault
        read_only = isinstance(fault, PartError) and fault.found == "read-only"
        return Folder(self._world.folder.exists(), read_only, free_mb=1000.0)

    def interfaces(self) -> tuple[Interface, ...]:
        return (Interface("eth0", up=self._city.network != "down"),)

    def route(self) -> Route:
        return Route("eth0", "192.0.2.1", "192.0.2.17") if self._city.network != "down" else Route()

    def answers(self, gateway: str) -> bool:
        return self._city.network != "down"

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        refusal = self._refusal()
        if isinstance(refusal, UnknownHostError):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        if self._city.network == "silent" or (refusal is not None and "cannot be resolved" in refusal.found):
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return ("198.51.100.7",)

    def dial(self, host: str, port: int) -> bool:
        refusal = self._refusal()
        if self._city.blocked == "dropped":
            raise TimeoutError("timed out")
        if self._city.blocked or not self._city.server_up:
            raise ConnectionRefusedError(111, "Connection refused")
        if refusal is not None and "nothing listens" in refusal.found:
            raise ConnectionRefusedError(111, "Connection refused")
        return True

    def portal(self, host: str) -> str:
        return ""

    def _refusal(self) -> LinkError | None:
        """What answers a connection instead of yes, where that is something that its layer always says."""
        if self._city.refusal is None:
            return None
        steady = (LinkError, ServerError, RefusedError, DistrustError, UnknownHostError)
        error = self._city.refusal[1]()
        return error if isinstance(error, steady) else None


class Visit(msgspec.Struct, frozen=True):
    """What doctor named at one visit, after_s after the fault's beginning."""

    cell: Cell
    after_s: float
    named: tuple[str, ...]

    @property
    def right(self) -> bool:
        """The cause of the cell (or a nearer one), and nothing but its causes."""
        named = {NEARER.get(code, code) for code in self.named}
        wanted = {self.cell.code} - {""}
        return wanted <= named <= wanted | set(self.cell.also)


def visits(cell: Cell, seed: int = 1) -> Iterator[Visit]:
    """Calm, the fault, and doctor while it is there."""
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        world = World(seed, Path(folder), _settings(cell), detour=cell.detour)
        with closing(_Closing(world)):
            world.start()
            _live(world, CALM_S)
            if cell.at_start:
                world.die()
            began_ns = world.now_ns
            cell.fault(world)
            world.start()
            if cell.stays != "none":
                world.after(3 * SECOND, lambda: world.move(closed=False, wave=cell.wave))
                world.after(5 * SECOND, lambda: world.move(closed=True, wave=cell.wave))
            yield _first(world, cell, began_ns)
            if cell.may_go_s == 0:
                last_ns = began_ns + int((cell.lasts_s - 1) * SECOND)
                if world.now_ns < last_ns:
                    _live(world, (last_ns - world.now_ns) / SECOND)
                    yield _visit(world, cell, began_ns)


def _first(world: World, cell: Cell, began_ns: int) -> Visit:
    """As soon as the agent shows it, at the latest when the cell says it must; without a warning, in the middle."""
    ends_ns = began_ns + int((cell.within_s if cell.code else cell.lasts_s / 2) * SECOND)
    while world.now_ns < ends_ns and not (cell.code and _shows(world, cell.code)):
        world.advance(world.now_ns + STEP_NS)
    return _visit(world, cell, began_ns)


def _shows(world: World, code: str) -> bool:
    return world.unit is not None and code in {w.row.code for w in world.unit.crew.health.shown(world.clock.now())}


def _visit(world: World, cell: Cell, began_ns: int) -> Visit:
    after_s, report = (world.now_ns - began_ns) / SECOND, diagnose(world)
    return Visit(cell, after_s, tuple(line.found.code for line in (*report.roots, *report.notes)))


def diagnose(world: World) -> Report:
    """The shipped doctor, on this world."""
    told: list[dict[str, Any]] = []
    if world.unit is not None:
        world.loop.call(questions(world.unit)["status"], {}, told.append)
        ends_ns = world.now_ns + PATIENCE_NS
        while not told and world.now_ns < ends_ns:
            world.advance(world.now_ns + STEP_NS // 10)
    found = "no answer in time" if world.unit is not None else "nobody answers"
    silence = LinkError("unit", found=found, wanted="a running unit", remedy="Start it.")
    agent = told[0] if told else None
    scene = Scene(world.config, None, agent, None if agent else silence, WorldProbes(world))
    return examine(scene, built_in(), one_by_one)


def _settings(cell: Cell) -> dict[str, Any]:
    """The cell's own, with a platform that is not this machine, so that every layer is looked at."""
    more = dict(cell.settings)
    return {"camera": {"enabled": False}, **more, "uplink": {"host": "platform.example", **more.get("uplink", {})}}


def _live(world: World, seconds: float) -> None:
    world.advance(world.now_ns + int(seconds * SECOND))


class _Closing:
    def __init__(self, world: World) -> None:
        self._world = world

    def close(self) -> None:
        self._world.die()


def line(visit: Visit) -> str:
    """One line of the table."""
    cell, named = visit.cell, ", ".join(f"`{code}`" for code in visit.named) or "nothing"
    wanted = " and ".join(f"`{code}`" for code in (cell.code, *cell.also) if code) or "nothing"
    verdict = "right" if visit.right else "**wrong**"
    return f"| {cell.area} | {cell.name} | {visit.after_s:.0f} s | {wanted} | {named} | {verdict} |"


def main() -> int:
    """0: the right cause in at least AIM of the cells; a cell counts where every visit was right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only cells whose area or name has one of these")
    parser.add_argument("--all", action="store_true", help="a line for each visit, not for the wrong ones alone")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)  # every cell is a page of warnings
    chosen = [c for c in CELLS if not args.words or any(w in f"{c.area} {c.name}" for w in args.words)]
    print("| area | cell | visit | causes | doctor names | |\n| --- | --- | ---: | --- | --- | --- |")
    right = 0
    for cell in chosen:
        seen = list(visits(cell))
        right += all(visit.right for visit in seen)
        for visit in seen:
            if args.all or not visit.right:
                print(line(visit), flush=True)
    share = right / len(chosen) if chosen else 1.0
    print(f"\n{len(chosen)} cells: doctor names the one right cause in {right} ({share:.1%}; wanted {AIM:.0%})")
    return 0 if share >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
