"""A hub over a real mosquitto: logged in by name and password, told in its own words, its reply a receipt."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from edge.clock import Known, Quality, Stamp, SystemClock
from edge.cloud import Cloud
from edge.errors import RefusedError
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.records import Change, Event
from edge.secret import Secret
from edge.sim.hub import OneNet
from edge.uplink.cloud import hub
from tests.station.talker import Client
from tests.uplink.conftest import WITHIN_S, Dial

NOW = Stamp("boot-1", 1, 1_800_000_000_000_000_000, Quality.SYNCED, 1)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[int]:
    """The port of a mosquitto that lets in door-17 with s3cr3t alone."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    passwords, settings = tmp_path / "passwords", tmp_path / "mosquitto.conf"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "door-17", "s3cr3t"], check=True, timeout=WITHIN_S)
    settings.write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n")
    broker = subprocess.Popen(["mosquitto", "-c", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port
    broker.terminate()
    broker.wait(timeout=WITHIN_S)


def dialled(line: Dial, port: int, password: str) -> Any:
    """What comes of it; a broker that is only just starting is dialled again."""
    logins: list[int] = []

    def login() -> tuple[str, str, str]:
        logins.append(1)
        return f"door-17-{len(logins)}", "door-17", password

    link = line(host="127.0.0.1", port=port, tls=None, login=login, only_311=True, plain=True, will=None, subscribe=())
    for attempt in range(1, 200):
        link.connect()
        fact = link.facts.get(timeout=WITHIN_S)
        assert len(logins) == attempt
        if isinstance(fact, LinkUp) or isinstance(fact.error, RefusedError):
            return link, fact
    raise AssertionError("no broker came up")


def test_a_hub_is_logged_into_by_name_and_password(line: Dial, locked: int):
    link, fact = dialled(line, locked, "s3cr3t")
    assert fact.protocol == "3.1.1"
    assert link.publish("v1/devices/me/telemetry", b"{}", token=3)
    assert link.next(Acked).token == 3


def test_a_hub_that_refuses_the_password_says_so(line: Dial, locked: int):
    _, fact = dialled(line, locked, "wrong")
    assert isinstance(fact, LinkDown)


def test_a_record_goes_to_the_hub_and_its_reply_comes_back_as_a_receipt(plain: Any):
    made = OneNet()
    cloud = Cloud(
        profile="onenet",
        host=plain.host,
        port=plain.port,
        tls=False,
        device_id=made.device,
        product_id=made.product,
        secret=Secret(made.secret.encode()),
    )
    facts: SimpleQueue[object] = SimpleQueue()
    links: list[object] = []
    other = hub(cloud, "door-1", SystemClock(assume_synced=True), links.append)
    with closing(Client(plain, "hub").up("$sys/#", f"$sys/{made.product}/{made.device}/dp/post/json")) as its:
        link = other.open(facts.put)
        link.connect()
        assert isinstance(_next(facts), LinkUp)
        event = Event(epoch="e", seq=7, at=NOW, change=Change.OPENED, door="open")
        message = other.speech.tell(event, lambda stamp: Known(stamp.wall_ns, stamp.clock, stamp.error_ms))
        assert link.publish(message.topic, message.payload, token=1)
        for topic, payload in made.take(*its.hear()):
            its.say(topic, payload)
        heard = None
        while heard is None:
            fact = _next(facts)
            heard = other.speech.hear(fact.topic, fact.payload) if isinstance(fact, Incoming) else None
        assert heard.receipt is not None
        assert (heard.receipt.epoch, heard.receipt.stored) == ("e", ((7, 7),))
        link.close()
    assert links == [link]


def _next(facts: SimpleQueue[object]) -> object:
    return facts.get(timeout=WITHIN_S)
