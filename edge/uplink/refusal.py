"""Turns what sockets, TLS and brokers say into one sentence each: whose fault, and what helps."""

import re
import socket
import ssl

from edge.clock import FLOOR_NS, Quality, Stamp
from edge.errors import DistrustError, LinkError, RefusedError, ServerError, UnknownHostError, UntimedError

_NOT_YET_VALID = 9  # X509_V_ERR_* of OpenSSL
_EXPIRED = 10
_UNTRUSTED = (18, 19, 20, 21)
_WRONG_NAME = (62, 64)  # host name, IP address
_BUSY = (
    "server unavailable",
    "server busy",
    "server shutting down",
    "connection rate exceeded",
    "maximum connect time",
)
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))  # and not: nobody to ask
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")


def explain(err: BaseException | str, where: str, now: Stamp) -> LinkError:
    """The LinkError for what happened while talking to `where` (host:port)."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return _their_certificate(err, where, now)
    text = str(err).lower().replace("_", " ")
    if "operation timed out" in text:  # TLS's handshake, read or write: TCP was there, and then nothing came
        return silence(where)
    if "eof occurred" in text:
        return _network("it ended the connection without a word", where)
    if text == "keep alive timeout":
        return _network("nothing came for two keep-alives", where)
    if "alert" in text or "certificate required" in text:
        return _our_certificate(text, where)
    if isinstance(err, ssl.SSLError) or "ssl" in text:
        return RefusedError(
            f"TLS with {where}",
            found=err,
            wanted="a TLS 1.2 or 1.3 server on that port",
            remedy="Check uplink.host, uplink.port and uplink.tls.",
        )
    return _network(err, where)


def silence(where: str) -> ServerError:
    """Something accepted the connection and then said nothing within the time-out."""
    return ServerError(
        where,
        found="it accepts the connection and does not answer",
        wanted="an answer within the time-out",
        remedy="The server hangs or another program has that port; the network itself works.",
    )


def dumb(where: str) -> ServerError:
    """A broker accepted this unit, and answers none of its messages."""
    return ServerError(
        where,
        found="the connection stands and no message is answered",
        wanted="an answer to each message",
        remedy="The server hangs; the network itself works. The unit connects anew.",
    )


def answered(reason: str, where: str) -> LinkError:
    """The LinkError for MQTT 5's name of why a broker did not accept this unit, or ended the connection."""
    said = reason.lower()
    if said == "keep alive timeout":
        return _network("it heard nothing of this unit", where)
    if said in _BUSY:
        return ServerError(
            where,
            found=f"it said: {reason}",
            wanted="a broker with time for this unit",
            remedy="The unit tries again by itself; the network works.",
        )
    remedy = "Have the platform's keeper look at the broker's user list and ACL."
    if said == "session taken over":
        remedy = "Something else connects under this unit's name: see that its identity was not copied."
    return RefusedError(where, found=f"it said: {reason}", wanted="a broker that accepts this unit", remedy=remedy)


def unheard(topic: str, reason: str, where: str) -> RefusedError:
    """The error for a subscription that the broker did not take: without receipts all is sent for ever."""
    return RefusedError(
        where,
        found=f"no subscription to {topic}: {reason}",
        wanted="a broker that lets this unit hear its receipts and commands",
        remedy="It is tried again; where it lasts, have the platform's keeper look at the broker's ACL.",
    )


def _their_certificate(err: ssl.SSLCertVerificationError, where: str, now: Stamp) -> LinkError:
    wanted = "a certificate from this unit's CA, valid now, for that name"
    if err.verify_code in (_NOT_YET_VALID, _EXPIRED) and now.clock is not Quality.SYNCED:
        year = 1970 + now.wall_ns // (365_2425 * 86_400 * 100_000)
        shown = f"shows {year}" if now.wall_ns < FLOOR_NS else f"is {now.clock}"
        return UntimedError(
            f"certificate of {where}",
            found=f"it cannot be checked, this unit's clock {shown}",
            wanted="a clock that has been set",
            remedy="The unit waits for the time; openings are kept meanwhile.",
        )
    found = {
        _NOT_YET_VALID: "it is not valid yet by this unit's clock",
        _EXPIRED: "it has expired",
        **dict.fromkeys(_WRONG_NAME, "it is for another name"),
    }.get(err.verify_code)
    if found is None:
        found = "it is not from this unit's CA" if err.verify_code in _UNTRUSTED else err.verify_message
    return DistrustError(
        f"certificate of {where}",
        found=found,
        wanted=wanted,
        remedy="The platform's keeper must renew it, or uplink.host is another machine than meant.",
    )


def _our_certificate(text: str, where: str) -> LinkError:
    if "expired" in text:
        found = "it refused this unit's certificate as expired"
    elif "unknown ca" in text or "bad certificate" in text:
        found = "it does not trust this unit's certificate"
    elif "certificate required" in text:
        found = "it wants a certificate and got none that it takes"
    else:
        found = f"it ended TLS ({text})"
    return RefusedError(
        where,
        found=found,
        wanted="this unit's certificate to be accepted",
        remedy="Enrol the unit again, or have the platform's keeper look at its CA and revocations.",
    )


def _network(err: BaseException | str, where: str) -> LinkError:
    host = where.rsplit(":", 1)[0]
    if isinstance(err, ConnectionRefusedError):
        return ServerError(
            where,
            found="nothing listens on that port",
            wanted="a running broker",
            remedy="The server is down or uplink.port is wrong; the network itself works.",
        )
    if isinstance(err, socket.gaierror) and err.errno in _NO_SUCH_NAME:
        return UnknownHostError(
            where,
            found=f"the name {host} is not known",
            wanted="a name that DNS knows",
            remedy="uplink.host is misspelt, or the platform's keeper must look at its DNS.",
        )
    if isinstance(err, socket.gaierror):
        return LinkError(
            where,
            found=f"the name {host} cannot be resolved",
            wanted="an address",
            remedy="No DNS server answers: the network is down, or its DNS setting is wrong.",
        )
    if isinstance(err, TimeoutError):
        return LinkError(
            where,
            found="no answer within the time-out",
            wanted="a TCP connection",
            remedy="The network is down or a firewall drops the packets.",
        )
    found = _ERRNO.sub("", str(getattr(err, "strerror", None) or err)).lower() or "the connection ended"
    return LinkError(
        where,
        found=found if found.isprintable() else ascii(found),
        wanted="a connection that stays",
        remedy="The unit tries again by itself.",
    )
