"""The real spool, its commits noted on the tape: what each began with, and what was promised once it had returned."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.clock import Stamp
from edge.parts import FrameRow, Store
from edge.records import AnyRecord, Key, pack
from edge.spool.journal import Journal
from edge.spool.store import SqliteStore
from tests.power.notes import Acked, Anew, Begun, Did, Handed, Held
from tests.power.tape import Tape


class WitnessStore(SqliteStore):
    """`held` is what lies on the card as far as the witness knows, None where no spool was opened yet."""

    def __init__(
        self, folder: Path, new_epoch: Callable[[], str], connect: Callable[..., Any], tape: Tape, held: Held | None
    ) -> None:
        super().__init__(folder, new_epoch, connect)
        self.held = held
        self._tape = tape
        self._next = Held()

    def commit(self, ops: Sequence[Callable[[Store], None]]) -> None:
        held = self.held if self.held is not None else self._new()
        self._next = held.copy()
        begun = Begun(held)
        self._tape.note(begun)
        super().commit(ops)
        begun.after = self.held = self._next
        self._tape.note(Acked(self._next))

    def put(self, n: int, record: AnyRecord) -> None:
        super().put(n, record)
        self._next.records[n] = pack(record)

    def forget(self, rows: Sequence[int]) -> None:
        super().forget(rows)
        for n in rows:
            self._next.records.pop(n, None)
        self._tape.note(Did("records forgotten"))

    def reserve(self, next_seq: int, *, clean: bool = False) -> None:
        super().reserve(next_seq, clean=clean)
        self._tape.note(Did("clean ends" if clean else "blocks set aside"))

    def keep(self, key: str, value: bytes) -> None:
        super().keep(key, value)
        self._next.meta[key] = value

    def anchor(self, stamp: Stamp) -> None:
        super().anchor(stamp)
        self._next.anchor = stamp
        self._tape.note(Did("anchors"))

    def add_frame(self, row: FrameRow) -> None:
        super().add_frame(row)
        self._next.frames[row.name] = row
        self._tape.note(Did("frames added"))

    def drop_frame(self, name: str) -> None:
        super().drop_frame(name)
        self._next.frames.pop(name, None)
        self._tape.note(Did("frames dropped"))

    def _begin_anew(self, lost_epoch: str) -> None:
        super()._begin_anew(lost_epoch)
        self.held = None
        self._tape.note(Anew())

    def _new(self) -> Held:
        """A spool that was made just now: empty but for its first state."""
        return Held(dict(self._connection().execute("SELECT key, value FROM meta")))


class WitnessJournal(Journal):
    """Notes every seq as it is handed out: from then on the platform may hold it."""

    tape: Tape
    used: set[Key]

    def mint(self) -> tuple[int, str, int]:
        n, epoch, seq = super().mint()
        assert (epoch, seq) not in self.used, f"{epoch}/{seq} was handed out a second time"
        self.used.add((epoch, seq))
        self.tape.note(Handed((epoch, seq)))
        return n, epoch, seq
