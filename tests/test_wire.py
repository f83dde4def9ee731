"""The wire, version 1: what is read is what was sent, no time is better than it is known, no stranger gets through."""

import json
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge import wire
from edge.clock import MS, Quality, Stamp, know
from edge.errors import WireError
from edge.records import AnyRecord, Change, Event
from tests import draws

quick = settings(max_examples=100, deadline=None)
seqs = st.sets(st.integers(0, 60)) | st.sets(draws.counts)
walls = st.integers(1, draws.LATEST_NS)
places = st.fixed_dictionaries({b: st.tuples(st.none() | walls, st.none() | walls) for b in draws.BOOTS})
some_anchors = st.dictionaries(draws.boots, draws.stamps(clock=Quality.SYNCED)).map(
    lambda found: {boot: msgspec.structs.replace(stamp, boot=boot) for boot, stamp in found.items()}
)
SYNCED = Stamp("b", 10, 1_790_000_000_123_456_789, Quality.SYNCED, 4)
UNSYNCED = Stamp("b", 10, 77, Quality.UNSYNCED)
GARBLED = [b"", b"null", b"{", b'{"id":"\xff"}', b"[" * 100_000, b'{"data":' * 100_000, b"\x00\x01"]
READERS = {
    "record": lambda raw: wire.decode("u-1", raw),
    "receipt": wire.read_receipt,
}


def event(at: Stamp, since: Stamp | None = None) -> Event:
    """An opening."""
    return Event(epoch="e1", seq=57, at=at, change=Change.OPENED, since=since)


def sent(
    record: AnyRecord, anchors: dict[str, Stamp] | None = None, known: dict[str, wire.Bounds] | None = None
) -> wire.Envelope:
    """The record as the station reads it. known: what bounds each boot."""
    bounds = {} if known is None else {"bounds": known.__getitem__}
    return wire.decode("u-1", wire.encode("u-1", record, anchors or {}, **bounds))


def dicts(tree: object) -> list[dict[str, Any]]:
    """Every object within a JSON tree."""
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [*([tree] if isinstance(tree, dict) else []), *(found for part in inner for found in dicts(part))]


def iso(wall_ns: int | None) -> str | None:
    """RFC 3339, by another way than edge/wire.py takes."""
    if wall_ns is None:
        return None
    whole = datetime.fromtimestamp(wall_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{wall_ns % 10**9 // 1000:06}Z"


# Records


@quick
@given(draws.names, draws.records, some_anchors, places)
def test_what_is_decoded_is_what_was_encoded(unit, record, anchors, known):
    envelope = wire.decode(unit, wire.encode(unit, record, anchors, known.__getitem__))
    assert envelope.data.record == record
    assert (envelope.id, envelope.source) == (f"{unit}/{record.epoch}/{record.seq}", f"/door/{unit}")


@quick
@given(draws.records, some_anchors)
def test_the_time_is_the_best_that_is_known_at_sending_and_says_how_good_it_is(record, anchors):
    envelope, best = sent(record, anchors), know(record.at, anchors.get(record.at.boot))
    assert (envelope.time, envelope.data.clock, envelope.data.error_ms) == (
        iso(best.wall_ns),
        best.clock,
        best.error_ms,
    )


def test_an_opening_travels_in_exactly_this_form_which_platforms_rely_on():
    at = {"boot": "b", "boot_ns": 10, "wall_ns": 1_790_000_000_123_456_789, "clock": "synced", "error_ms": 4}
    assert msgspec.json.decode(wire.encode("u-1", event(SYNCED), {})) == {
        "id": "u-1/e1/57",
        "source": "/door/u-1",
        "type": "doorunit.event.v1",
        "specversion": "1.0",
        "time": "2026-09-21T14:13:20.123456Z",
        "datacontenttype": "application/json",
        "data": {
            "record": {"kind": "event", "epoch": "e1", "seq": 57, "at": at, "change": "opened"},
            "clock": "synced",
            "error_ms": 4,
        },
    }


def test_every_kind_of_record_has_a_type_of_its_own_on_the_wire():
    assert set(wire.TYPES) == set(typing.get_args(AnyRecord))
    assert len(set(wire.TYPES.values())) == len(wire.TYPES)
    assert all(name.startswith("doorunit.") and name.endswith(f".v{wire.VERSION}") for name in wire.TYPES.values())


def test_where_nothing_is_known_the_time_is_absent_and_not_empty():
    raw = msgspec.json.decode(wire.encode("u-1", event(UNSYNCED), {}))
    assert "time" not in raw
    assert set(raw["data"]) == {"record", "clock"}


def test_an_anchor_that_came_later_mends_the_time_and_leaves_the_raw_values():
    anchor = Stamp("b", 1010, 1_790_000_000_000_001_000, Quality.SYNCED, 4)
    envelope = sent(event(UNSYNCED), {"b": anchor})
    assert (envelope.time, envelope.data.clock) == (iso(1_790_000_000_000_000_000), Quality.SYNCED)
    assert envelope.data.record.at == UNSYNCED


# Intervals


def ends(since: Stamp, at: Stamp, anchors: dict[str, Stamp], places: dict[str, wire.Bounds]) -> tuple[int | None, ...]:
    """Between which instants it must have happened: a synced clock's error apart, or what bounds the boot."""
    found = []
    for stamp, sign, end in ((since, -1, 0), (at, 1, 1)):
        best = know(stamp, anchors.get(stamp.boot))
        synced = best.clock is Quality.SYNCED
        found.append(best.wall_ns + sign * best.error_ms * MS if synced else places[stamp.boot][end])
    return tuple(found)


@quick
@given(draws.records, some_anchors, places)
def test_a_record_whose_clock_was_never_confirmed_is_sent_between_what_bounds_its_boot(record, anchors, known):
    assume(not (isinstance(record, Event) and record.since))
    envelope = sent(record, anchors, known)
    synced = envelope.data.clock is Quality.SYNCED
    low, high = known[record.at.boot]
    assert envelope.data.interval == (None if synced or low is high is None else (iso(low), iso(high)))


@quick
@given(draws.stamps(), draws.stamps(), some_anchors, places)
def test_a_change_between_two_instants_is_sent_with_the_earliest_and_the_latest_it_can_be(since, at, anchors, known):
    low, high = ends(since, at, anchors, known)
    wanted = None if low is high is None else (iso(low), iso(high))
    assert sent(event(at, since), anchors, known).data.interval == wanted


def test_a_clock_that_was_only_restored_is_no_end_of_an_interval():
    restored = Stamp("b", 10, 1_790_000_000_000_000_000, Quality.RESTORED)
    assert sent(event(restored, SYNCED)).data.interval == ("2026-09-21T14:13:20.119456Z", None)
    assert sent(event(restored, restored)).data.interval is None


def test_a_synced_record_without_a_since_needs_no_interval():
    assert sent(event(SYNCED), {}, {"b": (1, 2)}).data.interval is None


def test_an_unsynced_record_of_which_nothing_is_known_has_no_interval():
    assert sent(event(UNSYNCED)).data.interval is None
    assert sent(event(UNSYNCED), {}, {"b": (None, None)}).data.interval is None


# What must not get through


@quick
@given(draws.records, st.sampled_from(["u", "u-11", "u-2", "U-1", ""]))
def test_a_unit_may_not_speak_for_another(record: AnyRecord, other: str):
    with pytest.raises(WireError, match="may only speak for itself"):
        wire.decode(other, wire.encode("u-1", record, {}))


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "u-1/e1/58"), ("id", "u-1/e2/57"), ("id", "u-1/e1/57/"), ("type", "doorunit.boot.v1"), ("type", "")],
)
def test_an_envelope_that_names_another_record_than_it_holds_is_refused(field: str, value: str):
    raw = msgspec.json.decode(wire.encode("u-1", event(SYNCED), {}))
    with pytest.raises(WireError) as caught:
        wire.decode("u-1", msgspec.json.encode(raw | {field: value}))
    assert value in caught.value.found
    assert "u-1/e1/57 of type doorunit.event.v1" in caught.value.wanted


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("payload", GARBLED, ids=lambda raw: repr(raw[:10]))
def test_what_cannot_be_read_is_a_wire_error_and_no_other(read: Callable[[bytes], object], payload: bytes):
    with pytest.raises(WireError) as caught:
        read(payload)
    assert caught.value.wanted
    assert caught.value.remedy


@quick
@given(draws.records, st.data())
def test_a_message_with_one_byte_turned_is_read_or_refused_and_never_breaks_the_reader(record, data):
    raw = bytearray(wire.encode("u-1", record, {}))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        envelope = wire.decode("u-1", bytes(raw))
    except WireError:
        return
    assert envelope.id == f"u-1/{envelope.data.record.epoch}/{envelope.data.record.seq}"


@quick
@given(draws.records, st.data())
def test_a_number_that_no_database_holds_is_refused_wherever_it_stands(record, data):
    raw = msgspec.json.decode(wire.encode("u-1", record, {}))
    places_ = [(of, key) for of in dicts(raw["data"]["record"]) for key, value in of.items() if type(value) is int]
    of, key = data.draw(st.sampled_from(places_))
    of[key] = data.draw(st.sampled_from([2**63, -(2**63) - 1, 10**30]))
    raw["id"] = f"u-1/{record.epoch}/{raw['data']['record']['seq']}"
    with pytest.raises(WireError):
        wire.decode("u-1", json.dumps(raw).encode())


@pytest.mark.parametrize("where", ["time", "interval"])
@pytest.mark.parametrize("text", ["", "yesterday", "2026-09-21", "2026-09-21T14:13:20+08:00"])
def test_a_time_that_no_page_could_show_is_refused(where: str, text: str):
    raw = msgspec.json.decode(wire.encode("u-1", event(SYNCED), {}))
    if where == "time":
        raw["time"] = text
    else:
        raw["data"]["interval"] = [None, text]
    with pytest.raises(WireError):
        wire.decode("u-1", msgspec.json.encode(raw))


def test_the_largest_number_that_fits_is_taken():
    largest = Stamp("b", 2**63 - 1, 2**63 - 1, Quality.SYNCED, 1)
    assert sent(event(largest)).time == "2262-04-11T23:47:16.854775Z"


def test_a_kind_of_record_from_a_later_version_is_refused_with_what_to_compare():
    raw = wire.encode("u-1", event(SYNCED), {}).replace(b'"kind":"event"', b'"kind":"visit"')
    with pytest.raises(WireError, match="Compare the unit's software version"):
        wire.decode("u-1", raw)


def test_fields_that_a_later_version_added_are_passed_over():
    raw = wire.encode("u-1", event(SYNCED), {}).replace(b'"specversion"', b'"traceparent":"00","specversion"')
    assert wire.decode("u-1", raw) == sent(event(SYNCED))


# Receipts


@quick
@given(seqs)
def test_ranges_hold_exactly_the_seqs_they_were_made_of(found: set[int]):
    made = wire.ranges(found)
    assert sum(high - low + 1 for low, high in made) == len(found)
    assert all(any(low <= seq <= high for low, high in made) for seq in found)


@quick
@given(seqs)
def test_ranges_are_in_order_and_as_few_as_can_be(found: set[int]):
    made = wire.ranges(found)
    assert all(low <= high for low, high in made)
    assert all(a[1] + 1 < b[0] for a, b in zip(made, made[1:], strict=False))


@quick
@given(st.lists(st.integers(0, 30)), st.randoms())
def test_ranges_ask_neither_order_nor_that_a_seq_comes_once(found: list[int], dice):
    shuffled = found + found[:3]
    dice.shuffle(shuffled)
    assert wire.ranges(shuffled) == wire.ranges(found)


def test_ranges_of_nothing_are_none_and_of_neighbours_one():
    assert wire.ranges([]) == ()
    assert wire.ranges([7, 3, 1, 2]) == ((1, 3), (7, 7))


@quick
@given(draws.names, seqs)
def test_a_receipt_is_read_as_it_was_given(epoch: str, found: set[int]):
    assert wire.read_receipt(wire.receipt(epoch, found)) == wire.Receipt(epoch, wire.ranges(found))


def test_a_receipt_travels_in_exactly_this_form_which_platforms_write():
    assert wire.receipt("e1", [1, 2, 60]) == b'{"epoch":"e1","stored":[[1,2],[60,60]]}'


@pytest.mark.parametrize("payload", [b'{"epoch":"e"}', b'{"epoch":"e","stored":[[1]]}', b'{"stored":[[1,2]]}'])
def test_half_a_receipt_forgets_nothing_and_says_so(payload: bytes):
    with pytest.raises(WireError, match="Records stay in the spool"):
        wire.read_receipt(payload)


# Topics and small messages


def test_a_topic_names_wire_version_unit_and_leaf():
    assert wire.topic("u-1", "event") == "door/v1/u-1/event"


@quick
@given(walls)
def test_a_time_is_utc_to_the_microsecond_and_never_later_than_it_was(wall_ns: int):
    assert wire.rfc3339(wall_ns) == iso(wall_ns)


@quick
@given(walls)
def test_a_time_is_read_back_to_the_microsecond(wall_ns: int):
    assert wire.from_rfc3339(wire.rfc3339(wall_ns)) == wall_ns // 1000 * 1000


@pytest.mark.parametrize(
    ("text", "wall_ns"),
    [("1970-01-01T00:00:01Z", 10**9), ("1970-01-01T00:00:00.5Z", 5 * 10**8), ("1970-01-02T00:00:00.000000001Z", 1)],
)
def test_another_platforms_fraction_of_a_second_may_be_of_any_length(text: str, wall_ns: int):
    assert wire.from_rfc3339(text) == wall_ns + (86_400 * 10**9 if "02T" in text else 0)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Z", "2026-11-24", "2026-11-24T08:00", "2026-11-24T08:00:00+08:00", "2026-11-24T08:00:00.xZ"),
        *("2026-11-24T08:00:00", "2026-11-24T08:00:00ZZ", "2026-11-24T08:00:00.-5Z", "2026-11-24T08:00:00.1_1Z"),
    ],
)
def test_a_time_that_is_not_utc_to_the_second_is_refused_and_not_guessed(text: str):
    with pytest.raises(ValueError):
        wire.from_rfc3339(text)


def test_small_messages_are_plain_json_in_utf8():
    assert (
        wire.to_json({"door": "open", "since": None, "zh": "门"}) == '{"door":"open","since":null,"zh":"门"}'.encode()
    )
