"""What the platform is answered: its queries by documents that a strict reader takes, everything else by a code."""

import msgspec
import pytest

from edge.sim import sip
from edge.sim.centre import Habits
from tests.uplink.gb28181.conftest import CAMERA, DEVICE, MAGNET, SERVER, Desk


def ask(
    desk: Desk, method: str, body: bytes = b"", more: str = "", number: int = 900, uri: str = f"sip:{DEVICE}@x"
) -> None:
    """A request that the fake platform would not write."""
    lines = [f"{method} {uri} SIP/2.0", "Via: SIP/2.0/TCP h;branch=z9hG4bKx", f"From: <sip:{SERVER}@x>;tag=f"]
    lines += [f"To: <sip:{DEVICE}@x>", "Call-ID: odd", f"CSeq: {number} {method}", *filter(None, [more])]
    desk.wires.say("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
    desk.live(0.5)


def status(desk: Desk, **changes: object) -> dict[str, str]:
    """DeviceStatus of a unit that is so, flat."""
    desk.view = msgspec.structs.replace(desk.view, **changes)
    desk.centre.query("DeviceStatus")
    desk.live(0.5)
    return {each.tag: each.text or "" for each in desk.results("Response", "DeviceStatus")[-1].iter() if not len(each)}


@pytest.mark.parametrize(
    "body",
    [b"", b"not xml", b"<Query/>", b"\xff\xfe", b"<!DOCTYPE a><Query><CmdType>Catalog</CmdType><SN>1</SN></Query>"],
)
def test_a_message_without_a_document_is_answered_400_and_nothing_follows(desk: Desk, body: bytes):
    before = len(desk.centre.documents)
    ask(desk, "MESSAGE", body)
    assert desk.codes()[-1] == 400
    assert len(desk.centre.documents) == before


@pytest.mark.parametrize("method", ["PUBLISH", "REFER", "PRACK", "REGISTER", "X"])
def test_a_method_that_no_device_serves_is_answered_405_with_those_it_does(desk: Desk, method: str):
    ask(desk, method)
    assert desk.codes()[-1] == 405
    assert "MESSAGE" in desk.centre.answers[-1]["Allow"]


@pytest.mark.parametrize(
    "raw",
    [
        b"MESSAGE sip:a SIP/2.0\r\n\r\n",
        b"MESSAGE sip:a SIP/2.0\r\nVia: x\r\nFrom: y\r\nTo: z\r\nCSeq: none\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"\0\1\2",
    ],
)
def test_what_cannot_be_answered_is_passed_over(desk: Desk, raw: bytes):
    before = len(desk.centre.answers)
    desk.wires.say(raw)
    desk.live(1)
    assert (len(desk.centre.answers), desk.loop.faults) == (before, 0)


def test_options_are_answered_with_what_it_serves(desk: Desk):
    ask(desk, "OPTIONS")
    assert desk.codes()[-1] == 200


def test_a_flood_costs_no_more_than_fifty_messages_a_second(desk: Desk):
    before = len(desk.centre.answers)
    for number in range(500):
        ask_raw = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=b\r\nFrom: <sip:f@x>;tag=f\r\nTo: <sip:t@x>\r\n"
        desk.wires.say(f"{ask_raw}Call-ID: {number}\r\nCSeq: 1 OPTIONS\r\n\r\n".encode())
    desk.loop.turn()
    assert len(desk.centre.answers) - before <= 50
    desk.live(1)
    desk.happen()
    desk.live(0.1)
    assert desk.said() == ["门磁：开启"]


@pytest.mark.parametrize("version", ["2016", "2022"])
@pytest.mark.parametrize("encoding", ["GB2312", "GB18030", "UTF-8"])
@pytest.mark.parametrize("udp", [False, True])
def test_the_catalogue_lists_the_camera_and_the_magnet_beside_it(version: str, encoding: str, udp: bool):
    desk = Desk(udp=udp, version=version, encoding=encoding).start()
    assert list(desk.centre.catalogue) == [CAMERA, MAGNET]
    assert desk.centre.catalogue[MAGNET]["Name"] == "门磁 door-1"
    assert desk.centre.catalogue[CAMERA]["ParentID"] == DEVICE
    assert desk.centre.faults == []
    assert len(desk.results("Response", "Catalog")) == 1 + udp  # a datagram holds one


def test_a_unit_without_a_camera_lists_the_magnet_alone():
    desk = Desk(Habits(catalog=False)).start()
    desk.view = msgspec.structs.replace(desk.view, has_camera=False)
    desk.centre.query("Catalog")
    desk.live(0.5)
    assert list(desk.centre.catalogue) == [MAGNET]


def test_what_does_not_work_is_off_in_the_catalogue_and_named_by_the_keepalive(desk: Desk):
    desk.view = msgspec.structs.replace(desk.view, camera_failed=True, magnet_failed=True)
    desk.centre.query("Catalog")
    desk.live(61)
    assert desk.centre.catalogue[CAMERA]["Status"] == "OFF"
    assert desk.centre.faulty == [CAMERA, MAGNET]
    assert desk.results("Notify", "Keepalive")[-1].findtext("Status") == "ERROR"


def test_duty_status_tells_the_magnet_armed_open_or_off_duty(desk: Desk):
    assert status(desk)["DutyStatus"] == "ONDUTY"
    assert status(desk, door_open=True)["DutyStatus"] == "ALARM"
    assert status(desk, watching=False, door_open=False, camera_on=False)["DutyStatus"] == "OFFDUTY"


def test_outside_the_term_an_open_door_is_not_told(desk: Desk):
    told = status(desk, watching=False, door_open=True)
    assert told["DutyStatus"] == "OFFDUTY"


def test_a_status_says_what_has_failed_and_no_time_that_nobody_knows(desk: Desk):
    told = status(desk, camera_failed=True, time="")
    assert (told["Status"], told["Encode"]) == ("ERROR", "ON")
    assert CAMERA in told["Reason"]
    assert "DeviceTime" not in told


def test_there_are_no_recordings_and_that_is_what_it_says(desk: Desk):
    desk.centre.query("RecordInfo", StartTime="2026-11-17T00:00:00", EndTime="2026-11-18T00:00:00")
    desk.live(0.5)
    (told,) = desk.results("Response", "RecordInfo")
    assert told.findtext("SumNum") == "0"
    assert told.find("RecordList") is None


def test_the_configuration_that_is_known_is_told_and_no_other(desk: Desk):
    desk.centre.query("ConfigDownload", ConfigType="BasicParam/VideoParamOpt")
    desk.centre.query("ConfigDownload", ConfigType="VideoParamOpt")
    desk.live(0.5)
    basic, other = desk.results("Response", "ConfigDownload")
    assert basic.findtext("BasicParam/HeartBeatInterval") == "60"
    assert other.findtext("Result") == "ERROR"


@pytest.mark.parametrize(("cmd", "device"), [("MobilePosition", ""), ("Unheard", ""), ("DeviceInfo", "3" * 20)])
def test_a_query_that_it_cannot_answer_is_answered_with_an_error(desk: Desk, cmd: str, device: str):
    desk.centre.query(cmd, device)
    desk.live(0.5)
    assert desk.results("Response", cmd)[-1].findtext("Result") == "ERROR"


def test_answers_go_one_after_another_each_when_the_one_before_was_taken():
    desk = Desk(Habits(catalog=False), udp=True).start()
    desk.wires.lose = lambda raw: raw.startswith(b"MESSAGE") and b"<Response>" in raw and desk.clock.now() < 3 * 10**9
    desk.centre.query("Catalog")
    desk.centre.query("DeviceInfo")
    desk.live(20)
    said = [cmd for kind, cmd, _ in desk.centre.documents if kind == "Response"]
    assert said == ["Catalog", "Catalog", "DeviceInfo"]


def test_the_fake_platform_refuses_what_a_strict_one_would():
    good = sip.write(
        "MESSAGE sip:a SIP/2.0",
        [
            ("Via", "SIP/2.0/TCP h;rport;branch=z9hG4bK1"),
            ("From", "a;tag=1"),
            ("To", "b"),
            ("Call-ID", "c"),
            ("CSeq", "1 MESSAGE"),
            ("Max-Forwards", "70"),
        ],
    )
    assert sip.read(good).method == "MESSAGE"
    for old, new in (
        (b": 0", b": 1"),
        (b";tag=1", b""),
        (b"1 MESSAGE", b"1 INVITE"),
        (b"To: b", b"To:b"),
        (b"z9hG4bK1", b"1"),
    ):
        with pytest.raises(sip.Unfit):
            sip.read(good.replace(old, new))
