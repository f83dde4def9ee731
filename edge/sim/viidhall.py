"""A simulated image library of GA/T 1400 on loopback: Digest, register first of all, and strict in what it takes.

`mood`: "" as usual, or what every request meets: silent, portal (HTML with status 200), broken (503), refuse (status
200 and StatusCode 4), unfit (pictures alone: 400).
"""

import base64
import hashlib
import json
import re
import secrets
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DEVICE = "31010100001190000001"
USER = "door-7"
PASSWORD = "s3cret/w0rd"  # noqa: S105 - of a simulated library
REALM = "viid"


class ViidHall:
    """Listens until it is closed. `held`: ImageInfo and JPEG of each picture; `wrapped`: how it wraps its answers."""

    def __init__(self) -> None:
        self.mood = ""
        self.wrapped = "ResponseStatusObject"
        self.registered = False
        self.said: list[str] = []  # the last part of each path that got past Digest
        self.held: list[tuple[dict[str, Any], bytes]] = []
        self.wrong: list[str] = []  # what a strict reader found
        self._nonce = secrets.token_hex(8)
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def settings(self, **more: object) -> dict[str, object]:
        """Section [viid]."""
        return {"url": self.url, "own_line": True, "device_id": DEVICE, "user": USER, "password": PASSWORD, **more}

    def forget(self) -> None:
        """It was started anew: nobody is registered, and old nonces mean nothing."""
        self.registered = False
        self._nonce = secrets.token_hex(8)

    def close(self) -> None:
        """Stop; safe to repeat."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Status, an extra header, body."""
        if self.mood == "silent":
            self._over.wait(30)
        if self.mood == "portal":
            return 200, "", b"<html>Welcome to the hotel</html>"
        if self.mood == "broken":
            return 503, "", b""
        if not self._genuine(path, headers.get("authorization", "")):
            challenge = f'Digest realm="{REALM}", qop="auth", nonce="{self._nonce}", algorithm=MD5'
            return 401, f"WWW-Authenticate: {challenge}", b""
        what = path.rpartition("/")[2]
        self.said.append(what)
        if self.mood == "refuse":
            return 200, "", self._status(4)
        return self._take(what, headers, json.loads(body))

    def _take(self, what: str, headers: dict[str, str], told: dict[str, Any]) -> tuple[int, str, bytes]:
        if what == "Register":
            self.registered = told == {"RegisterObject": {"DeviceID": DEVICE}}
            return (200, "", self._status(0)) if self.registered else (400, "", self._status(4))
        if headers.get("user-identify") != DEVICE or not self.registered:
            return 403, "", self._status(4)
        if what == "UnRegister":
            self.registered = False
        if what == "Images" and self.mood == "unfit":
            return 400, "", self._status(5)
        if what == "Images":
            for one in told["ImageListObject"]["Image"]:
                self._keep(one["ImageInfo"], base64.b64decode(one["Data"], validate=True))
        return 200, "", self._status(0)

    def _keep(self, info: dict[str, Any], jpeg: bytes) -> None:
        checks = {
            "ImageID": re.fullmatch(DEVICE + "02" + re.escape(info["ShotTime"]) + r"\d{5}", info["ImageID"]),
            "ShotTime": re.fullmatch(r"\d{14}", info["ShotTime"]),
            "FileHash": info["FileHash"] == hashlib.md5(jpeg, usedforsecurity=False).hexdigest(),
            "FileSize": info["FileSize"] == len(jpeg),
            "FileFormat": info["FileFormat"] == "Jpeg" and jpeg.startswith(b"\xff\xd8"),
            "twice": info["ImageID"] not in {held["ImageID"] for held, _ in self.held},
        }
        self.wrong += [name for name, right in checks.items() if not right]
        self.held.append((info, jpeg))

    def _status(self, code: int) -> bytes:
        status = {"Id": DEVICE, "RequestURL": "", "StatusCode": code, "StatusString": "OK" if code == 0 else "no"}
        if self.wrapped == "list":
            return json.dumps({"ResponseStatusListObject": {"ResponseStatusObject": [status]}}).encode()
        if self.wrapped == "text":
            return json.dumps({"ResponseStatus": {**status, "StatusCode": str(code)}}).encode()
        return json.dumps({self.wrapped: status}).encode()

    def _genuine(self, path: str, shown: str) -> bool:
        """RFC 7616, MD5, qop=auth."""
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', shown.removeprefix("Digest ")))
        with suppress(KeyError):
            ha1 = _md5(f"{USER}:{REALM}:{PASSWORD}")
            ha2 = _md5(f"POST:{path}")
            wanted = _md5(f"{ha1}:{self._nonce}:{said['nc']}:{said['cnonce']}:auth:{ha2}")
            return bool(said["response"] == wanted and said["username"] == USER)
        return False


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _handler(hall: ViidHall) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, header, answer = hall.answer(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            with suppress(OSError):
                self.send_response(status)
                if header:
                    name, _, value = header.partition(": ")
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
