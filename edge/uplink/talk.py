"""Questions and answers over one HTTPS connection that is kept. May block; each thread has a Talk of its own."""

import http.client
import select
import socket
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec

from edge.clock import SECOND, Clock
from edge.errors import LinkError, ServerError
from edge.uplink.refusal import explain, silence
from edge.uplink.tunnel import Proxy, connect, show_certificate

CONNECT_S = 5.0  # TCP, the proxy's word, and TLS, each
ANSWER_S = 20.0  # a platform commits before it answers
ANSWER_MAX_BYTES = 1_000_000
_SILENT = "keep alive timeout"  # refusal.explain's word for a network that fell silent


class Server(msgspec.Struct, frozen=True):
    """Where units post, and as whom. tls: CA, certificate and key as file paths."""

    url: str
    tls: tuple[str, str, str]
    proxy: Proxy | None = None
    connect_s: float = CONNECT_S
    answer_s: float = ANSWER_S

    @property
    def where(self) -> str:
        """host:port, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or 443}"


class Talk:
    """One connection at a time; opened when it is needed, opened anew where the other end dropped it while idle."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._context: ssl.SSLContext | None = None
        self._connection: http.client.HTTPSConnection | None = None
        self.proven = False  # somebody answers there: a silence from now on is the network's
        self._over = False

    def ask(
        self, method: str, path: str, body: bytes = b"", *, kind: str = "", within_s: float = 0
    ) -> tuple[int, bytes]:
        """(status, body) of the answer, which may take within_s where others may take answer_s. Raises LinkError.

        May be asked twice: a connection may end just as it is used again. What is asked here bears that.
        """
        kept = self._kept()
        try:
            return self._ask(method, path, body, kind, within_s)
        except LinkError:
            raise
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError) as err:  # RemoteDisconnected is the first
            if not kept or self._over:
                raise self._told(err) from err
        except (OSError, ValueError, http.client.HTTPException) as err:
            raise self._told(err) from err
        try:
            return self._ask(method, path, body, kind, within_s)
        except LinkError:
            raise
        except (OSError, ValueError, http.client.HTTPException) as err:
            raise self._told(err) from err

    def now(self) -> int:
        """Boot clock, ns."""
        return self._clock.now()

    def cut(self) -> None:
        """End the connection for good; a question that waits raises at once. Any thread, safe to repeat."""
        self._over = True
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # SSLSocket's own would drop TLS under the reader

    def close(self) -> None:
        """Drop the connection; the thread that asks calls it. Safe to repeat."""
        self._over = True
        self._drop()

    def _ask(self, method: str, path: str, body: bytes, kind: str, within_s: float) -> tuple[int, bytes]:
        connection = self._open()
        headers = {"Content-Type": kind or "application/json"} if body else {}
        try:
            connection.request(method, path, body or None, headers)
            connection.sock.settimeout(within_s or self._server.answer_s)
            answer = connection.getresponse()
            text = self._read(answer)
        except BaseException:  # whatever it was, what comes next over this connection answers nothing
            self._drop()
            raise
        if answer.will_close:
            self._drop()
        self.proven = True
        return answer.status, text

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        """The whole body, in time. Raises OSError, HTTPException."""
        due_ns = self._clock.now() + int(self._server.answer_s * SECOND)
        body = b""
        while piece := answer.read1(65_536):
            body += piece
            if len(body) > ANSWER_MAX_BYTES:
                raise http.client.HTTPException("an answer without end")
            if self._clock.now() > due_ns:
                raise TimeoutError
        if answer.length:
            raise ConnectionAbortedError(0, "the connection ended within an answer")
        answer.close()  # else http.client takes no further question
        return body

    def _open(self) -> http.client.HTTPSConnection:
        if self._over:
            raise ConnectionAbortedError(0, "the connection was given up")
        if self._connection is None:
            self._context = self._context or show_certificate(*self._server.tls)
            parts = urlsplit(self._server.url)
            self._connection = connect(
                parts.hostname or "",
                parts.port or 443,
                self._context,
                self._clock,
                by=self._server.proxy,
                within_s=self._server.connect_s,
            )
            if self._over:  # cut while it was opened
                self._drop()
                raise ConnectionAbortedError(0, "the connection was given up")
        return self._connection

    def _kept(self) -> bool:
        """Whether there is a connection that looks alive; one that the other end dropped is dropped here too."""
        if self._connection is None:
            return False
        sock = self._connection.sock
        if sock is None or select.select([sock], [], [], 0)[0]:  # nothing is owed, so what can be read is its end
            self._drop()
        return self._connection is not None

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _told(self, err: BaseException) -> LinkError:
        where = self._server.where
        if isinstance(err, http.client.HTTPException) and not isinstance(err, OSError):
            return stranger(where, "something that is not HTTP")
        if isinstance(err, TimeoutError):
            return explain(_SILENT, where, self._clock.read()) if self.proven else silence(where)
        return explain(err, where, self._clock.read())


def stranger(where: str, found: object) -> ServerError:
    """Somebody else answers in the platform's place."""
    return ServerError(
        where,
        found=found,
        wanted="an answer of the platform's, as the wire has it",
        remedy="Another program, a proxy or a portal answers there: check uplink.frames_url and uplink.proxy.",
    )
