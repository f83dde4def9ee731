"""The network's layers on the installer's page: each timed, one cause named, and a detour by HTTPS is a pass."""

import socket
import ssl
from pathlib import Path

import pytest

from edge.config import Uplink
from edge.identity import Identity
from edge.onsite import board
from edge.onsite.board import Board
from edge.onsite.layers import DETOUR_S, Layers
from edge.onsite.probes import Peer
from edge.onsite.wires import Wires
from edge.sim.time import SimClock
from edge.uplink.refusal import silence
from tests.onsite.phone import StillHands, nobody, visit


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def hands(clock: SimClock) -> StillHands:
    return StillHands(clock)


class Portal(Wires):
    """A network that lets nobody out before a sign-in."""

    def shake(self, host: str, port: int, who: Identity) -> Peer:
        err = ssl.SSLCertVerificationError("self-signed certificate")
        err.verify_code, err.verify_message = 18, "self-signed certificate"  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
        raise err

    def portal(self, host: str) -> str:
        return "http://portal.example/sign-in"


def layers(
    tmp_path: Path,
    clock: SimClock,
    *,
    port: int,
    host: str = "127.0.0.1",
    kind: type[Wires] = Wires,
    fallback: str = "https",
) -> tuple[Board, Layers]:
    made = visit(tmp_path, clock)
    uplink = Uplink(host=host, port=port, tls=kind is Portal, fallback=fallback)
    return made.board, Layers(uplink, nobody(tmp_path), clock, made.board, kind(made._config))


def run(look: Layers, hands: StillHands) -> None:
    look.run(hands.link, hands.reach, lambda _: True)


def states(of: Board) -> list[tuple[str, str]]:
    return [(of.step(name).state, of.step(name).code) for name in board.NET]


def test_every_layer_is_timed_and_those_after_a_failure_wait(tmp_path: Path, clock: SimClock, hands: StillHands):
    with socket.create_server(("127.0.0.1", 0)) as server:
        shown, look = layers(tmp_path, clock, port=server.getsockname()[1])
        run(look, hands)
        assert states(shown) == [("well", "")] * 6
        assert all(shown.step(name).ms is not None for name in board.NET)
        hands.up, hands.why = False, "link.refused"
        run(look, hands)
        assert states(shown)[3:] == [("well", ""), ("wrong", "link.refused"), ("skipped", "net.before")]
        hands.up, hands.trouble = True, silence("platform:8443")
        run(look, hands)
        assert states(shown)[5] == ("wrong", "link.server")


def test_a_platform_that_is_down_is_told_from_a_name_that_nobody_knows(
    tmp_path: Path, clock: SimClock, hands: StillHands
):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    shown, look = layers(tmp_path, clock, port=port, fallback="none")
    run(look, hands)
    assert states(shown)[2:] == [("wrong", "link.server"), *[("skipped", "net.before")] * 3]
    hands.up = False
    shown, look = layers(tmp_path, clock, port=port, host="no such name")
    run(look, hands)
    assert states(shown)[1][1] in ("link.name", "link.network")


def test_a_network_that_wants_a_sign_in_first_is_told_from_a_wrong_station(
    tmp_path: Path, clock: SimClock, hands: StillHands
):
    with socket.create_server(("127.0.0.1", 0)) as server:
        shown, look = layers(tmp_path, clock, port=server.getsockname()[1], kind=Portal)
        run(look, hands)
    assert states(shown)[3] == ("wrong", "net.portal")
    assert shown.step("net.tls").found == {"said": "http://portal.example/sign-in"}


# MQTT is blocked


BY_HTTPS = [("well", "")] * 2 + [("well", "link.fallback")] + [("well", "")] * 3


@pytest.fixture
def shut() -> int:
    """A port where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_where_mqtt_is_blocked_and_the_unit_is_up_by_https_the_network_passes_with_a_note(
    tmp_path: Path, clock: SimClock, hands: StillHands, shut: int
):
    hands.protocol = "https"
    shown, look = layers(tmp_path, clock, port=shut)
    run(look, hands)
    assert states(shown) == BY_HTTPS
    assert "nothing listens" in shown.step("net.tcp").found["said"]
    assert shown.step("net.broker").found == {"protocol": "HTTPS"}
    assert not set(board.NET) & set(shown.missing())


def test_a_unit_that_is_still_on_its_way_to_https_is_given_the_time_to_get_there(
    tmp_path: Path, clock: SimClock, hands: StillHands, shut: int
):
    hands.up, hands.why, waits = False, "link.server", []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        hands.up, hands.protocol = sum(waits) >= 40, "https"
        return False

    shown, look = layers(tmp_path, clock, port=shut)
    look.run(hands.link, hands.reach, wait)
    assert states(shown) == BY_HTTPS
    assert sum(waits) == 40


@pytest.mark.parametrize("up", [True, False])
def test_where_https_does_not_work_either_the_cause_is_named_as_before_and_at_once(
    tmp_path: Path, clock: SimClock, hands: StillHands, shut: int, up: bool
):
    hands.up, hands.trouble = up, silence("platform:8443")  # up: a broker that was there until just now
    shown, look = layers(tmp_path, clock, port=shut)
    look.run(hands.link, hands.reach, lambda _: pytest.fail("waited"))
    assert states(shown)[2:] == [("wrong", "link.server"), *[("skipped", "net.before")] * 3]


@pytest.mark.parametrize("fallback", ["https", "none"])
def test_a_unit_that_never_comes_up_fails_though_pictures_would_be_taken(
    tmp_path: Path, clock: SimClock, hands: StillHands, shut: int, fallback: str
):
    hands.up, waits = False, []
    shown, look = layers(tmp_path, clock, port=shut, fallback=fallback)
    look.run(hands.link, hands.reach, lambda s: waits.append(s) is not None)
    assert states(shown)[2] == ("wrong", "link.server")
    assert sum(waits) == (DETOUR_S if fallback == "https" else 0)


def test_a_broker_that_ends_every_connection_passes_once_the_unit_is_up_by_https(
    tmp_path: Path, clock: SimClock, hands: StillHands
):
    hands.protocol = "https"
    with socket.create_server(("127.0.0.1", 0)) as server:
        shown, look = layers(tmp_path, clock, port=server.getsockname()[1])
        run(look, hands)
        assert states(shown)[2:5] == [("well", ""), ("well", ""), ("well", "link.fallback")]
        hands.up, hands.why = False, "link.refused"
        run(look, hands)
    assert states(shown)[4] == ("wrong", "link.refused"), "somebody answered, and it was no"
