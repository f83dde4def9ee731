"""Sealed frames by HTTPS to a real station side: what it keeps, and every refusal in its own class and sentence."""

import asyncio
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from edge.clock import Quality, Stamp, SystemClock
from edge.errors import DistrustError, DoorunitError, LinkError, RefusedError, ServerError, WireError
from edge.identity import Identity
from edge.secret import Secret
from edge.sim.proxy import SimProxy
from edge.spool.seal import Sealer, frame_name
from edge.station.ca import Authority
from edge.station.desk import Desk
from edge.station.frames import FrameStore
from edge.station.ledger import Ledger, Picture
from edge.station.server import unit_server
from edge.station.unitapi import FRAME_MAX_BYTES, unit_app
from edge.uplink.https import HttpsFile, HttpsFrames
from edge.uplink.tunnel import Proxy
from tests.spool.card import Card
from tests.uplink.conftest import UNIT, WITHIN_S, Rogue, Tls, files
from tests.uplink.test_mqtt_refusal import NAMELESS

AT = Stamp("boot-1", 5, 1_795_000_000_000_000_000, Quality.SYNCED, 1)
Post = Callable[..., HttpsFrames]


class Side:
    """The station's side for units, served from a thread of its own."""

    def __init__(self, folder: Path, ledger: Ledger, ca: Authority) -> None:
        self.came: list[Picture] = []
        store = FrameStore(folder, ledger, ca, SystemClock(), self.came.append)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        desk = Desk(folder / "enrol", ca, SystemClock())
        self._server = unit_server(
            unit_app(store, desk),
            "127.0.0.1",
            self.port,
            (str(ca.ca_file), *map(str, ca.server_files())),
        )
        self._thread = threading.Thread(target=asyncio.run, args=(self._server.serve(),), daemon=True)
        self._thread.start()
        deadline_s = time.monotonic() + WITHIN_S
        while not self._server.started:
            assert time.monotonic() < deadline_s
            self._thread.join(0.01)

    def close(self) -> None:
        self._server.end()
        self._thread.join(WITHIN_S)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "ledger")) as opened:
        yield opened


@pytest.fixture
def side(tmp_path: Path, ledger: Ledger, ca: Authority) -> Iterator[Side]:
    with closing(Side(tmp_path / "frames", ledger, ca)) as served:
        yield served


@pytest.fixture
def post(unit: Identity) -> Iterator[Post]:
    """Make the unit's way to a port, as itself or as whom a test says."""
    made: list[HttpsFrames] = []

    def make(
        port: int, *, host: str = "localhost", name: str = UNIT, tls: Tls | None = None, within_s: float = WITHIN_S
    ) -> HttpsFrames:
        url = f"https://{host}:{port}/"
        made.append(HttpsFrames(url, name, tls or files(unit), SystemClock(), (within_s, within_s)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def sealed(unit: Identity) -> bytes:
    sealer = Sealer(unit.unit, unit.seal_key, unit.seal_key_id, unit.sign_seed.reveal())
    return sealer.seal(b"\xff\xd8 a picture" * 10_000, epoch="epoch-1", event=7, at=AT)


def refused(post: HttpsFrames, name: str, data: bytes, kind: type[DoorunitError] | None) -> DoorunitError:
    """What `put` raised, without its traceback: frames in there keep urllib3's connection open, even once closed."""
    error: DoorunitError | None = None
    try:
        post.put(name, data)
    except DoorunitError as err:
        error = err
    assert error is not None
    error.__traceback__ = error.__cause__ = error.__context__ = None
    assert kind is None or type(error) is kind, error
    return error


# --- the station answers


def test_a_frame_is_held_by_the_station_when_put_returns_and_again_is_as_good(
    side: Side, post: Post, sealed: bytes, tmp_path: Path
) -> None:
    way, name = post(side.port), frame_name(sealed)
    way.put(name, sealed)
    assert (tmp_path / "frames" / UNIT / name).read_bytes() == sealed
    way.put(name, sealed)
    assert [(picture.name, picture.unit, picture.event) for picture in side.came] == [(name, UNIT, 7)]


def test_one_connection_serves_all_frames_and_a_closed_one_is_opened_anew(
    side: Side, post: Post, sealed: bytes
) -> None:
    way = post(side.port)
    for _ in range(2):
        way.put(frame_name(sealed), sealed)
        way.close()
        way.close()
    assert len(side.came) == 1


def test_a_unit_cannot_bring_a_frame_to_anothers_address(side: Side, post: Post, sealed: bytes) -> None:
    error = refused(post(side.port, name="unit-b"), frame_name(sealed), sealed, RefusedError)
    assert error.found == f'status 403: {{"error":"the certificate is of {UNIT}, the address of unit-b"}}'
    assert error.what == f"picture {frame_name(sealed)[:12]} at localhost:{side.port}"
    assert side.came == []


@pytest.mark.parametrize("at", [0, 100, -1], ids=["its beginning", "its header", "its signature"])
def test_a_frame_that_was_changed_on_its_way_is_refused(side: Side, post: Post, sealed: bytes, at: int) -> None:
    changed = bytearray(sealed)
    changed[at] ^= 1
    for name in (frame_name(sealed), frame_name(bytes(changed))):
        error = refused(post(side.port), name, bytes(changed), WireError)
        assert error.found.startswith("status 422: ")
    assert side.came == []


def test_a_frame_larger_than_any_unit_makes_is_refused(side: Side, post: Post) -> None:
    error = refused(post(side.port), "a" * 64, bytes(FRAME_MAX_BYTES + 1), WireError)
    assert error.found.startswith("status 413: ")


def test_a_station_whose_disk_is_full_or_read_only_is_waited_for(
    ledger: Ledger, ca: Authority, post: Post, sealed: bytes, card: Card
) -> None:
    name = frame_name(sealed)
    with closing(Side(card.folder / "frames", ledger, ca)) as side, closing(post(side.port)) as way:
        card.fill(but_kb=16)
        full = refused(way, name, sealed, ServerError)
        assert full.found.startswith("status 507: ")
        assert "found no room left on the card" in full.found
        card.free()
        card.protect()
        read_only = refused(way, name, sealed, ServerError)
        assert read_only.found.startswith("status 503: ")
        assert "read-only file system" in read_only.found
        assert side.came == []
        card.unprotect()
        way.put(name, sealed)
        assert len(side.came) == 1


# --- it does not


@pytest.fixture
def answering(ca: Authority) -> Iterator[Callable[[bytes | None], int]]:
    """Serve TLS that answers each request with these bytes, or with nothing and leaves it open; the port."""
    made: list[Rogue] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ca.server_files())
    held: list[ssl.SSLSocket] = []

    def start(answer: bytes | None) -> int:
        def act(connection: socket.socket) -> None:
            held.append(context.wrap_socket(connection, server_side=True))
            request = held[-1].recv(65_536)
            if answer is not None:
                while not request.endswith(b"\r\n\r\nx"):  # what is left unread would turn the end into a reset
                    request += held[-1].recv(65_536)
                held[-1].sendall(answer)
                held[-1].close()

        made.append(Rogue(act))
        return made[-1].port

    yield start
    for connection in held:
        with suppress(OSError):
            connection.close()
    for each in made:
        each.close()


@pytest.mark.parametrize("size", [1000, 20_000_000], ids=["that was read", "that is larger than any buffer"])
def test_a_server_that_does_not_answer_a_frame_is_given_up_in_time(
    answering: Callable[[bytes | None], int], post: Post, size: int
) -> None:
    error = refused(post(answering(None), within_s=0.3), "a" * 64, bytes(size), ServerError)
    assert error.found == "it accepts the connection and does not answer"


def test_a_port_that_accepts_and_never_speaks_is_given_up_in_time(post: Post) -> None:
    with closing(Rogue(lambda _connection: None)) as rogue:
        error = refused(post(rogue.port, within_s=0.3), "a" * 64, b"x", ServerError)
    assert error.found == "it accepts the connection and does not answer"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"\0" * 100], ids=["nothing", "a beginning", "noise"])
def test_an_answer_cut_short_or_garbled_is_no_receipt_and_shows_no_raw_bytes(
    answering: Callable[[bytes | None], int], post: Post, answer: bytes
) -> None:
    error = refused(post(answering(answer)), "a" * 64, b"x", LinkError)
    assert str(error).isprintable()


@pytest.mark.parametrize("status", [b"202 Accepted", b"204 No Content"])
def test_only_the_two_words_that_say_held_are_a_receipt(
    answering: Callable[[bytes | None], int], post: Post, status: bytes
) -> None:
    error = refused(post(answering(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status)), "a" * 64, b"x", RefusedError)
    assert error.found == f"status {status[:3].decode()}: "


def test_a_redirection_is_not_followed_and_its_text_makes_no_lines_of_its_own(
    answering: Callable[[bytes | None], int], post: Post
) -> None:
    text = b"elsewhere\n2026-01-01 WARNING forged"
    head = b"HTTP/1.1 302 Found\r\nLocation: https://localhost:1/\r\nContent-Length: %d\r\n\r\n" % len(text)
    error = refused(post(answering(head + text)), "a" * 64, b"x", RefusedError)
    assert error.found == "status 302: elsewhere 2026-01-01 WARNING forged"


def test_a_port_on_which_nothing_listens_is_the_servers_fault(post: Post) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert refused(post(port), "a" * 64, b"x", ServerError).found == "nothing listens on that port"


def test_a_name_that_is_not_known_is_told_apart_from_a_network_that_is_down(post: Post) -> None:
    error = refused(post(443, host="no-such-host.invalid"), "a" * 64, b"x", None)
    assert isinstance(error, LinkError)
    assert error.found in NAMELESS[type(error)], "without a DNS server nobody can say that there is no such name"


def test_a_station_of_a_foreign_authority_is_not_believed(side: Side, post: Post, tmp_path: Path) -> None:
    foreign = Authority.open(tmp_path / "ca").issue(UNIT, tmp_path / "unit")
    error = refused(post(side.port, tls=files(foreign)), "a" * 64, b"x", DistrustError)
    assert error.found == "it is not from this unit's CA"


def test_a_station_under_another_name_is_not_believed(side: Side, post: Post) -> None:
    error = refused(post(side.port, host="127.1"), "a" * 64, b"x", DistrustError)
    assert error.found == "it is for another name"


def test_a_unit_of_a_foreign_authority_gets_nothing_in(
    side: Side, post: Post, unit: Identity, sealed: bytes, tmp_path: Path
) -> None:
    foreign = Authority.open(tmp_path / "ca").issue(UNIT, tmp_path / "unit")
    tls = (str(unit.ca_file), str(foreign.cert_file), str(foreign.key_file))
    error = refused(post(side.port, tls=tls), frame_name(sealed), sealed, None)
    # OpenSSL may find that it was refused before it reads why.
    assert re.search(
        "not trust this unit's cert|without a word|without response|reset by peer|broken pipe", error.found
    )
    assert side.came == []


def test_a_unit_without_its_tls_files_is_told_so(side: Side, post: Post, unit: Identity, tmp_path: Path) -> None:
    tls = (str(unit.ca_file), str(tmp_path / "gone.crt"), str(unit.key_file))
    error = refused(post(side.port, tls=tls), "a" * 64, b"x", RefusedError)
    assert f"{tmp_path}/gone.crt" in error.found
    assert "Enrol this unit again" in error.remedy


def test_a_proxy_of_the_machines_user_is_not_used(
    side: Side, post: Post, sealed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    post(side.port).put(frame_name(sealed), sealed)
    assert len(side.came) == 1


@pytest.mark.parametrize("status", [200, 403])
def test_a_file_is_put_to_an_address_that_a_hub_gave_and_its_answer_told(
    answering: Callable[[bytes | None], int], ca: Authority, status: int
) -> None:
    port = answering(b"HTTP/1.1 %d Said\r\nContent-Length: 0\r\n\r\n" % status)
    file = HttpsFile(str(ca.ca_file), SystemClock(assume_synced=True))
    assert file.put(f"https://localhost:{port}/bucket/a.jpg?Signature=x", b"x") == status


def test_a_file_goes_nowhere_but_by_https_and_to_whom_is_trusted_and_no_signature_is_repeated(
    answering: Callable[[bytes | None], int], ca: Authority
) -> None:
    clock = SystemClock(assume_synced=True)
    with pytest.raises(RefusedError, match="no https") as clear:
        HttpsFile(None, clock).put("http://localhost:1/a?Signature=x", b"x")
    port = answering(b"")
    with pytest.raises(LinkError) as stranger:
        HttpsFile(None, clock).put(f"https://localhost:{port}/a?Signature=x", b"x")
    with pytest.raises(LinkError) as nowhere:
        HttpsFile("/nowhere.pem", clock).put(f"https://localhost:{port}/a?Signature=x", b"x")
    assert not any("Signature" in str(caught.value) for caught in (clear, stranger, nowhere))


# --- through a proxy


@pytest.fixture
def proxy() -> Iterator[SimProxy]:
    with closing(SimProxy("door:p4ss/w@rd:x")) as opened:
        yield opened


def through(side: Side, unit: Identity, proxy: Proxy) -> HttpsFrames:
    url = f"https://localhost:{side.port}"
    return HttpsFrames(url, UNIT, files(unit), SystemClock(), (WITHIN_S, WITHIN_S), proxy=proxy)


def test_pictures_go_through_the_proxy_with_its_login(
    side: Side, unit: Identity, sealed: bytes, proxy: SimProxy
) -> None:
    with closing(through(side, unit, Proxy("127.0.0.1", proxy.port, Secret(b"door:p4ss/w@rd:x")))) as way:
        way.put(frame_name(sealed), sealed)
    assert len(side.came) == 1
    assert proxy.asked == [f"localhost:{side.port}"]


def test_a_proxy_that_refuses_is_named_and_its_login_is_not(
    side: Side, unit: Identity, sealed: bytes, proxy: SimProxy
) -> None:
    with closing(through(side, unit, Proxy("127.0.0.1", proxy.port, Secret(b"door:hunter2")))) as way:
        error = refused(way, frame_name(sealed), sealed, RefusedError)
    assert (error.what, error.found) == (
        f"proxy 127.0.0.1:{proxy.port}",
        "it said 407 Proxy Authentication Required",
    )
    assert "hunter2" not in f"{error}{error!r}"
    assert side.came == []


def test_a_proxy_that_is_not_there_is_named(side: Side, unit: Identity, sealed: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with closing(through(side, unit, Proxy("127.0.0.1", port))) as way:
        assert refused(way, frame_name(sealed), sealed, ServerError).what == f"proxy 127.0.0.1:{port}"
