"""What the Pico W says is what the station reads: edge.wire takes every kind of its records, and agrees on the time."""

from collections.abc import Iterator

import msgspec
import pytest

from drivers.examples.pico_w_wire import BoardClock, Door, Outbox, message, online, pulse, state
from drivers.reed import FAULT, SETTLED, Report
from edge import wire
from edge.clock import Stamp
from edge.identity import UNIT_ID
from edge.records import Boot, ClockAnchor, Event, Gap

UNIT = "door-17"
UTC_S = 1_795_510_923


def minus(later: int, earlier: int) -> int:
    return later - earlier


def history(synced_first: bool) -> Iterator[tuple[dict, dict | None]]:
    """Every kind of record that a board makes, and its anchor at sending."""
    clock = BoardClock("0f" * 16, 0, minus)
    outbox = Outbox("ab" * 8, 8)
    door = Door(clock, outbox)
    if synced_first:
        outbox.put("anchor", clock.sync(clock.at(500_000), UTC_S))
    outbox.put("boot", clock.stamp(0), {"version": "pico-1", "clean": False, "new_boot": True})
    for i in range(8):
        at_us = 1_000_000 * (i + 1)
        clock.at(at_us)
        door.report(Report(SETTLED, i % 2 == 0, at_us, at_us + 900, 3, False, False))
    door.report(Report(FAULT, None, 9_000_000, 12_000_000, 400, False, True))
    outbox.tell_gap(clock.stamp(clock.at(13_000_000)))
    if not synced_first:
        outbox.put("anchor", clock.sync(clock.at(60_000_000), UTC_S))
    for record in outbox.records:
        yield record, None if clock.anchor is None else dict(clock.anchor)


@pytest.mark.parametrize("synced_first", [False, True])
def test_the_station_reads_every_record_and_dates_it_alike(synced_first: bool):
    kinds = set()
    for record, anchor in history(synced_first):
        envelope = wire.decode(UNIT, message(UNIT, record, anchor))
        kinds.add(type(envelope.data.record))
        anchors = {anchor["boot"]: msgspec.convert(anchor, Stamp)}
        again = wire.decode(UNIT, wire.encode(UNIT, envelope.data.record, anchors))
        assert envelope == again
        assert envelope.time is not None
    assert kinds == {Event, Gap} | (set() if synced_first else {ClockAnchor})


def test_a_record_that_was_never_dated_is_read_as_such():
    for record, _ in history(synced_first=False):
        if record["kind"] != "anchor":
            envelope = wire.decode(UNIT, message(UNIT, record, None))
            assert envelope.time is None
            assert envelope == wire.decode(UNIT, wire.encode(UNIT, envelope.data.record, {}))


def test_a_boot_record_is_read():
    clock = BoardClock("0f" * 16, 0, minus)
    outbox = Outbox("ab" * 8)
    record = outbox.put("boot", clock.stamp(0), {"version": "pico-1", "clean": False, "new_boot": True})
    assert type(wire.decode(UNIT, message(UNIT, record, None)).data.record) is Boot


def test_it_forgets_on_the_stations_own_receipt():
    outbox = Outbox("ab" * 8)
    for _ in range(5):
        outbox.put("event", {})
    assert outbox.receipt(wire.receipt("ab" * 8, [1, 2, 4])) == 3
    assert [record["seq"] for record in outbox.records] == [3, 5]


def test_its_small_messages_have_the_fields_that_the_station_works_with():
    from edge.station.receiver import _Known, _told

    clock = BoardClock("0f" * 16, 0, minus)
    door = Door(clock, Outbox("ab" * 8))
    told = state(door, None), pulse(clock, 5, door, Outbox("ab" * 8), 0), online(clock.boot, False)
    for payload in told:
        msgspec.convert(_told.decode(payload), _Known)
    assert _told.decode(told[2])["online"] is False
    assert UNIT_ID.fullmatch(UNIT)
