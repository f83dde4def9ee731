"""One HTTPS request at a time to a platform, with a certificate or without; the standard library's client."""

import http.client
import socket
import ssl
from urllib.parse import SplitResult

from edge.uplink.probe import Tls


def words(status: int, said: bytes) -> str:
    """An answer, for a row."""
    text = " ".join(said[:120].decode("utf-8", "replace").split())
    return f"status {status}: {text}" if status else f"no answer: {text}"


class Web:
    """Where frames and batches go."""

    def __init__(self, where: SplitResult, tls: Tls, within_s: float) -> None:
        self._host, self._port = where.hostname or "", where.port or 443
        self._tls, self._within_s = tls, within_s

    def shake(self) -> None:
        """A TLS connection, ended at once. Raises OSError, ValueError as ssl does."""
        with (
            socket.create_connection((self._host, self._port), timeout=self._within_s) as sock,
            self._tls.context().wrap_socket(sock, server_hostname=self._host),
        ):
            return

    def ask(self, method: str, path: str, body: bytes, content: str) -> tuple[int, bytes]:
        """(status, body); status 0 where there is no answer, and body says why."""
        try:
            return self._ask(method, path, body, content)
        except (OSError, ValueError, http.client.HTTPException, ssl.SSLError) as err:
            return 0, str(err).encode()

    def _ask(self, method: str, path: str, body: bytes, content: str) -> tuple[int, bytes]:
        context = self._tls.context()
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._within_s, context=context)
        try:
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body are two packets
            connection.request(method, path, body, {"Content-Type": content})
            answer = connection.getresponse()
            return answer.status, answer.read(100_000)
        finally:
            connection.close()
