import socket
import threading
from contextlib import closing

import pytest

from edge.clock import SECOND
from edge.errors import LinkError
from edge.sim.time import SimClock
from edge.uplink.gb28181 import pipes, sdp
from edge.uplink.gb28181.pipes import STALL_NS, Ended
from tests.uplink.gb28181.media import offers, receiver

PACKETS = [b"\x80" + bytes(1399)] * 40


class Turning:
    """Whether the stream is over: each look lets 6 s pass, and the nth look is told yes."""

    def __init__(self, clock, over_at=None):
        self.clock, self.over_at, self.looks = clock, over_at, 0

    def __call__(self):
        self.looks += 1
        self.clock.turn(6 * SECOND)
        return self.looks == self.over_at


@pytest.fixture
def clock():
    return SimClock()


@pytest.fixture
def lay(clock):
    """Lays pipes that are closed in the end."""
    laid = []

    def lay(offer, over=lambda: False):
        pipe = pipes.lay(sdp.read(offer), over, clock.now, 0)
        laid.append(pipe)
        return pipe

    yield lay
    for pipe in laid:
        pipe.close()
        pipe.close()


@pytest.fixture
def server():
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        one.settimeout(10)
        yield one


def port_of(sock):
    return sock.getsockname()[1]


def unused_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return port_of(sock)


def again_and_again(pipe, between=lambda: None):
    """Sends, up to 40 MB, which no kernel holds for a reader that does not read."""
    for _ in range(700):
        pipe.send(PACKETS)
        between()


def test_over_udp_each_packet_is_a_datagram_from_the_port_that_the_answer_names(lay):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(10)
        pipe = lay(offers.at(offers.WVP_UDP, port_of(far)))
        pipe.open()
        pipe.send(PACKETS[:3])
        for packet in PACKETS[:3]:
            assert far.recvfrom(2000) == (packet, ("127.0.0.1", pipe.port))


def test_a_udp_receiver_that_refuses_for_ten_seconds_is_gone(lay, clock):
    pipe = lay(offers.at(offers.WVP_UDP, unused_port(socket.SOCK_DGRAM)))
    with pytest.raises(LinkError, match="found Connection refused, for 10 s"):
        again_and_again(pipe, lambda: clock.turn(SECOND))
    assert pipe.lost >= 10


def test_refusals_of_udp_far_from_one_another_end_nothing(lay, clock):
    pipe = lay(offers.at(offers.WVP_UDP, unused_port(socket.SOCK_DGRAM)))
    for _ in range(10):
        pipe.send(PACKETS[:2])
        clock.turn(5 * SECOND)
    assert pipe.lost == 10


def test_over_tcp_packets_are_framed(lay, server):
    pipe = lay(offers.at(offers.WVP_PASSIVE, port_of(server)))
    pipe.open()
    peer, _ = server.accept()
    with peer:
        pipe.send(PACKETS)
        pipe.close()
        assert receiver.unframed(peer.makefile("rb").read()) == PACKETS


def test_a_tcp_port_where_nobody_listens_is_said_to_refuse(lay):
    with pytest.raises(LinkError, match="live view, TCP: found Connection refused"):
        lay(offers.at(offers.WVP_PASSIVE, unused_port())).open()


def test_a_peer_that_hung_up_is_noticed_before_the_next_picture(lay, server):
    pipe = lay(offers.at(offers.WVP_PASSIVE, port_of(server)))
    pipe.open()
    server.accept()[0].close()
    with pytest.raises(LinkError, match="the platform closed it|reset"):
        pipe.send(PACKETS)


def test_what_the_platform_says_is_passed_over(lay, server):
    pipe = lay(offers.at(offers.WVP_PASSIVE, port_of(server)))
    pipe.open()
    peer, _ = server.accept()
    with peer:
        peer.sendall(b"\x00\x08\x81\xc9\x00\x01\x00\x00\x00\x00")
        pipe.send(PACKETS)
        pipe.close()
        assert len(receiver.unframed(peer.makefile("rb").read())) == len(PACKETS)


def test_a_peer_that_takes_nothing_for_ten_seconds_is_gone(lay, server, clock):
    pipe = lay(offers.at(offers.WVP_PASSIVE, port_of(server)), Turning(clock))
    pipe.open()
    peer, _ = server.accept()
    started_ns = clock.now()
    with peer, pytest.raises(LinkError, match="found nothing taken for 10 s"):
        again_and_again(pipe)
    assert STALL_NS <= clock.now() - started_ns < STALL_NS + 7 * SECOND


def test_who_waits_for_a_slow_peer_stops_when_the_stream_is_over(lay, server, clock):
    pipe = lay(offers.at(offers.WVP_PASSIVE, port_of(server)), Turning(clock, over_at=1))
    pipe.open()
    peer, _ = server.accept()
    with peer, pytest.raises(Ended):
        again_and_again(pipe)


def test_the_platform_may_call_and_then_nobody_else(lay):
    pipe = lay(offers.WVP_ACTIVE)
    with socket.create_connection((pipe.host, pipe.port), 10) as far:
        pipe.open()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((pipe.host, pipe.port), 10)
        pipe.send(PACKETS)
        pipe.close()
        assert receiver.unframed(far.makefile("rb").read()) == PACKETS


def test_a_stranger_who_calls_is_turned_away_and_the_platform_still_comes_through(lay, caplog):
    pipe = lay(offers.WVP_ACTIVE)
    with socket.create_connection((pipe.host, pipe.port), 10, ("127.0.0.2", 0)) as stranger:
        opening = threading.Thread(target=pipe.open)
        opening.start()
        assert stranger.makefile("rb").read() == b""
        with socket.create_connection((pipe.host, pipe.port), 10):
            opening.join(10)
    assert pipe.strangers == 1
    assert "127.0.0.2 called at the platform's port and was turned away" in caplog.text


def test_a_platform_that_does_not_call_within_ten_seconds_finds_the_port_shut(lay, clock):
    pipe = lay(offers.WVP_ACTIVE, Turning(clock))
    with pytest.raises(LinkError, match="not called by the platform within 10 s"):
        pipe.open()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((pipe.host, pipe.port), 10)


def test_a_platform_that_lost_its_connection_may_call_the_same_port_again(lay):
    pipe = lay(offers.WVP_ACTIVE)
    port = pipe.port
    with socket.create_connection((pipe.host, port), 10):
        pipe.open()
    with pytest.raises(LinkError):
        again_and_again(pipe)
    opening = threading.Thread(target=pipe.open)
    opening.start()
    with closing(_called(pipe.host, port)) as far:
        opening.join(10)
        pipe.send(PACKETS[:1])
        assert far.makefile("rb").read(1402) == (1400).to_bytes(2, "big") + PACKETS[0]


def test_a_listener_that_waits_stops_when_the_stream_is_over(lay, clock):
    with pytest.raises(Ended):
        lay(offers.WVP_ACTIVE, Turning(clock, over_at=1)).open()


def _called(host, port):
    """A connection, as soon as somebody listens; within 5 s."""
    waits = threading.Event()
    for _ in range(500):
        try:
            return socket.create_connection((host, port), 10)
        except ConnectionRefusedError:
            waits.wait(0.01)
    raise AssertionError("nobody listens")
