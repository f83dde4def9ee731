"""From the contact's levels to Events: each change once, with its own time, whatever happened in between."""

import pytest

from edge.clock import Quality
from edge.errors import PartError


def seconds(record):
    return record["at"]["boot_ns"] / 1e9


@pytest.mark.parametrize("wave", ["clean", "bounce", "rattle"])
def test_one_opening_is_one_event_with_the_first_edges_time(start, clock, wave):
    rig = start()
    began_ns = clock.now()
    rig.play(wave, closed=False)
    rig.live(0.2)
    assert rig.changes() == ["found", "opened"]
    opened = rig.records()[-1]
    assert abs(opened["at"]["boot_ns"] - began_ns) < 1000, "to the microsecond, which is the driver's unit"
    assert opened.get("edges", 0) >= 1
    assert "since" not in opened


def test_a_glitch_is_counted_and_reported_as_no_change(start):
    rig = start()
    rig.play("glitch", closed=False)
    rig.live(0.2)
    assert rig.changes() == ["found"]
    assert rig.unit.pulse([])["glitches"] == 1


def test_chatter_that_never_ends_is_one_fault_and_then_found_again(start):
    rig = start()
    rig.play("chatter", closed=False, limit_us=20_000_000)
    assert rig.changes() == ["found", "lost"]
    assert rig.records()[-1]["reason"] == "chatter"
    assert [w["code"] for w in rig.unit.pulse([])["warnings"]] == ["contact.chatter"]
    rig.wire.set(True)
    rig.live(0.2)
    assert rig.changes() == ["found", "lost", "found"]
    assert rig.unit.pulse([])["warnings"] == []


def test_an_opening_found_after_chatter_carries_the_interval_in_which_it_happened(start):
    rig = start()
    rig.play("chatter", closed=False, limit_us=5_000_000)
    rig.wire.set(False)
    rig.live(0.2)
    assert rig.changes() == ["found", "lost", "opened"]
    lost, opened = rig.records()[1:]
    assert opened["since"]["boot_ns"] == lost["at"]["boot_ns"]
    assert rig.sent()[-1]["data"]["interval"][0] < rig.sent()[-1]["data"]["interval"][1]


def test_an_edge_that_the_kernel_dropped_is_found_by_sampling(start, clock, monkeypatch):
    rig = start()
    monkeypatch.setattr(rig.contact, "closed", lambda: False)  # the level changed and no edge was delivered
    rig.live(2)
    assert rig.changes() == ["found", "opened"]
    opened = rig.records()[-1]
    assert seconds(opened) - opened["since"]["boot_ns"] / 1e9 == pytest.approx(1.0)


def test_a_door_open_too_long_is_reported_once_and_shutting_ends_it(start):
    rig = start(settings={"door": {"held_after_s": 30}})
    rig.play("bounce", closed=False)
    rig.live(29.9)
    assert rig.changes() == ["found", "opened"]
    rig.live(60)
    assert rig.changes() == ["found", "opened", "held"]
    rig.play("bounce", closed=True)
    rig.live(40)
    assert rig.changes() == ["found", "opened", "held", "shut"]


def test_a_door_that_is_being_shut_when_its_time_is_up_was_not_held(start):
    rig = start(settings={"door": {"held_after_s": 30}})
    rig.play("clean", closed=False)
    rig.live(29.98)
    rig.play("clean", closed=True)
    rig.live(2)
    assert rig.changes() == ["found", "opened", "shut"]


def test_a_glitch_when_its_time_is_up_only_puts_the_report_off(start):
    rig = start(settings={"door": {"held_after_s": 30}})
    rig.play("clean", closed=False)
    rig.live(29.98)
    rig.play("glitch", closed=True)
    rig.live(2)
    assert rig.changes() == ["found", "opened", "held"]


def test_chatter_does_not_reset_the_held_timer(start):
    rig = start(settings={"door": {"held_after_s": 30}})
    rig.play("clean", closed=False)
    rig.live(20)
    rig.play("chatter", closed=False, limit_us=6_000_000)
    rig.wire.set(False)
    rig.live(5)
    assert rig.changes() == ["found", "opened", "lost", "found", "held"]
    opened, held = rig.records()[1], rig.records()[-1]
    assert seconds(held) - seconds(opened) == pytest.approx(30, abs=0.01)


def test_a_door_that_is_open_too_long_while_the_unit_stops_is_told_by_the_next_run_alone(start):
    settings = {"door": {"held_after_s": 30}}
    rig = start(settings=settings)
    rig.play("clean", closed=False)
    rig.live(29.99)
    rig.workers["card"].at_once = False
    rig.stop()
    rig.live(1)
    assert rig.changes() == ["found", "opened"]
    rig.workers["card"].run()
    rig = start(settings=settings, closed=False)
    rig.live(1)
    assert rig.changes() == ["found", "held"]


def test_the_held_timer_survives_a_restart_and_a_power_cut(start, clock):
    settings = {"door": {"held_after_s": 100}}
    rig = start(settings=settings)
    rig.play("clean", closed=False)
    rig.live(30)
    opened = rig.records()[-1]["at"]["wall_ns"]
    clock.reboot("boot-2", off_ns=40_000_000_000)
    rig = start(settings=settings, closed=False)
    assert rig.changes() == ["found"]
    rig.live(40)
    assert rig.changes() == ["found", "held"]
    assert (rig.records()[-1]["at"]["wall_ns"] - opened) / 1e9 == pytest.approx(100, abs=0.01)


def test_without_a_clock_that_spans_the_cut_the_held_timer_counts_from_the_new_boot(start, clock):
    settings = {"door": {"held_after_s": 100}}
    clock.quality = Quality.UNSYNCED
    rig = start(settings=settings)
    rig.play("clean", closed=False)
    rig.live(30)
    clock.reboot("boot-2")
    rig = start(settings=settings, closed=False)
    rig.live(99)
    assert rig.changes() == ["found"]
    rig.live(2)
    assert rig.changes() == ["found", "held"]


def test_a_change_while_off_is_reported_with_the_interval(start, clock):
    rig = start(settings={"spool": {"alive_s": 10}})
    rig.live(25)
    last_alive_ns = clock.now()
    clock.reboot("boot-2", off_ns=3_600_000_000_000)
    rig = start(closed=False)
    assert rig.changes() == ["opened"]
    opened = rig.records()[-1]
    assert opened["since"]["boot"] == "boot-1"
    assert 0 <= last_alive_ns - opened["since"]["boot_ns"] < 10e9


def test_a_door_that_is_as_it_was_after_a_restart_is_found_and_keeps_its_since(start):
    rig = start()
    rig.play("clean", closed=False)
    rig.live(10)
    before = rig.sent("state")[-1]
    rig.stop()
    rig = start(closed=False)
    assert rig.changes() == ["found"]
    assert rig.sent("state")[-1] == before
    assert before["door"] == "open"


def test_a_contact_that_cannot_be_read_is_lost_once_and_tried_again(start, monkeypatch):
    rig = start()
    broken = PartError("GPIO17", found="another program holds it", wanted="a free pin", remedy="Stop it.")

    def refuse(*_):
        raise broken

    monkeypatch.setattr(rig.contact, "closed", refuse)
    monkeypatch.setattr(rig.contact, "open", refuse)
    rig.live(60)
    assert rig.changes() == ["found", "lost"]
    assert rig.records()[-1]["reason"] == str(broken)
    assert rig.sent("state")[-1]["door"] == "unknown"
    monkeypatch.undo()
    rig.live(20)
    assert rig.changes() == ["found", "lost", "found"]
    assert not rig.unit.pulse([])["warnings"]


def test_a_contact_that_opens_and_cannot_be_read_is_not_called_well_in_between(start, monkeypatch):
    rig = start()
    told = []
    monkeypatch.setattr(rig.unit._c.health, "on_change", lambda: told.append(rig.clock.now()))
    rig.wire.torn = True
    rig.live(60)
    assert len(told) == 1
    rig.wire.torn = False
    rig.live(11)
    assert len(told) == 2
    assert rig.changes() == ["found", "lost", "found"]
