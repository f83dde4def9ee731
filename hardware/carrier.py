"""carrier.toml, read into a netlist and put through electrical rules; the netlist as KiCad reads it.

SKiDL would be the library for this, but it has no wheel (the house installs nothing else) and brings 370 MB. What is
left of it here is the part that is needed: pin kinds, the rules, and the netlist. SKiDL 3.0.0, tried by hand on the
same parts, finds no error or warning either.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hardware.pins import HERE, Pin, Pins

NOT_CONNECTED = "-"
SIGNAL_VOLTS = 3.3  # what a net carries unless [net] says otherwise; also the most that a Pi's pin bears
DRIVES = {"out", "both", "gpio", "source", "drain", "passive"}


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the library; each of `pins` is "number name kind"."""

    footprint: str
    pins: tuple[str, ...]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part on the board; `nets` in the order of its library's pins."""

    lib: str
    value: str
    nets: tuple[str, ...]


class Net(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a net beside its pins."""

    volts: float = SIGNAL_VOLTS
    fed: str = ""


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of carrier.toml."""

    lib: dict[str, Kind]
    net: dict[str, Net]
    part: dict[str, Part]


class Pad(msgspec.Struct, frozen=True):
    """One pin of one part, on its net."""

    ref: str
    number: str
    name: str
    kind: str
    net: str

    def __str__(self) -> str:
        return f"{self.ref}.{self.number} ({self.name})"


def load(pins: Pins, path: Path = HERE / "carrier.toml") -> Board:
    """The board, with J1 made of pins.toml."""
    board = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Board)
    header = {pin.header: pin for pin in pins.pin}
    socket = tuple(f"{n} {header[n].name if n in header else 'free'} {_kind(header.get(n))}" for n in range(1, 41))
    nets = tuple(header[n].net if n in header else NOT_CONNECTED for n in range(1, 41))
    footprint = "Connector_PinSocket_2.54mm:PinSocket_2x20_P2.54mm_Vertical"
    lib = {**board.lib, "header": Kind(footprint, socket)}
    return Board(lib, board.net, {"J1": Part("header", "Raspberry Pi header", nets), **board.part})


def pads(board: Board) -> list[Pad]:
    """Every pin of every part. Raises ValueError where a part names more or fewer nets than it has pins."""
    found = []
    for ref, part in board.part.items():
        pins = [text.split() for text in board.lib[part.lib].pins]
        if len(pins) != len(part.nets):
            raise ValueError(f"{ref} names {len(part.nets)} nets; want {len(pins)}, one for each pin of {part.lib}")
        found += [Pad(ref, number, name, kind, net) for (number, name, kind), net in zip(pins, part.nets, strict=True)]
    return found


def nets(board: Board) -> dict[str, list[Pad]]:
    """Pads by net, both in order."""
    by_net: dict[str, list[Pad]] = defaultdict(list)
    for pad in pads(board):
        if pad.net != NOT_CONNECTED:
            by_net[pad.net].append(pad)
    return dict(sorted(by_net.items()))


def faults(board: Board) -> Iterator[str]:
    """The electrical rules; one sentence for each breach."""
    wired = nets(board)
    for name in board.net:
        if name not in wired:
            yield f"net {name} is described and has no pin"
    for name, on in wired.items():
        yield from _net_faults(name, board.net.get(name, Net()), on)
    for pad in pads(board):
        if pad.net == NOT_CONNECTED and pad.kind in {"in", "supply"}:
            yield f"{pad} is left open"
    yield from _gates(board, wired)


def kicad(board: Board) -> str:
    """The netlist in KiCad's form, to import into its board editor; without dates, so that it is the same each time."""
    lines = ['(export (version "E")', "  (components"]
    for ref, part in board.part.items():
        footprint = board.lib[part.lib].footprint
        lines.append(f'    (comp (ref "{ref}") (value "{part.value}") (footprint "{footprint}"))')
    lines += ["  )", "  (nets"]
    for code, (name, on) in enumerate(nets(board).items(), 1):
        lines.append(f'    (net (code "{code}") (name "{name}")')
        lines += [f'      (node (ref "{p.ref}") (pin "{p.number}") (pinfunction "{p.name}"))' for p in on]
        lines.append("    )")
    return "\n".join([*lines, "  )", ")", ""])


def table(board: Board) -> str:
    """Nets and their pins, Markdown."""
    rows = ["| net | volts | pins |", "| --- | ---: | --- |"]
    for name, on in nets(board).items():
        volts = board.net.get(name, Net()).volts
        rows.append(f"| {name} | {volts:g} | {', '.join(f'{p.ref}.{p.number} {p.name}' for p in on)} |")
    return "\n".join(rows)


def _kind(pin: Pin | None) -> str:
    if pin is None:
        return "passive"
    return "supply" if pin.direction == "power" else "gpio"


def _net_faults(name: str, net: Net, on: list[Pad]) -> Iterator[str]:
    kinds = [pad.kind for pad in on]
    if len(on) < 2:
        yield f"net {name} has one pin only, {on[0]}"
    if kinds.count("out") + kinds.count("source") > 1:
        yield f"net {name} is driven by {', '.join(str(p) for p in on if p.kind in {'out', 'source'})}"
    if "supply" in kinds and "source" not in kinds and not net.fed:
        yield f"net {name} feeds {_first(on, 'supply')} and nothing feeds it"
    if "in" in kinds and not set(kinds) & DRIVES:
        yield f"net {name} leaves {_first(on, 'in')} floating"
    if "gpio" in kinds and net.volts > SIGNAL_VOLTS:
        yield f"net {name} brings {net.volts} V to {_first(on, 'gpio')}, which bears {SIGNAL_VOLTS}"


def _first(on: list[Pad], kind: str) -> Pad:
    return next(pad for pad in on if pad.kind == kind)


def _gates(board: Board, wired: dict[str, list[Pad]]) -> Iterator[str]:
    """A transistor's gate hangs on a pin that is an input until software runs: it needs a resistor to ground."""
    for pad in (p for p in pads(board) if p.name == "G"):
        held = [p.ref for p in wired[pad.net] if board.part[p.ref].lib == "resistor"]
        if not any("GND" in board.part[ref].nets for ref in held):
            yield f"{pad} has no resistor to GND and may be on while the Pi boots"
