import queue

import pytest

from edge.uplink.gb28181.sender import Waits
from edge.uplink.gb28181.streams import Busy, UnfitOffer
from edge.uplink.gb28181.views import StreamEnded, Teller, ViewBegan, ViewEnded
from tests.uplink.gb28181.media import offers
from tests.uplink.gb28181.media.reel import lacking
from tests.uplink.gb28181.media.viewer import WITHIN_S, Unit


def test_nothing_is_filmed_or_sent_before_the_ack(unit, reel, server, passive):
    unit.live.offer("a", passive)
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.accept()
    assert reel.starts == 0
    server.settimeout(WITHIN_S)
    unit.live.begin("a")
    with server.accept()[0]:
        unit.began()


def test_a_call_whose_ack_does_not_come_ends_by_itself_without_a_view(reel, watcher):
    unit = Unit(reel, watcher, waits=Waits(ack=0.02))
    unit.live.offer("a", offers.WVP_UDP)
    assert watcher.ends.get(timeout=WITHIN_S) == ("a", "no ACK within 0.02 s")
    unit.live.close()
    assert watcher.facts.empty()
    assert reel.starts == 0


def test_a_view_is_told_before_the_camera_films_and_after_it_has_stopped(unit, reel, server, passive):
    reel.may_stop.clear()
    unit.watch(passive)
    with server.accept()[0]:
        unit.began()
        unit.live.end("a")
        with pytest.raises(queue.Empty):
            unit.watcher.facts.get(timeout=0.05)
        reel.may_stop.set()
        assert unit.ended().call == "a"
    assert not reel.running.is_set()


def test_a_second_call_is_busy_and_may_follow_the_first(unit, passive, server, reel):
    unit.watch(passive)
    with server.accept()[0]:
        unit.began()
        with pytest.raises(Busy, match="found another call"):
            unit.live.offer("b", passive)
        unit.live.end("a")
        unit.watch(passive, "b")
        with server.accept()[0]:
            unit.ended()
            unit.began()
    assert reel.starts == 2


def test_a_call_that_replaces_another_films_only_once_that_has_let_the_camera_go(unit, passive, server, reel):
    unit.watch(passive)
    with server.accept()[0]:
        unit.began()
        reel.may_stop.clear()
        unit.live.end("a")
        unit.watch(passive, "b")
        with pytest.raises(queue.Empty):
            unit.watcher.facts.get(timeout=0.05)
        assert reel.starts == 1
        reel.may_stop.set()
        unit.ended()
        unit.began()
    assert reel.starts == 2


def test_a_new_offer_in_the_same_call_replaces_its_stream(unit, passive, server):
    unit.watch(passive)
    with server.accept()[0]:
        unit.began()
        unit.watch(passive)
        unit.ended()
        with server.accept()[0]:
            unit.began()
    assert unit.watcher.ends.empty()


def test_outside_the_term_nobody_is_admitted(unit, passive):
    unit.why_not = "outside the term"
    with pytest.raises(UnfitOffer, match="found outside the term"):
        unit.live.offer("a", passive)


def test_a_term_that_ends_before_the_ack_ends_the_call_before_the_camera_films(unit, passive, reel):
    unit.live.offer("a", passive)
    unit.why_not = "the term is over"
    unit.live.begin("a")
    assert unit.watcher.ends.get(timeout=WITHIN_S) == ("a", "the term is over")
    assert unit.watcher.facts.empty()
    assert reel.starts == 0


def test_when_the_term_ends_the_view_ends_with_it_and_the_signalling_is_told(unit, passive, server, reel):
    unit.watch(passive)
    with server.accept()[0]:
        unit.began()
        unit.live.dismiss("the term is over")
        assert unit.watcher.ends.get(timeout=WITHIN_S) == ("a", "the term is over")
        assert unit.ended().reason == "the term is over"
    assert reel.stops == 1


def test_no_picture_leaves_after_the_term_even_if_nobody_ends_the_view(unit, passive, server, reel, units):
    unit.watch(passive)
    with server.accept()[0] as peer:
        unit.began()
        unit.why_not = "the term is over"
        reel.show(units[0])
        assert unit.watcher.ends.get(timeout=WITHIN_S) == ("a", "the term is over")
        peer.settimeout(WITHIN_S)
        assert peer.recv(1) == b""
    assert unit.ended().pictures == 0


def test_a_unit_without_an_encoder_says_so_and_admits_nobody(unit, passive, reel):
    reel.lacks = lacking()
    with pytest.raises(UnfitOffer, match="camera: found none; want a camera"):
        unit.live.offer("a", passive)


def test_a_platform_that_wants_to_call_is_refused_where_listening_is_off(reel, watcher):
    unit = Unit(reel, watcher, listen_port=None)
    with pytest.raises(UnfitOffer, match="wants to call us"):
        unit.live.offer("a", offers.WVP_ACTIVE)


def test_a_port_that_is_taken_is_refused_and_leaves_the_unit_free(reel, watcher, server, passive):
    unit = Unit(reel, watcher, listen_port=server.getsockname()[1])
    with pytest.raises(UnfitOffer, match="Address already in use"):
        unit.live.offer("a", offers.WVP_ACTIVE)
    unit.watch(passive)
    with server.accept()[0]:
        unit.began()
    unit.live.close()


def test_a_camera_that_does_not_start_ends_the_view_with_its_reason(unit, passive, server, reel):
    reel.fault = lacking()
    unit.watch(passive)
    with server.accept()[0]:
        assert "found none; want a camera" in unit.watcher.ends.get(timeout=WITHIN_S)[1]
    assert isinstance(unit.watcher.facts.get(), ViewBegan)
    assert "want a camera" in unit.ended().reason


def test_a_camera_that_falls_silent_ends_the_view(reel, watcher, passive, server):
    unit = Unit(reel, watcher, waits=Waits(picture=0.05))
    unit.watch(passive)
    with server.accept()[0]:
        assert "found no picture for 0.05 s" in watcher.ends.get(timeout=WITHIN_S)[1]
    unit.live.close()


def test_what_no_part_may_raise_ends_the_view_and_is_counted(unit, passive, server, reel, caplog):
    reel.fault = RuntimeError("odd")
    unit.watch(passive)
    with server.accept()[0]:
        assert unit.watcher.ends.get(timeout=WITHIN_S) == ("a", "a fault of doorunit: RuntimeError")
    assert unit.live.faults == 1
    assert isinstance(unit.watcher.facts.get(), ViewBegan)
    assert unit.ended().reason == "a fault of doorunit: RuntimeError"
    assert "RuntimeError: odd" in caplog.text


def test_a_platform_that_asks_for_key_frames_without_end_gets_one_a_second(unit, passive, server, reel):
    unit.live.key_frame()
    unit.watch(passive)
    with server.accept()[0]:
        unit.began()
        for _ in range(100):
            unit.live.key_frame()
    assert reel.keys <= 1


def test_calls_that_never_were_are_passed_over(unit):
    unit.live.begin("x")
    unit.live.end("x")
    unit.live.key_frame()
    unit.live.dismiss("the term is over")
    assert not unit.live.watched


def test_what_streams_say_of_themselves_reaches_the_deciding_thread_as_facts(reel, passive, server):
    facts = queue.Queue()
    unit = Unit(reel, Teller(facts.put))
    unit.watch(passive)
    with server.accept()[0]:
        began = facts.get(timeout=WITHIN_S)
        unit.live.dismiss("the term is over")
        ended, over = facts.get(timeout=WITHIN_S), facts.get(timeout=WITHIN_S)
    assert (type(began), began.call) == (ViewBegan, "a")
    assert (type(ended), ended.call, ended.reason) == (ViewEnded, "a", "the term is over")
    assert over == StreamEnded("a", "the term is over")
    assert began.boot_ns <= ended.boot_ns
