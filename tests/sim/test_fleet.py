"""Many units in one process, over a real mosquitto: each its own, and none of them loses anything."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.clock import SystemClock
from edge.loop import Loop
from edge.records import Change, Event
from edge.sim.fleet import Fleet, Plan
from edge.sim.storm import Report, Script, play
from edge.sim.swarm import Door
from edge.sim.time import SimClock
from edge.station.broker import Broker, open_broker
from edge.station.ca import Authority
from edge.station.ledger import Ledger
from edge.station.receiver import Receiver
from edge.uplink.tunnel import show_certificate
from tests.unit.rig import Rig

UNITS = 40
BUSY = 86_400 / 4  # openings a day: one in four seconds


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Broker, Ledger]]:
    """A broker in clear and who receives from it."""
    broker, ledger = open_broker(tmp_path / "broker", None), Ledger(tmp_path / "ledger")
    receiver = Receiver(ledger, SystemClock(), lambda _: None, host=broker.host, port=broker.port, tls=None)
    assert receiver.connected.wait(10)
    yield broker, ledger
    receiver.close()
    ledger.close()
    broker.close()


def stormy(broker: Broker) -> Report:
    plan = Plan(UNITS, BUSY, spread_s=0.2, pulse_s=1)
    script = Script(up_s=20, live_s=2, cut_s=0.5, storm_s=40, settle_s=40)
    return play(plan, Door(broker.host, broker.port, 20), script, SystemClock(), lambda _: None)


def test_a_power_cut_of_all_loses_nothing_and_all_come_back(desk):
    broker, ledger = desk
    report = stormy(broker)
    assert (report.owed, report.units) == (0, UNITS)
    assert report.all_up_s is not None
    assert report.back_s is not None
    assert report.openings > 0
    assert report.pulses > UNITS
    (held,) = ledger.read("SELECT count(*) FROM record")[0]
    assert held == report.made
    assert [ledger.missing(row.unit) for row in ledger.units()] == [[]] * UNITS


def test_each_boots_twice_and_each_passage_has_its_two_ends_in_order(desk):
    broker, ledger = desk
    stormy(broker)
    for row in ledger.units():
        records = [stored.envelope.data.record for stored in reversed(ledger.records(unit=row.unit))]
        kinds = [record.__struct_config__.tag for record in records]
        assert kinds.count("boot") == 2
        changes = [record.change for record in records if isinstance(record, Event)]
        assert all(pair != (Change.SHUT, Change.SHUT) for pair in zip(changes, changes[1:], strict=False))


def test_over_tls_each_shows_a_certificate_of_its_own(tmp_path):
    ca = Authority.open(tmp_path / "ca")
    broker = open_broker(tmp_path / "broker", ca)
    try:
        who = ca.issue("sim000000", tmp_path / "who")
        mine = show_certificate(*map(str, (who.ca_file, who.cert_file, who.key_file)))
        foreign = Authority.open(tmp_path / "foreign").issue("sim000001", tmp_path / "other")
        others = show_certificate(*map(str, (who.ca_file, foreign.cert_file, foreign.key_file)))
        door = Door("localhost", broker.port, 20, {"sim000000": mine, "sim000001": others})
        plan, script = Plan(2, 0, spread_s=0.0), Script(up_s=2, live_s=0, settle_s=0)
        report = play(plan, door, script, SystemClock(), lambda _: None)
    finally:
        broker.close()
    assert report.all_up_s is None, "the broker must not take a certificate of another authority"
    assert report.made == 2, "each recorded that it started"


def test_a_pulse_is_what_a_real_unit_sends(tmp_path):
    turned, clock = SimClock(), SystemClock()
    rig = Rig(tmp_path, turned)
    rig.link.accept()
    rig.live(1)
    fleet = Fleet(Plan(1), Loop(clock.now), clock, lambda *_: pytest.fail("nothing is connected"))
    assert set(msgspec.json.decode(fleet.units[0].numbers())) == set(rig.unit.pulse([]))
