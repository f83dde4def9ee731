"""MQTT 5 topic aliases: the name of what is sent often goes over the network once a connection."""

import socket
import threading
from contextlib import closing
from typing import Any

import pytest

from edge.parts import Acked, LinkDown, LinkUp
from tests.station.talker import Client
from tests.uplink.conftest import UNIT, WITHIN_S, Dial

EVENT, PULSE, STATE = (f"door/v1/{UNIT}/{leaf}" for leaf in ("event", "pulse", "state"))


def accepting(aliases: int) -> bytes:
    """CONNACK of MQTT 5 with that topic alias maximum (property 0x22)."""
    return b"\x20\x06\x00\x00\x03\x22" + aliases.to_bytes(2, "big")


def heard(line: Dial, rogue: Any, aliases: int) -> bytes:
    """All that a broker that takes so many aliases reads of nine messages, ended by "end"."""
    read, done = bytearray(), threading.Event()

    def act(connection: socket.socket) -> None:
        connection.settimeout(WITHIN_S)
        connection.recv(4096)
        connection.sendall(accepting(aliases))
        while not read.endswith(b"end"):
            read.extend(connection.recv(65_536))
        done.set()

    link = line(host="127.0.0.1", port=rogue(act), tls=None)
    link.dial(LinkUp)
    for n in range(3):
        link.publish(EVENT, b"record", token=n + 1)
        link.publish(PULSE, b"pulse", qos=0)
        link.publish(STATE, b"end" if n == 2 else b"state", qos=0)
    assert done.wait(WITHIN_S)
    return bytes(read)


@pytest.mark.parametrize(("aliases", "events", "pulses"), [(0, 3, 3), (1, 1, 3), (2, 1, 1), (10, 1, 1)])
def test_a_topic_is_named_once_where_the_broker_takes_its_alias(
    line: Dial, rogue: Any, aliases: int, events: int, pulses: int
) -> None:
    read = heard(line, rogue, aliases)
    assert (read.count(b"record"), read.count(b"pulse")) == (3, 3 + pulses)
    assert (read.count(EVENT.encode()), read.count(PULSE.encode()), read.count(STATE.encode())) == (events, pulses, 3)


def test_a_real_broker_hears_every_message_under_its_topic_also_on_the_next_connection(line: Dial, plain: Any) -> None:
    with closing(Client(plain, "station").up("door/v1/+/event", "door/v1/+/pulse")) as station:
        link = line(host=plain.host, port=plain.port, tls=None)
        for connection in range(2):
            assert link.dial(LinkUp).protocol == "5"
            sent = [(topic, b"%d-%d" % (connection, n)) for n in range(3) for topic in (EVENT, PULSE)]
            for token, (topic, payload) in enumerate(sent, 1):
                link.publish(topic, payload, token=token)
            assert [link.next(Acked).taken for _ in sent] == [True] * len(sent)
            assert [station.hear() for _ in sent] == sent
            link.abandon()
            link.next(LinkDown)
