"""Asks an ASGI application as uvicorn does, without a socket. An input is the request as it would be written down:

PUT /v1/units/door-1/frames/~       one line; ~ stands for the sha256 of the body
peer: door-1                        a header a line; `peer` is what the certificate says, `cut` ends the body early
                                    an empty line, then the body
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes, unquote

from starlette.applications import Starlette

from edge.station.unitapi import PEER
from tests.fuzz.bend import Pick, bend_json, spoil

CHUNK = 50_000  # bytes of a body at a time
UNSAFE = re.compile(rb"[\x00-\x20\x7f-\xff]")  # what h11 lets nobody put into a request line
SAFE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
METHODS = (b"GET", b"PUT", b"POST", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"get", b"X", b"PUT")
PIECES = (
    b"/",
    b"//",
    b"/..",
    b"/%2e%2e",
    b"%00",
    b"%2f",
    b"%",
    b"%ff",
    b"~",
    b"?",
    b"#",
    b"*",
    b";",
    b".jpg",
    b"\\",
    b"%0d%0a",
)
HEADERS = (b"transfer-encoding: chunked", b"content-length: -1", b"content-type: text/plain", b"range: bytes=5-2,-1")
HEADERS += (
    b"accept-encoding: gzip;q=x",
    b"if-none-match: *",
    b"if-modified-since: yesterday",
    b"host: \xff",
    b"cut: 1",
)
HEADERS += (
    b"sec-fetch-site: cross-site",
    b"sec-fetch-site: same-origin",
    b"x: " + b"y" * 8000,
    b"peer: ",
    b"peer: ../ca",
)
HEADERS += (
    b"peer: door-2",
    b"peer: door-1",
    b"range: bytes=0-",
    b"range: bytes=9999999999999999999-",
    b"expect: 100-continue",
)


@dataclass(frozen=True)
class Request:
    """A request, taken apart."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    peer: str
    cut: bool

    @classmethod
    def of(cls, data: bytes) -> "Request":
        """Any bytes are some request."""
        head, _, body = data.partition(b"\n\n")
        first, *lines = head.split(b"\n")
        method, _, target = first.partition(b" ")
        named = [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(b":") for line in lines) if n.strip()]
        apart = dict(named)
        return cls(
            method.decode("latin-1") or "GET",
            quote_from_bytes(target.replace(b"~", hashlib.sha256(body).hexdigest().encode()), SAFE).encode() or b"/",
            tuple((name, value) for name, value in named if name not in (b"peer", b"cut")),
            body,
            apart.get(b"peer", b"").decode("latin-1"),
            b"cut" in apart,
        )


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Asker:
    """One event loop for many requests."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def __call__(self, app: Starlette, request: Request) -> Answer:
        """The answer; what the application raises past its own handlers is raised here."""
        answer = Answer()
        path, _, query = request.target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8080),
            "client": ("127.0.0.1", 40_000),
            "scheme": "http",
            "method": request.method,
            "root_path": "",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "headers": list(request.headers),
            "state": {},
            PEER: (request.peer, "0" * 64),
        }
        parts = [request.body[at : at + CHUNK] for at in range(0, len(request.body), CHUNK)] or [b""]
        more = iter(parts)
        left = len(parts)

        async def receive() -> dict[str, Any]:
            nonlocal left
            left -= 1
            if left < 0 or (request.cut and left == 0):
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": next(more), "more_body": left > 0}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        self._loop.run_until_complete(app(scope, receive, send))  # type: ignore[arg-type]  # plain dicts, as a server's
        return answer

    def close(self) -> None:
        """End the loop."""
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@contextmanager
def asker() -> Iterator[Asker]:
    """An Asker that is closed."""
    with closing(Asker()) as made:
        yield made


def bend_request(raw: bytes, pick: Pick) -> bytes:
    """A request with another method, address, header or body."""
    how = pick(("method", "address", "address", "header", "header", "body", "body", "body", "spoil"))
    head, gap, body = raw.partition(b"\n\n")
    first, _, lines = head.partition(b"\n")
    method, _, target = first.partition(b" ")
    if how == "spoil":
        return spoil(raw, pick)
    if how == "body":
        return head + b"\n\n" + (bend_json(body, pick) if body[:1] in (b"{", b"[") else spoil(body, pick))
    if how == "method":
        first = pick(METHODS) + b" " + target
    elif how == "address":
        at = pick(range(len(target) + 1))
        first = method + b" " + target[:at] + pick(PIECES) + target[at + pick((0, 0, 1, 6)) :]
    else:
        lines = pick(HEADERS) + b"\n" + lines
    return first + b"\n" + lines + gap + body
