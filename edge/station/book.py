"""What people add to what units told: a label for each unit, who attended an opening, which posts went out."""

import unicodedata

import msgspec

from edge.clock import MS
from edge.errors import ConfigError
from edge.station.audit import Act, Trail
from edge.station.ledger import Ledger
from edge.wire import rfc3339

LABEL_MOST = 60
NOTE_MOST = 200
Key = tuple[str, str, int]  # unit, epoch, seq


class Attended(msgspec.Struct, frozen=True):
    """Somebody saw to an opening."""

    person: str
    at_ns: int
    note: str


def labels_of(ledger: Ledger) -> dict[str, str]:
    """Unit -> the flat's label; the station binds them, and the unit never learns it."""
    return dict(ledger.read("SELECT unit, label FROM label"))


def attended_of(ledger: Ledger, key: Key) -> list[Attended]:
    """Who saw to that opening, first come first."""
    query = "SELECT person, at_ns, note FROM attended WHERE unit = ? AND epoch = ? AND seq = ? ORDER BY rowid"
    return [Attended(*row) for row in ledger.read(query, key)]


def told(attended: list[Attended]) -> list[dict[str, str]]:
    """Who saw to it, as pages read it."""
    return [{"person": one.person, "time": rfc3339(one.at_ns), "note": one.note} for one in attended]


class Book:
    """Any thread. Raises ConfigError (what is asked makes no sense), PartError (the disk)."""

    def __init__(self, ledger: Ledger, trail: Trail) -> None:
        self._ledger = ledger
        self._trail = trail

    def label(self, unit: str, label: str, person: str, now_ns: int) -> None:
        """Bind the unit to a flat, or with an empty label to none."""
        label = _line(label, LABEL_MOST, "label")
        if not any(row.unit == unit for row in self._ledger.units()):
            raise _unknown(f"unit {unit[:40]}")
        before = labels_of(self._ledger).get(unit, "")
        if before == label:
            return
        self._trail.write(now_ns, person, Act.LABELLED, unit=unit, subject=before, detail=label)
        with self._ledger.change() as db:
            db.execute("DELETE FROM label WHERE unit = ?", (unit,))
            if label:
                db.execute("INSERT INTO label VALUES (?, ?)", (unit, label))

    def attend(self, key: Key, person: str, note: str, now_ns: int) -> list[Attended]:
        """This person saw to it; a second time changes nothing. Returns all who did."""
        note = _line(note, NOTE_MOST, "note")
        unit, epoch, seq = key
        if self._ledger.holds(*key) is None:
            raise _unknown(f"opening {epoch[:20]}/{seq} of {unit[:40]}")
        if not any(one.person == person for one in attended_of(self._ledger, key)):
            with self._ledger.change() as db:
                db.execute(
                    "INSERT INTO attended VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (*key, person, now_ns, note),
                )
            self._trail.write(now_ns, person, Act.ATTENDED, unit=unit, subject=f"{epoch}/{seq}", detail=note)
        return attended_of(self._ledger, key)

    def mark(self, what: str) -> str:
        """How far a scheduled post has come; "" before the first."""
        rows = self._ledger.read("SELECT mark FROM posted WHERE what = ?", (what,))
        return str(rows[0][0]) if rows else ""

    def keep_mark(self, what: str, mark: str, now_ns: int) -> None:
        """That far it has come."""
        with self._ledger.change() as db:
            db.execute("INSERT OR REPLACE INTO posted VALUES (?, ?, ?)", (what, mark, now_ns))


def delay_ms(opened_ns: int | None, attended: list[Attended]) -> int | None:
    """From an opening to the first who saw to it."""
    return (attended[0].at_ns - opened_ns) // MS if attended and opened_ns is not None else None


def _line(text: str, most: int, what: str) -> str:
    """One line of print, in the form that is searched."""
    clean = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(clean) > most or not clean.isprintable():
        raise ConfigError(
            what,
            found=f"{len(clean)} characters: {clean[:most]!r}",
            wanted=f"one line of {most} at most",
            remedy="Say it shorter.",
        )
    return clean


def _unknown(what: str) -> ConfigError:
    return ConfigError(
        what, found="none of that name", wanted="one that this station has heard of", remedy="Load the page anew."
    )
