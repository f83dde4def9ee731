"""Subscriptions: taken, gone on with, ended; alarms and changes of the catalogue told by NOTIFY while they last."""

import msgspec
import pytest

from edge.records import Change
from tests.uplink.gb28181.conftest import CAMERA, Desk

OPENED, SHUT = "门磁：开启", "门磁：关闭"


def subscribed(cmd: str = "Alarm", expires_s: int = 3600, desk: Desk | None = None, **more: str) -> Desk:
    desk = desk or Desk(alarm_by="subscription").start()
    desk.centre.subscribe(cmd, expires_s, **more)
    desk.live(0.5)
    return desk


def by(desk: Desk) -> list[str]:
    return [alarm.method for alarm in desk.centre.alarms]


@pytest.mark.parametrize("cmd", ["Unheard", "RecordInfo"])
def test_a_subscription_to_something_else_meets_489(cmd: str):
    desk = subscribed(cmd)
    assert (desk.codes()[-1], len(desk.device.subscriptions)) == (489, 0)


def test_a_subscription_is_taken_with_its_time_and_a_document():
    desk = subscribed()
    answer = desk.centre.answers[-1]
    assert (answer.code, answer["Expires"]) == (200, "3600")
    assert b"<Result>OK</Result>" in answer.body


def test_alarms_go_by_notify_while_it_lasts_and_by_message_before_and_after():
    desk = Desk(alarm_by="subscription").start()
    desk.happen()
    desk.live(0.5)
    subscribed(expires_s=60, desk=desk)
    desk.happen()
    desk.live(61)
    desk.happen()
    desk.live(0.5)
    assert by(desk) == ["MESSAGE", "NOTIFY", "MESSAGE"]
    assert (desk.shelf.rows, desk.centre.faults) == ({}, [])
    states = [one["Subscription-State"] for one in desk.centre.asked if one.method == "NOTIFY"]
    assert states[0].startswith("active;expires=")
    assert states[-1] == "terminated;reason=timeout"


@pytest.mark.parametrize(("how", "methods"), [("message", ["MESSAGE"]), ("both", ["NOTIFY", "MESSAGE"])])
def test_how_alarms_go_is_a_setting(how: str, methods: list[str]):
    desk = subscribed(desk=Desk(alarm_by=how).start())
    desk.happen()
    desk.live(0.5)
    assert by(desk) == methods
    assert desk.shelf.rows == {}


def test_an_alarm_outside_of_what_is_wanted_goes_by_message():
    desk = subscribed(StartAlarmPriority="1", EndAlarmPriority="2", AlarmMethod="0")
    desk.happen()
    desk.happen(desk.event(Change.SHUT))
    desk.live(0.5)
    assert by(desk) == ["NOTIFY", "MESSAGE"]
    desk = subscribed(AlarmMethod="5/6")
    desk.happen()
    desk.live(0.5)
    assert by(desk) == ["MESSAGE"]


def test_it_is_gone_on_with_in_its_own_dialogue_and_ended_by_zero():
    desk = Desk(alarm_by="subscription").start()
    call = desk.centre.subscribe("Alarm", 60)
    desk.live(50)
    desk.centre.subscribe("Alarm", 60, call=call)
    desk.live(50)
    assert len(desk.device.subscriptions) == 1
    desk.centre.subscribe("Alarm", 0, call=call)
    desk.live(0.5)
    assert len(desk.device.subscriptions) == 0
    desk.happen()
    desk.live(0.5)
    assert by(desk) == ["MESSAGE"]


def test_more_subscriptions_than_it_keeps_push_out_the_oldest():
    desk = Desk().start()
    for _ in range(12):
        subscribed("MobilePosition", desk=desk)
    assert len(desk.device.subscriptions) == 8


def test_a_subscriber_who_has_forgotten_it_is_forgotten_and_the_alarm_goes_by_message():
    desk = subscribed()
    desk.centre._notify = lambda one: desk.centre._reply(one, "481 Subscription does not exist")
    desk.happen()
    desk.live(70)
    assert (by(desk), desk.shelf.rows) == (["MESSAGE"], {})


def test_a_channel_that_fails_and_works_again_is_told_to_who_subscribed_to_the_catalogue():
    desk = subscribed("Catalog")
    desk.device.look()
    for failed in (True, True, False):
        desk.view = msgspec.structs.replace(desk.view, camera_failed=failed)
        desk.device.look()
        desk.live(0.5)
    told = desk.results("Notify", "Catalog")
    assert [each.findtext("DeviceList/Item/Event") for each in told] == ["DEFECT", "ON"]
    assert told[0].findtext("DeviceList/Item/DeviceID") == CAMERA
    assert desk.centre.faults == []


def test_subscriptions_end_with_the_registration():
    desk = subscribed()
    desk.wires.sever()
    desk.live(5)
    assert len(desk.device.subscriptions) == 0
