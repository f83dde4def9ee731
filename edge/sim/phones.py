"""The phone services on one loopback port, over HTTP or TLS: each judges as robots.py says, or misbehaves on demand."""

import email.utils
import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from edge.clock import SECOND
from edge.sim.robots import (
    FEISHU_SECRET,
    FEISHU_TOKEN,
    KEY,
    SECRET,
    TOKEN,
    TOPIC,
    Request,
    Taken,
    Verdict,
    dingtalk,
    feishu,
    ntfy,
    wecom,
)

PORTAL = b"<!DOCTYPE html><html><body>Sign in to this network</body></html>"
_PATHS = {"/cgi-bin/webhook/send": "wecom", "/robot/send": "dingtalk", "/open-apis/bot/v2/hook": "feishu"}
Judge = Callable[[Request], Verdict]


class Heard(msgspec.Struct, frozen=True):
    """One message that a group saw, and when it had come in (boot clock)."""

    taken: Taken
    at_ns: int


class Phones:
    """Four services. `mood`: "" as usual, or what every request meets.

    silent (no answer, ever), drip (an answer that never ends), garbage, portal, redirect, broken (status 502),
    cut (the connection ends). `offset_s` is how far the services' clock is from `wall_ns`.
    """

    def __init__(
        self,
        now: Callable[[], int],
        wall_ns: Callable[[], int],
        *,
        tls: tuple[Path, Path] | None = None,
        port: int = 0,
    ) -> None:
        self.judges: dict[str, Judge] = {
            "wecom": wecom(KEY),
            "dingtalk": dingtalk(TOKEN, SECRET),
            "feishu": feishu(FEISHU_TOKEN, FEISHU_SECRET),
            "ntfy": ntfy(TOPIC),
        }
        self.mood = ""
        self.misbehaved = 0  # requests that met a mood
        self.offset_s = 0.0
        self.heard: list[Heard] = []
        self.requests = 0
        self.refusals: list[str] = []  # the answers that were no
        self.on_heard: Callable[[Heard], None] = lambda _: None
        self.now = now
        self._wall_ns = wall_ns
        self._over = threading.Event()
        self._came = threading.Condition()
        self._server = _Server(self, port)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, tls))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if tls is not None else "http"
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def url(self, channel: str, host: str = "127.0.0.1") -> str:
        """What goes into `<channel>.url`."""
        path = next((path for path, name in _PATHS.items() if name == channel), "")
        return f"{self.scheme}://{host}:{self.port}{path}"

    def settings(self, *channels: str) -> dict[str, dict[str, object]]:
        """The settings of these channels, each with its key."""
        keys: dict[str, dict[str, object]] = {
            "wecom": {"key": KEY},
            "dingtalk": {"token": TOKEN, "secret": SECRET},
            "feishu": {"token": FEISHU_TOKEN, "secret": FEISHU_SECRET},
            "ntfy": {"topic": TOPIC},
        }
        return {name: {"url": self.url(name), **keys[name]} for name in channels}

    def wall_s(self) -> float:
        """The services' clock."""
        return self._wall_ns() / SECOND + self.offset_s

    def wait(self, count: int, within_s: float) -> list[Heard]:
        """What was heard once it is `count` or more, or the time is over."""
        with self._came:
            self._came.wait_for(lambda: len(self.heard) >= count, within_s)
            return list(self.heard)

    def close(self) -> None:
        """End it and all its connections; safe to repeat."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join(timeout=5)

    def answer(self, request: Request) -> tuple[int, bytes]:
        """What is said to one request, as status and body."""
        self.requests += 1
        channel = next((name for path, name in _PATHS.items() if request.path.startswith(path)), "ntfy")
        status, body, taken = self.judges[channel](request)
        raw = json.dumps(body).encode()
        if taken is None:
            self.refusals.append(raw.decode())
        else:
            self._hear(Heard(taken, self.now()))
        return status, raw

    def _hear(self, heard: Heard) -> None:
        with self._came:
            self.heard.append(heard)
            self._came.notify_all()
        self.on_heard(heard)

    def wait_for_end(self) -> None:
        """Block until `close`: what a service that never answers does."""
        self._over.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, phones: Phones, port: int) -> None:
        self.phones = phones
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news here."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """One message."""
        self._serve()

    def do_PUT(self) -> None:
        """One picture."""
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Addresses hold keys, also here."""

    def _serve(self) -> None:
        phones = self.server.phones
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if phones.mood:
            self._misbehave(phones)
            return
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query))
        self._say(*phones.answer(Request(self.command, parts.path, query, headers, body, phones.wall_s())))

    def _misbehave(self, phones: Phones) -> None:
        self.close_connection = True
        phones.misbehaved += 1
        if phones.mood == "silent":
            phones.wait_for_end()
        elif phones.mood == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
            phones.wait_for_end()
        elif phones.mood == "portal":
            self._say(200, PORTAL, "text/html")
        elif phones.mood == "redirect":
            self._say(302, b"", "text/html", "Location: http://portal.example/\r\n")
        elif phones.mood == "broken":
            self._say(502, PORTAL, "text/html")
        elif phones.mood == "garbage":
            self._say(200, b"\xff\x00 nothing that was agreed on")

    def _say(self, status: int, body: bytes, kind: str = "application/json", more: str = "") -> None:
        """In one piece, so that no half of it waits for an acknowledgement."""
        date = email.utils.formatdate(self.server.phones.wall_s(), usegmt=True)
        head = f"HTTP/1.1 {status} Simulated\r\nDate: {date}\r\nContent-Type: {kind}\r\n"
        self.wfile.write(f"{head}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body)
