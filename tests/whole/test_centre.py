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
from edge.station.ca import Authority
from tests.uplink.gb28181.conftest import CAMERA, IDS, MAGNET, SERVER

PS = b"\0\0\1\xba"  # what an MPEG-PS pack begins with


@pytest.fixture
def city() -> Iterator[CentreServer]:
    with closing(CentreServer(Centre(SERVER, SystemClock().now))) as server:
        yield server


@pytest.fixture
def unit(tmp_path: Path, city: CentreServer) -> Iterator[Assembly]:
    """It runs until the test is over; nobody answers it but the centre."""
    Authority.open(tmp_path / "ca").issue("door-1", tmp_path / "state" / "identity")
    terms.preset(tmp_path / "state", SystemClock().read().wall_ns)
    tables = {
        "unit": {"state_dir": str(tmp_path / "state")},
        "door": {"settle_ms": 5},
        "camera": {"width": 320, "height": 240},
        "uplink": {"host": "127.0.0.1", "port": 9, "tls": False},
        "gb28181": IDS | {"host": "127.0.0.1", "port": city.port, "allow_live": True},
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
