"""A simulated unit as a program, over real sockets: a fake city centre lists it, hears of an opening, watches."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge import config
from edge.assemble import Assembly
from edge.clock import SystemClock
from edge.sim import terms
from edge.sim.centre import Centre, offer
from edge.sim.centreline import CentreServer
from edge.sim.sip import Sip
from edge.station.ca import Authority
from tests.uplink.gb28181.conftest import CAMERA, IDS, MAGNET, SERVER
from tests.whole.flat import free_port

PS = b"\0\0\1\xba"  # what an MPEG-PS pack begins with


@pytest.fixture
def city() -> Iterator[CentreServer]:
    with closing(CentreServer(Centre(SERVER, SystemClock().now))) as server:
        yield server


@pytest.fixture
def more() -> dict[str, object]:
    """Settings of the platform beside the usual ones."""
    return {}


@pytest.fixture
def unit(tmp_path: Path, city: CentreServer, more: dict[str, object]) -> Iterator[Assembly]:
    """It runs until the test is over; nobody answers it but the centre."""
    Authority.open(tmp_path / "ca").issue("door-1", tmp_path / "state" / "identity")
    terms.preset(tmp_path / "state", SystemClock().read().wall_ns)
    tables = {
        "unit": {"state_dir": str(tmp_path / "state")},
        "door": {"settle_ms": 5},
        "camera": {"width": 320, "height": 240},
        "uplink": {"host": "127.0.0.1", "port": 9, "tls": False},
        "gb28181": IDS | {"host": "127.0.0.1", "port": city.port, "allow_live": True} | more,
    }
    one = Assembly(config.parse(tables), simulate=True)
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    yield one
    one.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_it_is_listed_tells_an_opening_is_watched_and_leaves(unit: Assembly, city: CentreServer):
    assert city.wait(lambda c: {CAMERA, MAGNET} <= c.catalogue.keys() and bool(c.keepalives))
    assert unit.door is not None
    unit.door.move(open_=True)
    assert city.wait(lambda c: [a.fields["AlarmDescription"] for a in c.alarms] == ["门磁：开启"])
    with socket.create_server(("127.0.0.1", 0)) as media:
        media.settimeout(10)
        port = int(media.getsockname()[1])
        with city.lock:
            call = city.centre.invite(CAMERA, offer(SERVER, transport="TCP/RTP/AVP", port=port))
        peer, _ = media.accept()
        with peer:
            peer.settimeout(10)
            seen = b""
            while PS not in seen:
                seen += peer.recv(65_536)
            with city.lock:
                city.centre.bye(call)
            while peer.recv(65_536):
                continue
    unit.stop()
    assert city.wait(lambda c: not c.registered)
    assert city.centre.faults == []
    assert unit.loop.faults == 0


def call_to_watch(city: CentreServer) -> Sip:
    """The answer to a platform that wants to open the media connection itself."""
    assert city.wait(lambda c: CAMERA in c.catalogue and bool(c.keepalives))
    with city.lock:
        city.centre.invite(CAMERA, offer(SERVER, transport="TCP/RTP/AVP", setup="active"))
    assert city.wait(lambda c: final(c) is not None)
    with city.lock:
        answer = final(city.centre)
    assert answer is not None
    return answer


def final(centre: Centre) -> Sip | None:
    """Of an INVITE, once it is there."""
    return next((one for one in centre.answers if one["CSeq"].endswith("INVITE") and one.code >= 200), None)


@pytest.mark.parametrize("more", [{"listen_port": free_port()}])
def test_a_platform_that_calls_the_unit_watches_through_the_one_port_that_is_set(
    unit: Assembly, city: CentreServer, more: dict[str, int]
):
    answer = call_to_watch(city)
    assert answer.code == 200
    said = answer.body.decode()
    assert f"m=video {more['listen_port']} TCP/RTP/AVP" in said
    assert "a=setup:passive" in said
    with socket.create_connection(("127.0.0.1", more["listen_port"]), timeout=10) as media:
        seen = b""
        while PS not in seen:
            seen += media.recv(65_536)


def test_without_that_port_nobody_may_call_and_the_platform_is_told_so(unit: Assembly, city: CentreServer):
    assert call_to_watch(city).code == 488
