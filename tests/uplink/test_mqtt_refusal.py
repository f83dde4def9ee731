"""Every way in which a real connection to the broker does not come about, each with its own class and sentence."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.clock import FLOOR_NS, SECOND, Quality, SystemClock
from edge.errors import DistrustError, LinkError, RefusedError, ServerError, UnknownHostError, UntimedError
from edge.identity import Identity
from edge.parts import Acked, LinkDown, LinkUp
from edge.sim.time import SimClock
from edge.station.broker import open_broker
from edge.station.ca import Authority
from edge.station.minting import leaf
from tests.uplink.conftest import UNIT, Dial, files

# paho leaves the socket of a handshake that broke off to the garbage collector, which finds it at once
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

NAMELESS = {
    UnknownHostError: "the name no-such-host.invalid is not known",
    LinkError: "the name no-such-host.invalid cannot be resolved",
}
HOUR_NS = 3600 * SECOND
Listen = Callable[[Callable[[socket.socket], None]], int]


def now_ns() -> int:
    return SystemClock().read().wall_ns


def refused(line: Dial, kind: type[LinkError], **changes: Any) -> str:
    """Dial once; what the link said, without what is the same for all."""
    error = line(**changes).dial(LinkDown).error
    assert type(error) is kind, error
    return error.found


# --- the broker's certificate


class Lapsed(Authority):
    """Gives its broker a certificate whose life is not now."""

    life_ns = (0, 0)

    def server_files(self, names: Any = ("localhost", "127.0.0.1")) -> tuple[Path, Path]:
        _, key = super().server_files(names)
        public = serialization.load_pem_private_key(key.read_bytes(), None).public_key()
        sans = [x509.DNSName("localhost")]
        certificate = leaf(
            "localhost", public, (self._ca, self._key), ExtendedKeyUsageOID.SERVER_AUTH, sans, self.life_ns
        )
        path = self.folder / "lapsed.crt"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path, key


@contextmanager
def lapsed(ca: Authority, folder: Path, first_ns: int, last_ns: int) -> Iterator[int]:
    """The port of a broker whose certificate lives from then to then."""
    authority = Lapsed(ca.folder, SystemClock())
    authority.life_ns = (first_ns, last_ns)
    with closing(open_broker(folder, authority)) as broker:
        yield broker.port


def test_a_broker_of_a_foreign_authority_is_not_believed(line: Dial, tmp_path: Path) -> None:
    foreign = Authority.open(tmp_path / "ca").issue(UNIT, tmp_path / "unit")
    assert refused(line, DistrustError, tls=files(foreign)) == "it is not from this unit's CA"


def test_a_brokers_expired_certificate_is_called_so(line: Dial, ca: Authority, tmp_path: Path) -> None:
    with lapsed(ca, tmp_path / "broker", FLOOR_NS, now_ns() - HOUR_NS) as port:
        assert refused(line, DistrustError, port=port) == "it has expired"


def test_a_brokers_certificate_of_the_future_is_called_so(line: Dial, ca: Authority, tmp_path: Path) -> None:
    with lapsed(ca, tmp_path / "broker", now_ns() + HOUR_NS, now_ns() + 2 * HOUR_NS) as port:
        assert refused(line, DistrustError, port=port) == "it is not valid yet by this unit's clock"


def test_a_unit_whose_clock_was_never_set_waits_and_blames_nobody(line: Dial, ca: Authority, tmp_path: Path) -> None:
    in_1970 = SimClock(wall_ns=60 * SECOND, quality=Quality.UNSYNCED)
    with lapsed(ca, tmp_path / "broker", now_ns() + HOUR_NS, now_ns() + 2 * HOUR_NS) as port:
        found = refused(line, UntimedError, port=port, clock=in_1970)
    assert found == "it cannot be checked, this unit's clock shows 1970"


def test_a_broker_under_another_name_than_its_certificate_says_is_not_believed(line: Dial) -> None:
    assert refused(line, DistrustError, host="127.1") == "it is for another name"  # another spelling of 127.0.0.1


# --- the unit's certificate


def test_a_unit_of_a_foreign_authority_is_told_that_it_is_not_trusted(
    line: Dial, unit: Identity, tmp_path: Path
) -> None:
    foreign = Authority.open(tmp_path / "ca").issue(UNIT, tmp_path / "unit")
    tls = (str(unit.ca_file), str(foreign.cert_file), str(foreign.key_file))
    assert refused(line, RefusedError, tls=tls) == "it does not trust this unit's certificate"


def test_a_units_expired_certificate_is_called_so(line: Dial, ca: Authority, tmp_path: Path) -> None:
    expired = ca.issue("unit-b", tmp_path / "unit", not_before_ns=FLOOR_NS, not_after_ns=now_ns() - HOUR_NS)
    assert refused(line, RefusedError, tls=files(expired)) == "it refused this unit's certificate as expired"


def test_a_units_certificate_of_the_future_is_not_trusted(line: Dial, ca: Authority, tmp_path: Path) -> None:
    early = ca.issue("unit-b", tmp_path / "unit", not_before_ns=now_ns() + HOUR_NS)
    assert refused(line, RefusedError, tls=files(early)) == "it does not trust this unit's certificate"


@pytest.mark.parametrize("which", [0, 1, 2], ids=["CA", "certificate", "key"])
def test_a_unit_without_its_tls_files_says_which_it_looked_for(
    line: Dial, unit: Identity, tmp_path: Path, which: int
) -> None:
    tls = list(files(unit))
    tls[which] = str(tmp_path / "gone.pem")
    error = line(tls=tuple(tls)).dial(LinkDown).error
    assert type(error) is RefusedError
    assert f"{tmp_path}/gone.pem" in error.what
    assert error.found == "No such file or directory"
    assert "Enrol this unit again" in error.remedy


def test_a_key_that_does_not_go_with_the_certificate_is_called_so(line: Dial, unit: Identity, tmp_path: Path) -> None:
    other = Authority.open(tmp_path / "ca").issue(UNIT, tmp_path / "unit")
    found = refused(line, RefusedError, tls=(str(unit.ca_file), str(unit.cert_file), str(other.key_file)))
    assert found == "KEY_VALUES_MISMATCH"


def test_a_unit_in_clear_gets_nothing_from_a_broker_with_tls(line: Dial) -> None:
    assert refused(line, LinkError, tls=None) in ("connection reset by peer", "the connection ended")


def test_a_unit_with_tls_is_told_that_the_port_speaks_something_else(line: Dial, rogue: Listen) -> None:
    port = rogue(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    error = line(port=port).dial(LinkDown).error
    assert type(error) is RefusedError
    assert "want a TLS 1.2 or 1.3 server on that port. Check uplink.host, uplink.port and uplink.tls" in str(error)


# --- no broker


def test_a_port_on_which_nothing_listens_is_the_servers_fault(line: Dial) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert refused(line, ServerError, port=port) == "nothing listens on that port"


def test_a_name_that_is_not_known_is_told_apart_from_a_network_that_is_down(line: Dial) -> None:
    error = line(host="no-such-host.invalid").dial(LinkDown).error
    assert isinstance(error, LinkError)
    assert error.found in NAMELESS[type(error)], "without a DNS server nobody can say that there is no such name"


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "in clear"])
def test_a_port_that_accepts_and_never_answers_is_given_up_in_time(line: Dial, rogue: Listen, secure: bool) -> None:
    changes = {} if secure else {"host": "127.0.0.1", "tls": None}
    port = rogue(lambda _connection: None)
    found = refused(line, ServerError, port=port, connect_s=0.3, **changes)
    assert found == "it accepts the connection and does not answer"


def test_silence_before_the_broker_has_accepted_is_the_servers_however_short_the_keep_alive(
    line: Dial, rogue: Listen
) -> None:
    port = rogue(lambda _connection: None)
    found = refused(line, ServerError, host="127.0.0.1", port=port, tls=None, keepalive_s=1)
    assert found == "it accepts the connection and does not answer"


def test_a_packet_filter_that_drops_everything_is_the_networks_fault(line: Dial) -> None:
    with socket.socket() as deaf:  # a queue of nobody, full: Linux drops what comes then
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 1):
            found = refused(line, LinkError, port=port, connect_s=0.3)
    assert found == "no answer within the time-out"


@pytest.mark.parametrize("noise", [b"\x20\x01\x00", b"\xf0\x00", b"\x20\x05\x00\x00\x7f\x01\x02"])
def test_noise_instead_of_an_answer_ends_the_attempt_and_not_the_thread(
    line: Dial, rogue: Listen, noise: bytes
) -> None:
    def act(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(noise)

    link = line(host="127.0.0.1", port=rogue(act), tls=None)
    for _ in range(2):
        assert isinstance(link.dial(LinkDown).error, LinkError)
    assert link._thread.is_alive()


def test_a_broker_that_answers_mqtt_5_with_silence_is_asked_in_3_1_1_next(line: Dial, rogue: Listen) -> None:
    def act(connection: socket.socket) -> None:
        if connection.recv(4096)[8] == 4:  # the protocol's level
            connection.sendall(b"\x20\x02\x00\x00")
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        came = b""
        while not came.endswith(b"\x00\x02{}"):  # the record, whatever came before it
            came += connection.recv(4096)
        connection.sendall(b"\x40\x02\x00\x02")

    link = line(host="127.0.0.1", port=rogue(act), tls=None, connect_s=0.3)
    assert type(link.dial(LinkDown).error) is ServerError
    assert link.dial(LinkUp).protocol == "3.1.1"
    assert link.publish("door/v1/unit-a/event", b"{}", token=9)
    assert link.next(Acked) == Acked(9, True, "Success")


def test_a_broker_that_hung_is_asked_in_mqtt_5_again_and_not_taken_for_an_old_one_for_ever(
    line: Dial, rogue: Listen
) -> None:
    levels: list[int] = []

    def act(connection: socket.socket) -> None:
        levels.append(connection.recv(4096)[8])
        if len(levels) == 3:
            connection.sendall(b"\x20\x03\x00\x00\x00")

    link = line(host="127.0.0.1", port=rogue(act), tls=None, connect_s=0.3)
    for _ in range(2):
        assert type(link.dial(LinkDown).error) is ServerError
    assert link.dial(LinkUp).protocol == "5"
    assert levels == [5, 4, 5]


def test_a_version_that_was_only_guessed_from_a_silence_is_not_kept(line: Dial, rogue: Listen) -> None:
    levels: list[int] = []

    def act(connection: socket.socket) -> None:
        levels.append(connection.recv(4096)[8])
        if len(levels) == 2:
            connection.sendall(b"\x20\x02\x00\x00")
            connection.recv(4096)
            connection.shutdown(socket.SHUT_RDWR)

    link = line(host="127.0.0.1", port=rogue(act), tls=None, connect_s=0.3)
    link.dial(LinkDown)
    assert link.dial(LinkUp).protocol == "3.1.1"
    link.next(LinkDown)
    link.dial(LinkDown)
    assert levels == [5, 4, 5]


def test_a_unit_whose_receipts_the_broker_will_not_deliver_does_not_stay(line: Dial, rogue: Listen) -> None:
    """A cluster in an election accepts the unit and refuses its subscription; connected, it would be deaf for ever."""

    def act(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x20\x03\x00\x00\x00")
        asked = connection.recv(4096)
        connection.sendall(b"\x90\x04" + asked[2:4] + b"\x00\x87")

    link = line(host="127.0.0.1", port=rogue(act), tls=None)
    link.dial(LinkUp)
    error = link.next(LinkDown).error
    assert type(error) is RefusedError
    assert error.found == f"no subscription to door/v1/{UNIT}/receipt: Not authorized"


def test_a_broker_that_twice_ends_mqtt_5_without_an_answer_is_asked_in_3_1_1(line: Dial, rogue: Listen) -> None:
    """RabbitMQ 3.10 does so; a balancer with nothing behind it ends a connection once, and is asked in 5 again."""
    levels: list[int] = []

    def act(connection: socket.socket) -> None:
        levels.append(connection.recv(4096)[8])
        if levels[-1] == 4:
            connection.sendall(b"\x20\x02\x00\x00")
            connection.recv(4096)
        connection.shutdown(socket.SHUT_RDWR)

    link = line(host="127.0.0.1", port=rogue(act), tls=None)
    for _ in range(2):
        assert link.dial(LinkDown).error.found == "the connection ended"
    assert link.dial(LinkUp).protocol == "3.1.1"
    link.next(LinkDown)
    link.dial(LinkDown)
    assert levels == [5, 5, 4, 5]
