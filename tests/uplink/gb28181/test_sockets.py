"""The real connection, over loopback: TCP and UDP, a peer that is gone, refuses, floods or never reads."""

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from edge.clock import SystemClock
from edge.errors import ServerError, UnknownHostError
from edge.sim.centre import Centre
from edge.sim.centreline import CentreServer
from edge.uplink.gb28181.message import MESSAGE_MAX_BYTES
from edge.uplink.gb28181.sockets import Closed, Heard, Opened, Sockets
from tests.uplink.gb28181.conftest import SERVER
from tests.uplink.gb28181.test_message import INVITE

CLOCK = SystemClock()
Facts = queue.SimpleQueue[object]


@contextmanager
def sockets(transport: str = "tcp") -> Iterator[tuple[Sockets, Facts]]:
    facts: Facts = queue.SimpleQueue()
    with closing(Sockets(transport, 0, facts.put, CLOCK, connect_s=2)) as one:
        yield one, facts


def fact(facts: Facts) -> object:
    """The next, within 5 s."""
    return facts.get(timeout=5)


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.settimeout(5)
        yield one


def port(one: socket.socket) -> int:
    return int(one.getsockname()[1])


def test_over_tcp_messages_go_and_come_whole_however_they_are_cut():
    with listening() as server, sockets() as (one, facts):
        one.open(1, "127.0.0.1", port(server))
        peer, _ = server.accept()
        with peer:
            opened = fact(facts)
            assert isinstance(opened, Opened)
            assert (opened.life, opened.host, opened.port) == (1, "127.0.0.1", peer.getpeername()[1])
            one.send(INVITE)
            assert peer.recv(4096) == INVITE
            peer.sendall(INVITE + INVITE[:100])
            assert fact(facts) == Heard(1, INVITE, "")
            peer.sendall(INVITE[100:])
            assert fact(facts) == Heard(1, INVITE, "")


@pytest.mark.parametrize("raw", [b"x" * (MESSAGE_MAX_BYTES + 10), b"A b SIP/2.0\r\nContent-Length: x\r\n\r\n", b""])
def test_a_stream_that_ends_or_makes_no_sense_is_a_broken_connection(raw: bytes):
    with listening() as server, sockets() as (one, facts):
        one.open(1, "127.0.0.1", port(server))
        peer, _ = server.accept()
        assert isinstance(fact(facts), Opened)
        with peer:
            peer.sendall(raw)
            with suppress(OSError):  # the device may have ended it by then
                peer.shutdown(socket.SHUT_WR)
            closed = fact(facts)
        assert isinstance(closed, Closed)
        assert closed.life == 1


def test_nobody_there_is_told_as_the_servers_fault():
    with listening() as server:
        free = port(server)
    with sockets() as (one, facts):
        one.open(3, "127.0.0.1", free)
        closed = fact(facts)
        assert isinstance(closed, Closed)
        assert isinstance(closed.error, ServerError)


@pytest.mark.parametrize("host", ["", "a" * 70 + ".example", "no-such-host.invalid"])
def test_a_name_that_is_none_is_told(host: str):
    with sockets() as (one, facts):
        one.open(1, host or "..", 5060)
        closed = fact(facts)
        assert isinstance(closed, Closed)
        assert isinstance(closed.error, UnknownHostError) or closed.error.found


def test_a_peer_that_never_reads_is_given_up_and_delays_nobody():
    with listening() as server, sockets() as (one, facts):
        one.open(1, "127.0.0.1", port(server))
        peer, _ = server.accept()
        with peer:
            assert isinstance(fact(facts), Opened)
            for _ in range(200):
                one.send(b"x" * 60_000)
            assert isinstance(fact(facts), Closed)


def test_another_connection_ends_the_one_before_without_a_word():
    with listening() as first, listening() as second, sockets() as (one, facts):
        one.open(1, "127.0.0.1", port(first))
        old, _ = first.accept()
        with old:
            assert isinstance(fact(facts), Opened)
            one.open(2, "127.0.0.1", port(second))
            opened = fact(facts)
            assert isinstance(opened, Opened)
            assert opened.life == 2
            assert old.recv(100) == b""


def test_what_was_handed_over_before_the_end_is_written():
    with listening() as server, sockets() as (one, facts):
        one.open(1, "127.0.0.1", port(server))
        peer, _ = server.accept()
        with peer:
            assert isinstance(fact(facts), Opened)
            one.send(INVITE)
            one.shut()
            assert peer.recv(4096) == INVITE
            assert peer.recv(4096) == b""
        one.send(b"nobody")


def test_over_udp_the_answer_goes_where_the_question_came_from_and_strangers_are_not_heard():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, sockets("udp") as (one, facts):
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        one.open(1, "127.0.0.1", port(server))
        opened = fact(facts)
        assert isinstance(opened, Opened)
        own = (opened.host, opened.port)
        one.send(INVITE)
        assert server.recv(4096) == INVITE
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.2", 0))
            other.sendto(b"stranger", own)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as beside:
            beside.bind(("127.0.0.1", 0))
            beside.settimeout(5)
            beside.sendto(b"\r\n\r\n", own)
            beside.sendto(INVITE, own)
            heard = fact(facts)
            assert isinstance(heard, Heard)
            assert heard.raw == INVITE
            one.send(b"answer", heard.to)
            assert beside.recv(100) == b"answer"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_it_ends_within_five_seconds_and_its_thread_with_it(transport: str):
    with sockets(transport) as (one, facts), closing(CentreServer(Centre(SERVER, CLOCK.now), transport)) as server:
        one.open(1, "127.0.0.1", server.port)
        assert isinstance(fact(facts), Opened)
        one.close()
        one.close()
        assert "gb28181" not in {thread.name for thread in threading.enumerate()}
