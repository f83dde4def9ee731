"""All that units have sent: once each, by (unit, epoch, seq), on the disk before any receipt leaves.

Where its tables stand is store.py's business, and every statement here is both SQLite's and PostgreSQL's. Sealed
frames are files beside it, file first.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from edge.clock import Stamp
from edge.records import Boot, ClockAnchor, Gap
from edge.station.store import Db, SqliteStore, Store
from edge.wire import Envelope

_envelopes = msgspec.json.Decoder(Envelope)
_stamps = msgspec.json.Decoder(Stamp)
_pack = msgspec.json.encode


class Stored(msgspec.Struct, frozen=True):
    """One record as the ledger holds it. `n` grows by arrival."""

    n: int
    unit: str
    received_ns: int
    envelope: Envelope
    anchor: Stamp | None = None  # of the record's boot, where one is known by now


class Picture(msgspec.Struct, frozen=True):
    """One sealed frame that is here."""

    name: str
    unit: str
    epoch: str
    event: int
    at: Stamp


class UnitRow(msgspec.Struct, frozen=True):
    """One unit as it last told of itself."""

    unit: str
    online: bool
    seen_ns: int
    state: dict[str, Any]
    pulse: dict[str, Any] | None


class Ledger:
    """Any thread may call it. Raises PartError where the disk refuses. `place`: a folder for SQLite, or a store."""

    def __init__(self, place: Path | Store) -> None:
        self.store = SqliteStore(place) if isinstance(place, Path) else place

    def close(self) -> None:
        """Close it; safe to repeat."""
        self.store.close()

    # Writing

    @contextmanager
    def batch(self) -> Iterator["Batch"]:
        """One transaction; what was told to the Batch is on the disk when the block has ended."""
        with self.change() as db:
            yield Batch(db)

    @contextmanager
    def change(self) -> Iterator[Db]:
        """One transaction for the station's own tables; nothing of it stays if the block raises."""
        with self.store.change() as db:
            yield db

    # Reading

    def units(self) -> list[UnitRow]:
        """All units, by id."""
        rows = self.read("SELECT unit, online, seen_ns, state, pulse FROM unit ORDER BY unit")
        return [_unit(*row) for row in rows]

    def unit(self, unit: str) -> UnitRow | None:
        """One of them, or None before it was ever heard of."""
        rows = self.read("SELECT unit, online, seen_ns, state, pulse FROM unit WHERE unit = ?", (unit,))
        return _unit(*rows[0]) if rows else None

    def records(self, *, unit: str = "", before_n: int = 0, limit: int = 200) -> list[Stored]:
        """Newest first by arrival; `before_n` above 0 pages on from there."""
        rows = self.read(
            "SELECT n, unit, received_ns, body FROM record"
            " WHERE (? = '' OR unit = ?) AND (? = 0 OR n < ?) ORDER BY n DESC LIMIT ?",
            (unit, unit, before_n, before_n, limit),
        )
        return [self._stored(*row) for row in rows]

    def numbered(self, numbers: Iterable[int]) -> list[Stored]:
        """These records, by their numbers."""
        query = "SELECT n, unit, received_ns, body FROM record WHERE n = ?"
        return [self._stored(*row) for n in numbers for row in self.read(query, (n,))]

    def openings(self, since_ns: int) -> list[Stored]:
        """Openings of all units received since then, and so all that were since then; oldest first by arrival."""
        rows = self.read(
            f"SELECT n, unit, received_ns, body FROM record WHERE {self.store.opening} AND received_ns >= ? ORDER BY n",  # noqa: S608 - a constant of ours
            (since_ns,),
        )
        return [self._stored(*row) for row in rows]

    def last_opening(self, unit: str) -> Stored | None:
        """The unit's newest by arrival."""
        rows = self.read(
            f"SELECT n, unit, received_ns, body FROM record WHERE {self.store.opening} AND unit = ?"  # noqa: S608 - a constant of ours
            " ORDER BY n DESC LIMIT 1",
            (unit,),
        )
        return self._stored(*rows[0]) if rows else None

    def holds(self, unit: str, epoch: str, seq: int) -> Stored | None:
        """One record by its name."""
        rows = self.read(
            "SELECT n, unit, received_ns, body FROM record WHERE unit = ? AND epoch = ? AND seq = ?", (unit, epoch, seq)
        )
        return self._stored(*rows[0]) if rows else None

    def count(self, unit: str) -> int:
        """How many records of this unit are here."""
        return int(self.read("SELECT count(*) FROM record WHERE unit = ?", (unit,))[0][0])

    def missing(self, unit: str) -> list[tuple[int, int]]:
        """Seqs that lie below one that is here, and are neither here nor declared void: inclusive ranges."""
        found: list[tuple[int, int]] = []
        for (epoch,) in self.read("SELECT DISTINCT epoch FROM record WHERE unit = ?", (unit,)):
            holes = self.read(
                "SELECT before + 1, seq - 1 FROM (SELECT seq, lag(seq, 1, 0) OVER (ORDER BY seq) AS before"
                " FROM record WHERE unit = ? AND epoch = ?) AS step WHERE seq > before + 1",
                (unit, epoch),
            )
            voids = self.read("SELECT low, high FROM void WHERE unit = ? AND epoch = ?", (unit, epoch))
            found += _without([(low, high) for low, high in holes], [(low, high) for low, high in voids])
        return found

    def frames(self, unit: str, epoch: str, event: int) -> list[Picture]:
        """The frames of one opening that are here, oldest first."""
        rows = self.read(
            "SELECT name, unit, epoch, event, at FROM frame WHERE unit = ? AND epoch = ? AND event = ?",
            (unit, epoch, event),
        )
        return sorted((_picture(*row) for row in rows), key=lambda p: p.at.boot_ns)

    def frame(self, name: str) -> Picture | None:
        """One frame by name."""
        rows = self.read("SELECT name, unit, epoch, event, at FROM frame WHERE name = ?", (name,))
        return _picture(*rows[0]) if rows else None

    def anchor(self, unit: str, boot: str) -> Stamp | None:
        """What ties that boot's clock to UTC, where it is known."""
        rows = self.read("SELECT body FROM anchor WHERE unit = ? AND boot = ?", (unit, boot))
        return _stamps.decode(rows[0][0]) if rows else None

    def read(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a query of the station's own files answers."""
        return self.store.read(query, values)

    def _stored(self, n: int, unit: str, received_ns: int, body: bytes) -> Stored:
        envelope = _envelopes.decode(body)
        return Stored(n, unit, received_ns, envelope, self.anchor(unit, envelope.data.record.at.boot))


class Batch:
    """What happens within one transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def record(self, unit: str, envelope: Envelope, received_ns: int) -> int | None:
        """Keep one record; its number, or None where it is here already."""
        record = envelope.data.record
        row = self._db.execute(
            "INSERT INTO record (unit, epoch, seq, received_ns, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING n",
            (unit, record.epoch, record.seq, received_ns, _pack(envelope)),
        ).fetchone()
        if row is None:
            return None
        for epoch, low, high in _voids(envelope):
            self._db.execute("INSERT INTO void VALUES (?, ?, ?, ?)", (unit, epoch, low, high))
        if isinstance(record, ClockAnchor):
            self._db.execute(
                "INSERT INTO anchor VALUES (?, ?, ?) ON CONFLICT (unit, boot) DO UPDATE SET body = excluded.body",
                (unit, record.at.boot, _pack(record.at)),
            )
        return int(row[0])

    def unit(self, unit: str, seen_ns: int, **columns: object) -> None:
        """Keep what a unit told of itself: online (bool), state or pulse (JSON bytes)."""
        self._db.execute(
            "INSERT INTO unit (unit, seen_ns) VALUES (?, ?)"
            " ON CONFLICT (unit) DO UPDATE SET seen_ns = excluded.seen_ns",
            (unit, seen_ns),
        )
        for column, value in columns.items():
            if column not in ("online", "state", "pulse"):
                raise KeyError(column)
            if column == "pulse" and isinstance(value, bytes):
                value = self._filled(unit, value)
            self._db.execute(f"UPDATE unit SET {column} = ? WHERE unit = ?", (value, unit))  # noqa: S608 - one of three

    def _filled(self, unit: str, pulse: bytes) -> bytes:
        """A short pulse's other numbers are as they were, if it is of the same boot."""
        new = msgspec.json.decode(pulse)
        if "version" in new:
            return pulse
        (kept,) = self._db.execute("SELECT pulse FROM unit WHERE unit = ?", (unit,)).fetchone()
        old = msgspec.json.decode(kept)
        return msgspec.json.encode(old | new) if old and old.get("boot") == new.get("boot") else pulse

    def frame(self, picture: Picture, received_ns: int) -> bool:
        """Keep a frame whose file is on the disk; False where it is here already."""
        row = self._db.execute(
            "INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING name",
            (picture.name, picture.unit, picture.epoch, picture.event, _pack(picture.at), received_ns),
        ).fetchone()
        return row is not None


def _voids(envelope: Envelope) -> Iterable[tuple[str, int, int]]:
    """Seqs that the unit says will never come: (epoch, first, last)."""
    record = envelope.data.record
    if isinstance(record, Boot) and record.void is not None:
        yield record.epoch, *record.void
    if isinstance(record, Gap):
        for low, high in record.seqs:
            yield record.of, low, high


def _without(holes: list[tuple[int, int]], voids: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The holes less the voids; both inclusive ranges."""
    for low, high in voids:
        kept = []
        for first, last in holes:
            if last < low or first > high:
                kept.append((first, last))
                continue
            kept += [(first, low - 1)] if first < low else []
            kept += [(high + 1, last)] if last > high else []
        holes = kept
    return holes


def _unit(unit: str, online: int, seen_ns: int, state: bytes, pulse: bytes) -> UnitRow:
    return UnitRow(unit, bool(online), seen_ns, msgspec.json.decode(state), msgspec.json.decode(pulse))


def _picture(name: str, unit: str, epoch: str, event: int, at: bytes) -> Picture:
    return Picture(name, unit, epoch, event, _stamps.decode(at))
