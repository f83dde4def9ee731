"""Runs the web applications in one asyncio loop.

The page in clear on loopback and with TLS elsewhere, the units' side with mutual TLS, enrolment with TLS for units
without a certificate.
"""

import asyncio
import contextlib
import hashlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge.station.unitapi import PEER, peer_name

ENROL_AT_ONCE = 200  # connections; strangers may open them
KEPT_S = 75  # a unit's connection may idle; to open one anew would cost the next live alarm a handshake or two
CLOSE_S = 2  # how long a request in hand may take when the station ends


class _PeerProtocol(H11Protocol):
    """HTTP/1.1 that tells the application whose certificate the client showed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        peer = _peer(tls) if tls is not None else ("", "")
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End. Who is owed nothing is not waited for: TLS would wait for the good-bye of a client that went without."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, H11Protocol) and _is_idle(connection):
                connection.transport.abort()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    def end(self) -> None:
        """Stop serving within CLOSE_S."""
        self.should_exit = True


def page_server(app: Starlette, host: str, port: int, tls: tuple[str, str] | None = None) -> Server:
    """The live page: in clear, or with the station's own (certificate, key)."""
    certificate, key = tls or (None, None)
    return Server(uvicorn.Config(app, host=host, port=port, ssl_certfile=certificate, ssl_keyfile=key, **_QUIET))


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
            timeout_keep_alive=KEPT_S,
            **_QUIET,
        )
    )


def enrol_server(app: Starlette, host: str, port: int, tls: tuple[str, str]) -> Server:
    """Where units enrol; TLS with the station's own (certificate, key), and none is asked of the client."""
    certificate, key = tls
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            limit_concurrency=ENROL_AT_ONCE,
            **_QUIET,
        )
    )


def _is_idle(connection: H11Protocol) -> bool:
    answered = connection.cycle is None or connection.cycle.response_complete
    return answered and connection.transport.get_write_buffer_size() == 0


def _peer(tls: ssl.SSLObject) -> tuple[str, str]:
    return peer_name(tls.getpeercert() or {}), hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()


_QUIET: dict[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "lifespan": "off",
    "ws": "none",
    "timeout_graceful_shutdown": CLOSE_S,
    "server_header": False,
}
