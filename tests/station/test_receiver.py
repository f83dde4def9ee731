"""Over a real mosquitto: committed before it is receipted, once each, and nothing unreadable gets in."""

import json
import queue
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge import wire
from edge.clock import SystemClock
from edge.station.broker import Broker, open_broker
from edge.station.receiver import News, Receiver
from tests.station.conftest import event

PATIENCE_S = 10


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    opened = open_broker(tmp_path_factory.mktemp("broker"), None)
    yield opened
    opened.close()


@pytest.fixture
def news() -> "queue.SimpleQueue[News]":
    return queue.SimpleQueue()


@pytest.fixture
def receiver(ledger, broker, news) -> Iterator[Receiver]:
    opened = Receiver(ledger, SystemClock(), news.put, host=broker.host, port=broker.port, tls=None)
    assert opened.connected.wait(PATIENCE_S)
    yield opened
    opened.close()


class Unit:
    """Publishes as a unit would and hears its receipts."""

    def __init__(self, broker: Broker, unit: str = "door-1") -> None:
        self._unit = unit
        self.receipts: queue.SimpleQueue[wire.Receipt] = queue.SimpleQueue()
        listening: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.client = Client(CallbackAPIVersion.VERSION2, unit, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = lambda _c, _d, m: self.receipts.put(wire.read_receipt(m.payload))
        self.client.on_subscribe = lambda _c, _d, mid, _r, _p: listening.put(mid)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        self.client.subscribe(wire.topic(unit, "receipt"), 1)
        listening.get(timeout=PATIENCE_S)

    def say(self, leaf: str, payload: bytes) -> None:
        self.client.publish(wire.topic(self._unit, leaf), payload, qos=1).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def unit(broker) -> Iterator[Unit]:
    opened = Unit(broker)
    yield opened
    opened.close()


def sent(seq: int, unit: str = "door-1") -> bytes:
    return wire.encode(unit, event(seq), {})


def test_a_receipt_leaves_only_after_the_record_is_in_the_file(receiver, unit, tmp_path: Path):
    unit.say("event", sent(1))
    assert unit.receipts.get(timeout=PATIENCE_S) == wire.Receipt("e1", ((1, 1),))
    other = sqlite3.connect(f"file:{tmp_path}/station/ledger.db?mode=ro", uri=True)
    assert other.execute("SELECT unit, epoch, seq FROM record").fetchall() == [("door-1", "e1", 1)]
    other.close()


def test_a_record_that_comes_again_is_receipted_again_and_told_once(receiver, unit, ledger, news):
    for _ in range(2):
        unit.say("event", sent(1))
        assert unit.receipts.get(timeout=PATIENCE_S).stored == ((1, 1),)
    assert ledger.count("door-1") == 1
    assert [len(news.get(timeout=PATIENCE_S).records) for _ in range(2)] == [1, 0]


def test_many_records_are_receipted_as_few_ranges(receiver, unit, ledger):
    for seq in range(1, 301):
        unit.client.publish(wire.topic("door-1", "event"), sent(seq), qos=1)
    held: set[int] = set()
    messages = 0
    while len(held) < 300:
        receipt = unit.receipts.get(timeout=PATIENCE_S)
        messages += 1
        held |= {seq for low, high in receipt.stored for seq in range(low, high + 1)}
    assert ledger.count("door-1") == 300
    assert messages < 300


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"id":"door-1/e1/1"}',
        sent(1, unit="door-2"),
        sent(1).replace(b"event.v1", b"boot.v1"),
    ],
)
def test_what_is_not_a_record_of_that_unit_is_counted_and_gets_no_receipt(receiver, unit, ledger, payload):
    unit.say("event", payload)
    unit.say("event", sent(9))
    assert unit.receipts.get(timeout=PATIENCE_S).stored == ((9, 9),)
    assert receiver.refused == 1
    assert ledger.count("door-1") == 1


def test_state_online_and_pulse_become_the_door(receiver, unit, ledger, news):
    unit.say("online", b'{"online": true, "boot": "b1"}')
    unit.say("state", b'{"door": "open"}')
    unit.say("pulse", json.dumps({"backlog": 2}).encode())
    unit.say("pulse", b"not json")
    unit.say("event", sent(1))
    unit.receipts.get(timeout=PATIENCE_S)
    (row,) = ledger.units()
    assert (row.online, row.state, row.pulse) == (True, {"door": "open"}, {"backlog": 2})


NEST = b"[" * 985 + b"]" * 985


@pytest.mark.parametrize(
    ("leaf", "payload"),
    [
        ("pulse", b'{"deep": ' + NEST + b"}"),
        ("pulse", b'{"warnings": 1}'),
        ("pulse", b'{"warnings": [null]}'),
        ("state", b'{"since": "soon"}'),
        ("state", b'{"since": 5}'),
        ("online", b"[1]"),
    ],
)
def test_what_the_page_could_not_show_is_not_kept_and_nothing_of_it_ends_the_receiver(
    receiver, unit, ledger, leaf, payload
):
    unit.say(leaf, payload)
    unit.say("event", sent(9))
    assert unit.receipts.get(timeout=PATIENCE_S).stored == ((9, 9),)
    assert receiver.refused == 1
    (row,) = ledger.units()
    assert (row.online, row.state, row.pulse) == (False, {}, None)


def test_under_a_name_that_no_unit_has_nothing_is_kept(receiver, broker, unit, ledger):
    stranger = Unit(broker, "Door 1")
    stranger.say("event", sent(1, unit="Door 1"))
    stranger.close()
    unit.say("event", sent(9))
    unit.receipts.get(timeout=PATIENCE_S)
    assert receiver.refused == 1
    assert [row.unit for row in ledger.units()] == ["door-1"]


def test_a_ledger_that_refuses_costs_the_receipt_and_then_works_again(receiver, unit, ledger):
    unit.say("event", sent(1))
    unit.receipts.get(timeout=PATIENCE_S)
    (pages,) = ledger.store.db.execute("PRAGMA page_count").fetchone()
    (most,) = ledger.store.db.execute(f"PRAGMA max_page_count = {pages}").fetchone()
    for seq in range(2, 60):
        unit.say("event", sent(seq))
    ledger.store.db.execute("PRAGMA max_page_count = 1000000")
    assert most == pages
    held = {1}
    while 99 not in held:
        unit.say("event", sent(99))
        receipt = unit.receipts.get(timeout=PATIENCE_S)
        held |= {seq for low, high in receipt.stored for seq in range(low, high + 1)}
    kept = {stored.envelope.data.record.seq for stored in ledger.records(limit=1000)}
    assert held == kept, "what was receipted is what is kept"


def test_a_record_does_not_wait_for_the_pulses_before_it(ledger, broker, receiver, news):
    unit = Unit(broker)
    unit.say("pulse", b'{"backlog": 1}')
    unit.say("event", wire.encode("door-1", event(1), {}))
    assert unit.receipts.get(timeout=PATIENCE_S).stored == ((1, 1),)
    unit.close()
