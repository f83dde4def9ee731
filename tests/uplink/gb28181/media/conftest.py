"""Pictures of the simulated landing as H.264, a unit that can be watched, and a server to watch it."""

import socket
from contextlib import closing

import pytest

from edge.camera.mask import Mask
from edge.parts import AccessUnit
from edge.sim.camera import SimCamera
from edge.sim.encoder import FPS, Encoder
from edge.sim.time import SimClock
from tests.uplink.gb28181.media import offers
from tests.uplink.gb28181.media.reel import Reel, Watcher
from tests.uplink.gb28181.media.viewer import WITHIN_S, Unit

FRAME_NS = 1_000_000_000 // FPS
LEFT_THIRD = Mask([[(0, 0), (0.3, 0), (0.3, 1), (0, 1)]])


@pytest.fixture(scope="package")
def units() -> list[AccessUnit]:
    """Three seconds of a door that opens, the left third masked; key frames at 0 and 30."""
    leaf, clock, encoder = [0.0], SimClock(), Encoder(400_000)
    camera = SimCamera(lambda: leaf[0], lambda: clock.read().wall_ns, width=320, height=192)
    camera.open()
    found = []
    for i in range(45):
        leaf[0] = i / 45
        picture = camera.capture()
        LEFT_THIRD.burn(picture)
        found += encoder.encode(picture, clock.now())
        clock.turn(FRAME_NS)
    return found


@pytest.fixture
def reel():
    return Reel()


@pytest.fixture
def watcher():
    return Watcher()


@pytest.fixture
def unit(reel, watcher):
    one = Unit(reel, watcher, listen_port=0)
    yield one
    reel.may_stop.set()
    one.live.close()
    one.live.close()
    assert reel.starts == reel.stops


@pytest.fixture
def server():
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        one.settimeout(WITHIN_S)
        yield one


@pytest.fixture
def passive(server):
    """WVP's TCP offer to this server."""
    return offers.at(offers.WVP_PASSIVE, server.getsockname()[1])
