"""bench-test.toml as a sheet to tick; its check names are those of `doorunit doctor`."""

import tomllib
from pathlib import Path

import msgspec

from hardware.pins import HERE


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One check, by hand until doctor has it."""

    check: str
    do: str
    want: str
    cure: str


class Bench(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of bench-test.toml."""

    minutes: int
    step: tuple[Step, ...]


def load(path: Path = HERE / "bench-test.toml") -> Bench:
    """Raises msgspec.ValidationError."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Bench)


def table(bench: Bench) -> str:
    """The steps in order, Markdown."""
    rows = ["| n | check | do | must see | else |", "| ---: | --- | --- | --- | --- |"]
    rows += [f"| {n} | `{s.check}` | {s.do} | {s.want} | {s.cure} |" for n, s in enumerate(bench.step, 1)]
    return "\n".join(rows)
