"""Opens one HTTPS connection, through the network's proxy where there is one; and what is told where that fails."""

import base64
import http.client
import ssl
from urllib.parse import quote

import msgspec

from edge.clock import Clock
from edge.config import Uplink
from edge.errors import LinkError, RefusedError, ServerError
from edge.road import proxy_of
from edge.secret import Secret
from edge.uplink.refusal import explain

_TUNNEL = "Tunnel connection failed: "  # what http.client puts before a proxy's answer
_BEYOND = ("502", "503", "504")  # the proxy works, and does not get through either


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP proxy that takes CONNECT. login: user:password."""

    host: str
    port: int
    login: Secret | None = None

    @property
    def where(self) -> str:
        """For messages: never with the login."""
        return f"proxy {self.host}:{self.port}"

    def headers(self) -> dict[str, str]:
        """What goes with CONNECT."""
        if self.login is None:
            return {}
        return {"Proxy-Authorization": f"Basic {base64.b64encode(self.login.reveal()).decode()}"}

    def url(self) -> str:
        """With the login, for a library that wants it so; whoever calls this keeps it out of logs and messages."""
        user, _, password = self.login.reveal().decode().partition(":") if self.login else ("", "", "")
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if self.login else ""
        return f"http://{login}{self.host}:{self.port}"


def proxy(uplink: Uplink) -> Proxy | None:
    """The proxy that the settings name, if any."""
    first = proxy_of(uplink.proxy) if uplink.proxy is not None else None
    return None if first is None else Proxy(*first, uplink.proxy_login)


def connect(
    host: str, port: int, context: ssl.SSLContext, clock: Clock, *, by: Proxy | None, within_s: float
) -> http.client.HTTPSConnection:
    """A connection whose TLS is done. Raises LinkError."""
    first = (by.host, by.port) if by is not None else (host, port)
    connection = http.client.HTTPSConnection(*first, timeout=within_s, context=context)
    if by is not None:
        connection.set_tunnel(host, port, headers=by.headers())
    try:
        connection.connect()
    except (OSError, ValueError, http.client.HTTPException) as err:
        connection.close()
        if by is not None and not isinstance(err, ssl.SSLError):
            raise through(by, err) from err
        raise explain(err, f"{host}:{port}", clock.read()) from err
    return connection


def through(by: Proxy, err: BaseException) -> LinkError:
    """The LinkError for what went wrong at the proxy, or was told by it."""
    said = str(err)
    remedy = "Check uplink.proxy and uplink.proxy_login with the network's owner."
    wanted = "a proxy that lets this unit through to the platform"
    if said.startswith(_TUNNEL):
        found = " ".join(said.removeprefix(_TUNNEL)[:100].split())
        kind = ServerError if found.startswith(_BEYOND) else RefusedError
        return kind(by.where, found=f"it said {found}", wanted=wanted, remedy=remedy)
    if isinstance(err, ConnectionRefusedError):
        return ServerError(by.where, found="nothing listens on that port", wanted=wanted, remedy=remedy)
    if isinstance(err, http.client.HTTPException):
        return ServerError(by.where, found="something that is not HTTP", wanted=wanted, remedy=remedy)
    found = "no answer within the time-out" if isinstance(err, TimeoutError) else getattr(err, "strerror", None) or said
    return LinkError(by.where, found=found or "the connection ended", wanted=wanted, remedy=remedy)


def show_certificate(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """Trust `ca` alone ("": what the machine trusts), and show `certificate`, if there is one.

    Raises RefusedError: with such files nobody can accept this unit.
    """
    try:
        context = ssl.create_default_context(cafile=ca or None)
        if certificate:
            context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as err:
        raise RefusedError(
            f"TLS files {ca}, {certificate} and {key}",
            found=getattr(err, "reason", None) or getattr(err, "strerror", None) or err,
            wanted="a CA, this unit's certificate, and the key that goes with it",
            remedy="Enrol this unit again, or copy the folder back from where it was issued.",
        ) from err
    return context
