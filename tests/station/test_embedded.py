"""What both brokers do alike, and what the embedded one does where amqtt alone would not."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.station.broker import open_broker
from edge.station.ca import Authority
from edge.station.embedded import EmbeddedBroker
from edge.station.ports import listens
from tests.station.talker import V311, WITHIN_S, Client

NO_MOSQUITTO = "no-such-broker"


@pytest.fixture(params=["mosquitto", "amqtt"])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Both brokers, without certificates."""
    program = NO_MOSQUITTO if request.param == "amqtt" else "mosquitto"
    with closing(open_broker(tmp_path / "broker", None, program=program)) as broker:
        assert (broker.kind, broker.tls, broker.host) == (request.param, False, "127.0.0.1")
        yield broker


@pytest.mark.parametrize("count", [1, 500])
def test_records_arrive_in_order_by_wildcard_and_are_acknowledged(plain: Any, count: int) -> None:
    with (
        closing(Client(plain, "station", protocol=V311).up("door/v1/+/event")) as station,
        closing(Client(plain, "unit-a", protocol=V311).up("door/v1/unit-a/receipt")) as unit,
    ):
        for n in range(count):
            unit.paho.publish("door/v1/unit-a/event", b"%d" % n, qos=1)
        assert [station.hear() for _ in range(count)] == [("door/v1/unit-a/event", b"%d" % n) for n in range(count)]
        assert [unit.acks.get(timeout=WITHIN_S) for _ in range(count)] == [0] * count
        station.say("door/v1/unit-a/receipt", b"57")
        assert unit.hear() == ("door/v1/unit-a/receipt", b"57")


def test_retained_state_and_last_will_are_told_to_latecomers(plain: Any) -> None:
    with closing(Client(plain, "station", protocol=V311).up("door/v1/+/online")) as station:
        unit = Client(plain, "unit-a", protocol=V311).up(will="door/v1/unit-a/online")
        unit.say("door/v1/unit-a/state", b"shut", retain=True)
        unit.cut()
        assert station.hear() == ("door/v1/unit-a/online", b"offline")
        with closing(Client(plain, "late", protocol=V311).up("door/v1/+/state", "door/v1/+/online")) as late:
            told = dict(late.hear() for _ in range(2))
        assert told == {"door/v1/unit-a/state": b"shut", "door/v1/unit-a/online": b"offline"}
        unit.close()


def test_closing_ends_all_connections_and_may_be_repeated(plain: Any) -> None:
    client = Client(plain, "unit-a", protocol=V311).up()
    assert plain.alive()
    plain.close()
    plain.close()
    assert client.down.wait(WITHIN_S)
    assert not plain.alive()
    assert not listens(plain.port)
    client.close()


@pytest.mark.parametrize("will", ["", "door/v1/unit-a/online"])
def test_amqtt_tells_a_client_of_mqtt_5_that_it_does_not_speak_it(will: str) -> None:
    with closing(EmbeddedBroker()) as broker, closing(Client(broker, "unit-a")) as client:
        assert client.connect(will=will) == "Unsupported protocol version"
        with closing(Client(broker, "unit-a", protocol=V311).up(will=will)) as again:
            assert again.say("door/v1/unit-a/event", b"1") == 0


def test_amqtts_client_that_falls_silent_is_put_off_and_its_will_is_told() -> None:
    will, payload = b"door/v1/unit-a/online", b"offline"
    text = b"".join(len(part).to_bytes(2, "big") + part for part in (b"unit-a", will, payload))
    body = b"\x00\x04MQTT\x04\x0e\x00\x01" + text  # 3.1.1, clean session, will of QoS 1, keep-alive 1 s
    with (
        closing(EmbeddedBroker()) as broker,
        closing(Client(broker, "station", protocol=V311).up("door/v1/+/online")) as station,
        socket.create_connection((broker.host, broker.port), WITHIN_S) as silent,
    ):
        silent.sendall(b"\x10" + bytes([len(body)]) + body)
        assert silent.recv(4) == b"\x20\x02\x00\x00"
        assert station.hear() == (will.decode(), payload)


@pytest.mark.parametrize(
    "noise", [b"", b"\x10", b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff", b"\x10\x02\x00\x00"]
)
def test_noise_on_amqtts_port_harms_nobody(noise: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with closing(EmbeddedBroker()) as broker:
        with socket.create_connection((broker.host, broker.port), WITHIN_S) as stranger:
            stranger.sendall(noise)
            stranger.shutdown(socket.SHUT_WR)
            assert stranger.recv(16) == b""
        with closing(Client(broker, "unit-a", protocol=V311).up()) as client:
            assert client.say("door/v1/unit-a/event") == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_amqtt_is_quiet_and_leaves_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    before = threading.active_count()
    with (
        caplog.at_level(logging.DEBUG),
        closing(EmbeddedBroker()) as broker,
        closing(Client(broker, "unit-a", protocol=V311).up("a/#")) as client,
    ):
        client.say("a/b", b"1")
        client.hear()
    assert threading.active_count() == before
    assert all(r.levelno >= logging.WARNING for r in caplog.records if r.name.startswith(("amqtt", "transitions")))


def test_without_mosquitto_the_embedded_broker_is_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ca = Authority.open(tmp_path / "ca")
    with closing(open_broker(tmp_path / "broker", ca, program=NO_MOSQUITTO)) as broker:
        assert (broker.kind, broker.tls) == ("amqtt", False)
    assert "no-such-broker is not installed; an embedded broker without certificates" in caplog.text
