"""Erase what the unit holds: at most once for each mark, and to its end whatever is cut off midway.

The mark is on the card first, with all that must outlive the rest; while it lies there, erasing is begun anew before
anything else is done. To unlink is enough: only sealed pictures, and records that name nobody, ever touched the card.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from edge.durable import PART, sync_folder, trouble, write_durably
from edge.errors import PartError
from edge.parts import Snapshot, Store
from edge.records import AnyRecord
from edge.spool.frames import FrameFiles
from edge.spool.recover import open_spool

log = logging.getLogger(__name__)

MARK = "erasing.json"
T = TypeVar("T")
_PAGE = 1000  # records read at a time
State = Mapping[str, str]
Count = Callable[[Iterable[AnyRecord] | None], State]  # (what goes, None: unreadable) -> what the new spool remembers


class ErasableStore(Store, Protocol):
    """A store in one file, and in others beside it whose names begin alike."""

    path: Path

    def begin_erased(self, state: State) -> None:
        """Begin a new spool where nothing lies any more, which remembers `state`. Raises PartError."""
        ...


class Mark(msgspec.Struct, frozen=True):
    """What outlives: the state the new spool begins with, and small files beside it ("" for: deleted)."""

    state: dict[str, str] = {}
    files: dict[str, str] = {}


_marks = msgspec.json.Decoder(Mark)


class Eraser:
    """One state folder. May block: only the card's worker, or a program that runs instead of the unit, calls it."""

    def __init__(self, folder: Path, store: ErasableStore, files: FrameFiles) -> None:
        self._folder = folder
        self._mark = folder / MARK
        self._store = store
        self._files = files

    def open(self) -> Snapshot:
        """Finish what a cut left undone, then open the spool. Raises PartError."""
        return self.before(lambda: open_spool(self._store, self._files))()

    def before(self, act: Callable[[], T]) -> Callable[[], T]:
        """`act`, once what a cut left undone is finished."""

        def acts() -> T:
            if self._mark.exists():
                self._finish()
            return act()

        return acts

    def erase(self, count: Count, files: State, in_ram: Sequence[AnyRecord] = ()) -> Snapshot:
        """Erase frames and records, and open a new spool in their place; `in_ram` goes too. Raises PartError."""
        if not self._mark.exists():
            try:
                state = count(_all(self._store, in_ram))
            except PartError as err:
                log.warning("what is erased cannot be counted: %s", err)
                state = count(None)
            write_durably(self._mark, msgspec.json.encode(Mark(dict(state), dict(files))))
        return self.open()

    def _finish(self) -> None:
        mark = self._read()
        self._store.close()
        try:
            for path in (self._files.folder, self._folder):
                for leftover in _condemned(path, self._store.path.name, all_of_it=path == self._files.folder):
                    leftover.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                self._files.folder.rmdir()
            for name, text in mark.files.items():
                if text:
                    write_durably(self._folder / name, text.encode())
                else:
                    (self._folder / name).unlink(missing_ok=True)
            sync_folder(self._folder)
            self._store.begin_erased(mark.state)
            self._mark.unlink()
            sync_folder(self._folder)
        except OSError as err:
            raise err if isinstance(err, PartError) else trouble(f"folder {self._folder}", err) from err

    def _read(self) -> Mark:
        try:
            return _marks.decode(self._mark.read_bytes())
        except OSError as err:
            raise trouble(f"file {self._mark}", err) from err
        except (ValueError, RecursionError) as err:  # only its being there counts
            log.warning("file %s: %s", self._mark, err)
            return Mark()


def _condemned(folder: Path, spool: str, *, all_of_it: bool) -> list[Path]:
    """The spool's files and all set-aside ones, or everything in the folder of frames."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if all_of_it or path.name.startswith(spool) or path.name.endswith(PART)]


def _all(store: Store, in_ram: Sequence[AnyRecord]) -> Iterator[AnyRecord]:
    after_n, seen = 0, set()
    while rows := store.read(after_n, _PAGE):
        after_n = rows[-1][0]
        for _, record in rows:
            seen.add((record.epoch, record.seq))
            yield record
    yield from (record for record in in_ram if (record.epoch, record.seq) not in seen)
