"""The ledger's tables in PostgreSQL, for receivers side by side; the only file that knows psycopg.

Only what a receiver writes stands there, and what is asked of it; accounts, labels and the audit are a station's own.
Numbers are given before the commit: a record with a smaller one may become visible later than one with a larger.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from edge.declare import is_loopback
from edge.errors import ConfigError, NewerError, PartError, WireError
from edge.station.store import Rows

SCHEMA = 1
TEXT_MAX = 200  # characters of a key: an epoch has 16, a boot 36, and an entry of an index at most 2704 bytes
CONNECT_S = 5
ANSWER_S = 10  # a database that is silent for so long is away
_MAKING = 53_263  # pg_advisory_xact_lock: receivers that start at once make the tables one after another

_TABLES = (
    "CREATE TABLE ledger_schema (version INTEGER NOT NULL)",
    f"INSERT INTO ledger_schema VALUES ({SCHEMA})",  # noqa: S608 - a constant of ours
    """CREATE TABLE unit (
        unit TEXT COLLATE "C" PRIMARY KEY, online BOOLEAN NOT NULL DEFAULT false, seen_ns BIGINT NOT NULL,
        state BYTEA NOT NULL DEFAULT '{}', pulse BYTEA NOT NULL DEFAULT 'null'
    ) WITH (fillfactor = 70)""",  # each pulse writes its row anew: in the same page, no index is touched
    """CREATE TABLE record (
        n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, unit TEXT COLLATE "C" NOT NULL,
        epoch TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, received_ns BIGINT NOT NULL, body BYTEA NOT NULL,
        UNIQUE (unit, epoch, seq)
    )""",
    "CREATE TABLE void (unit TEXT NOT NULL, epoch TEXT NOT NULL, low BIGINT NOT NULL, high BIGINT NOT NULL)",
    "CREATE INDEX void_unit ON void (unit, epoch)",
    "CREATE TABLE anchor (unit TEXT NOT NULL, boot TEXT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (unit, boot))",
    """CREATE TABLE frame (
        name TEXT PRIMARY KEY, unit TEXT NOT NULL, epoch TEXT NOT NULL, event BIGINT NOT NULL,
        at BYTEA NOT NULL, received_ns BIGINT NOT NULL
    )""",
    "CREATE INDEX frame_event ON frame (unit, epoch, event)",
    # Immutable because the encoding is UTF-8, which _require_sound sees to; without it no index may use it.
    """CREATE FUNCTION change_of(body BYTEA) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT AS
        $$ SELECT convert_from(body, 'UTF8')::json #>> '{data,record,change}' $$""",
    "CREATE INDEX opening_unit ON record (unit, n) WHERE change_of(body) = 'opened'",
    "CREATE INDEX opening_time ON record (received_ns) WHERE change_of(body) = 'opened'",
)


class PostgresStore:
    """store.Store. A connection that broke is made anew at the next use. Raises ConfigError, PartError."""

    opening = "change_of(body) = 'opened'"

    def __init__(self, url: str) -> None:
        self._url = url
        self._where = _where(url)
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._writer: psycopg.Connection[tuple[Any, ...]] | None = None
        self._reader: psycopg.Connection[tuple[Any, ...]] | None = None
        try:
            with self.change() as db:
                self._make(db)
        except BaseException:  # whatever it was, no connection is left behind
            self.close()
            raise

    @contextmanager
    def change(self) -> Iterator["Statements"]:
        """One transaction; nothing of it stays if the block raises."""
        with self._lock:
            try:
                self._writer = self._open(self._writer)
                with self._writer.transaction(), self._writer.pipeline():  # nobody waits for an answer nobody asks for
                    yield Statements(self._writer)
            except psycopg.Error as err:
                raise self._trouble(err) from err

    def read(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query answers."""
        with self._reading:
            try:
                self._reader = self._open(self._reader)
                return self._reader.execute(_theirs(query), values).fetchall()
            except psycopg.Error as err:
                raise self._trouble(err) from err

    def close(self) -> None:
        """End both connections; safe to repeat."""
        with self._lock, self._reading:
            for db in (self._writer, self._reader):
                if db is not None:
                    db.close()

    def _open(self, db: psycopg.Connection[tuple[Any, ...]] | None) -> psycopg.Connection[tuple[Any, ...]]:
        if db is not None and not db.closed:
            return db
        made = psycopg.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_S, tcp_user_timeout=ANSWER_S * 1000, keepalives_idle=5
        )
        try:
            made.execute("SET synchronous_commit = on")  # whatever the server's default: a receipt follows
            made.execute(f"SET statement_timeout = '{ANSWER_S}s'")
            self._require_sound(made)
        except BaseException:  # whatever it was, no connection is left behind
            made.close()
            raise
        return made

    def _require_sound(self, db: psycopg.Connection[tuple[Any, ...]]) -> None:
        for name, wanted in (("fsync", "on"), ("full_page_writes", "on"), ("server_encoding", "UTF8")):
            row = db.execute("SELECT current_setting(%s)", (name,)).fetchone()
            if row != (wanted,):
                raise PartError(
                    self._where,
                    found=f"{name} = {row[0] if row else None}",
                    wanted=f"{wanted}: a receipt promises that the record is on a disk",
                    remedy="Set it in postgresql.conf, or make the database anew.",
                )

    def _make(self, db: "Statements") -> None:
        db.execute("SELECT pg_advisory_xact_lock(?)", (_MAKING,))
        if db.execute("SELECT to_regclass('ledger_schema')").fetchone() == (None,):
            for statement in _TABLES:
                db.execute(statement)
        (have,) = db.execute("SELECT version FROM ledger_schema").fetchone()
        if have > SCHEMA:
            raise NewerError(
                self._where,
                found=f"schema {have}",
                wanted=f"schema {SCHEMA}",
                remedy="Start the newer doorunit that made it, or choose another database.",
            )

    def _trouble(self, err: psycopg.Error) -> PartError:
        said = " ".join(str(err).split()) or type(err).__name__
        return PartError(
            self._where,
            found=said,
            wanted="a database that takes and keeps what is written",
            remedy="Units keep everything until it works again; it is tried again by itself.",
        )


class Statements:
    """store.Db over psycopg: ? becomes its %s, and what no key of ours looks like does not reach the database."""

    def __init__(self, db: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._db = db

    def execute(self, query: str, values: Sequence[object] = (), /) -> Rows:
        """One statement. Raises WireError, before the transaction is harmed, for text that the database refuses."""
        for value in values:
            if isinstance(value, str) and (len(value) > TEXT_MAX or "\0" in value):
                raise WireError(
                    "name in a record",
                    found=f"{value[:40]!r}, {len(value)} characters",
                    wanted=f"up to {TEXT_MAX} characters without NUL",
                    remedy="No unit makes such a name; look who may publish at the broker.",
                )
        return self._db.execute(_theirs(query), values or None)


@lru_cache(maxsize=256)
def _theirs(query: str) -> LiteralString:
    """The same statement with psycopg's placeholders. No statement of ours has a % or a ? otherwise."""
    return query.replace("?", "%s")


def _where(url: str) -> str:
    """Which database it is, without its password. Raises ConfigError; off this machine it must show a certificate."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as err:
        raise _misuse(str(err).strip().replace(url, "..."), "postgresql://user@host/database") from err
    host = str(parts.get("host") or "")
    if host and not host.startswith("/") and not is_loopback(host) and parts.get("sslmode") != "verify-full":
        raise _misuse(f"{host} without sslmode=verify-full", "TLS to a database on another machine")
    return f"ledger {parts.get('dbname') or ''} on {host or 'this machine'}"


def _misuse(found: str, wanted: str) -> ConfigError:
    return ConfigError(
        "--ledger", found=found, wanted=wanted, remedy="See deploy/platform/README.md; passwords go into ~/.pgpass."
    )
