"""harness.toml as a WireViz drawing: the carrier's terminals, the cables, and what they lead to."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from hardware.carrier import Board, Pad, nets, pads
from hardware.pins import HERE, Pins

RAILS = ("GND", "3V3", "5V", "5V_IN")


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cable, from one terminal to one device."""

    terminal: str
    device: str
    note: str
    pins: tuple[str, ...]
    colours: tuple[str, ...]
    gauge: str
    length_m: float


def load(path: Path = HERE / "harness.toml") -> tuple[Run, ...]:
    """Every run. Raises msgspec.ValidationError."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8"))["run"], tuple[Run, ...])


def to_yaml(runs: tuple[Run, ...], board: Board, pins: Pins) -> str:
    """WireViz's input. Raises ValueError where a run has not one wire for each pin of its terminal."""
    import yaml

    drawing: dict[str, Any] = {"options": {"fontname": "DejaVu Sans"}, "connectors": {}, "cables": {}}
    drawing["connections"] = []
    for number, run in reversed(list(enumerate(runs, 1))):  # graphviz stacks them from the foot upwards
        ends = [pad for pad in pads(board) if pad.ref == run.terminal]
        if not len(ends) == len(run.pins) == len(run.colours):
            raise ValueError(f"{run.terminal} has {len(ends)} pins; want as many in `pins` and `colours` of its run")
        count, cable = list(range(1, len(ends) + 1)), f"W{number}"
        drawing["connectors"][run.terminal] = {
            "type": f"carrier {board.part[run.terminal].value}",
            "pinlabels": [label(pad, board, pins) for pad in ends],
        }
        drawing["connectors"][run.device] = {"pinlabels": list(run.pins), "notes": run.note.replace("; ", "\n")}
        drawing["cables"][cable] = {
            "colors": list(run.colours),
            "gauge": run.gauge.replace("mm2", "mm²"),
            "length": run.length_m,
            "show_wirecount": False,
        }
        drawing["connections"].append([{run.terminal: count}, {cable: count}, {run.device: count}])
    return yaml.safe_dump(drawing, sort_keys=False, allow_unicode=True, width=110)


def draw(text: str, folder: Path, name: str) -> None:
    """Writes name.svg and name.png; wants graphviz's `dot`."""
    from wireviz import wireviz

    wireviz.parse(text, output_formats=("svg", "png"), output_dir=str(folder), output_name=name)


def label(pad: Pad, board: Board, pins: Pins) -> str:
    """A terminal's pin: its net, and the header pin that this comes to through the carrier."""
    by_net = {pin.net: pin for pin in pins.pin if pin.direction != "power"}
    for name in (pad.net, *_across(pad.net, board)):
        if name in by_net:
            pin = by_net[name]
            return f"{pad.net} (GPIO {pin.gpio}, header {pin.header})"
    return pad.net


def _across(net: str, board: Board) -> list[str]:
    """Nets one part away, where that part is a resistor or transistor of the carrier; rails lead everywhere."""
    if net in RAILS:
        return []
    wired = nets(board)
    refs = [pad.ref for pad in wired[net] if board.part[pad.ref].lib in {"resistor", "mosfet"}]
    return [other for ref in refs for other in board.part[ref].nets if other not in {net, *RAILS}]
