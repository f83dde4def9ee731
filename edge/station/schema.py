"""The ledger's tables, version by version, and how an older file becomes the present one. Never the other way."""

from typing import TYPE_CHECKING

from edge.errors import NewerError

if TYPE_CHECKING:
    import sqlite3

_RECORDS = """
CREATE TABLE unit (
    unit TEXT PRIMARY KEY, online INTEGER NOT NULL DEFAULT 0, seen_ns INTEGER NOT NULL,
    state BLOB NOT NULL DEFAULT '{}', pulse BLOB NOT NULL DEFAULT 'null'
) WITHOUT ROWID;
CREATE TABLE record (
    n INTEGER PRIMARY KEY AUTOINCREMENT, unit TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    received_ns INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (unit, epoch, seq)
);
CREATE TABLE void (unit TEXT NOT NULL, epoch TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL);
CREATE TABLE anchor (
    unit TEXT NOT NULL, boot TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (unit, boot)
) WITHOUT ROWID;
CREATE TABLE frame (
    name TEXT PRIMARY KEY, unit TEXT NOT NULL, epoch TEXT NOT NULL, event INTEGER NOT NULL,
    at BLOB NOT NULL, received_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX frame_event ON frame (unit, epoch, event);
"""

OPENING = (
    "json_extract(CAST(body AS TEXT), '$.data.record.change') = 'opened'"  # a partial index needs it word for word
)

# attended has rowids: who was first does not hang on a clock. person.password is passwords.py's text. attempt.who is
# "name:..." or "from:..."; session.token is a sha256, in hex.
_PEOPLE = f"""
CREATE INDEX opening_unit ON record (unit, n) WHERE {OPENING};
CREATE INDEX opening_time ON record (received_ns) WHERE {OPENING};
CREATE TABLE person (
    name TEXT PRIMARY KEY, roles TEXT NOT NULL, password TEXT NOT NULL, fresh INTEGER NOT NULL,
    added_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE session (
    token TEXT PRIMARY KEY, name TEXT NOT NULL REFERENCES person ON DELETE CASCADE, csrf TEXT NOT NULL,
    began_ns INTEGER NOT NULL, seen_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE attempt (
    who TEXT PRIMARY KEY, failures INTEGER NOT NULL, last_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE label (unit TEXT PRIMARY KEY, label TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE attended (
    unit TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, person TEXT NOT NULL, at_ns INTEGER NOT NULL,
    note TEXT NOT NULL, UNIQUE (unit, epoch, seq, person)
);
CREATE TABLE posted (what TEXT PRIMARY KEY, mark TEXT NOT NULL, at_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE audit (
    n INTEGER PRIMARY KEY AUTOINCREMENT, at_ns INTEGER NOT NULL, person TEXT NOT NULL, what TEXT NOT NULL,
    unit TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX audit_unit ON audit (unit, n);
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
"""

_STEPS = (_RECORDS, _PEOPLE)  # the step at index i makes schema i + 1
SCHEMA = len(_STEPS)


def migrate(db: "sqlite3.Connection", path: object) -> None:
    """Bring an empty or older file to SCHEMA, in one transaction. Raises NewerError and leaves that file untouched."""
    db.execute("BEGIN IMMEDIATE")  # two processes may open a new file at once
    try:
        (have,) = db.execute("PRAGMA user_version").fetchone()
        _require_older(have, path)
        for step in _STEPS[have:]:
            for statement in _statements(step):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {SCHEMA}")
        db.execute("COMMIT")
    except BaseException:  # whatever it was, the file stays as it was
        db.rollback()
        raise


def _require_older(have: int, path: object) -> None:
    if have > SCHEMA:
        raise NewerError(
            f"ledger {path}",
            found=f"schema {have}",
            wanted=f"schema {SCHEMA} or older",
            remedy="Start the newer doorunit that wrote it, or choose another --dir.",
        )


def _statements(step: str) -> list[str]:
    """One by one: executescript would commit before it begins."""
    return [part for part in (piece.strip() for piece in step.split(";\n")) if part]
