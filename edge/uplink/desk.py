"""Asks a station for a certificate: one HTTPS request at a time, to whom one CA vouches for and to nobody else.

The standard library's client, because it lets the server's certificate be looked at before a word is sent, follows no
redirect and uses no proxy but the one that the settings name. Blocks; used by the enrolment and by a worker.
"""

import http.client
import ssl
from urllib.parse import urlsplit

from edge.clock import SECOND, Clock
from edge.errors import DistrustError, LinkError, RefusedError
from edge.uplink.refusal import explain, silence
from edge.uplink.tunnel import Proxy, through

WITHIN_S = 20  # connecting, and each wait for bytes


class HttpsDesk:
    """POST to one station. ca: PEM text. tls: (certificate, key) as file paths, or None before there is one."""

    def __init__(
        self,
        url: str,
        ca: str,
        clock: Clock,
        *,
        floor_ns: int,
        tls: tuple[str, str] | None = None,
        within_s: float = WITHIN_S,
        proxy: Proxy | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self.where = f"{self._host}:{self._port}"
        self._ca, self._clock, self._floor_ns = ca, clock, floor_ns
        self._tls, self._within_s, self._proxy = tls, within_s, proxy

    def post(self, path: str, body: bytes, most_bytes: int) -> tuple[int, bytes]:
        """(status, body) of the answer, at most `most_bytes` of it. Raises LinkError."""
        try:
            return self._post(path, body, most_bytes)
        except (http.client.HTTPException, OSError, ValueError) as err:
            if isinstance(err, LinkError):
                raise
            if isinstance(err, http.client.HTTPException) and not isinstance(err, OSError):
                raise self._stranger("something that is not HTTP") from err
            raise self._told(err) from err

    def _post(self, path: str, body: bytes, most_bytes: int) -> tuple[int, bytes]:
        first = (self._host, self._port) if self._proxy is None else (self._proxy.host, self._proxy.port)
        connection = http.client.HTTPSConnection(*first, timeout=self._within_s, context=self._context())
        if self._proxy is not None:
            connection.set_tunnel(self._host, self._port, headers=self._proxy.headers())
        try:
            self._open(connection)
            self._look(connection.sock)
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            try:
                answer = connection.getresponse()
                return answer.status, answer.read(most_bytes)
            except TimeoutError as err:
                raise silence(self.where) from err
        finally:
            connection.close()

    def _open(self, connection: http.client.HTTPSConnection) -> None:
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as err:
            if self._proxy is None or isinstance(err, ssl.SSLError):
                raise
            raise through(self._proxy, err) from err

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self._ca)
            if self._tls is not None:
                context.load_cert_chain(*self._tls)
        except (OSError, ValueError) as err:
            raise RefusedError(
                f"TLS files for {self.where}",
                found=getattr(err, "reason", None) or getattr(err, "strerror", None) or err,
                wanted="a CA certificate and, to renew, this unit's certificate with its key",
                remedy="Have the station write the unit's enrolment file anew.",
            ) from err
        return context

    def _look(self, sock: ssl.SSLSocket) -> None:
        """Refuse a certificate that ended before the floor; nothing has been sent so far.

        OpenSSL has checked chain, name and life, the last by this machine's clock: one that shows 1970 lets an
        expired certificate pass.
        """
        ends = str((sock.getpeercert() or {}).get("notAfter", ""))
        if not ends or ssl.cert_time_to_seconds(ends) * SECOND <= self._floor_ns:
            raise DistrustError(
                f"certificate of {self.where}",
                found=f"it ended on {ends}, before this unit's software or file was made",
                wanted="a certificate that is valid now",
                remedy="Start the station anew: it renews its own certificate.",
            )

    def _told(self, err: BaseException) -> LinkError:
        told = explain(err, self.where, self._clock.read())
        if not isinstance(told, DistrustError):
            return told
        return self._stranger(told.found, what=told.what)

    def _stranger(self, found: str, *, what: str = "") -> DistrustError:
        return DistrustError(
            what or self.where,
            found=found,
            wanted="the station that wrote this unit's enrolment file, under the name that the file gives",
            remedy="Another station, a captive portal or a proxy answers there: use the unit's own file, and a network "
            "without a portal.",
        )
