"""Why chips fail, in words: a wrong address, two at one, a bus without pull-ups, a line that is held. Pure but `look`.

What software cannot see: which of two chips at one address is the wrong one; and what feeds a GPIO, so a reed wired
to 5 V reads like an open door until the pin dies. hardware/failures.md has what a meter finds.
"""

import errno
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import msgspec

from edge import fittings

if TYPE_CHECKING:
    from edge.board.chips import I2C

EVERYBODY = 40  # more addresses than any unit has chips: the lines read low whatever is asked
_HELD = (errno.ETIMEDOUT, errno.EAGAIN, errno.EIO)


class Seen(msgspec.Struct, frozen=True):
    """What a look at the whole bus found; `err` where it could not be looked at."""

    addresses: tuple[int, ...] = ()
    err: str = ""
    held: bool = False  # transfers do not end, or end as they do on a line that is held


def look(bus: "I2C", address: int) -> Seen:
    """Ask every address, and that one again where none answers. Blocks some 30 ms; on the bus's worker."""
    try:
        found = tuple(bus.scan())
        if not found:
            bus.readfrom(address, 1)
    except OSError as err:
        return Seen(err=str(err), held=err.errno in _HELD)
    return Seen(found)


def explain(failed: Mapping[str, str], chips: Mapping[str, int], seen: Seen) -> str:
    """One text for all that fails. `failed`: setting -> the chip's error; `chips`: setting -> address, of all."""
    if seen.held:
        return (
            f"the bus is held ({seen.err}): SDA or SCL is short, or a chip holds it; unplug the chips one by one,"
            f" then look at pull-ups and wires. {_names(failed, chips)}"
        )
    if len(seen.addresses) > EVERYBODY:
        return (
            f"{len(seen.addresses)} addresses answer: the bus has no pull-ups or SDA lies at ground;"
            f" look at 3V3, SDA and SCL. {_names(failed, chips)}"
        )
    if not seen.addresses and len(failed) == len(chips):
        why = seen.err or "no address answers"
        return f"no chip answers ({why}): look at 3V3, ground, SDA, SCL and pull-ups. {_names(failed, chips)}"
    return "; ".join(_one(name, error, chips, seen.addresses) for name, error in failed.items())


def _one(name: str, error: str, chips: Mapping[str, int], found: Collection[int]) -> str:
    part, possible = fittings.CHIPS[name]
    address = chips[name]
    if address in found:
        return f"{error} (what answers is another chip, two chips at one address, or noise; unplug all others)"
    others = [hex(at) for at in possible if at in found and at not in chips.values()]
    if others:
        return (
            f"{part}: found a chip at {' and '.join(others)}; want it at {address:#x}."
            f" Change its address pins, or sensors.{name}"
        )
    return error


def _names(failed: Mapping[str, str], chips: Mapping[str, int]) -> str:
    return "Missing: " + ", ".join(f"{fittings.CHIPS[name][0]} at {chips[name]:#x}" for name in failed)
