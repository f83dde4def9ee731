"""Who may enrol: single-use tokens, and units that wait for a person. Kept in one file, tokens only as their hashes.

Shared by the station and `doorunit station ...` beside it; every change is on the disk before it is answered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge.durable import make_folder, trouble, write_durably
from edge.errors import ConfigError
from edge.station.known import locked

PENDING_MAX = 200  # whoever reaches the port may ask; this is four boxes of units, and a file of 60 kB
_FILE = "roll.json"


class Token(msgspec.Struct, frozen=True):
    """A single-use token, by its hash. key: sha256 of the TLS public key that used it, hex, or ""."""

    unit: str
    made_ns: int
    expires_ns: int
    key: str = ""


class Pending(msgspec.Struct, frozen=True):
    """A unit without a token. granted: the id that a person accepted it as, or ""."""

    code: str
    unit: str  # as it calls itself; nobody has checked it
    address: str
    since_ns: int
    seen_ns: int
    granted: str = ""


class Roll(msgspec.Struct):
    """The whole file. tokens by their hash, pending by the sha256 of their TLS public key."""

    tokens: dict[str, Token] = {}
    pending: dict[str, Pending] = {}


class RollFile:
    """Any thread, several processes. Raises ConfigError (garbled), PartError (the disk)."""

    def __init__(self, folder: Path) -> None:
        try:
            make_folder(folder, 0o700)
        except OSError as err:
            raise trouble(f"enrolment folder {folder}", err) from err
        self._folder = folder
        self._path = folder / _FILE

    def read(self) -> Roll:
        """As it is now."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Roll)
        except FileNotFoundError:
            return Roll()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise ConfigError(
                f"enrolment file {self._path}",
                found=getattr(err, "strerror", None) or "something else",
                wanted="this station's tokens and waiting units, in JSON",
                remedy="Put it back from its backup, or remove it: cards that are not enrolled then need new files.",
            ) from err

    @contextmanager
    def change(self) -> Iterator[Roll]:
        """Once the block has ended, what it did is on the disk; nothing of it if it raises. One at a time."""
        with locked(self._folder):
            roll = self.read()
            before = msgspec.json.encode(roll)
            yield roll
            if msgspec.json.encode(roll) != before:
                self.keep(roll)

    def keep(self, roll: Roll) -> None:
        """Within `change`: have what was done so far on the disk before going on."""
        write_durably(self._path, msgspec.json.format(msgspec.json.encode(roll)))
