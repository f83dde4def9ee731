"""A ledger, an authority and records as a unit would send them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge import wire
from edge.clock import Quality, Stamp
from edge.records import AnyRecord, Change, Event
from edge.station.ca import Authority
from edge.station.ledger import Ledger
from edge.station.postgres import PostgresStore
from tests.station.database import Database

NOW_NS = 1_795_000_000_000_000_000


def stamp(boot_ns: int = 5_000_000_000, *, boot: str = "b1", clock: Quality = Quality.SYNCED) -> Stamp:
    return Stamp(boot, boot_ns, NOW_NS + boot_ns, clock, 2 if clock is Quality.SYNCED else None)


def event(seq: int, *, epoch: str = "e1", change: Change = Change.OPENED, at: Stamp | None = None) -> Event:
    return Event(epoch=epoch, seq=seq, at=at or stamp(seq * 1_000_000_000), change=change, edges=3, settle_us=900)


@pytest.fixture
def in_sqlite(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "station")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """A PostgreSQL that runs."""
    opened = Database()
    yield opened
    opened.close()


@pytest.fixture
def in_postgres(database: Database) -> Iterator[Ledger]:
    """The same ledger in PostgreSQL, empty."""
    with closing(PostgresStore(database.url)) as store, store.change() as db:
        db.execute("TRUNCATE unit, record, void, anchor, frame RESTART IDENTITY")
    opened = Ledger(PostgresStore(database.url))
    yield opened
    opened.close()


@pytest.fixture
def ledger(in_sqlite: Ledger) -> Ledger:
    return in_sqlite


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.open(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def keep(ledger: Ledger) -> Callable[..., list[int | None]]:
    """Put records of one unit into the ledger, as the receiver would."""

    def put(*records: AnyRecord, unit: str = "door-1", received_ns: int = NOW_NS + 60_000_000_000) -> list[int | None]:
        with ledger.batch() as into:
            into.unit(unit, received_ns)
            return [
                into.record(unit, wire.decode(unit, wire.encode(unit, record, {})), received_ns) for record in records
            ]

    return put
