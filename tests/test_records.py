"""Records are frozen, and come back from the spool as they went in, or not at all."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import Quality, Stamp
from edge.records import (
    Alarm,
    Alarmed,
    AnyRecord,
    Audit,
    Boot,
    Change,
    ClockAnchor,
    Event,
    FrameSet,
    Gap,
    GapReason,
    Source,
    pack,
    unpack,
)
from tests import draws

quick = settings(max_examples=120, deadline=None)
AT = Stamp("boot-1", 5, 6, Quality.RTC)
ONE_OF_EACH = (
    Event(epoch="e", seq=1, at=AT, change=Change.OPENED),
    FrameSet(epoch="e", seq=2, at=AT, event=1, of="e"),
    ClockAnchor(epoch="e", seq=3, at=AT),
    Gap(epoch="e", seq=4, at=AT, reason=GapReason.FULL),
    Boot(epoch="e", seq=5, at=AT, version="1", clean=True, new_boot=False),
    Audit(epoch="e", seq=6, at=AT, what="erased", by="unit", detail={"records": 0}, of="d"),
    Alarm(epoch="e", seq=7, at=AT, what=Alarmed.TAMPER, source=Source.LID),
)


@quick
@given(draws.records)
def test_every_record_comes_back_as_it_was_packed(record: AnyRecord):
    again = unpack(pack(record))
    assert again == record
    assert type(again) is type(record)


@quick
@given(draws.records)
def test_a_packed_record_is_one_line_of_json_that_names_its_kind(record: AnyRecord):
    raw = pack(record)
    assert b"\n" not in raw
    assert msgspec.json.decode(raw)["kind"] == record.__struct_config__.tag


def test_each_kind_of_record_has_a_name_of_its_own_on_the_card():
    kinds = [msgspec.json.decode(pack(record))["kind"] for record in ONE_OF_EACH]
    assert kinds == [
        "event",
        "frames",
        "anchor",
        "gap",
        "boot",
        "audit",
        "alarm",
    ]  # what cards in the field already hold: never rename


def test_an_event_stands_on_the_card_as_earlier_versions_wrote_it():
    stored = (
        b'{"kind":"event","epoch":"e1","seq":57,"at":{"boot":"b","boot_ns":1,"wall_ns":2,"clock":"synced",'
        b'"error_ms":3},"change":"opened","edges":4,"settle_us":5}'
    )
    at = Stamp("b", 1, 2, Quality.SYNCED, 3)
    event = Event(epoch="e1", seq=57, at=at, change=Change.OPENED, edges=4, settle_us=5)
    assert unpack(stored) == event
    assert pack(event) == stored


def test_a_field_that_a_later_version_added_is_passed_over():
    raw = pack(ONE_OF_EACH[0])
    assert unpack(raw[:-1] + b',"new":{"x":[1]}}') == ONE_OF_EACH[0]


@quick
@given(draws.records, st.data())
def test_a_record_that_was_cut_short_is_refused(record: AnyRecord, data: st.DataObject):
    raw = pack(record)
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    with pytest.raises(msgspec.DecodeError):
        unpack(cut)


@quick
@given(st.binary(max_size=60))
def test_bytes_that_are_no_record_are_refused(raw: bytes):
    with pytest.raises(msgspec.DecodeError):
        unpack(raw)


@quick
@given(draws.records, st.data())
def test_one_byte_that_turned_never_raises_anything_but_a_decode_error(record: AnyRecord, data: st.DataObject):
    raw = bytearray(pack(record))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        again = unpack(bytes(raw))
    except msgspec.DecodeError:
        return
    assert isinstance(again, AnyRecord)


@pytest.mark.parametrize("raw", [b'{"kind":"\xff"}', b'"\xff"', b"[" * 100_000, b'{"kind":' * 100_000])
def test_garbled_text_and_a_bottomless_nest_are_decode_errors_too(raw: bytes):
    with pytest.raises(msgspec.DecodeError):
        unpack(raw)


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: record.__struct_config__.tag)
def test_no_record_can_be_changed_once_it_is_made(record: AnyRecord):
    with pytest.raises(AttributeError):
        record.seq = 99
    with pytest.raises(AttributeError):
        record.at.wall_ns = 99


@pytest.mark.parametrize("field", ["epoch", "seq", "at", "change"])
def test_an_event_without_what_names_it_is_refused(field: str):
    stored = msgspec.json.decode(pack(ONE_OF_EACH[0]))
    del stored[field]
    with pytest.raises(msgspec.ValidationError, match=field):
        unpack(msgspec.json.encode(stored))


@pytest.mark.parametrize(
    ("field", "value"), [("change", "ajar"), ("kind", "visit"), ("seq", "7"), ("at", None), ("edges", 1.5)]
)
def test_a_field_with_a_strangers_value_is_refused(field: str, value: object):
    stored = msgspec.json.decode(pack(ONE_OF_EACH[0]))
    with pytest.raises(msgspec.ValidationError):
        unpack(msgspec.json.encode(stored | {field: value}))


def test_what_is_not_known_of_a_loss_is_absent_and_not_nothing():
    unknown = Gap(epoch="e", seq=1, at=AT, reason=GapReason.CORRUPT)
    assert (unknown.records, unknown.frames) == (None, None)
    none_lost = Gap(epoch="e", seq=1, at=AT, reason=GapReason.FULL, records=0)
    assert unpack(pack(none_lost)).records == 0
    assert unpack(pack(unknown)).records is None
