"""The sealed frames that wait, as the deciding thread sees them: file first, row second, oldest first, within budget.

Writing and reading files happens in the frames' own worker, so that a slow card delays no record's commit.
"""

import logging
from collections.abc import Callable
from functools import partial

from edge.errors import FullError, PartError
from edge.loop import Worker
from edge.parts import FrameRow
from edge.spool.budget import frames_over, frames_share
from edge.spool.frames import FrameFiles
from edge.spool.journal import Journal

log = logging.getLogger(__name__)


class Album:
    """Frames on their way.

    Hooks: on_kept(row) once a frame is safe, on_lost(rows) when some had to go, on_unreadable(row, error),
    on_gone(rows) when their files are.
    """

    def __init__(self, files: FrameFiles, worker: Worker, journal: Journal, limit_bytes: int) -> None:
        self._files = files
        self._worker = worker
        self._journal = journal
        self._limit_bytes = limit_bytes
        self.on_kept: Callable[[FrameRow], None] = lambda _: None
        self.on_lost: Callable[[list[FrameRow]], None] = lambda _: None
        self.on_unreadable: Callable[[FrameRow, PartError], None] = lambda _row, _err: None
        self.on_gone: Callable[[list[FrameRow]], None] = lambda _: None
        self._waiting: dict[str, FrameRow] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def adopt(self, rows: tuple[FrameRow, ...]) -> None:
        """Frames that an opened spool holds."""
        self._waiting = {**{row.name: row for row in rows}, **self._waiting}

    def miss(self, rows: tuple[FrameRow, ...]) -> None:
        """Frames whose files an opened spool misses: told and dropped."""
        if rows:
            with self._journal.together():
                for row in rows:
                    self._journal.drop_frame(row.name, lambda: None)
                self.on_gone(list(rows))

    def keep(self, row: FrameRow, sealed: bytes, fail: Callable[[Exception], None]) -> None:
        """Write the file, then the row, then call on_kept; `fail` gets a PartError if the card refuses."""

        def written(_: None) -> None:
            self._waiting[row.name] = row
            with self._journal.together():  # what is kept of it elsewhere goes with its row
                self._journal.add_frame(row)
                self._make_room(frames_over(self._waiting.values(), self._limit_bytes))
                self.on_kept(row)

        def refused(err: Exception) -> None:
            if isinstance(err, FullError) and self._waiting:
                self.shed()
            fail(err)

        self._worker.do(partial(self._files.write, row.name, sealed), written, refused)

    def rows(self) -> list[FrameRow]:
        """All that wait, oldest first."""
        return list(self._waiting.values())

    def read(self, name: str, then: Callable[[bytes], None], fail: Callable[[Exception], None]) -> None:
        """A frame's sealed bytes."""
        self._worker.do(partial(self._files.read, name), then, fail)

    def forget(self, name: str) -> None:
        """The platform holds it: row first, file second."""
        if self._waiting.pop(name, None):
            self._journal.drop_frame(name, partial(self._remove, name))

    def give_up(self, name: str, err: PartError) -> None:
        """It cannot be read, and is gone: told, then forgotten."""
        row = self._waiting.get(name)
        if row is not None:
            with self._journal.together():
                self.forget(name)
                self.on_unreadable(row, err)

    def trial(self, then: Callable[[None], None], fail: Callable[[Exception], None]) -> None:
        """Whether the card takes a picture's file now; nothing stays of it."""
        self._worker.do(self._files.trial, then, fail)

    def drop_all(self) -> None:
        """All are erased."""
        self._waiting.clear()

    def settled(self, then: Callable[[], None]) -> None:
        """`then` follows once no file is being written any more of those that were given so far."""
        self._worker.do(lambda: None, lambda _: then(), lambda _: then())

    def shed(self) -> None:
        """The card is full: the oldest tenth goes, counted. File first: until then no row can be written either."""
        going = frames_share(list(self._waiting.values()))
        with self._journal.together():
            for row in going:
                del self._waiting[row.name]
                self._remove(row.name)
                self._journal.drop_frame(row.name, lambda: None)
            if going:
                self.on_lost(going)

    def _make_room(self, going: list[FrameRow]) -> None:
        if going:
            with self._journal.together():
                for row in going:
                    self.forget(row.name)
                self.on_lost(going)

    def _remove(self, name: str) -> None:
        self._worker.do(partial(self._files.remove, [name]), lambda _: None, self._left)

    def _left(self, err: Exception) -> None:
        if not isinstance(err, PartError):
            raise err
        log.warning("spool: a picture's file stays: %s", err)  # it is adopted, and sent again, at the next start
