"""A Link over HTTPS against a real station side: who else answers gives no receipt; then all of a link's promise."""

import asyncio
import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from edge import posting, wire
from edge.clock import SystemClock
from edge.errors import (
    DistrustError,
    DoorunitError,
    LinkError,
    RefusedError,
    ServerError,
    UnknownHostError,
)
from edge.identity import Identity
from edge.parts import Acked, Fact, Incoming, LinkDown, LinkUp
from edge.secret import Secret
from edge.sim.proxy import SimProxy
from edge.station.ca import Authority
from edge.station.desk import Desk
from edge.station.frames import FrameStore
from edge.station.ledger import Ledger
from edge.station.mailbox import Mailbox
from edge.station.postapi import post_routes
from edge.station.server import unit_server
from edge.station.unitapi import unit_app
from edge.uplink.talk import Server
from edge.uplink.tunnel import Proxy
from edge.uplink.weblink import WAITING_MAX, HttpsLink
from tests.station.conftest import event
from tests.station.test_postapi import Office
from tests.uplink.conftest import UNIT, WITHIN_S, F, files

NOTHING = posting.to_json(posting.Waiting("1"))
HTML = b"<html><title>Welcome to the hotel</title></html>"


class Side:
    """The station's side for units, served with TLS from a thread of its own."""

    def __init__(self, folder: Path, ledger: Ledger, ca: Authority) -> None:
        clock = SystemClock()
        self.office = Office(ledger)
        self.mailbox = Mailbox(clock)
        desk = Desk(folder / "enrol", ca, clock)
        frames = FrameStore(folder / "frames", ledger, ca, clock, lambda _: None)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        app = unit_app(frames, desk, post_routes(self.office, self.mailbox, desk))
        self._server = unit_server(app, "127.0.0.1", self.port, (str(ca.ca_file), *map(str, ca.server_files())))
        self._thread = threading.Thread(target=asyncio.run, args=(self._server.serve(),), daemon=True)
        self._thread.start()
        until(lambda: self._server.started)

    def close(self) -> None:
        self.mailbox.close()
        self._server.end()
        self._thread.join(WITHIN_S)


class Played:
    """A platform that answers as a test says: each question's (method, path, body) gets `answer(...)`, raw."""

    def __init__(self, ca: Authority, answer: Callable[[str, str, bytes], bytes | None]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, str, bytes]] = []
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ca.ca_file))
        self._context.load_cert_chain(*map(str, ca.server_files()))
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), self._context.wrap_socket(connection, server_side=True) as tls:
            self._open.append(tls)
            file = tls.makefile("rb")
            while line := file.readline():
                method, path, _ = line.decode().split(" ")
                size = 0
                while (header := file.readline().strip().lower()) != b"":
                    size = int(header.split(b":")[1]) if header.startswith(b"content-length:") else size
                body = file.read(size)
                self.asked.append((method, path, body))
                answer = self._answer(method, path, body)
                if answer is None:
                    return
                tls.sendall(answer)

    def close(self) -> None:
        for each in (self._listening, *self._open):
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
            with suppress(OSError):
                each.close()


def http(body: bytes = b"", status: str = "200 OK", kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def until(what: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + WITHIN_S
    while not (found := what()):
        assert time.monotonic() < deadline_s
        time.sleep(0.005)  # clock: waits for another thread, with a deadline
    return found


class Line(HttpsLink):
    """An HttpsLink whose facts wait in a queue."""

    def __init__(self, server: Server, unit: str, clock: Any, wait_s: int) -> None:
        self.facts: queue.Queue[Fact] = queue.Queue()
        super().__init__(server, unit, self.facts.put, clock, wait_s=wait_s)  # type: ignore[arg-type]

    def next(self, kind: type[F]) -> F:
        fact = self.facts.get(timeout=WITHIN_S)
        assert type(fact) is kind, fact
        return fact

    def dial(self, kind: type[F]) -> F:
        self.connect()
        return self.next(kind)

    def refused(self, kind: type[DoorunitError]) -> DoorunitError:
        error = self.dial(LinkDown).error
        assert type(error) is kind, error
        return error

    def send(self, *seqs: int, epoch: str = "e1") -> None:
        for seq in seqs:
            assert self.publish(wire.topic(UNIT, "event"), record(seq, epoch), token=seq)


def record(seq: int, epoch: str = "e1") -> bytes:
    return wire.encode(UNIT, event(seq, epoch=epoch), {})


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def ledger(tmp_path: Path, opened: ExitStack) -> Ledger:
    return opened.enter_context(closing(Ledger(tmp_path / "ledger")))


@pytest.fixture(scope="module")
def served(home: Path, ca: Authority) -> Iterator[Side]:
    with closing(Ledger(home / "ledger")) as ledger, closing(Side(home / "side", ledger, ca)) as opened:
        yield opened


@pytest.fixture
def side(served: Side, ledger: Ledger) -> Side:
    served.office.begin(ledger)
    served.mailbox.leave(UNIT)
    return served


@pytest.fixture
def line(unit: Identity, opened: ExitStack) -> Callable[..., Line]:
    def make(port: int, *, name: str = UNIT, clock: Any = None, host: str = "localhost", **changes: Any) -> Line:
        server = Server(f"https://{host}:{port}", files(unit), **{"answer_s": WITHIN_S, **changes})
        return opened.enter_context(closing(Line(server, name, clock or SystemClock(assume_synced=True), 20)))

    return make


@pytest.fixture
def played(ca: Authority, opened: ExitStack) -> Callable[..., Played]:
    def make(answer: Callable[[str, str, bytes], bytes | None]) -> Played:
        return opened.enter_context(closing(Played(ca, answer)))

    return make


def known(then: Callable[[bytes], bytes | None]) -> Callable[[str, str, bytes], bytes | None]:
    """A platform that knows the unit, holds its questions for ever, and answers batches with `then`."""
    never = threading.Event()

    def answer(method: str, path: str, body: bytes) -> bytes | None:
        if "wait=0" in path:
            return http(NOTHING)
        if method == "GET":
            never.wait(WITHIN_S)
            return None
        return then(body) if path.endswith("/events") else http(status="204 No Content")

    return answer


# --- whoever else answers


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (http(HTML, kind="text/html"), "JSON is malformed"),
        (http(b"[]"), "Expected `object`"),
        (http(b"{}"), "missing required field `next`"),
        (http(b'{"next":7}'), "Expected `str`"),
        (b"220 mail.example ESMTP\r\n", "not HTTP"),
        (http(status="204 No Content"), "status 204"),
        (http(HTML, "302 Found"), "status 302: <html>"),
        (http(b'{"error":"who?"}', "404 Not Found"), "status 404"),
        (http(b"", "429 Too Many Requests"), "status 429"),
        (http(b"", "503 Service Unavailable"), "status 503"),
    ],
)
def test_what_is_no_platform_does_not_bring_the_link_up(
    played: Callable[..., Played], line: Callable[..., Line], answer: bytes, found: str
) -> None:
    link = line(played(lambda *_: answer).port)
    error = link.dial(LinkDown).error
    assert isinstance(error, ServerError | RefusedError)
    assert found in error.found
    assert not link.publish(wire.topic(UNIT, "event"), record(1), token=1)


@pytest.mark.parametrize(
    "answer",
    [
        http(HTML, kind="text/html"),
        http(b""),
        http(b"[]"),
        http(b'{"epoch":"e1"}'),
        http(b'{"epoch":"e1","stored":"all"}'),
        http(b'{"epoch":"e1","stored":[[1,1]]}')[:-3],
        http(HTML, "201 Created"),
        http(HTML, "302 Found"),
        http(b"", "500 Internal Server Error"),
        http(b"", "403 Forbidden"),
        http(b"", "204 No Content"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        None,
    ],
)
def test_an_answer_that_is_no_receipt_ends_the_connection_and_confirms_nothing(
    played: Callable[..., Played], line: Callable[..., Line], answer: bytes | None
) -> None:
    link = line(played(known(lambda _: answer)).port, answer_s=1)
    link.dial(LinkUp)
    link.send(1)
    assert isinstance(link.next(LinkDown).error, LinkError)
    assert link.facts.empty()


@pytest.mark.parametrize("answer", [b'{"epoch":"e2","stored":[[1,9]]}', b'{"epoch":"e1","stored":[[2,9]]}'])
def test_a_receipt_for_something_else_confirms_nothing(
    played: Callable[..., Played], line: Callable[..., Line], answer: bytes
) -> None:
    link = line(played(known(lambda _: http(answer))).port)
    link.dial(LinkUp)
    link.send(1)
    assert wire.read_receipt(link.next(Incoming).payload).stored != ((1, 1),)
    assert link.facts.empty()


def test_a_platform_that_refuses_a_whole_batch_is_asked_record_by_record(
    played: Callable[..., Played], line: Callable[..., Line]
) -> None:
    first = threading.Event()

    def take(body: bytes) -> bytes:
        seqs = [one["data"]["record"]["seq"] for one in json.loads(body)]
        if seqs == [1]:
            first.wait(WITHIN_S)
        if 3 in seqs:
            return http(b"too large\n", "413 Content Too Large")
        return http(wire.receipt("e1", seqs))

    platform = played(known(take))
    link = line(platform.port)
    link.dial(LinkUp)
    link.send(1)
    until(lambda: any(path.endswith("/events") for _, path, _ in platform.asked))
    link.send(2, 3, 4)
    first.set()
    facts = [link.facts.get(timeout=WITHIN_S) for _ in range(7)]
    acked = {fact.token: (fact.taken, fact.reason) for fact in facts if isinstance(fact, Acked)}
    assert acked == {
        1: (True, "Success"),
        2: (True, "Success"),
        3: (False, "status 413: too large"),
        4: (True, "Success"),
    }
    batches = [len(json.loads(body)) for _, path, body in platform.asked if path.endswith("/events")]
    assert batches == [1, 3, 1, 1, 1]


def test_a_connection_that_ended_while_it_was_idle_costs_nothing(
    played: Callable[..., Played], line: Callable[..., Line]
) -> None:
    answers = 0

    def take(_: bytes) -> bytes | None:
        nonlocal answers
        answers += 1
        return None if answers == 2 else http(wire.receipt("e1", [answers - answers // 2]))

    link = line(played(known(take)).port)
    link.dial(LinkUp)
    link.send(1)
    link.next(Acked)
    link.next(Incoming)
    link.send(2)  # the connection ends without a word, and the record goes again over another one
    assert link.next(Acked) == Acked(2, True, "Success")


def test_a_half_closed_connection_is_a_network_that_broke(
    played: Callable[..., Played], line: Callable[..., Line]
) -> None:
    link = line(played(known(lambda _: b"HTTP/1.1 200 OK\r\nContent-Le")).port, answer_s=1)
    link.dial(LinkUp)
    link.send(1)
    error = link.next(LinkDown).error
    assert type(error) is LinkError
    assert error.found == "nothing came for two keep-alives"


def test_a_platform_that_answers_nothing_at_all_hangs(played: Callable[..., Played], line: Callable[..., Line]) -> None:
    never = threading.Event()
    link = line(played(lambda *_: http() if never.wait(WITHIN_S) else None).port, answer_s=0.3)
    assert "does not answer" in link.refused(ServerError).found
    never.set()


def test_a_platform_that_holds_no_question_is_not_asked_without_end(
    played: Callable[..., Played], line: Callable[..., Line]
) -> None:
    platform = played(lambda *_: http(NOTHING))
    link = line(platform.port)
    link.dial(LinkUp)
    until(lambda: len(platform.asked) >= 2)
    link.send(1)
    link.facts.get(timeout=WITHIN_S)
    assert len([path for _, path, _ in platform.asked if "commands" in path]) == 2


def test_without_an_answer_only_so_many_records_wait(played: Callable[..., Played], line: Callable[..., Line]) -> None:
    never = threading.Event()
    link = line(played(known(lambda _: None if never.wait(WITHIN_S) else None)).port)
    link.dial(LinkUp)
    payload = record(1)
    taken = 0
    while link.publish(wire.topic(UNIT, "event"), payload, token=1):
        taken += 1
    never.set()
    assert WAITING_MAX <= taken <= WAITING_MAX + 100
    assert type(link.next(LinkDown).error) is ServerError


def test_a_port_on_which_nothing_listens_a_name_that_is_none_and_a_foreign_station(
    line: Callable[..., Line], side: Side
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert line(port).refused(ServerError).found == "nothing listens on that port"
    nameless = line(443, host="no-such-host.invalid").dial(LinkDown).error
    assert type(nameless) in (UnknownHostError, LinkError), "without a DNS server nobody can say that there is none"
    assert line(side.port, host="127.1").refused(DistrustError).found == "it is for another name"


def test_another_units_name_is_refused(line: Callable[..., Line], side: Side) -> None:
    assert "status 403" in line(side.port, name="unit-b").refused(RefusedError).found


def test_without_its_files_a_unit_is_told_so(line: Callable[..., Line], side: Side, tmp_path: Path) -> None:
    gone = (str(tmp_path / "ca"), str(tmp_path / "crt"), str(tmp_path / "key"))
    server = Server(f"https://localhost:{side.port}", gone)
    with closing(Line(server, UNIT, SystemClock(), 20)) as link:
        assert "Enrol this unit again" in link.refused(RefusedError).remedy


# --- proxies


@pytest.fixture
def proxy(opened: ExitStack) -> SimProxy:
    return opened.enter_context(closing(SimProxy("door:p4ss/w@rd")))


def test_everything_goes_through_the_proxy_with_its_login(
    line: Callable[..., Line], side: Side, proxy: SimProxy, ledger: Ledger
) -> None:
    link = line(side.port, proxy=Proxy("127.0.0.1", proxy.port, Secret(b"door:p4ss/w@rd")))
    link.dial(LinkUp)
    link.send(1)
    assert link.next(Acked).taken
    assert ledger.count(UNIT) == 1
    assert set(proxy.asked) == {f"localhost:{side.port}"}


@pytest.mark.parametrize(
    ("answer", "login", "kind", "found"),
    [
        (200, b"door:wrong", RefusedError, "it said 407 Proxy Authentication Required"),
        (403, b"door:p4ss/w@rd", RefusedError, "it said 403 Forbidden"),
        (502, b"door:p4ss/w@rd", ServerError, "it said 502 Bad Gateway"),
    ],
)
def test_a_proxy_that_refuses_is_named_and_its_login_is_not(
    line: Callable[..., Line],
    side: Side,
    proxy: SimProxy,
    answer: int,
    login: bytes,
    kind: type[DoorunitError],
    found: str,
) -> None:
    proxy.answer = answer
    error = line(side.port, proxy=Proxy("127.0.0.1", proxy.port, Secret(login))).refused(kind)
    assert (error.what, error.found) == (f"proxy 127.0.0.1:{proxy.port}", found)
    assert login.decode() not in f"{error}{error!r}"


def test_a_proxy_that_is_not_there_is_named(line: Callable[..., Line], side: Side) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    error = line(side.port, proxy=Proxy("127.0.0.1", port)).refused(ServerError)
    assert error.what == f"proxy 127.0.0.1:{port}"


# --- the promise


def test_records_get_their_receipts_and_a_busy_wire_takes_many_at_once(
    line: Callable[..., Line], side: Side, ledger: Ledger
) -> None:
    link = line(side.port)
    assert link.dial(LinkUp) == LinkUp("https", 500)
    link.send(*range(1, 201))
    got: set[int] = set()
    acked: set[int] = set()
    while len(got) < 200:
        fact = link.facts.get(timeout=WITHIN_S)
        if isinstance(fact, Acked):
            assert fact.taken
            acked.add(fact.token)
        else:
            assert isinstance(fact, Incoming)
            assert fact.topic == wire.topic(UNIT, "receipt")
            got |= {n for low, high in wire.read_receipt(fact.payload).stored for n in range(low, high + 1)}
    assert got == acked == set(range(1, 201))
    assert ledger.count(UNIT) == 200
    assert len(side.office.news) < 50, "not one by one"


def test_records_of_two_epochs_go_in_batches_of_their_own(line: Callable[..., Line], side: Side) -> None:
    link = line(side.port)
    link.dial(LinkUp)
    link.send(7, 8)
    link.send(1, 2, epoch="e2")
    link.send(9)
    tokens = [fact.token for fact in iter_acked(link, 5)]
    assert sorted(tokens) == [1, 2, 7, 8, 9]


def iter_acked(link: Line, count: int) -> list[Acked]:
    found: list[Acked] = []
    while len(found) < count:
        fact = link.facts.get(timeout=WITHIN_S)
        if isinstance(fact, Acked):
            assert fact.taken, fact.reason
            found.append(fact)
    return found


def test_what_is_told_besides_arrives_and_only_the_last_of_each_matters(
    line: Callable[..., Line], side: Side, ledger: Ledger
) -> None:
    link = line(side.port)
    link.dial(LinkUp)
    assert link.publish(wire.topic(UNIT, "online"), b'{"online":true}', retain=True)
    for n in range(200):
        assert link.publish(wire.topic(UNIT, "state"), b'{"n":%d}' % n, retain=True)
    assert link.publish(wire.topic(UNIT, "reply"), b'{"id":"a","done":true,"said":"ok"}')
    assert link.publish("homeassistant/device/x/config", b"{}", retain=True)

    def last() -> bool:
        side.office.work()
        return bool(side.office.replies and ledger.units() and ledger.units()[0].state == {"n": 199})

    until(last)
    assert side.office.replies == [(UNIT, b'{"id":"a","done":true,"said":"ok"}')]


def test_a_command_comes_down_the_moment_it_is_given_and_once(line: Callable[..., Line], side: Side) -> None:
    link = line(side.port)
    link.dial(LinkUp)
    for n in range(3):
        side.mailbox.put(UNIT, b'{"command":"%d","signature":"s"}' % n)
        assert link.next(Incoming) == Incoming(wire.topic(UNIT, "command"), b'{"command":"%d","signature":"s"}' % n)
    assert link.facts.empty()


def test_good_bye_is_said_before_the_link_closes_and_all_of_it_ends_soon(
    line: Callable[..., Line], side: Side, ledger: Ledger
) -> None:
    link = line(side.port)
    link.dial(LinkUp)
    link.publish(wire.topic(UNIT, "online"), b'{"online":false}', retain=True)
    begun_s = time.monotonic()
    link.close()
    link.close()
    assert time.monotonic() - begun_s < 5
    side.office.work()
    assert not ledger.units()[0].online
    assert not side.mailbox.present(UNIT)
    assert not [t for t in threading.enumerate() if t.name.startswith("https ")]
    assert link.facts.empty(), "closing is no failure"


def test_a_link_that_is_given_up_says_so_once_and_can_be_made_anew(line: Callable[..., Line], side: Side) -> None:
    link = line(side.port)
    link.dial(LinkUp)
    link.abandon()
    link.abandon()
    assert type(link.next(LinkDown).error) is ServerError
    assert not link.publish(wire.topic(UNIT, "event"), record(1))
    link.dial(LinkUp)
    link.send(1)
    assert link.next(Acked).taken


def test_a_station_that_ends_is_noticed_at_once(
    line: Callable[..., Line], ledger: Ledger, ca: Authority, tmp_path: Path
) -> None:
    side = Side(tmp_path, ledger, ca)
    link = line(side.port)
    link.dial(LinkUp)
    begun_s = time.monotonic()
    side.close()
    link.next(LinkDown)
    assert time.monotonic() - begun_s < 5
