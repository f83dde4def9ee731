"""deploy/broker as a platform's own mosquitto takes it: the same as a station's, and no way out of it for a unit."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge.identity import Identity
from edge.station.broker import PACKET_MAX_BYTES, access, settings
from edge.station.ca import Authority
from edge.station.ports import free, listens
from tests.house.plan import ROOT
from tests.station.talker import V5, V311, WITHIN_S, Client

HERE = ROOT / "deploy/broker"
THERE = "/etc/mosquitto/doorunit"
OUTSIDE = (
    "door/v1/unit-b/event",
    "door/v1/unit-b/online",
    "door/v1/unit-b/receipt",
    "door/v1/unit-b/command",
    "door/v1/unit-a/command",  # nobody commands himself, nor gives himself receipts
    "door/v1/unit-a/receipt",
    "door/v1/unit-a/event/more",
    "door/v1/unit-a",
    "door/v1/unit-a/../unit-b/event",
    "door/v1//event",
    "door/v2/unit-a/event",
    "DOOR/v1/unit-a/event",
    "/door/v1/unit-a/event",
    "$share/ears/door/v1/unit-b/event",
    "$CONTROL/dynamic-security/v1",
    "$SYS/broker/version",
    "event",
)
FILTERS = (
    "#",
    "door/#",
    "door/v1/#",
    "door/v1/+/event",
    "door/v1/unit-b/#",
    "door/v1/unit-b/command",
    "door/v1/unit-a/event",
    "$share/ears/#",
    "$share/ears/door/v1/+/event",
    "$SYS/#",
)


class Address(NamedTuple):
    """Where it listens."""

    host: str
    port: int


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.open(tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory, ca: Authority) -> dict[str, Identity]:
    home = tmp_path_factory.mktemp("units")
    return {name: ca.issue(name, home / name) for name in ("unit-a", "unit-b")}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, ca: Authority) -> Iterator[Address]:
    """mosquitto with the committed files; only their folder and the port are others, and root gives itself up."""
    folder = tmp_path_factory.mktemp("broker")
    port = free("127.0.0.1", 0)
    certificate, key = ca.server_files(("localhost", "127.0.0.1"))
    shutil.copy(ca.ca_file, folder / "ca.crt")
    shutil.copy(certificate, folder / "server.crt")
    shutil.copy(key, folder / "server.key")
    shutil.copy(HERE / "broker.acl", folder)
    (folder / "revoked.crl").write_bytes(ca.revoked())
    text = (HERE / "broker.conf").read_text().replace(THERE, str(folder))
    (folder / "broker.conf").write_text(text.replace("listener 8883\n", f"listener {port} 127.0.0.1\n"))
    user = pwd.getpwuid(os.getuid()).pw_name
    with (folder / "broker.conf").open("a") as file:
        file.write(f"user {user}\n")
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(program), "-c", str(folder / "broker.conf")], stderr=log)
    while not listens(port):
        assert process.poll() is None, (folder / "log").read_text()
    yield Address("127.0.0.1", port)
    process.terminate()
    assert process.wait(WITHIN_S) == 0


@pytest.fixture
def dial(ca: Authority, units: dict[str, Identity], broker: Address) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def make(who: str, **kwargs: Any) -> Client:
        files = ca.client_files() if who == "station" else (units[who].cert_file, units[who].key_file)
        clients.append(Client(broker, files=(ca.ca_file, *files), **kwargs))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_a_platforms_own_broker_is_set_as_a_stations():
    assert (HERE / "broker.conf").read_text(encoding="utf-8") == settings(Path(THERE), "8883", tls=True)
    assert (HERE / "broker.acl").read_text(encoding="utf-8") == access(("station",))


def test_nothing_that_a_unit_says_outside_its_own_topics_reaches_anybody(dial: Callable[..., Client]):
    station, neighbour = dial("station").up("#"), dial("unit-b").up("door/v1/unit-b/receipt", "door/v1/unit-b/command")
    unit = dial("unit-a").up()
    refused = {topic: unit.say(topic, b"forged") for topic in OUTSIDE}
    assert set(refused.values()) == {0x87}, refused  # not authorized, each of them
    unit.say("door/v1/unit-a/event", b"honest")
    assert station.hear() == ("door/v1/unit-a/event", b"honest")
    station.say("door/v1/unit-b/command", b"honest")
    assert neighbour.hear() == ("door/v1/unit-b/command", b"honest")


def test_nothing_that_is_meant_for_others_reaches_a_unit(dial: Callable[..., Client]):
    station, neighbour = dial("station").up(), dial("unit-b").up()
    kept = "door/v1/unit-b/state"
    neighbour.say(kept, b"told to whoever comes later", retain=True)
    eavesdropper = dial("unit-a").up(*FILTERS, "door/v1/unit-a/command")
    neighbour.say("door/v1/unit-b/event", b"1")
    station.say("door/v1/unit-b/command", b"2")
    neighbour.say(kept, b"", retain=True)
    station.say("door/v1/unit-a/command", b"mine")
    assert eavesdropper.hear() == ("door/v1/unit-a/command", b"mine")


@pytest.mark.parametrize("protocol", [V5, V311], ids=["5", "3.1.1"])
def test_a_user_name_of_another_does_not_outweigh_the_certificate(dial: Callable[..., Client], protocol: Any):
    station = dial("station").up("door/v1/#")
    liar = dial("unit-a", protocol=protocol)
    liar.paho.username_pw_set("station", "anything")
    liar.up()
    liar.say("door/v1/unit-b/event", b"forged")
    liar.say("door/v1/unit-a/event", b"honest")
    assert station.hear() == ("door/v1/unit-a/event", b"honest")


def test_a_packet_beyond_the_limit_costs_its_sender_the_connection_and_nobody_else(dial: Callable[..., Client]):
    station, neighbour = dial("station").up("door/v1/#"), dial("unit-b").up()
    flood = dial("unit-a").up()
    flood.paho.publish("door/v1/unit-a/event", b"x" * (PACKET_MAX_BYTES + 1), qos=1)
    assert flood.down.wait(WITHIN_S)
    assert neighbour.say("door/v1/unit-b/event", b"still here") == 0
    assert station.hear() == ("door/v1/unit-b/event", b"still here")


def test_a_plain_connection_is_no_connection(broker: Address):
    assert Client(broker).connect() == "closed"
