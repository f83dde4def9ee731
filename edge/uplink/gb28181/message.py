"""SIP messages (RFC 3261) as bytes: read tolerantly, written exactly. No I/O, no clock.

Header values are kept as Latin-1, so that whatever came in goes out again byte for byte where it is repeated.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from edge.errors import WireError

MESSAGE_MAX_BYTES = 65_535  # what a datagram can hold; no platform sends more over TCP either
HEADERS_MAX = 200
METHODS = ("REGISTER", "MESSAGE", "INVITE", "ACK", "BYE", "CANCEL", "SUBSCRIBE", "NOTIFY", "INFO", "OPTIONS")
_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "s": "subject",
    "k": "supported",
    "o": "event",
    "e": "content-encoding",
}
_START = re.compile(r"([A-Za-z0-9.!%*_+`'~-]{1,32})[ \t]+(\S+)[ \t]+SIP/2\.0", re.IGNORECASE)
_STATUS = re.compile(r"SIP/2\.0[ \t]+([1-6]\d\d)(?:[ \t]+(.*))?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CSEQ = re.compile(r"(\d{1,10})[ \t]+(\S+)")
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_END = re.compile(rb"\r?\n\r?\n")
_URI = re.compile(r"sips?:(?:([^@<>\s;?]*)@)?(\[[0-9A-Fa-f:.]+\]|[^\s:;?<>@\[\]]+)(?::(\d{1,5}))?", re.IGNORECASE)

Headers = tuple[tuple[str, str], ...]


class Message(msgspec.Struct, frozen=True):
    """A request (`method` and `uri`) or a response (`code` and `reason`)."""

    method: str = ""
    uri: str = ""
    code: int = 0
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Every value of that header, in order; the name in lower case."""
        return [value for key, value in self.headers if _key(key) == name]

    def get(self, name: str) -> str:
        """The first value of that header, or ""."""
        return next((value for key, value in self.headers if _key(key) == name), "")

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method; (0, "") where it makes no sense."""
        match = _CSEQ.fullmatch(self.get("cseq"))
        return (int(match[1]), match[2].upper()) if match else (0, "")

    @property
    def vias(self) -> list[str]:
        """Each hop, the nearest first, however they were written into lines."""
        return [hop for value in self.all("via") for hop in commas(value)]

    @property
    def branch(self) -> str:
        """The nearest hop's branch, or ""."""
        return parameter(self.vias[0], "branch") if self.vias else ""

    @property
    def dialog(self) -> tuple[str, str]:
        """Call-ID and the sender's tag: what a dialogue that the other end began is known by."""
        return self.get("call-id"), parameter(self.get("from"), "tag")


def parse(raw: bytes) -> Message:
    """One whole message. Raises WireError."""
    if len(raw) > MESSAGE_MAX_BYTES:
        raise unfit(f"{len(raw)} bytes", f"{MESSAGE_MAX_BYTES} at most")
    raw = raw.lstrip(b"\r\n")
    end = _END.search(raw)
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    start, *lines = _unfold(head.decode("latin-1"))
    headers = tuple(_header(line) for line in lines if line.strip())
    if len(headers) > HEADERS_MAX:
        raise unfit(f"{len(headers)} headers", f"{HEADERS_MAX} at most")
    length = length_of(head)
    if length is not None:
        if length > len(body):
            raise unfit(f"{len(body)} bytes of body", f"the {length} that Content-Length says")
        body = body[:length]
    if match := _STATUS.fullmatch(start):
        return Message(code=int(match[1]), reason=match[2] or "", headers=headers, body=body)
    if match := _START.fullmatch(start):
        return Message(method=match[1].upper(), uri=match[2], headers=headers, body=body)
    raise unfit(repr(start[:80]), "a SIP/2.0 request or response")


def compose(message: Message) -> bytes:
    """The message as it goes onto the wire; Content-Length is counted here, in bytes."""
    first = f"SIP/2.0 {message.code} {message.reason}" if message.code else f"{message.method} {message.uri} SIP/2.0"
    lines = [first, *(f"{key}: {value}" for key, value in message.headers if _key(key) != "content-length")]
    head = "\r\n".join([*lines, f"Content-Length: {len(message.body)}", "", ""])
    return head.encode("latin-1", "replace") + message.body


class Framer:
    """Cuts a TCP stream into messages."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._seen = 0  # bytes in which no end of headers was found
        self._whole = 0  # bytes of the message whose headers are there; 0: not there yet

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Each message that is whole now. Raises WireError where nobody can say any more where one ends."""
        self._raw += data
        while self._measure() and len(self._raw) >= self._whole:
            message = bytes(self._raw[: self._whole])
            del self._raw[: self._whole]
            self._seen = self._whole = 0
            yield message

    def _measure(self) -> bool:
        """Whether it is known how long the next message is."""
        if self._whole:
            return True
        if not self._seen:
            blank = len(self._raw) - len(self._raw.lstrip(b"\r\n"))  # what some send to keep a NAT open
            del self._raw[:blank]
        end = _END.search(self._raw, self._seen)
        if end is None:
            self._seen = max(0, len(self._raw) - 3)
            if len(self._raw) > MESSAGE_MAX_BYTES:
                raise unfit(f"{len(self._raw)} bytes without an end", "the end of a message's headers")
            return False
        self._whole = end.end() + (length_of(bytes(self._raw[: end.start()])) or 0)
        if self._whole > MESSAGE_MAX_BYTES:
            raise unfit(f"a message of {self._whole} bytes", f"{MESSAGE_MAX_BYTES} at most")
        return True


def length_of(head: bytes) -> int | None:
    """What Content-Length says, or None without one. Raises WireError for what is no length."""
    said = {match[1] for match in _LENGTH.finditer(head)}
    if not said:
        return None
    text = said.pop().decode("latin-1")
    if said or not re.fullmatch(r"[0-9]{1,6}", text):
        raise unfit(f"Content-Length {text[:20]!r}", "one number")
    return int(text)


def commas(value: str) -> list[str]:
    """A value at its commas, but for those in quotes or angle brackets."""
    parts, depth, quoted, last = [""], 0, False, ""
    for char in value:
        if char == '"' and last != "\\":
            quoted = not quoted
        elif not quoted:
            depth = max(0, depth + (char == "<") - (char == ">"))
        if char == "," and not quoted and not depth:
            parts.append("")
        else:
            parts[-1] += char
        last = "" if last == "\\" else char
    return [part.strip() for part in parts if part.strip()]


def parameter(value: str, name: str) -> str:
    """A parameter after the address or the hop: `;tag=x`, `;branch="y"`; "" where it is not there."""
    outside = value.rpartition(">")[2]
    match = re.search(rf';[ \t]*{re.escape(name)}[ \t]*=[ \t]*("[^"]*"|[^;,\s]+)', outside, re.IGNORECASE)
    return match[1].strip('"') if match else ""


def address(value: str) -> str:
    """The URI of an address: of `"name" <sip:a@b>;tag=x` sip:a@b."""
    found = re.search(r"<([^<>]*)>", value)
    return found[1].strip() if found else value.partition(";")[0].strip()


def uri_parts(uri: str) -> tuple[str, str, int]:
    """User, host and port (0: none) of a sip URI. Raises WireError."""
    match = _URI.match(uri)
    port = int(match[3] or 0) if match else 0
    if match is None or port > MESSAGE_MAX_BYTES:
        raise unfit(repr(uri[:80]), "a sip: address")
    return match[1] or "", match[2].strip("[]"), port


def user(value: str) -> str:
    """The user of an address, or "" where it has none."""
    try:
        return uri_parts(address(value))[0]
    except WireError:
        return ""


def response(
    request: Message,
    code: int,
    reason: str,
    *,
    tag: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Message:
    """An answer: what belongs to the request is repeated as it came; `tag` is put to To where it has none."""
    repeated = [(name, value) for name in ("Via", "Record-Route", "From") for value in request.all(name.lower())]
    to = request.get("to")
    if tag and not parameter(to, "tag"):
        to = f"{to};tag={tag}"
    named = (("To", to), ("Call-ID", request.get("call-id")), ("CSeq", request.get("cseq")))
    return Message(code=code, reason=reason, headers=(*repeated, *named, *headers), body=body)


def unfit(found: str, wanted: str) -> WireError:
    """A message that is not SIP as agreed on."""
    return WireError(
        "a SIP message", found=found, wanted=wanted, remedy="The platform's keeper must look at what sends it."
    )


def _key(name: str) -> str:
    low = name.lower()
    return _COMPACT.get(low, low)


def _unfold(text: str) -> list[str]:
    """The lines, those that begin with a blank joined to the one before."""
    lines: list[list[str]] = [[]]
    for number, line in enumerate(text.split("\n")):
        line = _CONTROL.sub(" ", line.removesuffix("\r"))
        if number and line[:1] in (" ", "\t") and line.strip():
            lines[-1].append(line.strip())
        else:
            lines.append([line])
    return [" ".join(parts) for parts in lines[1:]]


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9.!%*_+`'~-]{1,64}", name.strip()):
        raise unfit(repr(line[:80]), "a header, Name: value")
    return name.strip(), value.strip()
