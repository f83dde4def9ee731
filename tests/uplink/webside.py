"""Platforms for a link over HTTPS: the station's own side, one that answers as it is told, and a link to ask them."""

import asyncio
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from edge import posting, wire
from edge.clock import SystemClock
from edge.errors import (
    DoorunitError,
)
from edge.parts import Acked, Fact, LinkDown
from edge.station.ca import Authority
from edge.station.desk import Desk
from edge.station.frames import FrameStore
from edge.station.ledger import Ledger
from edge.station.mailbox import Mailbox
from edge.station.postapi import post_routes
from edge.station.server import unit_server
from edge.station.unitapi import unit_app
from edge.uplink.talk import Server
from edge.uplink.weblink import HttpsLink
from tests.station.conftest import event
from tests.station.test_postapi import Office

WITHIN_S = 15
UNIT = "unit-a"  # conftest's, which imports this
F = TypeVar("F", bound=Fact)
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


Play = Callable[..., Played]


class Line(HttpsLink):
    """An HttpsLink whose facts wait in a queue."""

    def __init__(self, server: Server, unit: str, clock: Any, wait_s: int) -> None:
        self.facts: queue.Queue[Fact] = queue.Queue()
        super().__init__(server, unit, self.facts.put, clock, wait_s=wait_s)

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


Dial = Callable[..., Line]


def record(seq: int, epoch: str = "e1") -> bytes:
    return wire.encode(UNIT, event(seq, epoch=epoch), {})


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


def iter_acked(link: Line, count: int) -> list[Acked]:
    """The next so many records that were taken."""
    found: list[Acked] = []
    while len(found) < count:
        fact = link.facts.get(timeout=WITHIN_S)
        if isinstance(fact, Acked):
            assert fact.taken, fact.reason
            found.append(fact)
    return found
