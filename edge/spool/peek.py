"""A look at a spool that nobody has open: on a copy in RAM, so that the card is never written."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import msgspec

from edge.clock import Stamp
from edge.errors import CorruptError, PartError
from edge.parts import FrameRow
from edge.records import AnyRecord, Key, unpack

COPY_MAX_BYTES = 32_000_000  # a tenth of a second on a Pi; a larger one is read where it lies, without its -wal
SQLITE = sqlite3.sqlite_version
_RAM = Path("/dev/shm")  # noqa: S108 - in RAM on purpose; the folder made there is this user's alone
_frames = msgspec.json.Decoder(FrameRow)


class Peek(msgspec.Struct, frozen=True):
    """What waits in a spool. oldest: when the first record that waits was made. damaged: spools set aside, by name."""

    records: int
    frames: int
    oldest: Stamp | None
    size_bytes: int
    damaged: tuple[str, ...]


class Copy:
    """A spool as it lay there; good within `copied` alone."""

    def __init__(self, db: sqlite3.Connection, size_bytes: int, damaged: tuple[str, ...]) -> None:
        self._db = db
        self._about = size_bytes, damaged

    def summary(self) -> Peek:
        """How much waits."""
        (records,) = self._db.execute("SELECT count(*) FROM record").fetchone()
        (frames,) = self._db.execute("SELECT count(*) FROM frame").fetchone()
        first = self._db.execute("SELECT body FROM record ORDER BY n LIMIT 1").fetchone()
        return Peek(records, frames, unpack(first[0]).at if first else None, *self._about)

    def records(self) -> Iterator[tuple[int, AnyRecord]]:
        """Row number and record, in order."""
        for n, body in self._db.execute("SELECT n, body FROM record ORDER BY n"):
            yield n, unpack(body)

    def frames(self, of: Key | None = None) -> list[FrameRow]:
        """The pictures that wait, of one event or all, oldest first."""
        found = [_frames.decode(body) for (body,) in self._db.execute("SELECT body FROM frame ORDER BY n")]
        return [row for row in found if of in (None, (row.epoch, row.event))]


def peek(folder: Path) -> Peek | None:
    """What the spool in `folder` holds; None where there is none. Raises PartError, CorruptError."""
    with copied(folder) as copy:
        return None if copy is None else copy.summary()


@contextmanager
def copied(folder: Path) -> Iterator[Copy | None]:
    """The spool in `folder`, to be read within; None where there is none. Raises PartError, CorruptError."""
    path = folder / "spool.db"
    try:
        with ExitStack() as stack:
            yield _open(path, stack) if path.exists() else None
    except (sqlite3.DatabaseError, msgspec.DecodeError, ValueError, TypeError) as err:
        raise CorruptError(
            f"spool {path}",
            found=f"damage ({err})",
            wanted="what was written there",
            remedy="The agent sets it aside when it starts, and reports the loss.",
        ) from err
    except PartError:
        raise
    except OSError as err:
        raise PartError(
            f"spool {path}",
            found=(err.strerror or str(err)).lower(),
            wanted="a file this user can read",
            remedy="Use sudo; else `dmesg` names the card's fault.",
        ) from err


def _files(path: Path) -> list[Path]:
    return [one for end in ("", "-wal") if (one := path.with_name(path.name + end)).exists()]


def _open(path: Path, stack: ExitStack) -> Copy:
    damaged = tuple(sorted(one.name for one in path.parent.glob("spool.db.damaged-*[0-9]")))
    size_bytes = sum(one.stat().st_size for one in _files(path))
    if size_bytes > COPY_MAX_BYTES:
        uri = f"{path.resolve().as_uri()}?immutable=1"
    else:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_RAM if _RAM.is_dir() else None)))
        for one in _files(path):
            shutil.copyfile(one, folder / one.name)
        uri = (folder / path.name).as_uri()
    db = stack.enter_context(closing(sqlite3.connect(uri, uri=True)))
    return Copy(db, size_bytes, damaged)
