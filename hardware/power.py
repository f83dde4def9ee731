"""What a unit draws on each board, what arrives at the Pi, and how long the battery lasts. Arithmetic only."""

import tomllib
from pathlib import Path

import msgspec

from hardware.pins import HERE

STATES = ("idle", "typical", "camera")


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model; currents of the bare board at 5.1 V."""

    name: str
    idle_ma: int
    idle_source: str
    typical_ma: int
    typical_source: str
    psu_a: float


class Load(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the unit adds to the board."""

    name: str
    ma: int
    when: str
    source: str


class Ups(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The battery."""

    name: str
    cell_mah: int
    cell_v: float
    efficiency: float
    usable: float
    source: str


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Resistances between the supply and the Pi."""

    lead_mohm: int
    fuse_mohm: int
    shunt_mohm: int


class Power(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of power.toml."""

    volts: float
    undervoltage_v: float
    source: dict[str, str]
    board: dict[str, Board]
    load: tuple[Load, ...]
    ups: Ups
    path: Way


def load(path: Path = HERE / "power.toml") -> Power:
    """Raises KeyError where a figure names a source that is not there."""
    power = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Power)
    for board in power.board.values():
        _ = power.source[board.idle_source], power.source[board.typical_source]
    for name in (power.ups.source, *(each.source for each in power.load)):
        _ = power.source[name]
    return power


def draw_ma(power: Power, board: Board, state: str) -> int:
    """idle: bare board at rest, camera off. typical: board at work, camera off. camera: at work within a term."""
    own = board.idle_ma if state == "idle" else board.typical_ma
    return own + sum(load.ma for load in power.load if load.when == "always" or state == "camera")


def hours(power: Power, ma: int) -> float:
    """From a full battery to its end."""
    ups = power.ups
    held_wh = ups.cell_mah / 1000 * ups.cell_v * ups.efficiency * ups.usable
    return held_wh / (ma / 1000 * power.volts)


def at_pi_v(power: Power, ma: int) -> float:
    """What is left of the supply at the Pi's header."""
    way = power.path
    return power.volts - ma * (way.lead_mohm + way.fuse_mohm + way.shunt_mohm) / 1_000_000


def report(power: Power) -> str:
    """power.md."""
    lines = [
        "| board | supply | idle | at work | at work, camera on | watts then | volts at the Pi then |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for board in power.board.values():
        most = draw_ma(power, board, "camera")
        cells = [f"{draw_ma(power, board, state)} mA" for state in STATES]
        watts = f"{most / 1000 * power.volts:.1f} W"
        cells = [board.name, f"{board.psu_a} A", *cells, watts, f"{at_pi_v(power, most):.2f} V"]
        lines.append(f"| {' | '.join(cells)} |")
    ups = power.ups
    lines += ["", f"## Without mains\n\nWith a {ups.name}; {ups.efficiency:.0%} of what the cells hold arrives, and"]
    lines += [f"{ups.usable:.0%} of it at the end of their life.", "", "| board | idle | at work | camera on |"]
    lines.append("| --- | ---: | ---: | ---: |")
    for board in power.board.values():
        cells = [f"{hours(power, draw_ma(power, board, state)):.1f} h" for state in STATES]
        lines.append(f"| {board.name} | {' | '.join(cells)} |")
    lines += ["", "## What is added to the board", "", "| part | mA | when | source |", "| --- | ---: | --- | --- |"]
    lines += [f"| {each.name} | {each.ma} | {each.when} | {power.source[each.source]} |" for each in power.load]
    lines += ["", "## Where the boards' figures come from", ""]
    for board in power.board.values():
        idle, typical = power.source[board.idle_source], power.source[board.typical_source]
        lines.append(f"- {board.name}: idle {board.idle_ma} mA: {idle}. At work {board.typical_ma} mA: {typical}.")
    return "\n".join(lines)
