"""Session descriptions of GB/T 28181: reads an INVITE's offer, writes the answer. Pure.

Platforms write them in many ways, so the reader looks for what it needs and passes over the rest; but what it takes
is bounded, because these bytes come from the network. RFC 4566; RFC 4145 for a=setup; y= and f= are GB/T 28181's own.
"""

import ipaddress
from enum import Enum
from typing import NamedTuple

from edge.uplink.gb28181.streams import UnfitOffer

MAX_BYTES = 8192  # a platform's offer is below 600
MAX_LINES = 128
MAX_MEDIA = 4
PS = 96  # payload type of PS unless an offer's rtpmap says otherwise
_DISCARD = 9  # RFC 4145, 4.1: the port that a side names which only connects
_KNOWN = frozenset("vosctmaybfu")


class Way(Enum):
    """How the media leave."""

    UDP = "udp"
    CONNECT = "tcp, we connect"  # the platform is passive, or does not say
    LISTEN = "tcp, we listen"  # the platform is active


class Offer(NamedTuple):
    """An offer that can be served. `host` is an IPv4 or IPv6 address; `port` is 0 where we listen."""

    way: Way
    host: str
    port: int
    payload: int  # RTP payload type of PS
    ssrc: int
    y: str  # the SSRC as it was written, to be echoed
    media: tuple[str, ...]  # the m= lines' values, in order
    chosen: int  # which of them is served


class _Media(NamedTuple):
    kind: str
    port: int
    proto: str
    payloads: tuple[int, ...]
    line: str


def read(sdp: bytes) -> Offer:
    """What the platform asks for. Raises UnfitOffer, and nothing else, for whatever cannot be served."""
    lines = _lines(sdp)
    name = _first(lines, "s")
    if name.lower() != "play":
        raise _unfit("s=", name or "none", "Play: live view is all that this unit has")
    media, chosen, around = _media(lines)
    one = media[chosen]
    tcp = one.proto.upper() == "TCP/RTP/AVP"
    attributes = [value for kind, value in around if kind == "a"]
    if {"sendonly", "inactive"} & {a.lower() for a in attributes}:
        raise _unfit("a=", "sendonly or inactive", "a side that receives")
    way = _way(attributes) if tcp else Way.UDP
    if way is not Way.LISTEN and not 1 <= one.port <= 65535:
        raise _unfit("m=", f"port {one.port}", "a port from 1 to 65535")
    y = _first(lines, "y")
    return Offer(
        way=way,
        host=_host(_first(around, "c") or _first(lines, "c")),
        port=0 if way is Way.LISTEN else one.port,
        payload=_payload(one.payloads, attributes),
        ssrc=_ssrc(y),
        y=y,
        media=tuple(m.line for m in media),
        chosen=chosen,
    )


def answer(offer: Offer, device: str, host: str, port: int) -> bytes:
    """The answer: this device's ID, the address that it sends from, and the port; 0 where it only connects."""
    family = f"IN IP{ipaddress.ip_address(host).version} {host}"
    lines = ["v=0", f"o={device} 0 0 {family}", "s=Play", f"c={family}", "t=0 0"]
    for i, line in enumerate(offer.media):
        words = line.split()
        if i != offer.chosen:  # RFC 3264, 6: each stream of the offer is answered; port 0 says no
            lines.append(f"m={words[0]} 0 {words[2]} {words[3]}")
            continue
        lines.append(f"m=video {port or _DISCARD} {words[2]} {offer.payload}")
        lines += ["a=sendonly", f"a=rtpmap:{offer.payload} PS/90000"]
        if offer.way is not Way.UDP:
            setup = "active" if offer.way is Way.CONNECT else "passive"
            lines += [f"a=setup:{setup}", "a=connection:new"]
    lines += [f"y={offer.y}", "f="]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _lines(sdp: bytes) -> list[tuple[str, str]]:
    """Letter and value of each line that SDP knows; blank and unknown ones are passed over."""
    if len(sdp) > MAX_BYTES:
        raise _unfit("size", f"{len(sdp)} bytes", f"at most {MAX_BYTES}")
    rows = sdp.decode("latin-1").replace("\r", "\n").split("\n")
    rows = [row.strip() for row in rows if row.strip()]
    if len(rows) > MAX_LINES:
        raise _unfit("size", f"{len(rows)} lines", f"at most {MAX_LINES}")
    found = []
    for row in rows:
        letter, equals, value = row.partition("=")
        if equals and letter.strip().lower() in _KNOWN:
            found.append((letter.strip().lower(), value.strip()))
    return found


def _first(lines: list[tuple[str, str]], letter: str) -> str:
    return next((value for kind, value in lines if kind == letter), "")


def _media(lines: list[tuple[str, str]]) -> tuple[list[_Media], int, list[tuple[str, str]]]:
    """Every m= line, which of them to serve, and the lines that belong to that one (the session's and its own)."""
    at = [i for i, (kind, _) in enumerate(lines) if kind == "m"]
    if not 1 <= len(at) <= MAX_MEDIA:
        raise _unfit("m=", f"{len(at)} of them", f"1 to {MAX_MEDIA}")
    media = [_media_line(lines[i][1]) for i in at]
    for n, one in enumerate(media):
        if one.kind == "video" and one.proto.upper() in {"RTP/AVP", "RTP/AVP/UDP", "TCP/RTP/AVP"}:
            own = lines[at[n] + 1 : at[n + 1] if n + 1 < len(at) else len(lines)]
            return media, n, own + lines[: at[0]]
    raise _unfit("m=", ", ".join(f"{m.kind} {m.proto}" for m in media), "video over RTP/AVP or TCP/RTP/AVP")


def _media_line(value: str) -> _Media:
    words = value.split()
    ports = words[1].partition("/")[0] if len(words) > 1 else ""  # "6000/2" is RFC 4566's port and count
    payloads = [_number(word, 127) for word in words[3:]]
    if len(words) < 4 or not _token(words[0]) or not _token(words[2]) or None in payloads:
        raise _unfit("m=", repr(value[:60]), "video PORT PROTOCOL PAYLOAD...")
    port = _number(ports, 65535)
    if port is None:
        raise _unfit("m=", f"port {ports[:20]!r}", "0 to 65535")
    return _Media(words[0].lower(), port, words[2], tuple(p for p in payloads if p is not None), value)


def _way(attributes: list[str]) -> Way:
    setup = next((a[6:].strip().lower() for a in attributes if a.lower().startswith("setup:")), "passive")
    if setup not in {"passive", "active", "actpass"}:
        raise _unfit("a=setup:", setup[:20] or "none", "passive or active")
    return Way.LISTEN if setup == "active" else Way.CONNECT


def _payload(offered: tuple[int, ...], attributes: list[str]) -> int:
    """The offered payload type that is PS: as an rtpmap says, else 96 where none says otherwise."""
    maps: dict[int, str] = {}
    for a in attributes:
        if a.lower().startswith("rtpmap:"):
            number, _, coding = a[7:].strip().partition(" ")
            payload = _number(number, 127)
            if payload is not None:
                maps[payload] = coding.strip().partition("/")[0].upper()
    for payload in offered:
        if maps.get(payload) == "PS":
            return payload
    if PS in offered and PS not in maps:
        return PS
    raise _unfit("a=rtpmap:", ", ".join(f"{n} {c[:12]}" for n, c in maps.items()) or "none", "PS among the payloads")


def _ssrc(y: str) -> int:
    ssrc = _number(y, 0xFFFFFFFF)
    if ssrc is None:
        raise _unfit("y=", repr(y[:20]) if y else "none", "the SSRC in up to 10 digits")
    return ssrc


def _host(connection: str) -> str:
    """The address of a c= line; only one that media can be sent to."""
    words = connection.split()
    try:
        host = ipaddress.ip_address(words[2].partition("/")[0])
    except (IndexError, ValueError):
        raise _unfit("c=", repr(connection[:60]) if connection else "none", "IN IP4 and an address") from None
    if host.is_multicast or host.is_unspecified or host.is_reserved or "%" in str(host):
        raise _unfit("c=", str(host), "the address of one receiver")
    return str(host)


def _number(word: str, most: int) -> int | None:
    """`word` as a number from 0 to `most`; None for everything else. isdigit alone would take other scripts' digits."""
    if not (word.isascii() and word.isdigit() and len(word) <= 10):
        return None
    return number if (number := int(word)) <= most else None


def _token(word: str) -> bool:
    return word.isascii() and word.replace("/", "").isalnum() and len(word) <= 20


def _unfit(where: str, found: str, wanted: str) -> UnfitOffer:
    found = found.encode("ascii", "backslashreplace").decode()[:120]
    remedy = "Compare the platform's INVITE with GB/T 28181, annex G."
    return UnfitOffer(f"offer, {where}", found=found, wanted=wanted, remedy=remedy)
