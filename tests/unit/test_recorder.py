"""Records are sent and kept side by side, survive what happens, and say no more of time than is known."""

import pytest

from edge import wire
from edge.clock import Quality
from edge.errors import FullError, PartError

CARD = PartError("card", found="a card that is read-only", wanted="one that can be written", remedy="Change it.")


def test_a_live_event_is_published_before_the_card_was_asked(start):
    rig = start()
    rig.workers["card"].at_once = False  # from here on the card hangs
    rig.play("clean", closed=False)
    rig.live(0.06)
    assert rig.changes() == ["found", "opened"]
    assert len(rig.workers["card"]) > 0


def test_a_card_that_hangs_for_ever_does_not_silence_the_door(start):
    rig = start()
    rig.workers["card"].at_once = False
    for _ in range(50):
        rig.play("clean", closed=False)
        rig.live(0.1)
        rig.play("clean", closed=True)
        rig.live(0.1)
    assert rig.changes().count("opened") == 50
    assert "spool.slow" in [w["code"] for w in rig.unit.pulse([])["warnings"]]
    names = [(r["epoch"], r["seq"]) for r in rig.records()]
    assert len(set(names)) == len(names), "seqs that could not be set aside come from an epoch of their own"


@pytest.mark.parametrize(
    ("fault", "code"),
    [(CARD, "spool.failing"), (FullError(*CARD.args, found="full", wanted="room", remedy="-"), "spool.full")],
)
def test_what_a_card_refused_is_sent_live_and_kept_once_the_card_is_well(start, fault, code):
    rig = start()
    rig.platform = False
    rig.workers["card"].fault = fault
    rig.play("bounce", closed=False)
    rig.live(5)
    assert rig.changes() == ["found", "opened"]
    assert [w["code"] for w in rig.unit.pulse([])["warnings"]] == [code]
    rig.workers["card"].fault = None
    rig.live(70)
    assert code not in [w["code"] for w in rig.unit.pulse([])["warnings"]]
    rig = start()
    assert "opened" in rig.changes(), "the next run finds it in the spool"


def test_what_was_recorded_without_a_link_is_sent_in_order_when_it_comes(start):
    rig = start(up=False)
    for _ in range(5):
        rig.play("bounce", closed=False)
        rig.live(1)
        rig.play("bounce", closed=True)
        rig.live(1)
    assert rig.sent() == []
    rig.link.accept()
    rig.live(1)
    assert rig.changes() == ["found", *["opened", "shut"] * 5]
    seqs = [e["data"]["record"]["seq"] for e in rig.sent()]
    assert seqs == sorted(seqs)
    assert rig.unit.pulse([])["backlog"] == 0


def test_a_run_that_was_cut_declares_its_unused_seqs_void_and_uses_none_again(start):
    rig = start()
    used = [e["data"]["record"]["seq"] for e in rig.sent()]
    rig = start()  # without a stop: the plug was pulled
    (boot,) = rig.records("boot")
    assert boot["clean"] is False
    assert boot["void"][0] == max(used) + 1
    assert boot["seq"] == boot["void"][1] + 1


def test_a_clean_restart_leaves_no_void(start):
    rig = start()
    rig.stop()
    rig = start()
    (boot,) = rig.records("boot")
    assert (boot["clean"], boot.get("void")) == (True, None)


def test_a_boot_says_whether_the_machine_started_too(start, clock):
    rig = start()
    rig.stop()
    assert [b["new_boot"] for b in start().records("boot")] == [False]
    clock.reboot("boot-2")
    assert [b["new_boot"] for b in start().records("boot")] == [True]


def test_an_unset_clock_claims_no_time_and_an_anchor_mends_what_was_not_sent_yet(start, clock):
    clock.quality, clock.error_ms = Quality.UNSYNCED, None
    rig = start(up=False)
    rig.play("clean", closed=False)
    rig.live(30)
    clock.step(86_400_000_000_000)
    clock.quality, clock.error_ms = Quality.SYNCED, 4
    rig.live(10)
    rig.link.accept()
    rig.live(1)
    opened = next(e for e in rig.sent() if e["data"]["record"].get("change") == "opened")
    assert opened["data"]["clock"] == "synced"
    assert opened["data"]["record"]["at"]["clock"] == "unsynced", "raw values are never rewritten"
    assert opened["data"]["error_ms"] >= 4
    truth_ns = clock.read().at(opened["data"]["record"]["at"]["boot_ns"]).wall_ns
    assert opened["time"] == wire.rfc3339(truth_ns)
    assert len(rig.records("anchor")) == 1


def test_a_clock_that_was_set_while_the_agent_was_off_is_told_to_whom_it_had_told_no_time(start, clock):
    clock.quality, clock.error_ms = Quality.UNSYNCED, None
    rig = start()
    rig.play("clean", closed=False)
    rig.live(1)
    rig.stop()
    clock.step(86_400_000_000_000)
    clock.quality, clock.error_ms = Quality.SYNCED, 4
    (anchor,) = start(closed=False).records("anchor")
    assert (anchor["at"]["boot"], anchor["at"]["clock"]) == ("boot-1", "synced")
    assert start(closed=False).records("anchor") == []


def test_an_unset_clock_that_is_sent_live_has_no_time_at_all(start, clock):
    clock.quality, clock.error_ms = Quality.UNSYNCED, None
    rig = start()
    rig.play("clean", closed=False)
    rig.live(0.2)
    assert all("time" not in e for e in rig.sent())
    assert {e["data"]["clock"] for e in rig.sent()} == {"unsynced"}


def test_a_boot_that_never_synced_is_sent_with_the_interval_between_its_neighbours(start, clock):
    rig = start()
    rig.live(400)
    before_ns = clock.read().wall_ns
    rig.stop()
    clock.reboot("boot-2")
    clock.quality, clock.error_ms = Quality.UNSYNCED, None
    rig = start(up=False)
    rig.play("clean", closed=False)
    rig.live(5)
    rig.stop()
    clock.reboot("boot-3", off_ns=3_600_000_000_000)
    clock.quality, clock.error_ms = Quality.SYNCED, 1
    after_ns = clock.read().wall_ns
    rig = start(closed=False)
    opened = next(e for e in rig.sent() if e["data"]["record"].get("change") == "opened")
    assert "time" not in opened
    low, high = opened["data"]["interval"]
    assert low <= wire.rfc3339(before_ns)
    assert wire.rfc3339(before_ns - 301_000_000_000) <= low
    assert wire.rfc3339(after_ns + 1_000_000) <= high <= wire.rfc3339(after_ns + 5_000_000), "no better than the clock"


def test_a_damaged_spool_is_told_as_a_gap_of_its_epoch_and_the_door_goes_on(start, tmp_path):
    rig = start()
    rig.stop()
    epoch = rig.records()[0]["epoch"]
    data = bytearray((tmp_path / "spool.db").read_bytes())
    data[4096 * 2 : 4096 * 4] = b"\xaa" * 8192
    (tmp_path / "spool.db").write_bytes(data)
    rig = start()
    if not rig.records("gap"):  # the damage lies where the first look did not reach: the next write finds it
        rig.play("clean", closed=False)
        rig.live(5)
    (gap,) = rig.records("gap")
    assert gap["reason"] == "corrupt"
    assert gap.get("of", epoch) in ("", epoch)
    assert list(tmp_path.glob("spool.db.damaged-1"))
    rig.play("clean", closed=True)
    rig.live(1)
    assert rig.changes()[-1] in ("shut", "found")


def test_the_pulse_tells_how_old_the_oldest_unsent_record_is(start):
    rig = start(settings={"uplink": {"pulse_s": 10, "whole_pulse_s": 10}})
    rig.live(20)
    assert rig.sent("pulse")[-1]["oldest_unsent_s"] is None
    rig.platform = False
    rig.play("clean", closed=False)
    rig.live(25)
    pulse = rig.sent("pulse")[-1]
    assert pulse["backlog"] == 1
    assert 15 < pulse["oldest_unsent_s"] < 26
