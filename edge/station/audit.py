"""Who looked at what and did what at this station: written before it is shown, never changed, printed for residents."""

from enum import StrEnum

import msgspec

from edge.clock import SECOND
from edge.station.ledger import Ledger

SAME_LOOK_NS = 600 * SECOND  # a page that is drawn again asks for its pictures again; that is one look


class Act(StrEnum):
    """What is written down."""

    LOOKED = "looked"  # subject: the picture
    ATTENDED = "attended"  # subject: the opening, epoch/seq; detail: the note
    LABELLED = "labelled"  # subject: the label before; detail: the label from now on
    ORDERED = "gave an order"  # subject: term, visit, end or erase; detail: its words
    EXPORTED = "exported"  # subject: what; detail: csv or pdf
    READ_AUDIT = "read audit"
    SIGNED_IN = "signed in"  # subject: the address
    SIGNED_OUT = "signed out"
    REFUSED = "sign-in refused"  # person: the name that was given; subject: the address; detail: why
    PASSWORD = "changed password"  # noqa: S105 - the name of an act
    ADDED = "added person"  # subject: whom; detail: roles
    REMOVED = "removed person"
    RESET = "reset password"


class Row(msgspec.Struct, frozen=True):
    """One act."""

    n: int
    at_ns: int
    person: str
    what: str
    unit: str
    subject: str
    detail: str


class Trail:
    """Any thread. Raises PartError: then nothing may be shown."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def write(
        self, now_ns: int, person: str, what: Act, *, unit: str = "", subject: str = "", detail: str = ""
    ) -> None:
        """On the disk when this returns."""
        with self._ledger.change() as db:
            db.execute(
                "INSERT INTO audit (at_ns, person, what, unit, subject, detail) VALUES (?, ?, ?, ?, ?, ?)",
                (now_ns, person, what.value, unit, subject, detail),
            )

    def looked(self, now_ns: int, person: str, unit: str, picture: str) -> None:
        """A look at a picture; one within SAME_LOOK_NS of the same person's last look at it is the same look."""
        last = self._ledger.read(
            "SELECT max(at_ns) FROM audit WHERE unit = ? AND what = ? AND person = ? AND subject = ?",
            (unit, Act.LOOKED.value, person, picture),
        )[0][0]
        if last is None or not 0 <= now_ns - last < SAME_LOOK_NS:  # a clock that was set back begins another
            self.write(now_ns, person, Act.LOOKED, unit=unit, subject=picture)

    def rows(self, *, unit: str = "", limit: int = 1000) -> list[Row]:
        """Newest first: of one unit, or of all."""
        found = self._ledger.read(
            "SELECT n, at_ns, person, what, unit, subject, detail FROM audit"
            " WHERE (? = '' OR unit = ?) ORDER BY n DESC LIMIT ?",
            (unit, unit, limit),
        )
        return [Row(*row) for row in found]
