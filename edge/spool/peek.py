"""A look at a spool that nobody has open: on a copy in RAM, so that the card is never written."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from edge.clock import Stamp
from edge.errors import CorruptError, PartError
from edge.records import unpack

COPY_MAX_BYTES = 32_000_000  # a tenth of a second on a Pi; a larger one is read where it lies, without its -wal
_RAM = Path("/dev/shm")  # noqa: S108 - in RAM on purpose; the folder made there is this user's alone


class Peek(msgspec.Struct, frozen=True):
    """What waits in a spool. oldest: when the first record that waits was made. damaged: spools set aside, by name."""

    records: int
    frames: int
    oldest: Stamp | None
    size_bytes: int
    damaged: tuple[str, ...]


def peek(folder: Path) -> Peek | None:
    """What the spool in `folder` holds; None where there is none. Raises PartError, CorruptError."""
    path = folder / "spool.db"
    try:
        if not path.exists():
            return None
        damaged = tuple(sorted(one.name for one in folder.glob("spool.db.damaged-*[0-9]")))
        size_bytes = sum(one.stat().st_size for one in _files(path))
        if size_bytes > COPY_MAX_BYTES:
            return _read(f"{path.resolve().as_uri()}?immutable=1", size_bytes, damaged)
        with tempfile.TemporaryDirectory(dir=_RAM if _RAM.is_dir() else None) as copy:
            for one in _files(path):
                shutil.copyfile(one, Path(copy) / one.name)
            return _read((Path(copy) / path.name).as_uri(), size_bytes, damaged)
    except (sqlite3.DatabaseError, msgspec.DecodeError, ValueError, TypeError) as err:
        raise CorruptError(
            f"spool {path}",
            found=f"damage ({err})",
            wanted="what was written there",
            remedy="The agent sets it aside when it starts, and reports the loss.",
        ) from err
    except OSError as err:
        raise PartError(
            f"spool {path}",
            found=(err.strerror or str(err)).lower(),
            wanted="a file this user can read",
            remedy="Use sudo; else `dmesg` names the card's fault.",
        ) from err


def _files(path: Path) -> list[Path]:
    return [one for end in ("", "-wal") if (one := path.with_name(path.name + end)).exists()]


def _read(uri: str, size_bytes: int, damaged: tuple[str, ...]) -> Peek:
    with closing(sqlite3.connect(uri, uri=True)) as db:
        (records,) = db.execute("SELECT count(*) FROM record").fetchone()
        (frames,) = db.execute("SELECT count(*) FROM frame").fetchone()
        first = db.execute("SELECT body FROM record ORDER BY n LIMIT 1").fetchone()
    return Peek(records, frames, unpack(first[0]).at if first else None, size_bytes, damaged)
