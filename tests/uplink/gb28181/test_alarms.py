"""Alarms: live at once, kept while away, in order, forgotten only when they were answered."""

from edge.clock import Quality
from edge.records import Alarm, Alarmed, Audit, Change, Source
from edge.sim.centre import Habits
from tests.uplink.gb28181.conftest import CAMERA, MAGNET, Desk

OPENED, SHUT = "门磁：开启", "门磁：关闭"


def test_an_opening_is_told_at_once_and_forgotten_when_it_was_answered(desk: Desk):
    n = desk.happen()
    assert list(desk.shelf.rows) == [n]
    desk.loop.turn()
    assert desk.said() == [OPENED]
    assert desk.shelf.rows == {}
    assert desk.centre.alarms[0].fields | {"SN": ""} == {
        "CmdType": "Alarm",
        "SN": "",
        "DeviceID": MAGNET,
        "AlarmPriority": "1",
        "AlarmMethod": "2",
        "AlarmTime": "2026-11-18T19:06:41",
        "AlarmDescription": OPENED,
    }


def test_each_kind_of_record_has_its_own_priority_method_and_words(desk: Desk):
    desk.happen(desk.event(Change.OPENED, expected="meal"))
    desk.happen(desk.event(Change.HELD))
    desk.happen(desk.event(Change.SHUT))
    for what, source in (
        (Alarmed.TAMPER, Source.LID),
        (Alarmed.TAMPER_OVER, Source.LID),
        (Alarmed.POWER_LOST, Source.SUPPLY),
    ):
        desk.seq += 1
        desk.happen(Alarm(epoch="e", seq=desk.seq, at=desk.clock.read(), what=what, source=source))
    desk.live(1)
    assert [
        (a.fields["AlarmPriority"], a.fields["AlarmMethod"], a.fields.get("AlarmType"), a.fields["AlarmDescription"])
        for a in desk.centre.alarms
    ] == [
        ("3", "2", None, "门磁：开启（预约）"),
        ("2", "2", None, "门磁：开启超时"),
        ("4", "2", None, SHUT),
        ("1", "2", "2", "防拆报警：外壳"),
        ("4", "2", "2", "防拆恢复：外壳"),
        ("2", "6", None, "外部供电中断：电源"),
    ]
    assert (desk.shelf.rows, desk.centre.faults) == ({}, [])


def test_what_is_no_alarm_is_passed_over_and_forgotten_too(desk: Desk):
    desk.happen(Audit(epoch="e", seq=1, at=desk.clock.read(), what="mark", by="technician"))
    desk.happen(desk.event(Change.LOST))
    desk.live(1)
    assert (desk.shelf.rows, desk.centre.alarms) == ({}, [])


def test_a_door_that_shuts_is_told_only_where_that_is_wanted():
    desk = Desk(shut=False).start()
    desk.happen(desk.event(Change.SHUT))
    desk.live(1)
    assert (desk.shelf.rows, desk.said()) == ({}, [])


def test_the_alarm_carries_the_cameras_id_where_the_platform_wants_that():
    desk = Desk(alarm_id="camera").start()
    desk.happen()
    desk.live(1)
    assert desk.centre.alarms[0].fields["DeviceID"] == CAMERA


def test_a_time_that_nothing_confirmed_says_so(desk: Desk):
    desk.clock.quality, desk.clock.error_ms = Quality.RESTORED, None
    desk.happen()
    desk.live(1)
    assert desk.said() == [OPENED + "（时间未校准）"]


def test_what_happened_while_away_is_told_in_order_when_the_platform_is_back():
    desk = Desk()
    desk.wires.reachable = False
    desk.start()
    for number in range(100):
        desk.happen(desk.event(Change.SHUT if number % 2 else Change.OPENED))
    desk.live(60)
    assert len(desk.shelf.rows) == 100
    desk.wires.reachable = True
    desk.live(120)
    assert desk.said() == [OPENED, SHUT] * 50
    assert desk.shelf.rows == {}


def test_a_live_alarm_overtakes_the_backlog():
    desk = Desk()
    desk.start()
    desk.wires.lose = lambda raw: (
        b"Alarm" in raw and b"CmdType" in raw and len(desk.centre.alarms) == 0 and desk.seq < 3
    )
    desk.happen()
    desk.happen(desk.event(Change.SHUT))
    desk.live(10)
    assert desk.said() == []
    desk.happen(desk.event(Change.HELD))
    desk.loop.turn()
    assert desk.said() == ["门磁：开启超时"]
    desk.live(120)
    assert desk.said() == ["门磁：开启超时", OPENED, SHUT]
    assert desk.shelf.rows == {}


def test_an_alarm_whose_answer_was_lost_is_told_again_and_forgotten_then():
    desk = Desk(udp=True).start()
    lost: list[bytes] = []

    def lose(raw: bytes) -> bool:
        if raw.startswith(b"SIP/2.0 200") and b"MESSAGE" in raw and len(lost) < 3:
            lost.append(raw)
            return True
        return False

    desk.wires.lose = lose
    desk.happen()
    desk.live(10)
    assert desk.shelf.rows == {}
    assert len({alarm.fields["SN"] for alarm in desk.centre.alarms}) == 1
    assert len(desk.centre.alarms) == 4


def test_what_a_platform_says_no_to_is_kept_and_the_unit_warns():
    desk = Desk(Habits(mood="denying")).start()
    desk.happen()
    desk.happen(desk.event(Change.SHUT))
    desk.live(300)
    assert len(desk.shelf.rows) == 2
    assert desk.health.active("centre.denied")
    tries = sum(b"<CmdType>Alarm" in raw for raw in desk.wires.sent)
    assert 6 < tries < 60
    desk.centre.habits.mood = ""
    desk.live(120)
    assert desk.said() == [OPENED, SHUT]
    assert not desk.health.active("centre.denied")


def test_a_platform_that_forgets_the_device_gets_the_alarm_after_it_registered_anew(desk: Desk):
    desk.live(100)
    desk.centre.registered = False
    desk.happen()
    desk.live(5)
    assert desk.said() == [OPENED]
    assert desk.centre.registered


def test_an_alarm_waits_for_the_platforms_own_response_where_that_is_set():
    desk = Desk(wait_for_response=True).start()
    desk.happen()
    desk.live(20)
    assert len(desk.shelf.rows) == 1
    desk.live(20)
    assert desk.health.active("centre.denied")
    desk.centre.habits.responds = True
    desk.live(60)
    assert desk.shelf.rows == {}
    assert not desk.health.active("centre.denied")


def test_a_response_that_overtakes_the_answer_counts_as_well():
    desk = Desk(wait_for_response=True).start()
    desk.happen()
    desk.device.alarms.responded(next(iter(desk.device.alarms._flying.values())).sn, "OK")
    desk.loop.turn()
    assert desk.shelf.rows == {}


def test_a_response_that_is_no_or_to_another_alarm_forgets_nothing():
    desk = Desk(wait_for_response=True).start()
    desk.happen()
    desk.loop.turn()
    desk.device.alarms.responded(999, "OK")
    assert len(desk.shelf.rows) == 1
    desk.device.alarms.responded(next(iter(desk.device.alarms._flying.values())).sn, "ERROR")
    assert desk.health.active("centre.denied")
    assert len(desk.shelf.rows) == 1


def test_with_the_standards_rule_the_next_alarm_waits_for_a_reset_and_is_not_lost():
    desk = Desk(wait_for_reset=True).start()
    for change in (Change.OPENED, Change.SHUT, Change.OPENED, Change.SHUT, Change.OPENED):
        desk.happen(desk.event(change))
        desk.live(1)
    assert desk.said() == [OPENED, SHUT, SHUT]
    desk.centre.control(MAGNET, AlarmCmd="ResetAlarm")
    desk.live(1)
    assert desk.said() == [OPENED, SHUT, SHUT, OPENED]
    assert len(desk.shelf.rows) == 1
    desk.centre.habits.resets = True
    desk.centre.control(MAGNET, AlarmCmd="ResetAlarm")
    desk.live(1)
    assert desk.said().count(OPENED) == 3
    assert desk.shelf.rows == {}


def test_without_the_standards_rule_a_platform_that_never_resets_gets_every_alarm(desk: Desk):
    for _ in range(5):
        desk.happen()
        desk.live(1)
    assert desk.said() == [OPENED] * 5


def test_rows_that_changed_their_numbers_are_read_from_the_beginning():
    desk = Desk()
    desk.wires.reachable = False
    desk.start()
    desk.happen()
    desk.shelf.rows = {77: desk.shelf.rows.pop(1)}
    desk.device.alarms.restart()
    desk.wires.reachable = True
    desk.live(120)
    assert (desk.said(), desk.shelf.rows) == ([OPENED], {})


def test_a_reading_that_was_begun_before_a_failure_does_not_skip_what_failed(desk: Desk):
    desk.live(30)
    desk.shelf.held = []
    desk.happen(desk.event(Change.LOST))  # is read, to be passed over
    desk.loop.turn()
    desk.centre.habits.mood = "denying"
    desk.happen()
    desk.happen(desk.event(Change.SHUT))
    desk.live(0.1)
    assert len(desk.shelf.held) == 1
    desk.centre.habits.mood = ""
    desk.shelf.release()
    desk.live(120)
    assert desk.said() == [OPENED, SHUT]
    assert desk.shelf.rows == {}


def test_an_hour_without_a_network_loses_nothing_and_tells_nothing_twice():
    desk = Desk().start()
    desk.live(60)
    desk.wires.up = False
    for number in range(60):
        desk.happen(desk.event(Change.SHUT if number % 2 else Change.OPENED))
        desk.live(60)
    desk.wires.up = True
    desk.live(180)
    assert desk.said() == [OPENED, SHUT] * 30
    assert (desk.shelf.rows, desk.centre.faults, desk.loop.faults) == ({}, [], 0)
