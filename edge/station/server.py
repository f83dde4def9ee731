"""Runs the two web applications in one asyncio loop: the page in clear on loopback, the units' side with mutual TLS."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge.station.unitapi import PEER, peer_name

CLOSE_S = 2  # how long a request in hand may take when the station ends


class _PeerProtocol(H11Protocol):
    """HTTP/1.1 that tells the application whose certificate the client showed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        peer = peer_name(tls.getpeercert() or {}) if tls is not None else ""
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[PEER] = peer
            await inner(scope, receive, send)

        self.app = app


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs the station ends it. `up` is set once it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    def end(self) -> None:
        """Stop serving within CLOSE_S."""
        self.should_exit = True


def page_server(app: Starlette, host: str, port: int) -> Server:
    """The live page, in clear."""
    return Server(uvicorn.Config(app, host=host, port=port, **_QUIET))


def unit_server(app: Starlette, host: str, port: int, tls: tuple[str, str, str]) -> Server:
    """The units' side. tls: CA, certificate, key; only clients with a certificate of that CA get through."""
    ca, certificate, key = tls
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=_PeerProtocol,
            ssl_ca_certs=ca,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            ssl_cert_reqs=ssl.CERT_REQUIRED,
            **_QUIET,
        )
    )


_QUIET: dict[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "lifespan": "off",
    "ws": "none",
    "timeout_graceful_shutdown": CLOSE_S,
    "server_header": False,
}
