"""What the updater (deploy/ota) has left for the unit to read: how the last trial of another version ended."""

from pathlib import Path
from typing import Literal

import msgspec

FOLDER = Path("/var/lib/doorunit-update")
NAME = "state.json"
FILE_MAX = 262_144


class Trial(msgspec.Struct, frozen=True):
    """A version that has yet to prove itself."""

    version: str


class Ended(msgspec.Struct, frozen=True):
    """How one ended. former: the version before it. at: UTC s by the machine's clock."""

    number: int
    what: Literal["confirmed", "returned"]
    version: str
    former: str
    why: str
    at: int


class Slots(msgspec.Struct, frozen=True):
    """The updater's file, as far as the unit is concerned. told: how trials ended, the newest last."""

    trial: Trial | None = None
    told: tuple[Ended, ...] = ()


_slots = msgspec.json.Decoder(Slots)


def read(folder: Path = FOLDER) -> Slots | None:
    """None where no update was ever tried, or nothing can be read. Blocks."""
    try:
        with (folder / NAME).open("rb") as file:
            return _slots.decode(file.read(FILE_MAX))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
