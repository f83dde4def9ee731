"""What the page is shown is what the ledger holds, with times no better than they are."""

import json
import re
from pathlib import Path

import msgspec

from edge.clock import Quality
from edge.records import Alarm, Alarmed, Boot, Change, ClockAnchor, Event, FrameSet, Source
from edge.sim.chips import LOOP_UV
from edge.station import views
from edge.station.ledger import Picture
from tests.station.conftest import NOW_NS, event, stamp


def entries(ledger):
    return [views.entry(ledger, stored) for stored in ledger.records()]


def test_an_event_shows_when_it_was_and_how_late_it_came(ledger, keep):
    keep(event(1), received_ns=NOW_NS + 1_250_000_000)
    (entry,) = entries(ledger)
    assert entry["time"] == "2026-11-18T11:06:41.000000Z"
    assert entry["delay_ms"] == 250
    assert (entry["kind"], entry["change"], entry["clock"], entry["error_ms"]) == ("event", "opened", "synced", 2)
    assert (entry["edges"], entry["settle_us"]) == (3, 900)


def test_an_event_of_an_unset_clock_has_no_time_until_an_anchor_comes(ledger, keep):
    keep(event(1, at=stamp(7_000_000_000, clock=Quality.UNSYNCED)))
    (entry,) = entries(ledger)
    assert (entry["time"], entry["delay_ms"], entry["clock"]) == (None, None, "unsynced")
    keep(ClockAnchor(epoch="e1", seq=2, at=stamp(9_000_000_000)))
    entry = entries(ledger)[-1]
    assert entry["time"] == "2026-11-18T11:06:47.000000Z"
    assert entry["clock"] == "synced"
    assert entry["error_ms"] >= 2


def test_a_change_while_the_unit_was_off_shows_the_interval(ledger, keep):
    keep(Event(epoch="e1", seq=1, at=stamp(9_000_000_000), change=Change.OPENED, since=stamp(4_000_000_000)))
    (entry,) = entries(ledger)
    assert entry["interval"] == ("2026-11-18T11:06:43.998000Z", "2026-11-18T11:06:49.002000Z")


def test_an_opening_shows_its_pictures_with_their_addresses(ledger, keep):
    keep(event(1))
    with ledger.batch() as into:
        into.frame(Picture("a" * 64, "door-1", "e1", 1, stamp(1_500_000_000)), 1)
    (entry,) = entries(ledger)
    assert [f["url"] for f in entry["frames"]] == ["/api/frames/" + "a" * 64 + ".jpg"]
    assert entry["frames"][0]["time"] == "2026-11-18T11:06:41.500000Z"


def test_a_frame_set_says_why_pictures_are_missing(ledger, keep):
    keep(FrameSet(epoch="e1", seq=2, at=stamp(), event=1, of="e1", missing="no camera"))
    (entry,) = entries(ledger)
    assert (entry["kind"], entry["reason"]) == ("frames", "no camera")
    assert entry["detail"] == {"event": 1, "of": "e1", "frames": 0}


def test_a_boot_shows_what_was_void(ledger, keep):
    keep(Boot(epoch="e1", seq=65, at=stamp(), version="9", clean=False, new_boot=True, void=(3, 64)))
    assert entries(ledger)[0]["detail"] == {"version": "9", "clean": False, "new_boot": True, "void": (3, 64)}


def test_a_door_that_only_ever_sent_records_is_unknown_and_offline(ledger, keep):
    keep(event(2))
    assert views.door(ledger, "door-2") is None
    door = views.door(ledger, "door-1")
    assert (door["door"], door["online"], door["camera"], door["pulse"]) == ("unknown", False, "none", None)
    assert (door["gaps"], door["records"]) == ([(1, 1)], 1)


def test_a_door_shows_its_state_and_the_warnings_of_its_pulse(ledger):
    warning = {"code": "camera.failed", "zh": "摄像头故障", "en": "The camera does not work"}
    with ledger.batch() as into:
        into.unit("door-1", NOW_NS, online=True, state=b'{"door": "held", "camera": "failed", "since": null}')
        into.unit("door-1", NOW_NS, pulse=json.dumps({"backlog": 3, "warnings": [warning]}).encode())
    door = views.door(ledger, "door-1")
    assert (door["door"], door["camera"], door["online"]) == ("held", "failed", True)
    assert door["warnings"] == [warning]


def test_an_anchor_brings_the_rows_whose_times_it_made_known(ledger, keep):
    keep(event(1), event(2, at=stamp(7_000_000_000, clock=Quality.UNSYNCED)))
    keep(event(3, at=stamp(7_000_000_000, boot="b2", clock=Quality.UNSYNCED)))
    keep(ClockAnchor(epoch="e1", seq=4, at=stamp(9_000_000_000)))
    anchor = entries(ledger)[0]
    assert [entry["seq"] for entry in views.mended(ledger, anchor)] == [2]


def test_an_expected_opening_says_whose_visit_it_belongs_to(ledger, keep):
    keep(msgspec.structs.replace(event(1), expected="doctor"), event(2))
    assert [entry["expected"] for entry in entries(ledger)] == [None, "doctor"]


def test_a_unit_that_knows_no_term_is_shown_as_watching(ledger, keep):
    keep(event(1))
    (door,) = views.doors(ledger)
    assert (door["armed"], door["ends"]) == (True, None)


def test_an_alarm_says_what_and_where_and_has_no_pictures(ledger, keep):
    keep(Alarm(epoch="e1", seq=3, at=stamp(), what=Alarmed.TAMPER, source=Source.WIRING, detail="cut"))
    (entry,) = entries(ledger)
    assert (entry["kind"], entry["change"], entry["frames"]) == ("alarm", None, [])
    assert entry["detail"] == {"what": "tamper", "source": "wiring", "detail": "cut"}


def test_the_page_has_words_for_every_alarm_in_both_languages():
    words = (Path(views.__file__).parent / "page" / "alarmwords.js").read_text(encoding="utf-8")
    details = {"opened", "unrest", "tilted", "removed", *LOOP_UV} - {"shut", "open"}
    wanted = [f"alarm.{name}" for name in (*Alarmed, *details)] + [f"source.{name}" for name in Source]
    for key in wanted:
        assert re.search(rf'"{re.escape(key)}": \["[^"]+", "[^"]*[\u4e00-\u9fff]+[^"]*"\]', words), key
