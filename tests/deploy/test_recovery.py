"""The recovery ladder: the right thing for each cause, never too often, and never worse than doing nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.deb.build import UNITS
from deploy.recovery import pause, recover, swap
from deploy.recovery.recover import DAY_S, HOUR_S, MINUTE_S, Act, Memory, Seen, decide, seen

WELL = Seen(wanted=True, running_s=10_000.0, causes={}, backlog=0)
SAID = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "Result": "success",
    "ConditionResult": "yes",
    "StatusText": "door shut; link 5; backlog 0",
    "ActiveEnterTimestampMonotonic": "1000000000",
}
TICK_S = 2 * MINUTE_S


def play(unit: Seen, length_s: int, *, since: str = "", start_s: float = 600.0) -> list[tuple[float, Act]]:
    """What is done to a unit that stays as it is, with a cause that grows older. A reboot is a new boot."""
    done: list[tuple[float, Act]] = []
    memory, boot_s, reboots = Memory(), start_s, []
    for at_s in range(0, length_s, TICK_S):
        causes = {since: at_s} if since else unit.causes
        step = decide(replace(unit, causes=causes), memory, tuple(at_s - r for r in reboots), boot_s)
        memory, boot_s = step.memory, boot_s + TICK_S
        if step.act is Act.REBOOT:
            reboots.append(at_s)
            memory, boot_s = Memory(), 30.0
        if step.act is not Act.NOTHING:
            done.append((at_s, step.act))
    return done


@pytest.mark.parametrize(
    "cause",
    ["link.server", "link.refused", "link.distrust", "link.untimed", "link.name", "link.denied", "receipt.none"],
)
def test_a_server_that_is_down_for_a_month_is_no_reason_to_touch_the_unit(cause: str):
    assert play(WELL, 30 * DAY_S, since=cause) == []


@pytest.mark.parametrize("cause", ["spool.full", "spool.newer", "camera.failed", "contact.failing", "power.low"])
def test_what_a_restart_does_not_cure_gets_none(cause: str):
    assert play(WELL, 30 * DAY_S, since=cause) == []


def test_a_network_that_is_down_has_its_interfaces_reset_with_growing_pauses_and_nothing_else():
    done = play(WELL, 4 * HOUR_S, since="link.network")
    assert {act for _, act in done} == {Act.RESET}
    times = [at_s for at_s, _ in done]
    pauses = [b - a for a, b in zip(times, times[1:], strict=False)]
    assert times[0] in range(5 * MINUTE_S, 7 * MINUTE_S)
    assert pauses == sorted(pauses)
    assert pauses[-1] >= HOUR_S


def test_a_network_that_is_down_for_a_month_never_costs_more_than_24_resets_a_day():
    times = [at_s for at_s, act in play(WELL, 30 * DAY_S, since="link.network") if act is Act.RESET]
    assert max(sum(at_s <= other < at_s + DAY_S for other in times) for at_s in times) <= recover.RESETS_A_DAY


def test_a_network_that_comes_and_goes_is_bounded_too():
    memory, resets = Memory(), 0
    for minute in range(0, 24 * 60, 2):
        down = minute % 12 != 0  # well at every sixth look, and each outage is told to be old
        step = decide(replace(WELL, causes={"link.network": 400} if down else {}), memory, (), 600 + minute * 60.0)
        memory, resets = step.memory, resets + (step.act is Act.RESET)
    assert resets == recover.RESETS_A_DAY


def test_a_timer_that_slept_for_a_day_goes_on():
    slept = Memory(resets_s=(600.0,), outage_resets=3)
    assert decide(replace(WELL, causes={"link.network": 2 * DAY_S}), slept, (), 2.0 * DAY_S).act is Act.RESET


def test_a_unit_that_does_not_run_is_restarted_then_its_machine_with_growing_pauses():
    broken = Seen(wanted=True, running_s=None)
    done = play(broken, DAY_S)
    assert done[0][1] is Act.RESTART
    assert done[0][0] in range(5 * MINUTE_S, 8 * MINUTE_S)
    reboots = [at_s for at_s, act in done if act is Act.REBOOT]
    assert len(reboots) == 3
    assert reboots[0] in range(15 * MINUTE_S, 20 * MINUTE_S)
    assert reboots[1] - reboots[0] >= HOUR_S
    assert reboots[2] - reboots[1] >= 6 * HOUR_S


def test_a_unit_that_is_broken_for_a_month_never_costs_more_than_three_reboots_a_day():
    reboots = [at_s for at_s, act in play(Seen(wanted=True, running_s=None), 30 * DAY_S) if act is Act.REBOOT]
    assert len(reboots) > 30
    assert max(sum(at_s <= other < at_s + DAY_S for other in reboots) for at_s in reboots) <= 3


def test_a_unit_that_starts_and_dies_again_and_again_is_a_broken_one():
    done = play(Seen(wanted=True, running_s=20.0), HOUR_S)
    assert [act for _, act in done][:2] == [Act.RESTART, Act.REBOOT]


def test_one_restart_by_systemd_is_none_of_its_business():
    step = decide(replace(WELL, running_s=5.0), Memory(), (), 5000.0)
    step = decide(replace(WELL, running_s=125.0), step.memory, (), 5120.0)
    assert (step.act, step.memory) == (Act.NOTHING, Memory())


def test_a_card_that_hangs_costs_a_reboot_a_day_and_only_while_nothing_waits_in_ram():
    hangs = {"spool.slow": HOUR_S}
    assert decide(replace(WELL, causes=hangs), Memory(), (), 9000.0).act is Act.REBOOT
    assert decide(replace(WELL, causes=hangs), Memory(), (2.0 * HOUR_S,), 9000.0).act is Act.NOTHING
    assert decide(replace(WELL, causes=hangs, backlog=1), Memory(), (), 9000.0).act is Act.NOTHING
    assert decide(replace(WELL, causes=hangs, backlog=None), Memory(), (), 9000.0).act is Act.NOTHING
    assert decide(replace(WELL, causes={"spool.slow": HOUR_S - 1}), Memory(), (), 9000.0).act is Act.NOTHING


def test_a_clock_that_went_back_does_less_not_more():
    broken, memory = Seen(wanted=True, running_s=None), Memory(unwell_s=0.0, restarted_s=300.0)
    assert decide(broken, memory, (), 2000.0).act is Act.REBOOT
    assert decide(broken, memory, (-50_000.0,), 2000.0).act is Act.NOTHING
    assert decide(broken, memory, (-1.0, -2.0, -3.0), 2000.0).act is Act.NOTHING


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, True),
        ({"ActiveState": "activating", "Result": "watchdog"}, True),
        ({"ActiveState": "failed", "Result": "resources"}, True),
        ({"ActiveState": "inactive"}, False),  # a person stopped it
        ({"ActiveState": "inactive", "ConditionResult": "no"}, False),  # never enrolled
        ({"ActiveState": "activating", "StatusText": "waits to be enrolled"}, False),
        ({"LoadState": "masked", "ActiveState": "inactive"}, False),
        ({"LoadState": "not-found", "ActiveState": "inactive"}, False),
    ],
)
def test_whether_the_unit_should_run_is_read_from_systemd(said: dict[str, str], wanted: bool):
    unit = seen(SAID | said, 5000.0)
    assert unit.wanted is wanted
    if not wanted:
        assert play(unit, DAY_S) == []


def test_causes_ages_and_backlog_are_read_from_the_status_line():
    said = {"StatusText": "door open; link down; backlog 12; link.network for 340 s; spool.slow for 7 s"}
    unit = seen(SAID | said, 5000.0)
    assert unit == Seen(True, 4000.0, {"link.network": 340, "spool.slow": 7}, 12)


@pytest.mark.parametrize("status", ["", "ends", "backlog many", "link.network for a while", "\x00;; for s"])
def test_a_status_line_of_another_version_is_no_cause_for_anything(status: str):
    unit = seen(SAID | {"StatusText": status}, 5000.0)
    assert (unit.causes, unit.backlog) == ({}, None)
    assert seen({}, 5000.0).wanted is False


def test_memory_and_history_that_cannot_be_read_are_begun_anew(tmp_path: Path):
    kept = tmp_path / "kept.json"
    for text in ("", "{", "[1]", '{"at": 1}', '"x"', '{"unwell_s": 1}', "null", "[null]"):
        kept.write_text(text)
        assert recover.recall(kept) == Memory()
        assert recover.history(kept) == []
    assert recover.recall(tmp_path / "none") == Memory()


def test_a_reboot_is_noted_with_its_reason_before_it_is_done(tmp_path: Path):
    path = tmp_path / "reboots.json"
    recover.note(path, [{"at": 5.0, "why": "the unit has not run steadily for 900 s"}])
    assert recover.history(path) == [{"at": 5.0, "why": "the unit has not run steadily for 900 s"}]
    assert [file.name for file in tmp_path.iterdir()] == ["reboots.json"]


def test_before_the_unit_is_restarted_its_version_is_looked_at():
    restart = recover.commands(Act.RESTART)
    assert [words[-1] for words in restart] == ["doorunit-update-judge.service", "doorunit.service"]
    assert {words[-1] for words in restart} <= set(UNITS)
    assert "--no-block" not in restart[0]  # a start by hand sets the count of restarts to nothing
    assert recover.commands(Act.REBOOT) == [("systemctl", "--no-block", "reboot")]
    assert recover.commands(Act.NOTHING) == []


def test_only_interfaces_with_a_device_behind_them_are_reset(tmp_path: Path):
    for name in ("eth0", "wlan0"):
        (tmp_path / "sys/class/net" / name / "device").mkdir(parents=True)
    (tmp_path / "sys/class/net/lo").mkdir()
    assert recover.interfaces(tmp_path) == ["eth0", "wlan0"]


def test_the_first_restarts_wait_for_nothing_and_later_ones_ever_longer_up_to_a_minute():
    now_s, starts = 10_000.0, []
    waits = []
    for _ in range(14):
        wait_s = pause.pause_s(starts, now_s)
        starts.append(now_s)
        now_s += wait_s + 1
        waits.append(wait_s)
    assert waits[:3] == [0, 0, 0]
    assert waits == sorted(waits)
    assert waits[-1] == 60


def test_crashes_of_a_year_do_not_add_up():
    starts = [float(day * DAY_S) for day in range(365)]
    assert pause.pause_s(starts, 365.0 * DAY_S) == 0
    assert pause.pause_s([9e9], 5.0) == 0  # of another boot


def test_starts_that_cannot_be_read_are_none(tmp_path: Path):
    (tmp_path / "starts").write_text("1\nx\n")
    assert pause.read(tmp_path / "starts") == []
    assert pause.read(tmp_path / "none") == []


def test_a_version_is_not_made_to_wait_for_the_crashes_of_the_one_before_it(tmp_path: Path):
    (tmp_path / "starts").write_text("10 b\n11 b\n12\n")
    assert pause.read(tmp_path / "starts", "b") == [10.0, 11.0]
    assert pause.read(tmp_path / "starts", "a") == []
    assert pause.read(tmp_path / "starts") == [12.0]
    assert pause.running(tmp_path / "none") == ""
    (tmp_path / "current").symlink_to("b")
    assert pause.running(tmp_path / "current") == "b"


def test_swap_in_ram_stays_and_swap_on_the_card_goes(tmp_path: Path):
    (tmp_path / "proc").mkdir()
    rows = [
        "Filename Type Size Used Priority",
        *(f"{name} x 1 0 -2" for name in ("/dev/zram0", "/dev/zram1", "/var/swap")),
    ]
    (tmp_path / "proc/swaps").write_text("\n".join(rows) + "\n")
    for device, behind in (("zram0", "none\n"), ("zram1", "/dev/loop0\n")):  # trixie's default writes idle pages there
        (tmp_path / "sys/block" / device).mkdir(parents=True)
        (tmp_path / "sys/block" / device / "backing_dev").write_text(behind)
    assert swap.on_card(tmp_path) == ["/dev/zram1", "/var/swap"]
    (tmp_path / "sys/block/zram0/backing_dev").unlink()  # a kernel that cannot write back
    assert swap.on_card(tmp_path) == ["/dev/zram1", "/var/swap"]
    (tmp_path / "proc/swaps").unlink()
    assert swap.on_card(tmp_path) == []
