"""Messages to a channel over HTTPS; with uplink/https.py the only file that knows requests. Used by one worker.

An address holds a key, and requests puts addresses into its errors: only the socket's or TLS's own error is told.
"""

import email.utils
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing

import requests

from edge.alert.channel import Answer, Ask, Channel
from edge.alert.words import Message
from edge.clock import SECOND, Clock, Quality, Stamp
from edge.errors import ConfigError, DistrustError, LinkError, ServerError, UnknownHostError, UntimedError

CONNECT_S = 5
ANSWER_S = 10  # between two pieces of an answer, and for all of its body
ANSWER_MAX_BYTES = 64_000
_DATED = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_AGAIN = "The unit tries again by itself."


class WebSender:
    """channel.Sender: one connection, kept alive between messages. `ca_file`: None for the public authorities."""

    def __init__(
        self,
        channel: Channel,
        clock: Clock,
        *,
        ca_file: str | None = None,
        within_s: tuple[float, float] = (CONNECT_S, ANSWER_S),
    ) -> None:
        logging.getLogger("urllib3").setLevel(logging.WARNING)  # its debug lines hold addresses, which hold keys
        self._channel = channel
        self._clock = clock
        self._within_s = within_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy or a .netrc of the machine's user is not this unit's
        if ca_file is not None:
            self._session.verify = ca_file

    def send(self, message: Message) -> None:
        """Return once the service says that it took it. Raises LinkError, ConfigError."""
        self._do(self._channel.text(message, self._clock.read().wall_ns))

    def show(self, jpeg: bytes, caption: str) -> None:
        """Return once the service says that it took the picture. Raises LinkError, ConfigError."""
        self._do(self._channel.picture(jpeg, caption, self._clock.read().wall_ns))

    def close(self) -> None:
        """Drop the connection; safe to repeat."""
        self._session.close()

    def _do(self, ask: Ask) -> None:
        where = self._channel.where
        try:
            answer = self._ask_twice(ask)
        except requests.RequestException as err:
            root = list(_causes(err))[-1]
            raise explained(err, where, self._clock.read()) from (None if root is err else root)
        except OSError as err:  # what requests raises where it does not find the CA's file
            raise ConfigError(
                f"{self._channel.name}.ca_file",
                found=type(err).__name__,
                wanted="a readable PEM file",
                remedy="Copy the server's CA there, or leave the setting out.",
            ) from None
        self._channel.judge(answer, self._clock.read())

    def _ask_twice(self, ask: Ask) -> Answer:
        """A service may end an idle connection just as it is used again: that costs a second attempt, not a pause."""
        try:
            return self._ask(ask)
        except requests.ConnectionError as err:
            if not isinstance(list(_causes(err))[-1], ConnectionResetError | BrokenPipeError):  # RemoteDisconnected too
                raise
            return self._ask(ask)

    def _ask(self, ask: Ask) -> Answer:
        with closing(
            self._session.request(
                ask.method,
                ask.url,
                data=ask.body,
                headers=dict(ask.headers),
                timeout=self._within_s,
                allow_redirects=False,
                stream=True,
            )
        ) as response:
            return Answer(response.status_code, self._read(response), _date_ns(response.headers.get("Date")))

    def _read(self, response: requests.Response) -> bytes:
        """The body, as far as it comes in time."""
        due_ns = self._clock.now() + int(self._within_s[1] * SECOND)
        body = b""
        for piece in response.iter_content(8192):
            body += piece
            if len(body) > ANSWER_MAX_BYTES or self._clock.now() > due_ns:
                break
        return body


def _causes(err: BaseException) -> Iterator[BaseException]:
    """An error and what stands behind it; requests and urllib3 wrap the socket's own several times."""
    seen: list[BaseException] = []
    one: BaseException | None = err
    while one is not None and one not in seen:
        seen.append(one)
        yield one
        one = one.__cause__ or one.__context__


def explained(err: BaseException, where: str, now: Stamp) -> LinkError:
    """The LinkError for what requests raised, by whose fault, from the innermost error that says it."""
    for one in reversed(list(_causes(err))):
        if isinstance(one, ssl.SSLCertVerificationError):
            return _certificate(one, where, now)
        if isinstance(one, ssl.SSLError):
            return DistrustError(
                where,
                found=f"TLS ended with {one.reason or 'no reason'}",
                wanted="a TLS 1.2 or 1.3 server",
                remedy="A proxy or a sign-in page of this network answers in its place, or the address is wrong.",
            )
        if isinstance(one, socket.gaierror):
            if one.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
                return UnknownHostError(
                    where, found="a name that is not known", wanted="a name that DNS knows", remedy="Check the address."
                )
            return LinkError(where, found="no DNS server that answers", wanted="an address", remedy=_AGAIN)
        if isinstance(one, ConnectionRefusedError):
            return ServerError(where, found="nothing listens there", wanted="the service", remedy=_AGAIN)
    if isinstance(err, requests.ConnectTimeout):
        return LinkError(where, found="no connection within the time-out", wanted="a connection", remedy=_AGAIN)
    if isinstance(err, requests.Timeout) or "timed out" in str(err).lower():
        return ServerError(
            where, found="it accepts the connection and does not answer", wanted="an answer", remedy=_AGAIN
        )
    return LinkError(
        where,
        found=f"the connection ended ({type(list(_causes(err))[-1]).__name__})",
        wanted="an answer in HTTP",
        remedy=_AGAIN,
    )


def _certificate(err: ssl.SSLCertVerificationError, where: str, now: Stamp) -> LinkError:
    if err.verify_code in _DATED and now.clock is not Quality.SYNCED:
        return UntimedError(
            f"certificate of {where}",
            found=f"it cannot be checked, this unit's clock is {now.clock}",
            wanted="a clock that has been set",
            remedy="The unit tells it again once its clock is set; see that it reaches a time server.",
        )
    return DistrustError(
        f"certificate of {where}",
        found=err.verify_message,
        wanted="a certificate of a public authority (or of ca_file), valid now, for that name",
        remedy="A proxy or a sign-in page of this network answers in its place, or the address is wrong.",
    )


def _date_ns(header: str | None) -> int | None:
    """A Date header (RFC 9110) as UTC in ns; None where there is none that can be read."""
    try:
        return int(email.utils.parsedate_to_datetime(header or "").timestamp()) * SECOND
    except (ValueError, OverflowError):
        return None
