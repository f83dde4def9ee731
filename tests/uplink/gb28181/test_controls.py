"""What a platform may have done: next to nothing by itself, and each only where the settings allow it; all audited."""

import msgspec
import pytest

from edge.uplink.gb28181.controls import is_below
from tests.uplink.gb28181.conftest import CAMERA, DEVICE, MAGNET, Desk

URL = "https://10.1.2.3/snap/"


def control(desk: Desk, device: str = MAGNET, cmd: str = "DeviceControl", **fields: object) -> str:
    """The result of it, "" where no response came."""
    before = len(desk.results("Response", cmd))
    desk.centre.control(device, cmd, **fields)
    desk.live(0.5)
    assert desk.codes()[-1] == 200
    results = desk.results("Response", cmd)[before:]
    return results[0].findtext("Result") if results else ""


def snap(desk: Desk, url: str = URL, number: str = "2", interval: str = "1", session: str = "a" * 32) -> str:
    wish = {"SnapNum": number, "Interval": interval, "UploadURL": url, "SessionID": session}
    return control(desk, CAMERA, "DeviceConfig", SnapShotConfig=wish)


def test_guard_commands_say_whether_the_term_has_it_so_and_change_nothing(desk: Desk):
    assert control(desk, GuardCmd="SetGuard") == "OK"
    assert control(desk, GuardCmd="ResetGuard") == "ERROR"
    desk.happen()
    desk.live(1)
    assert desk.said() == ["门磁：开启"]
    desk.view = msgspec.structs.replace(desk.view, watching=False)
    assert control(desk, GuardCmd="SetGuard") == "ERROR"
    assert control(desk, GuardCmd="ResetGuard") == "OK"
    assert control(desk, GuardCmd="OpenTheDoor") == "ERROR"


def test_a_flood_of_one_kind_is_audited_once_a_minute_with_its_count(desk: Desk):
    for _ in range(40):
        control(desk, GuardCmd="ResetGuard")
    assert [what for what, _ in desk.audits] == ["centre.guard"]
    desk.live(60)
    control(desk, GuardCmd="ResetGuard")
    assert desk.audits[1] == ("centre.guard", {"wish": "resetguard", "watching": 1, "more": 39})


def test_a_restart_is_refused_unless_allowed_and_then_comes_seldom():
    boots: list[int] = []
    for allow in (False, True):
        desk = Desk(allow_teleboot=allow).start()
        desk.device.controls.on_boot = lambda: boots.append(1)
        assert control(desk, DEVICE, TeleBoot="Boot") == ""
        assert boots == []
        desk.live(600)
        control(desk, DEVICE, TeleBoot="Boot")
        assert [what for what, _ in desk.audits] == ["centre.teleboot"] * 2
    assert boots == [1]


@pytest.mark.parametrize("name", ["IFameCmd", "IFrameCmd"])
def test_a_key_frame_is_asked_for_under_either_spelling(name: str):
    desk = Desk(streams=True).start()
    control(desk, CAMERA, **{name: "Send"})
    assert desk.streams is not None
    assert desk.streams.said == [("key_frame", "")]


@pytest.mark.parametrize(
    ("device", "cmd", "fields", "result"),
    [
        ("4" * 20, "DeviceControl", {"GuardCmd": "SetGuard"}, "ERROR"),
        (CAMERA, "DeviceControl", {"PTZCmd": "A50F01021F0000D6"}, ""),
        (CAMERA, "DeviceControl", {"RecordCmd": "Record"}, "ERROR"),
        (CAMERA, "DeviceControl", {}, "ERROR"),
        (DEVICE, "DeviceConfig", {"BasicParam": {"Name": "x"}}, "ERROR"),
        (DEVICE, "Broadcast", {}, "ERROR"),
    ],
)
def test_what_it_cannot_do_is_answered_so(desk: Desk, device: str, cmd: str, fields: dict[str, object], result: str):
    assert control(desk, device, cmd, **fields) == result
    assert desk.audits == []


def test_pictures_are_taken_one_after_another_and_those_that_arrived_are_named():
    desk = Desk(snapshot_url=URL, version="2022").start()
    assert snap(desk, number="3", interval="5") == "OK"
    name, address, done = desk.took[0]
    assert address == f"{URL}{name}.jpg"
    assert name == f"{DEVICE}022026111819064100001"
    done(True)
    desk.live(4)
    assert len(desk.took) == 1
    desk.live(1)
    desk.took[1][2](False)
    desk.live(5)
    desk.live(40)  # the third is never heard of
    (told,) = desk.results("Notify", "UploadSnapShotFinished")
    assert [each.text for each in told.iter("SnapShotFileID")] == [name]
    assert (told.findtext("SessionID"), desk.centre.faults) == ("a" * 32, [])


@pytest.mark.parametrize(
    "wish",
    [
        {"url": "https://10.9.9.9/snap/"},
        {"url": "https://10.1.2.3@evil/snap/"},
        {"url": URL + "../admin"},
        {"url": ""},
        {"number": "0x9"},
        {"number": "x"},
        {"interval": "-1"},
        {"session": ""},
        {"session": "a b"},
    ],
)
def test_pictures_that_are_asked_for_in_a_wrong_way_are_not_taken(wish: dict[str, str]):
    desk = Desk(snapshot_url=URL).start()
    assert snap(desk, **wish) == "ERROR"
    assert desk.took == []


def test_pictures_need_the_term_the_camera_and_the_setting():
    desk = Desk().start()
    assert snap(desk) == "ERROR"
    for changes in ({"watching": False}, {"camera_on": False}):
        desk = Desk(snapshot_url=URL).start()
        desk.view = msgspec.structs.replace(desk.view, **changes)
        assert snap(desk) == "ERROR"
        assert desk.took == []
        assert desk.audits == [("centre.snapshot", {"allowed": 0})]


def test_no_more_pictures_are_taken_once_the_term_is_over():
    desk = Desk(snapshot_url=URL).start()
    snap(desk, number="5")
    desk.view = msgspec.structs.replace(desk.view, watching=False)
    desk.device.look()
    desk.took[0][2](True)
    desk.live(60)
    assert len(desk.took) == 1


def test_more_pictures_than_the_standard_knows_are_not_taken():
    desk = Desk(snapshot_url=URL).start()
    snap(desk, number="99", interval="0")
    for _ in range(30):
        if len(desk.took):
            desk.took[-1][2](True)
        desk.live(1)
    assert len(desk.took) == 10


def test_an_address_is_below_another_only_where_it_leads_there():
    assert is_below("https://a/b/c.jpg", "https://a/b")
    assert not is_below("https://a/bc", "https://a/b")
    assert not is_below("https://a/b/%2E%2e/c", "https://a/b")
    assert not is_below("https://a/b/\nc", "https://a/b")
    assert not is_below("https://a/b", None)
