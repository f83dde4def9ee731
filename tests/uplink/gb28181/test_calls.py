"""Live view's dialogues: nothing flows before the ACK, outside the term, or without the setting."""

import msgspec
import pytest

from edge.sim.centre import SRS, Habits, offer
from edge.uplink.gb28181.streams import Busy, UnfitOffer
from edge.uplink.gb28181.views import StreamEnded, ViewBegan, ViewEnded
from tests.uplink.gb28181.conftest import CAMERA, MAGNET, SERVER, Desk, FakeStreams
from tests.uplink.gb28181.test_answers import ask

PIECES = {"found": "x", "wanted": "y", "remedy": "z"}


def watched(habits: Habits | None = None, *, udp: bool = False, allow_live: bool = True) -> tuple[Desk, FakeStreams]:
    desk = Desk(habits, streams=True, udp=udp, allow_live=allow_live).start()
    assert desk.streams is not None
    return desk, desk.streams


def invited(desk: Desk, **more: str) -> str:
    call = desk.centre.invite(**more)
    desk.live(0.5)
    return call


@pytest.mark.parametrize("udp", [False, True])
def test_a_stream_begins_with_the_ack_and_ends_with_the_bye(udp: bool):
    desk, streams = watched(udp=udp)
    call = invited(desk)
    answer = desk.centre.answers[-1]
    assert (answer.code, answer["Content-Type"], answer.body) == (200, "application/sdp", b"v=0\r\ns=Play\r\n")
    assert streams.said == [("offer", call), ("begin", call)]
    desk.centre.bye(call)
    desk.live(0.5)
    assert streams.said[2:] == [("end", call)]
    assert (len(desk.device.calls), desk.centre.faults) == (0, [])


def test_a_platform_may_watch_by_the_magnets_id_too():
    desk, streams = watched()
    invited(desk, channel=MAGNET)
    assert desk.codes()[-1] == 200
    assert len(streams.said) == 2


def test_srs_watches_as_soon_as_the_unit_is_there():
    desk, streams = watched(msgspec.structs.replace(SRS))
    assert [what for what, _ in streams.said] == ["offer", "begin"]


def test_without_the_setting_the_term_or_a_camera_nobody_watches():
    for desk in (watched(allow_live=False)[0], Desk(allow_live=True).start(), watched()[0]):
        if desk.streams is not None and desk.gb.allow_live:
            desk.view = msgspec.structs.replace(desk.view, watching=False)
        invited(desk)
        assert desk.codes()[-1] == 488
        assert desk.audits[-1][0] == "centre.live"
        assert desk.audits[-1][1]["allowed"] == 0
        assert desk.streams is None or desk.streams.said == []


@pytest.mark.parametrize("name", ["Playback", "Download", "Talk", "Playback\r\ns=Play1"])
def test_what_is_not_live_is_not_acceptable(name: str):
    desk, streams = watched()
    invited(desk, sdp=offer(SERVER, name=name))
    assert (desk.codes()[-1], streams.said) == (488, [])


@pytest.mark.parametrize(("fault", "code"), [(UnfitOffer("sdp", **PIECES), 488), (Busy("call", **PIECES), 486)])
def test_an_offer_that_is_turned_away_is_answered_so_and_leaves_no_call(fault: UnfitOffer | Busy, code: int):
    desk, streams = watched()
    streams.fault = fault
    invited(desk)
    assert (desk.codes()[-1], len(desk.device.calls)) == (code, 0)


def test_an_invite_for_somebody_else_finds_nobody():
    desk, streams = watched()
    invited(desk, channel="5" * 20)
    assert (desk.codes()[-1], streams.said) == (404, [])


def test_a_new_call_of_the_same_subject_replaces_the_one_that_runs():
    desk, streams = watched()
    first = invited(desk, subject=f"{CAMERA}:0001,{SERVER}:1")
    second = invited(desk, subject=f"{CAMERA}:0001,{SERVER}:2")
    assert streams.said == [("offer", first), ("begin", first), ("end", first), ("offer", second), ("begin", second)]
    assert len(desk.device.calls) == 1
    assert first not in desk.centre._sessions  # it was told by BYE


def test_another_offer_within_a_call_is_taken_anew():
    desk, streams = watched()
    call = invited(desk)
    assert invited(desk, call=call) == call
    assert streams.said == [("offer", call), ("begin", call), ("end", call), ("offer", call), ("begin", call)]
    assert desk.codes()[-1] == 200


def test_an_invite_within_a_call_that_is_not_known_meets_481():
    desk, _streams = watched()
    ask(desk, "INVITE", more="To: x", uri=f"sip:{CAMERA}@x")
    desk.wires.say(
        f"INVITE sip:{CAMERA}@x SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKq\r\nFrom: <sip:f@x>;tag=f\r\n"
        f"To: <sip:{CAMERA}@x>;tag=old\r\nCall-ID: gone\r\nCSeq: 1 INVITE\r\n\r\n".encode()
    )
    desk.live(0.5)
    assert desk.codes()[-1] == 481


@pytest.mark.parametrize("method", ["BYE", "CANCEL", "INFO"])
def test_a_word_about_a_call_that_is_not_known_meets_481(method: str):
    desk, _streams = watched()
    ask(desk, method)
    assert desk.codes()[-1] == 481


def test_a_cancel_comes_too_late_and_is_taken():
    desk, _streams = watched()
    call = invited(desk)
    desk.centre.cancel(call)
    desk.live(0.5)
    assert desk.codes()[-1] == 200
    assert len(desk.device.calls) == 1


def test_a_stream_that_ends_by_itself_is_told_by_bye():
    desk, streams = watched()
    call = invited(desk)
    desk.loop.post(StreamEnded(call, "the platform closed it"))
    desk.loop.post(StreamEnded("nobody", "x"))
    desk.live(0.5)
    assert call not in desk.centre._sessions
    assert streams.said[-1] == ("end", call)


def test_each_view_is_audited_with_how_long_it_was_and_what_was_seen():
    desk, _streams = watched()
    for n in range(3):
        desk.loop.post(ViewBegan(f"c{n}", desk.clock.now()))
        desk.live(7)
        desk.loop.post(ViewEnded(f"c{n}", desk.clock.now(), "gone" if n else "", 100, 2))
    desk.live(0.1)
    told = {"seconds": 7, "pictures": 100, "dropped": 2}
    assert desk.audits == [("centre.watched", told)] + [("centre.watched", told | {"reason": "gone"})] * 2


def test_when_the_term_is_over_nobody_watches_any_more():
    desk, streams = watched()
    call = invited(desk)
    desk.device.look()
    assert len(desk.device.calls) == 1
    desk.view = msgspec.structs.replace(desk.view, watching=False)
    desk.device.look()
    desk.live(0.5)
    assert streams.said[-1] == ("end", call)
    assert call not in desk.centre._sessions


def test_a_call_without_an_ack_is_ended_after_32_seconds():
    desk, streams = watched(udp=True)
    desk.wires.lose = lambda raw: raw.startswith(b"ACK")
    call = invited(desk)
    assert ("begin", call) not in streams.said
    desk.live(33)
    assert streams.said[-1] == ("end", call)
    assert call not in desk.centre._sessions


def test_when_the_platform_is_gone_its_calls_are_too():
    desk, streams = watched()
    call = invited(desk)
    desk.wires.sever()
    desk.live(0.1)
    assert streams.said[-1] == ("end", call)


def test_a_unit_that_stops_ends_its_calls_first():
    desk, streams = watched()
    call = invited(desk)
    desk.device.stop(lambda: None)
    desk.live(0.5)
    assert call not in desk.centre._sessions
    assert not desk.centre.registered
    assert streams.said[-1] == ("end", call)
