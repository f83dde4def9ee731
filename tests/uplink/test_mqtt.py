"""The real link against a real mosquitto: what goes over it, what does not, and how it ends."""

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from edge.errors import LinkError, RefusedError, ServerError
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.station.embedded import EmbeddedBroker
from tests.station.talker import V311, Client
from tests.uplink.conftest import UNIT, WITHIN_S, Dial

EVENT, STATE, ONLINE, RECEIPT = (f"door/v1/{UNIT}/{leaf}" for leaf in ("event", "state", "online", "receipt"))
NO_SUBSCRIBERS = 16
CONNACK = b"\x20\x03\x00\x00\x00"  # MQTT 5, accepted, no properties
Listen = Callable[[Callable[[socket.socket], None]], int]


def test_it_speaks_mqtt_5_and_records_arrive_with_their_content_type_and_an_answer(line: Dial, station: Client) -> None:
    kinds: queue.Queue[str] = queue.Queue()
    station.paho.on_message = lambda _c, _u, message: kinds.put(getattr(message.properties, "ContentType", ""))
    link = line()
    assert link.dial(LinkUp).protocol == "5"
    assert link.publish(EVENT, b"{}", token=7)
    assert link.publish(STATE, b"{}", token=8)
    assert [link.next(Acked) for _ in range(2)] == [Acked(7, True, "Success"), Acked(8, True, "Success")]
    assert [kinds.get(timeout=WITHIN_S) for _ in range(2)] == ["application/cloudevents+json", ""]


def test_messages_arrive_once_in_order_and_each_token_is_answered_once(line: Dial, station: Client) -> None:
    link = line()
    link.dial(LinkUp)
    for n in range(1, 501):
        assert link.publish(EVENT, b"%d" % n, token=n)
    assert [int(station.hear()[1]) for _ in range(500)] == list(range(1, 501))
    assert [link.next(Acked).token for _ in range(500)] == list(range(1, 501))
    assert link.facts.empty()


def test_what_carries_no_token_or_is_not_acknowledged_at_all_is_not_answered(line: Dial, station: Client) -> None:
    link = line()
    link.dial(LinkUp)
    assert link.publish(STATE, b"1")
    assert link.publish(f"door/v1/{UNIT}/pulse", b"2", qos=0, token=5)
    assert link.publish(EVENT, b"3", token=6)
    assert [station.hear()[1] for _ in range(3)] == [b"1", b"2", b"3"]
    assert link.next(Acked).token == 6


def test_a_large_message_arrives_whole(line: Dial, station: Client) -> None:
    link = line()
    link.dial(LinkUp)
    large = os.urandom(900_000)
    assert link.publish(EVENT, large, token=1)
    assert link.next(Acked).taken
    assert station.hear() == (EVENT, large)


def test_what_the_platform_says_comes_down(line: Dial, station: Client) -> None:
    link = line()
    link.dial(LinkUp)
    link.publish(EVENT, b"1", token=1)  # once this is answered, the subscription before it stands
    link.next(Acked)
    station.say(RECEIPT, b'{"epoch":"e","stored":[]}')
    assert link.next(Incoming) == Incoming(RECEIPT, b'{"epoch":"e","stored":[]}')


def test_a_denied_publish_is_told_with_its_reason_under_mqtt_5(line: Dial) -> None:
    link = line()
    link.dial(LinkUp)
    assert link.publish("door/v1/another/event", b"{}", token=3)
    assert link.next(Acked) == Acked(3, False, "Not authorized")


def test_a_message_that_nobody_subscribes_to_is_taken_and_said_to_be_unheard(line: Dial) -> None:
    link = line()
    link.dial(LinkUp)
    link.publish(EVENT, b"{}", token=4)
    answer = link.next(Acked)
    assert (answer.taken, answer.heard) == (True, False)


def test_what_is_published_while_the_link_is_down_is_refused_and_never_sent(line: Dial, station: Client) -> None:
    link = line()
    assert not link.publish(EVENT, b"before", token=1)
    link.dial(LinkUp)
    link.publish(EVENT, b"while", token=2)
    assert link.next(Acked).token == 2
    link.close()
    assert not link.publish(EVENT, b"after", token=3)
    station.say(EVENT, b"end")
    assert [station.hear()[1] for _ in range(2)] == [b"while", b"end"]


def test_a_link_that_another_of_its_name_has_put_off_is_down_and_connects_when_it_is_told_to(
    line: Dial, plain: Any
) -> None:
    link = line(host=plain.host, port=plain.port, tls=None)
    link.dial(LinkUp)
    with closing(Client(plain, UNIT).up()) as other:
        assert type(link.next(LinkDown).error) is LinkError
        assert other.say("still/here") in (0, NO_SUBSCRIBERS), "it has not put the other off in its turn"
        assert link.facts.empty()
    assert link.dial(LinkUp).protocol == "5"


# --- versions of the protocol


def test_a_broker_that_speaks_only_3_1_1_is_told_so_and_spoken_to_in_it(line: Dial) -> None:
    with (
        closing(EmbeddedBroker()) as old,
        closing(Client(old, "station", protocol=V311).up("door/v1/+/event")) as station,
    ):
        link = line(host=old.host, port=old.port, tls=None)
        down = link.dial(LinkDown)
        assert type(down.error) is LinkError
        assert "found it does not speak MQTT 5; want MQTT 5 or 3.1.1. 3.1.1 is tried next" in str(down.error)
        up = link.dial(LinkUp)
        assert (up.protocol, up.window) == ("3.1.1", 20)
        assert link.publish(EVENT, b"{}", token=1)
        assert link.next(Acked).taken
        assert station.hear() == (EVENT, b"{}")
        link.close()


def test_under_3_1_1_a_denial_looks_like_success_which_is_why_the_receipt_is_the_only_truth(
    line: Dial, station: Client
) -> None:
    link = line()
    link._version = V311
    assert link.dial(LinkUp).protocol == "3.1.1"
    assert link.publish("door/v1/another/event", b"{}", token=3)
    assert link.next(Acked).taken
    link.publish(EVENT, b"mine")
    assert station.hear() == (EVENT, b"mine")


# --- nothing blocks, and limits are kept


def test_a_broker_that_stops_reading_blocks_no_publish_and_gets_all_when_it_reads_again(
    line: Dial, rogue: Listen
) -> None:
    read_on, got = threading.Event(), []

    def act(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(CONNACK)
        read_on.wait(WITHIN_S)
        while data := connection.recv(1 << 20):
            got.append(len(data))

    link = line(host="127.0.0.1", port=rogue(act), tls=None)
    link.dial(LinkUp)
    slowest_s = 0.0
    for n in range(200):
        began_s = time.monotonic()
        assert link.publish(EVENT, bytes(100_000), token=n + 1)
        slowest_s = max(slowest_s, time.monotonic() - began_s)
    assert slowest_s < 0.25, "20 MB is more than any socket's buffer; waiting for it would have taken for ever"
    read_on.set()
    deadline_s = time.monotonic() + WITHIN_S
    while sum(got) < 200 * 100_000:
        assert time.monotonic() < deadline_s
        link.facts.empty()


def test_no_more_is_unanswered_than_the_brokers_receive_maximum_and_the_rest_follows_in_order(
    line: Dial, rogue: Listen
) -> None:
    seen: queue.Queue[tuple[int, int]] = queue.Queue()  # message, how many were unanswered when it came

    def act(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x20\x06\x00\x00\x03\x21\x00\x03")  # receive maximum 3
        connection.settimeout(0.1)
        came = b""
        unanswered: list[bytes] = []
        while True:
            try:
                data = connection.recv(4096)
                if not data:
                    return
                came += data
            except TimeoutError:  # no more comes: only now it answers
                for mid in unanswered:
                    connection.sendall(b"\x40\x02" + mid)
                unanswered.clear()
            while len(came) > 2 and len(came) >= 2 + came[1]:
                kind, body, came = came[0], came[2 : 2 + came[1]], came[2 + came[1] :]
                if kind >> 4 == 3:  # PUBLISH
                    unanswered.append(body[2 + len(EVENT) : 4 + len(EVENT)])
                    seen.put((int(body[-2:]), len(unanswered)))

    link = line(host="127.0.0.1", port=rogue(act), tls=None)
    assert link.dial(LinkUp).window == 3
    for n in range(10, 22):
        assert link.publish(EVENT, b"%d" % n, token=n)
    came = [seen.get(timeout=WITHIN_S) for _ in range(12)]
    assert [message for message, _ in came] == list(range(10, 22))
    assert max(unanswered for _, unanswered in came) == 3
    assert [link.next(Acked).token for _ in range(12)] == list(range(10, 22))


# --- endings


def test_the_good_bye_keeps_the_last_will_and_a_broken_connection_has_it_told(line: Dial, station: Client) -> None:
    link = line()
    link.dial(LinkUp)
    link.close()
    broken = line()
    broken.dial(LinkUp)
    assert broken._client is not None
    broken._client.socket().under.shutdown(socket.SHUT_RDWR)
    assert station.hear() == (ONLINE, b'{"online":false}')
    assert type(broken.next(LinkDown).error) is LinkError
    station.say(ONLINE, b"end")
    assert station.hear() == (ONLINE, b"end"), "told once: the one that said good-bye left none"


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "in clear"])
def test_a_broker_that_is_killed_mid_stream_is_a_link_that_is_down(
    line: Dial, ca: Any, tmp_path: Any, secure: bool
) -> None:
    from edge.station.broker import MosquittoBroker, open_broker

    with closing(open_broker(tmp_path / "broker", ca if secure else None)) as broker:
        assert isinstance(broker, MosquittoBroker)
        link = line(port=broker.port) if secure else line(host=broker.host, port=broker.port, tls=None)
        link.dial(LinkUp)
        link.publish(EVENT, b"1", token=1)
        link.next(Acked)
        os.kill(broker.pid, signal.SIGKILL)
        while link.publish(EVENT, b"2"):
            assert broker.pid
        down = link.next(LinkDown)
        assert type(down.error) is LinkError, "a broker that died has refused nothing"
        assert not link.publish(EVENT, b"3")


def test_a_network_that_falls_silent_is_noticed_within_two_keep_alives(line: Dial, plain: Any) -> None:
    link = line(host=plain.host, port=plain.port, tls=None, keepalive_s=2)
    link.dial(LinkUp)
    os.kill(plain.pid, signal.SIGSTOP)
    began_s = time.monotonic()
    try:
        link.publish(EVENT, b"1", token=1)
        down = link.next(LinkDown)
        assert time.monotonic() - began_s < 4
    finally:
        os.kill(plain.pid, signal.SIGCONT)
    assert type(down.error) is LinkError
    assert "nothing came for two keep-alives" in str(down.error)
    assert not link.publish(EVENT, b"2")


def test_a_connection_that_is_given_up_ends_at_once_and_says_why(line: Dial) -> None:
    link = line()
    link.dial(LinkUp)
    link.abandon()
    assert not link.publish(EVENT, b"1")
    assert "no message is answered" in str(link.next(LinkDown).error)
    link.abandon()
    assert link.dial(LinkUp).protocol == "5"


def test_a_quiet_link_asks_whether_the_broker_is_there_and_stays_up_while_it_is(line: Dial, rogue: Listen) -> None:
    pings: queue.Queue[bytes] = queue.Queue()

    def act(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(CONNACK)
        connection.recv(4096)
        while ping := connection.recv(2):
            pings.put(ping)
            connection.sendall(b"\xd0\x00")

    link = line(host="127.0.0.1", port=rogue(act), tls=None, keepalive_s=1)
    link.dial(LinkUp)
    assert [pings.get(timeout=WITHIN_S) for _ in range(2)] == [b"\xc0\x00"] * 2
    assert link.facts.empty()
    assert link.publish(EVENT, b"1")


def test_closing_ends_the_thread_at_once_whatever_it_does_and_may_be_repeated(line: Dial, rogue: Listen) -> None:
    accepted = threading.Event()

    def act(connection: socket.socket) -> None:
        accepted.set()
        connection.recv(4096)
        connection.recv(4096)

    idle, up = line(), line()
    waiting = line(host="127.0.0.1", port=rogue(act), tls=None)
    up.dial(LinkUp)
    waiting.connect()
    assert accepted.wait(WITHIN_S)
    for link in (idle, up, waiting):
        began_s = time.monotonic()
        link.close()
        link.close()
        assert time.monotonic() - began_s < 5
        assert not link._thread.is_alive()
        assert not link.publish(EVENT, b"1")


def test_a_broker_that_says_why_it_ends_is_quoted(line: Dial, rogue: Listen) -> None:
    def act(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(CONNACK)
        connection.recv(4096)
        connection.sendall(b"\xe0\x02\x8b\x00")

    link = line(host="127.0.0.1", port=rogue(act), tls=None)
    link.dial(LinkUp)
    error = link.next(LinkDown).error
    assert type(error) is ServerError
    assert error.found == "it said: Server shutting down"


def test_a_broker_that_says_no_is_quoted(line: Dial, rogue: Listen) -> None:
    link = line(host="127.0.0.1", port=rogue(lambda c: c.sendall(b"\x20\x03\x00\x87\x00")), tls=None)
    down = link.dial(LinkDown)
    assert type(down.error) is RefusedError
    assert "found it said: Not authorized; want a broker that accepts this unit" in str(down.error)
