import itertools
import threading
from contextlib import ExitStack, suppress
from itertools import pairwise

import pytest

from edge.clock import SystemClock
from edge.sim.camera import SimCamera
from edge.sim.encoder import SimFilm
from edge.uplink.gb28181.streams import UnfitOffer
from tests.uplink.gb28181.media import receiver
from tests.uplink.gb28181.media.conftest import FRAME_NS, LEFT_THIRD
from tests.uplink.gb28181.media.viewer import WITHIN_S, Ear, Unit, hear

FILLER = b"\x00\x00\x01\x0c" + b"\xff" * 100_000 + b"\x80"  # filler data, H.264 7.3.2.7: a decoder passes over it


@pytest.mark.parametrize("way", ["udp", "tcp", "called"])
def test_every_picture_of_the_camera_is_decoded_at_the_platform_with_its_time(way, unit, reel, units, tmp_path):
    with ExitStack() as closing_:
        ear = hear(unit, way, closing_)
        unit.began()
        for one in units:
            reel.show(one)
            ear.picture()
        unit.live.end("a")
        ended = unit.ended()
    assert (ended.pictures, ended.dropped, ended.reason) == (45, 0, "")
    assert {receiver.rtp(packet).ssrc for packet in ear.packets} <= {200_000_001, 200_009_215}
    decoded = receiver.decoded(receiver.stream(ear.packets), tmp_path)
    assert [pts for pts, _ in decoded] == [(one.at_ns - units[0].at_ns) * 9 // 100_000 for one in units]
    assert unit.watcher.ends.empty()


def test_the_simulated_camera_can_be_watched(watcher, tmp_path):
    clock = SystemClock()
    camera = SimCamera(lambda: 0.5, lambda: clock.read().wall_ns, width=320, height=192)
    unit = Unit(SimFilm(camera, lambda: LEFT_THIRD, clock.now, kbps=400), watcher)
    with ExitStack() as closing_:
        closing_.callback(unit.live.close)
        ear = hear(unit, "udp", closing_)
        for _ in range(5):
            ear.picture()
    decoded = receiver.decoded(receiver.stream(ear.packets), tmp_path)
    assert len(decoded) == 5
    assert all(b > a for (a, _), (b, _) in pairwise(decoded))


def test_a_key_frame_does_not_leave_in_one_burst(unit, reel, units):
    with ExitStack() as closing_:
        ear = hear(unit, "udp", closing_)
        unit.began()
        reel.show(units[0])
        ear.picture()
        big = units[30]._replace(annexb=units[30].annexb + FILLER[-60_000:], at_ns=units[0].at_ns + FRAME_NS)
        clock = SystemClock()
        shown_ns = clock.now()
        reel.show(big)
        ear.picture()
        assert clock.now() - shown_ns > 0.6 * FRAME_NS
    unit.live.close()


def test_a_lost_connection_is_opened_again_and_begins_with_a_key_frame(unit, passive, server, reel, units, tmp_path):
    unit.watch(passive)
    first = server.accept()[0]
    unit.began()
    with first:
        ear = Ear(first, framed=True)
        reel.show(units[0])
        ear.picture()
    shown = itertools.count(1)
    server.settimeout(0.05)
    second = None
    while second is None:  # the loss is noticed when the next picture is sent
        reel.show(units[next(shown)])
        second = _accepted(server)
    ear = Ear(second, framed=True)
    with second:
        assert reel.asked.wait(WITHIN_S)
        for one in units[30:]:
            reel.show(one)
            ear.picture()
    assert len(receiver.decoded(receiver.stream(ear.packets), tmp_path)) == 15


def test_a_platform_that_is_gone_is_tried_three_times_and_then_given_up(unit, passive, server, reel, units):
    unit.watch(passive)
    peer = server.accept()[0]
    unit.began()
    server.close()
    peer.close()
    for one in units[:3]:
        reel.show(one)
    call, reason = unit.watcher.ends.get(timeout=WITHIN_S)
    assert call == "a"
    assert reason.startswith("live view, TCP: found Connection refused")
    assert unit.ended().reason == reason


def test_a_platform_that_was_never_there_is_given_up_without_a_view(unit, passive, server, watcher):
    server.close()
    unit.watch(passive)
    assert "Connection refused" in watcher.ends.get(timeout=WITHIN_S)[1]
    assert watcher.facts.empty()
    assert not unit.live.watched


def test_a_slow_reader_gets_fewer_pictures_all_of_which_it_can_decode(unit, passive, server, reel, units, tmp_path):
    unit.watch(passive)
    with server.accept()[0] as peer:
        unit.began()
        fed = 0
        for one in units[:31] * 4:  # 12 MB, nobody reads
            reel.show(one._replace(annexb=one.annexb + FILLER, at_ns=fed * FRAME_NS))
            fed += 1
        ear = Ear(peer, framed=True)
        ear.picture()
        reading = threading.Thread(target=_read_all, args=(ear,))
        reading.start()
        while not _fits(unit, reel, units[30]._replace(at_ns=fed * FRAME_NS)):
            fed += 1
        fed += 1
        unit.live.end("a")
        ended = unit.ended()
        reading.join(WITHIN_S)
    got = receiver.whole(ear.packets)
    assert len(got) == ended.pictures
    assert ended.dropped > 60
    decoded = receiver.decoded(receiver.stream(ear.packets), tmp_path)
    assert len(decoded) == len(got)


def test_a_stream_that_waits_for_a_slow_reader_ends_within_its_time(unit, passive, server, reel, units):
    unit.watch(passive)
    with server.accept()[0]:
        unit.began()
        for one in units[:1] * 400:
            reel.show(one._replace(annexb=one.annexb + FILLER))
        closing_ = threading.Thread(target=unit.live.close)
        closing_.start()
        closing_.join(4.5)
        assert not closing_.is_alive()
    with pytest.raises(UnfitOffer, match="the unit ends"):
        unit.live.offer("b", passive)


def _accepted(server):
    try:
        return server.accept()[0]
    except TimeoutError:
        return None


def _read_all(ear):
    """Until the stream ends."""
    with suppress(EOFError, ConnectionError):
        while True:
            ear.picture()


def _fits(unit, reel, picture):
    """Show a key frame; whether it was taken."""
    before = unit.live._sender._backlog.dropped
    reel.show(picture)
    return unit.live._sender._backlog.dropped == before
