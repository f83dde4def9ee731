"""Registration and digest against a real kamailio, over TCP and UDP: what our own fake cannot vouch for."""

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge.centre import Gb28181
from edge.clock import SECOND, SystemClock, know
from edge.health import Health
from edge.loop import Loop
from edge.uplink.gb28181.answers import View
from edge.uplink.gb28181.device import Device, Kit
from edge.uplink.gb28181.sockets import Sockets
from tests.uplink.gb28181.conftest import Shelf, settings
from tests.uplink.gb28181.kamailio import kamailio

REALM, PASSWORD = "3101060000", "12345678"
WITHIN_S = 10
VIEW = View("door-1", "1.0", "", True, False, True, True)


class Real:
    """A device on its real sockets and the machine's own clock; its loop runs in the test's thread."""

    def __init__(self, gb: Gb28181) -> None:
        clock = SystemClock()
        self.loop, self.health = Loop(clock.now), Health()
        self.sockets = Sockets(gb.transport, 0, self.loop.post, clock)
        shelf = Shelf()
        self.device = Device(
            Kit(
                gb,
                self.loop,
                clock,
                self.health,
                random.Random(),
                self.sockets,
                shelf.source,
                lambda: VIEW,
                lambda s: know(s, None),
            )
        )

    def run(self, begin: Callable[[], None]) -> None:
        """Run until something calls `loop.stop`, which it does within 10 s."""
        self.loop._stopping = False
        timer = self.loop.after(WITHIN_S * SECOND, self.loop.stop)
        self.loop.call(begin)
        self.loop.run()
        timer.cancel()

    def close(self) -> None:
        self.sockets.close()


def registered(port: int, transport: str, **more: object) -> Real:
    """A device that tried, and was taken or refused."""
    real = Real(settings(host="127.0.0.1", port=port, transport=transport, **more))
    real.device.session.on_there = real.loop.stop
    real.health.on_new.append(lambda _code, _ns: real.loop.stop())
    real.run(real.device.start)
    return real


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("algorithm", "qop"), [("MD5", True), ("MD5", False), ("SHA-256", True)])
def test_it_registers_keeps_alive_and_leaves(tmp_path: Path, transport: str, algorithm: str, qop: bool):
    with (
        kamailio(tmp_path, REALM, PASSWORD, algorithm=algorithm, qop=qop) as port,
        closing(registered(port, transport)) as real,
    ):
        session = real.device.session
        assert session.there, real.health.lasting(0)
        answers: list[int | None] = []

        def beat() -> None:
            session._talk.ask(session._speaker.message(session.keepalive()), heard)

        def heard(answer: object) -> None:
            answers.append(getattr(answer, "code", None))
            real.loop.stop()

        real.run(beat)
        assert answers == [200]
        real.run(lambda: real.device.stop(real.loop.stop))
        assert session._registration.state == "off"
        assert real.loop.faults == 0


def test_a_refresh_with_the_same_challenge_counts_and_is_taken(tmp_path: Path):
    with kamailio(tmp_path, REALM, PASSWORD) as port, closing(registered(port, "tcp")) as real:
        session = real.device.session
        was = session._taken
        for count in range(2, 12):

            def taken(*args: object) -> None:
                was(*args)
                real.loop.stop()

            session._taken = taken
            real.run(session._due.act)
            assert session.there, count


def test_a_wrong_password_is_a_refusal(tmp_path: Path):
    with kamailio(tmp_path, REALM, "another") as port, closing(registered(port, "udp")) as real:
        assert not real.device.session.there
        assert real.health.active("centre.refused")


def test_too_brief_a_time_is_raised(tmp_path: Path):
    with kamailio(tmp_path, REALM, PASSWORD, min_expires=7200) as port, closing(registered(port, "tcp")) as real:
        assert real.device.session.there
