"""The ledger in PostgreSQL: away and back, side by side, and nothing that only SQLite can hold harms the rest."""

import queue
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from edge import wire
from edge.clock import SystemClock
from edge.errors import ConfigError, NewerError, PartError, WireError
from edge.records import Gap, GapReason
from edge.station.broker import Broker, open_broker
from edge.station.ledger import Ledger
from edge.station.postgres import PostgresStore
from edge.station.receiver import News, Receiver
from tests.station.conftest import event, stamp
from tests.station.test_receiver import PATIENCE_S, Unit, sent


@pytest.fixture
def ledger(in_postgres: Ledger) -> Ledger:
    return in_postgres


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    opened = open_broker(tmp_path_factory.mktemp("broker"), None)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ["e\0", "e" * 201])
def test_a_name_that_no_unit_makes_is_refused_and_the_rest_of_its_batch_is_kept(ledger, name):
    def tell(into, record):
        into.record("door-1", wire.decode("door-1", wire.encode("door-1", record, {})), 1)

    with ledger.batch() as into:
        tell(into, event(1))
        with pytest.raises(WireError, match="name in a record: found"):
            tell(into, event(2, epoch=name))
        tell(into, event(3))
    assert ledger.count("door-1") == 2


def test_what_only_the_body_holds_may_be_any_text(ledger, keep):
    gap = Gap(epoch="e1", seq=2, at=stamp(), reason=GapReason.FULL, of="")
    odd = event(1, at=stamp(boot="b\u00e9"))
    keep(odd, gap)
    assert [stored.envelope.data.record for stored in ledger.records()] == [gap, odd]


def test_a_password_is_in_no_message():
    with pytest.raises(PartError, match="ledger doors on /nowhere: found") as caught:
        PostgresStore("postgresql://doorunit:hush@/doors?host=/nowhere")
    assert "hush" not in str(caught.value)


def test_a_database_on_another_machine_must_show_a_certificate():
    with pytest.raises(ConfigError, match="db.example without sslmode=verify-full"):
        PostgresStore("postgresql://doorunit@db.example/doors")


def test_what_is_no_address_of_a_database_is_a_misuse():
    with pytest.raises(ConfigError, match="--ledger: found"):
        PostgresStore("postgresql://doorunit@/doors?nonsense=1")


def test_a_database_that_does_not_sync_is_refused(database):
    database.stop("fast")
    database.start("-c fsync=off")
    try:
        with pytest.raises(PartError, match="found fsync = off; want on"):
            PostgresStore(database.url)
    finally:
        database.stop("fast")
        database.start()


def test_a_newer_database_is_left_alone(ledger, database):
    with ledger.change() as db:
        db.execute("UPDATE ledger_schema SET version = 99")
    try:
        with pytest.raises(NewerError, match="found schema 99; want schema 1"):
            PostgresStore(database.url)
    finally:
        with ledger.change() as db:
            db.execute("UPDATE ledger_schema SET version = 1")


def test_while_the_database_is_away_nothing_is_receipted_and_afterwards_all_is_as_before(ledger, database, broker):
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    with ExitStack() as on:
        receiver = Receiver(ledger, SystemClock(), news.put, host=broker.host, port=broker.port, tls=None)
        on.callback(receiver.close)
        assert receiver.connected.wait(PATIENCE_S)
        unit = Unit(broker)
        on.callback(unit.close)
        unit.say("event", sent(1))
        assert unit.receipts.get(timeout=PATIENCE_S).stored == ((1, 1),)
        news.get(timeout=PATIENCE_S)
        database.stop()
        unit.say("state", b'{"door": "open"}')
        unit.say("event", sent(2))
        database.start()
        told = {1}
        while 3 not in told:
            unit.say("event", sent(3))
            news.get(timeout=PATIENCE_S)
            while not unit.receipts.empty():
                told |= {seq for low, high in unit.receipts.get().stored for seq in range(low, high + 1)}
        held = {seq for seq in (1, 2, 3) if ledger.holds("door-1", "e1", seq)}
    assert told == held, "2 may have come while there was no database, or when there was one again"
    row = ledger.unit("door-1")
    assert row is not None
    assert row.state == {"door": "open"}, "what the unit does not say again was kept until it could be written"


def test_receivers_side_by_side_share_the_work_and_each_record_is_kept_once(ledger, database, broker, caplog):
    heard: list[set[int]] = [set(), set()]
    names = [f"door-{i}" for i in range(6)]
    with ExitStack() as on:
        for i, mine in enumerate(heard):
            own = on.enter_context(closing(Ledger(PostgresStore(database.url))))
            receiver = Receiver(
                own,
                SystemClock(),
                lambda news, mine=mine: mine.update(news.records),
                host=broker.host,
                port=broker.port,
                tls=None,
                name=f"receiver-{i}",
                group="receivers",
            )
            on.callback(receiver.close)
            assert receiver.connected.wait(PATIENCE_S)
        units = {name: on.enter_context(closing(Unit(broker, name))) for name in names}
        for seq in range(1, 41):
            for name in names if seq % 2 else reversed(names):
                for _ in range(2):  # one for each receiver
                    units[name].client.publish(wire.topic(name, "event"), sent(seq, name), qos=1)
        for unit in units.values():
            held: set[int] = set()
            while held != set(range(1, 41)):
                receipt = unit.receipts.get(timeout=PATIENCE_S)
                held |= {seq for low, high in receipt.stored for seq in range(low, high + 1)}
    assert [ledger.count(name) for name in names] == [40] * 6
    assert len(heard[0]) + len(heard[1]) == 240
    assert all(heard), "both had their share"
    assert "deadlock" not in caplog.text
