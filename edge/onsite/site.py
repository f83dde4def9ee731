"""Serves the installer's page over HTTPS with the standard library: while the unit is not commissioned, and only then.

A thread for each connection, a bounded number of them; a slow or silent one holds up nobody but itself.
"""

import hashlib
import json
import logging
import ssl
import threading
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from edge.clock import MS, Clock
from edge.errors import DoorunitError, PartError
from edge.onsite.gate import Gate
from edge.onsite.visit import Visit

log = logging.getLogger(__name__)

PAGE = Path(__file__).with_name("page")
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
COOKIE = "__Host-doorunit"
COOKIE_S = 14_400
WITHIN_S = 20.0  # for a handshake, a request, and each part of an answer
BODY_MAX_BYTES = 65_536
CONNECTIONS_MAX = 24  # a phone's browser opens six
PING_S = 10.0
ASKED = "X-Doorunit"  # no form and no other site's script can send it
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Site:
    """Listens from its making until the unit is signed off, or `close`. Raises PartError: the port is not to be had."""

    def __init__(self, visit: Visit, gate: Gate, clock: Clock, pem: Path, port: int, host: str = "") -> None:
        self.visit, self.gate = visit, gate
        self._clock = clock
        self.lock = threading.Lock()  # the gate's
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(pem)
        certificate = "-----BEGIN CERT" + pem.read_text(encoding="ascii").split("-----BEGIN CERT", 1)[1]
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest().upper()
        self.fingerprint = ":".join(digest[n : n + 2] for n in range(0, 64, 2))
        try:
            self._server = _Server((host, port), self, context)
        except OSError as err:
            raise PartError(
                f"installer's page on port {port}",
                found=(err.strerror or str(err)).lower(),
                wanted="a port that nobody else has",
                remedy="Choose another: install.port in the unit's settings.",
            ) from err
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="install", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no longer, and end what is open; safe to repeat, from any thread but its own."""
        self.visit.close()
        self._server.shutdown()
        self._server.server_close()
        self._server.cut()
        self._thread.join(timeout=5)

    def over(self) -> None:
        """The unit is signed off: nobody is let in any more, and nothing listens. From a connection's thread."""
        with self.lock:
            self.gate.leave()
        self.visit.close()
        self._server.shutdown()
        self._server.server_close()

    def enter(self, wish: Mapping[str, Any], address: str) -> tuple[int, dict[str, Any], str]:
        """(status, answer, cookie) for somebody who says a code."""
        name, ahead = str(wish.get("name", "")), wish.get("phone_ms")
        now = self._clock.read()
        with self.lock:
            take_over = wish.get("take_over") is True
            verdict, cookie = self.gate.enter(
                str(wish.get("code", "")), name, address, now.boot_ns, take_over=take_over
            )
            person = self.gate.person
        if verdict == "in" and person is not None:
            phone_ms = ahead - now.wall_ns / MS if isinstance(ahead, int | float) else None
            self.visit.entered(person.name, phone_ms)
            return 200, {}, cookie
        if verdict == "busy" and person is not None:
            since_s = (now.boot_ns - person.since_ns) // (1000 * MS)
            return 409, {"refused": "gate.busy", "name": person.name, "since_s": since_s}, ""
        return (429 if verdict == "often" else 403), {"refused": f"gate.{verdict}"}, ""

    def knows(self, cookie: str) -> bool:
        """Whether it is the cookie of who is in."""
        with self.lock:
            return self.gate.knows(cookie, self._clock.now())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], site: Site, context: ssl.SSLContext) -> None:
        self.site, self._context = site, context
        self._room = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._open: set[Any] = set()
        super().__init__(address, _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The handshake too belongs to the connection's own thread."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            request.settimeout(WITHIN_S)
            try:
                tls = self._context.wrap_socket(request, server_side=True)
            except (OSError, ValueError) as err:
                log.debug("installer's page: %s of %s", err, client_address)
                self.shutdown_request(request)
                return
            self._open.add(tls)
            try:
                super().process_request_thread(tls, client_address)
            finally:
                self._open.discard(tls)
        finally:
            self._room.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """One connection, to its end."""
        try:
            super().finish_request(request, client_address)
        except OSError as err:  # a phone that is locked ends its connections within an answer: an everyday thing
            log.debug("installer's page: %s of %s", err, client_address)
        except Exception:  # the connection's edge: a fault of ours must not end the page, nor pass in silence
            log.exception("installer's page: an answer raised; the page goes on")

    def cut(self) -> None:
        """End what is open."""
        for tls in tuple(self._open):
            self.shutdown_request(tls)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "doorunit", ""
    timeout = WITHIN_S
    server: _Server

    def do_GET(self) -> None:  # noqa: N802 - http.server calls it so
        path = urlsplit(self.path)
        if path.path == "/api/hello":
            self._say(200, {"inside": self.server.site.knows(self._cookie())})
        elif not path.path.startswith("/api/"):
            self._file(path.path)
        elif not self.server.site.knows(self._cookie()):
            self._say(401, {"refused": "gate.out"})
        elif path.path == "/api/live":
            self._live()
        elif path.path == "/api/view.jpg":
            self._view(parse_qs(path.query).get("as") == ["sent"])
        else:
            self._say(404, {"refused": "page.unknown"})

    def do_POST(self) -> None:  # noqa: N802 - http.server calls it so
        site, wish = self.server.site, self._wish()
        if wish is None:
            return
        if self.path == "/api/enter":
            status, told, cookie = site.enter(wish, str(self.client_address[0]))
            self._say(status, told, cookie=cookie)
        elif not site.knows(self._cookie()):
            self._say(401, {"refused": "gate.out"})
        elif self.path.startswith("/api/do/"):
            self._do(self.path.removeprefix("/api/do/"), wish)
        else:
            self._say(404, {"refused": "page.unknown"})

    def _do(self, what: str, wish: Mapping[str, Any]) -> None:
        try:
            told = self.server.site.visit.do(what, wish)
        except msgspec.ValidationError as err:
            self._say(400, {"refused": "page.unknown", "said": str(err)})
            return
        except DoorunitError as err:
            log.warning("%s", err)
            self._say(503, {"refused": "unit.trouble", "said": str(err)})
            return
        over = "signed" in told
        self.close_connection = self.close_connection or over
        self._say(409 if "refused" in told else 200, told)
        if over:
            self.server.site.over()

    def _live(self) -> None:
        """Server-sent events: all there is to show, whenever it changes, until somebody else is in."""
        board, cookie, version = self.server.site.visit.board, self._cookie(), 0
        self._head(200, "text/event-stream")
        self.close_connection = True
        while not board.over:
            version, told = board.told(version, PING_S)
            if not self.server.site.knows(cookie):
                self.wfile.write(b"event: out\ndata: {}\n\n")
                return
            text = ": still here\n\n" if told is None else f"data: {json.dumps(told, ensure_ascii=False)}\n\n"
            self.wfile.write(text.encode())

    def _view(self, masked: bool) -> None:
        picture = self.server.site.visit.view(masked=masked)
        if picture is None:
            self._say(404, {"refused": "aim.no-picture"})
        else:
            self._send(200, "image/jpeg", picture)

    def _file(self, path: str) -> None:
        name = "index.html" if path == "/" else path.removeprefix("/")
        known = {file.name for file in PAGE.iterdir() if file.suffix in KINDS}
        if name in known:
            self._send(200, KINDS[Path(name).suffix], (PAGE / name).read_bytes())
        else:
            self._say(404, {"refused": "page.unknown"})

    def _wish(self) -> dict[str, Any] | None:
        """The body of a request that this page itself made; None where the answer has been given."""
        length = self.headers.get("Content-Length", "")
        origin = self.headers.get("Origin")
        if not length.isascii() or not length.isdigit() or int(length) > BODY_MAX_BYTES:
            self.close_connection = True
            self._say(413, {"refused": "page.unknown"})
            return None
        raw = self.rfile.read(int(length))
        foreign = origin is not None and origin != f"https://{self.headers.get('Host', '')}"
        if foreign or self.headers.get(ASKED) is None:
            self._say(403, {"refused": "gate.foreign"})
            return None
        try:
            wish = json.loads(raw or b"{}")
        except (ValueError, RecursionError):
            wish = None
        if not isinstance(wish, dict):
            self._say(400, {"refused": "page.unknown"})
            return None
        return wish

    def _cookie(self) -> str:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(self.headers.get("Cookie", ""))
        except CookieError:
            return ""
        return jar[COOKIE].value if COOKIE in jar else ""

    def _say(self, status: int, told: Mapping[str, Any], cookie: str = "") -> None:
        self._send(status, "application/json", json.dumps(told, ensure_ascii=False).encode(), cookie)

    def _send(self, status: int, kind: str, body: bytes, cookie: str = "") -> None:
        more = {"Content-Length": str(len(body))}
        if cookie:
            more["Set-Cookie"] = f"{COOKIE}={cookie}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={COOKIE_S}"
        self._head(status, kind, more)
        self.wfile.write(body)

    def _head(self, status: int, kind: str, more: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        text = kind if kind.startswith("image/") else f"{kind}; charset=utf-8"
        for name, value in {"Content-Type": text, **_HEADERS, **(more or {})}.items():
            self.send_header(name, value)
        if self.close_connection or kind == "text/event-stream":
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """One line a request, for whoever looks for something."""
        log.debug("installer's page: %s", format % args)
