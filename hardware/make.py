"""Makes everything in this folder that is made of something else: `python -m hardware.make [--check] [--models DIR]`.

Text is compared byte for byte. Pictures differ between versions of graphviz and its fonts, so a picture is fresh when
pictures/from.sha256 holds the digest of what it was drawn from.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

from hardware import aim, bench, bom, carrier, diagram, enclosure, pins, power
from hardware.pins import HERE

MADE = "<!-- Made by `python -m hardware.make` from {}; change that, not this. -->\n\n"
DIGESTS = "pictures/from.sha256"
ESTIMATES = """Prices marked *estimate* are ours, from memory of what distributors ask for tens; they are for planning.
Maker numbers were not looked up again for this table: check each on the maker's page before ordering. Second sources
fit the same place; a module must have the pin order of [carrier.md](carrier.md).
"""


def texts() -> dict[str, str]:
    """File name -> what it must hold."""
    wires = pins.load()
    board, parts = carrier.load(wires), bom.load()
    return {
        "wiring.md": _wiring(wires),
        "wiring.yml": diagram.to_yaml(diagram.load(), board, wires),
        "carrier.net": carrier.kicad(board),
        "carrier.md": MADE.format("carrier.toml and pins.toml")
        + "# Carrier board: every net\n\nImport [carrier.net](carrier.net) into KiCad's board editor, or wire"
        + " perforated board by this table.\n\n"
        + carrier.table(board)
        + "\n",
        "bom.csv": bom.to_csv(parts),
        "bom.md": MADE.format("bom.toml") + f"# Parts for one unit\n\n{ESTIMATES}\n{bom.to_markdown(parts)}\n",
        "power.md": MADE.format("power.toml") + f"# Power\n\n{_power_head()}\n{power.report(power.load())}\n",
        "bench-test.md": MADE.format("bench-test.toml")
        + f"# Bench test\n\n{_bench_head()}\n{bench.table(bench.load())}\n",
        "aim.md": MADE.format("aim.toml") + f"# Where the camera may look\n\n{aim.report(aim.load())}\n",
    }


def sources() -> dict[str, bytes]:
    """Picture -> what it is drawn from."""
    wiring = texts()["wiring.yml"].encode()
    model = (HERE / "enclosure.scad").read_bytes()
    return {
        "pictures/wiring.svg": wiring,
        "pictures/wiring.png": wiring,
        **{f"pictures/{name}.png": model for name in enclosure.PICTURES},
    }


def stale() -> list[str]:
    """Names of files that are not what they would be if made now."""
    old = [name for name, text in texts().items() if _read(name) != text.encode()]
    said = {name: digest for digest, _, name in (line.partition("  ") for line in _read(DIGESTS).decode().splitlines())}
    for name, source in sources().items():
        if said.get(name) != hashlib.sha256(source).hexdigest() or not (HERE / name).is_file():
            old.append(name)
    return old


def make(models: Path, say: Callable[[str], object]) -> None:
    """Write whatever is stale, and the printable models into `models`."""
    old = stale()
    for name, text in texts().items():
        (HERE / name).write_text(text, encoding="utf-8")
    (HERE / "pictures").mkdir(exist_ok=True)
    if {"pictures/wiring.svg", "pictures/wiring.png"} & set(old):
        diagram.draw(texts()["wiring.yml"], HERE / "pictures", "wiring")
    solids = enclosure.render(models)
    for name in enclosure.PICTURES:
        if f"pictures/{name}.png" in old:
            enclosure.picture(solids, name, HERE / f"pictures/{name}.png")
    lines = [f"{hashlib.sha256(source).hexdigest()}  {name}\n" for name, source in sources().items()]
    (HERE / DIGESTS).write_text("".join(lines), encoding="utf-8")
    say(f"made: {', '.join(old) or 'nothing, all was fresh'}; models to print: {models}")


def main(arguments: list[str]) -> int:
    """0 well, 1 stale."""
    parser = argparse.ArgumentParser(prog="python -m hardware.make", description="Make tables, drawings and models.")
    parser.add_argument("--check", action="store_true", help="write nothing; name what is stale, and end with 1")
    parser.add_argument("--models", type=Path, default=HERE.parent / "build" / "hardware", help="where STL files go")
    given = parser.parse_args(arguments)
    if not given.check:
        make(given.models, print)
        return 0
    old = stale()
    for name in old:
        print(f"hardware/{name} is stale. Run: python -m hardware.make")
    return 1 if old else 0


def _read(name: str) -> bytes:
    path = HERE / name
    return path.read_bytes() if path.is_file() else b""


def _wiring(wires: pins.Pins) -> str:
    together, least = round(wires.pullup_ohm), round(wires.bus.least_ohm)
    return "\n".join(
        [
            MADE.format("pins.toml") + "# Wiring\n",
            "![what hangs on the carrier's terminals](pictures/wiring.svg)\n",
            "The carrier sits on the Pi's 40-pin header. GPIO numbers are BCM numbers, as in doorunit's settings.\n",
            pins.table(wires),
            "\n## Chips on the I2C bus\n",
            pins.chips(wires),
            f"\nAll pull-ups of a line together: {together} ohm (at least {least}: what every chip can pull low).",
            "\n## Why these pins\n",
            pins.reasons(wires),
            "",
        ]
    )


def _bench_head() -> str:
    return (
        f"One finished unit: about {bench.load().minutes} minutes, and an hour of heat. The names are those of\n"
        "`doorunit doctor`; what it cannot do yet is done by hand. A unit leaves when every line was seen.\n"
        "What else can be wrong: [failures.md](failures.md).\n"
    )


def _power_head() -> str:
    return (
        "At 5.1 V, without peaks. *At work, camera on* is what a unit draws all through a term: plan with it. None of\n"
        "this was measured by us. Below 4.63 V at the header a Pi reports under-voltage.\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
