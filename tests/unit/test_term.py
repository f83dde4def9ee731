"""A unit watches only within its term, falls silent at its end, and says so in every word it sends."""

import pytest

from edge import wire
from edge.clock import SECOND, Quality
from edge.door.term import Phase
from edge.errors import PartError
from edge.sim import terms

DAY_S = 86_400
BROKEN = PartError("card", found="broken", wanted="whole", remedy="Change it.")


def times(rig, **offsets_s):
    """RFC 3339 of now plus so many seconds."""
    now_ns = rig.clock.read().wall_ns
    return {name: wire.rfc3339(now_ns + int(s * SECOND)) for name, s in offsets_s.items()}


def order(rig, verb, *, id_="t1", also=None, **offsets_s):
    return rig.obey(rig.command(verb, id_=id_, **times(rig, **offsets_s), **(also or {})))


def state(rig):
    return rig.sent("state")[-1]


def audits(rig):
    """Each once: what is in flight when a spool is opened is sent again."""
    found = {(record["epoch"], record["seq"]): record["what"] for record in rig.records("audit")}
    return list(found.values())


def open_and_shut(rig):
    rig.play("clean", closed=False)
    rig.live(0.3)
    rig.play("clean", closed=True)
    rig.live(0.3)


@pytest.mark.parametrize(
    ("offsets_s", "why"),
    [
        ({"starts": 0, "ends": -60}, "an end after the start, and after now"),
        ({"starts": -7200, "ends": -3600}, "after now"),
        ({"starts": 3600, "ends": 1800}, "after the start"),
        ({"starts": 0, "ends": 61 * DAY_S}, "at most 60 days"),
        ({"starts": 61 * DAY_S, "ends": 62 * DAY_S}, "at most that far off"),
        ({"starts": 0}, "args as COMMANDS['term']"),
        ({"starts": 0, "ends": 60, "name": 0}, "args as COMMANDS['term']"),
    ],
)
def test_a_term_that_makes_no_sense_is_refused_and_changes_nothing(start, offsets_s, why):
    rig = start(term=None)
    reply = order(rig, "term", **offsets_s)
    assert reply["done"] is False
    assert why in reply["said"]
    assert state(rig)["armed"] is False


def test_a_term_whose_times_are_no_times_is_refused(start):
    rig = start(term=None)
    reply = rig.obey(rig.command("term", starts="now", ends="soon"))
    assert reply["done"] is False
    assert "want RFC 3339" in reply["said"]


@pytest.mark.parametrize(
    ("also", "offsets_s", "why"),
    [
        ({"kind": "friend"}, {"from": 0, "until": 600}, "args as COMMANDS['visit']"),
        ({"kind": "doctor", "openings": 0}, {"from": 0, "until": 600}, "args as COMMANDS['visit']"),
        ({"kind": "doctor"}, {"from": 0, "until": 20 * DAY_S}, "a visit within the term"),
        ({"kind": "doctor"}, {"from": 600, "until": 0}, "an end after the start"),
        ({"kind": "doctor"}, {"from": -600, "until": -300}, "after now"),
        ({"kind": "doctor"}, {"from": 0, "until": 2 * DAY_S}, "within a day"),
    ],
)
def test_a_visit_that_makes_no_sense_is_refused(start, also, offsets_s, why):
    rig = start(term=14)
    reply = order(rig, "visit", also=also, **offsets_s)
    assert reply["done"] is False
    assert why in reply["said"]


def test_a_visit_outside_any_term_is_refused(start):
    rig = start(term=None)
    assert (
        "a visit within the term" in order(rig, "visit", also={"kind": "doctor"}, **{"from": 0, "until": 600})["said"]
    )


def test_a_term_is_not_begun_by_a_unit_that_does_not_know_the_time(start, clock):
    clock.quality = Quality.RESTORED
    rig = start(term=None)
    assert "clock is restored" in order(rig, "term", starts=0, ends=DAY_S)["said"]
    assert state(rig)["armed"] is False


def test_a_term_that_cannot_be_written_down_is_refused_and_not_begun(start, tmp_path, monkeypatch):
    rig = start(term=None)
    monkeypatch.setattr(rig.unit._c.warden._paper, "path", tmp_path / "nowhere" / "\0")
    (tmp_path / "nowhere").write_text("a file where a folder would be")
    reply = order(rig, "term", starts=0, ends=DAY_S)
    assert reply["done"] is False
    assert "it cannot be written down" in reply["said"]
    assert state(rig)["armed"] is False


def test_outside_its_term_a_unit_says_nothing_of_the_door_and_the_camera_is_off(start):
    rig = start(term=None, camera=True)
    open_and_shut(rig)
    rig.frame()
    assert rig.changes() == []
    assert state(rig) | {"door": "unwatched", "since": None, "armed": False, "camera": "off"} == state(rig)
    assert not rig.unit._c.eye.sensor_open
    pulse = rig.unit.pulse([])
    assert pulse["door"] == "unwatched"
    assert {"openings", "edges_max", "glitches", "settle_max_us", "contact_faults"}.isdisjoint(pulse)


def test_a_term_begins_by_a_signed_command_and_finds_the_door_as_it_is(start):
    rig = start(term=None, camera=True)
    open_and_shut(rig)
    rig.play("clean", closed=False)
    rig.live(1)
    reply = order(rig, "term", starts=0, ends=DAY_S)
    assert reply["done"], reply
    rig.live(1)
    assert rig.changes() == ["found"], "no opening is invented"
    assert rig.records()[0]["door"] == "open"
    assert audits(rig) == ["term.began"]
    assert rig.records("audit")[0]["by"] == "t1"
    assert state(rig)["armed"]
    assert state(rig)["camera"] == "on"
    assert state(rig)["ends"] == times(rig, ends=DAY_S - 1)["ends"] or state(rig)["ends"] > state(rig)["starts"]


def test_a_term_that_is_to_come_begins_by_itself_and_is_over_by_itself(start):
    rig = start(term=None, camera=True)
    assert order(rig, "term", starts=60, ends=120)["done"]
    assert state(rig)["armed"] is False
    rig.live(60.5)
    assert state(rig)["armed"]
    open_and_shut(rig)
    assert rig.changes() == ["found", "opened", "shut"]
    rig.live(60)
    open_and_shut(rig)
    rig.live(6)
    assert rig.changes() == ["found", "opened", "shut"]
    assert audits(rig) == ["term.changed", "term.began", "term.ended", "erased"]
    assert state(rig)["armed"] is False
    assert state(rig)["camera"] == "off"


def test_the_term_outlives_a_restart_and_a_lost_spool(start, tmp_path):
    rig = start(term=14)
    rig.stop()
    for path in tmp_path.glob("spool.db*"):
        path.unlink()
    rig = start()
    assert state(rig)["armed"]
    assert "term.began" not in audits(rig)


def test_the_end_comes_without_a_platform_and_what_was_not_delivered_is_kept_for_the_grace_time(start):
    rig = start(term=60 / DAY_S, settings={"term": {"grace_s": 60}})
    rig.platform = False
    open_and_shut(rig)
    rig.live(60)
    assert state(rig)["armed"] is False
    assert rig.unit._c.warden.term.phase is Phase.ENDING
    assert rig.unit._c.journal.backlog
    rig.live(58)
    assert rig.unit._c.warden.term.phase is Phase.ENDING
    rig.live(5)
    assert rig.unit._c.warden.term.phase is Phase.IDLE
    rig.platform = True
    rig.link.accept()
    rig.live(1)
    erased = rig.records("audit")[-1]
    assert erased["what"] == "erased"
    assert erased["detail"]["records"] == 3
    gap = rig.records("gap")[-1]
    assert (gap["reason"], gap["of"]) == ("erased", erased["of"])
    assert gap["records"] == erased["detail"]["records"]


def test_the_end_comes_on_a_clock_that_was_never_set_again(start, clock):
    rig = start(term=120 / DAY_S)
    rig.live(30)
    clock.reboot("boot-2", off_ns=3600 * SECOND)
    clock.step(-clock.read().wall_ns)
    clock.quality = Quality.UNSYNCED
    rig = start()
    rig.live(85)
    assert state(rig)["armed"]
    rig.live(40)
    assert state(rig)["armed"] is False, "late by as long as it was off, and by less than an hour for the start"


def test_a_term_that_ended_while_the_unit_was_off_records_nothing_when_it_comes_back(start, clock):
    rig = start(term=1)
    rig.live(10)
    clock.reboot("boot-2", off_ns=2 * DAY_S * SECOND)
    rig = start(closed=False)
    rig.live(10)
    assert rig.changes() == []
    assert audits(rig) == ["term.ended", "erased"]


def test_a_door_that_moved_before_the_term_while_the_unit_was_off_is_not_told(start, clock, tmp_path):
    rig = start(term=14)
    rig.live(1)
    assert rig.obey(rig.command("end"))["done"]
    rig.live(20)
    clock.reboot("boot-2", off_ns=3600 * SECOND)
    rig = start(closed=False)
    assert rig.changes() == []
    assert order(rig, "term", starts=0, ends=DAY_S, id_="t2")["done"]
    rig.live(1)
    assert rig.changes() == ["found"]


def test_an_opening_within_a_visit_is_recorded_and_marked_and_a_counted_one_is_used_up(start):
    rig = start(term=14)
    assert order(rig, "visit", also={"kind": "delivery", "openings": 1}, **{"from": 0, "until": 600})["done"]
    open_and_shut(rig)
    open_and_shut(rig)
    assert [(r["change"], r.get("expected")) for r in rig.records()[1:]] == [
        ("opened", "delivery"),
        ("shut", "delivery"),
        ("opened", None),
        ("shut", None),
    ]
    assert audits(rig) == ["visit.added"]


def test_an_opening_after_a_visit_is_not_expected(start):
    rig = start(term=14)
    assert order(rig, "visit", also={"kind": "doctor"}, **{"from": 0, "until": 20})["done"]
    rig.live(20)
    open_and_shut(rig)
    assert "expected" not in rig.records()[-1]


def test_a_visit_outlives_a_restart(start):
    rig = start(term=14)
    assert order(rig, "visit", also={"kind": "doctor"}, **{"from": 0, "until": 600})["done"]
    rig = start()
    open_and_shut(rig)
    assert rig.records()[-1]["expected"] == "doctor"


def test_the_end_takes_effect_also_where_it_cannot_be_written_down(start):
    rig = start(term=14, camera=True)
    rig.obey(rig.command("pulse", id_="warm"))
    card = rig.workers["card"]
    card.at_once = False
    rig.link.say(wire.topic("door-1", "command"), rig.command("end", id_="e1"))
    rig.live(0.1)
    card.run()  # the command's id is on the card
    card.fault = BROKEN
    rig.live(0.1)
    card.run()
    rig.live(0.1)
    card.run()
    rig.live(0.1)
    assert "not on the card yet" in rig.sent("reply")[-1]["said"]
    open_and_shut(rig)
    assert rig.changes() == ["found"]
    assert state(rig)["camera"] == "off"


def test_ending_when_there_is_no_term_is_refused(start):
    rig = start(term=None)
    assert "a term that runs or is to come" in rig.obey(rig.command("end"))["said"]


@pytest.mark.parametrize("garbled", [b"{", b"[" * 100_000, b"\xff", b'{"phase": "asleep"}', b"null"])
def test_while_the_term_cannot_be_read_the_door_is_watched_and_the_camera_stays_off(start, tmp_path, garbled):
    (tmp_path / terms.NAME).write_bytes(garbled)
    rig = start(camera=True)
    open_and_shut(rig)
    assert rig.changes() == ["found", "opened", "shut"]
    assert state(rig)["camera"] == "off"
    assert (state(rig)["armed"], state(rig)["phase"]) == (True, "unsure")
    rig.live(6)
    assert [w["code"] for w in rig.unit.pulse([])["warnings"]] == ["term.unknown"]
    assert order(rig, "term", starts=0, ends=DAY_S)["done"]
    rig.live(1)
    assert state(rig)["camera"] == "on"
    assert rig.unit.pulse([])["warnings"] == []


def test_a_replayed_term_begins_nothing(start):
    rig = start(term=None)
    payload = rig.command("term", **times(rig, starts=0, ends=DAY_S))
    assert rig.obey(payload)["done"]
    assert rig.obey(rig.command("end", id_="e1"))["done"]
    rig.live(30)
    assert audits(rig)[-1] == "erased"
    assert rig.obey(payload)["said"] == "it was done already", "also after all was erased"
    rig = start()
    assert rig.obey(payload)["said"] == "it was done already"
    assert state(rig)["armed"] is False


def test_a_longer_term_that_comes_too_late_is_watched_at_once(start):
    rig = start(term=10 / DAY_S)
    rig.platform = False
    rig.live(11)
    assert state(rig)["armed"] is False
    assert order(rig, "term", starts=-DAY_S, ends=DAY_S)["done"]
    rig.live(1)
    assert state(rig)["armed"]
    assert rig.changes() == ["found", "found"]


def test_a_wrong_clock_that_is_set_right_ends_the_silence(start, clock):
    clock.quality = Quality.RTC
    clock.step(2 * DAY_S * SECOND)
    rig = start(term=None)
    terms_now = clock.read().wall_ns - 2 * DAY_S * SECOND
    rig.stop()
    terms.preset(rig.unit._c.eraser._folder, terms_now, days=1)
    rig = start()
    rig.platform = False
    assert state(rig)["phase"] == "ending"
    clock.step(-2 * DAY_S * SECOND)
    clock.quality = Quality.SYNCED
    rig.live(31)
    assert state(rig)["armed"]
