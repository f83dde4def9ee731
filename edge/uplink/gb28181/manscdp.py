"""MANSCDP (GB/T 28181, annex A): the XML inside of SIP messages, read tolerantly and written exactly.

What is read comes from strangers: no document type, so no entities; element names in any case, for platforms differ.
"""

import re
import xml.etree.ElementTree as ET  # noqa: S405 - what could harm is refused before it is parsed
from collections.abc import Sequence
from xml.sax.saxutils import escape  # noqa: S406 - escapes; nothing is read by it

import msgspec

from edge.errors import WireError

TYPE = "Application/MANSCDP+xml"
KINDS = ("query", "control", "notify", "response")
_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,20})[\"'][^>]*\?>", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CHINESE = {"gb2312", "gb18030", "gbk", "gb_2312-80", "cp936", "hz-gb-2312"}

Node = tuple[str, "str | Sequence[Node]"]  # (name, perhaps with attributes; text or what is within)


class Document(msgspec.Struct, frozen=True):
    """What a platform sent. kind: query, control, notify, response; cmd: its CmdType as it was written."""

    kind: str
    cmd: str
    sn: str
    device: str
    root: ET.Element

    @property
    def name(self) -> str:
        """CmdType in lower case."""
        return self.cmd.lower()

    def text(self, *path: str) -> str:
        """The text at this path of names in lower case; "" where there is none."""
        at: ET.Element | None = self.root
        for name in path:
            at = None if at is None else next((child for child in at if _name(child) == name), None)
        return "" if at is None else (at.text or "").strip()


def read(raw: bytes) -> Document:
    """A document. Raises WireError."""
    text = _decode(raw)
    if re.search(r"<!\s*(doctype|entity)", text, re.IGNORECASE):
        raise _unfit("a document type", "none, for it can name entities")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type there is nothing to expand
    except (ET.ParseError, ValueError, RecursionError) as err:
        raise _unfit(str(err)[:200], "well-formed XML") from err
    one = Document(_name(root), "", "", "", root)
    cmd, sn, device = one.text("cmdtype"), one.text("sn"), one.text("deviceid")
    if one.kind not in KINDS:
        raise _unfit(repr(one.kind[:40]), "one of " + ", ".join(KINDS))
    if not re.fullmatch(r"[A-Za-z0-9_]{1,32}", cmd):
        raise _unfit(f"CmdType {cmd[:40]!r}", "one word")
    if not re.fullmatch(r"[0-9]{1,20}", sn):
        raise _unfit(f"SN {sn[:40]!r}", "a number")
    return Document(one.kind, cmd, sn, device[:64], root)


def write(kind: str, body: Sequence[Node], encoding: str) -> bytes:
    """The document; what its encoding has no character for is written by its number."""
    lines = [f'<?xml version="1.0" encoding="{encoding}"?>', *_lines((kind, body)), ""]
    return "\r\n".join(lines).encode(encoding, "xmlcharrefreplace")


def _lines(node: Node) -> list[str]:
    name, within = node
    end = name.partition(" ")[0]
    if isinstance(within, str):
        return [f"<{name}>{escape(_UNSAFE.sub('', within))}</{end}>"]
    return [f"<{name}>", *(line for child in within for line in _lines(child)), f"</{end}>"]


def _name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _decode(raw: bytes) -> str:
    """As declared, where the bytes agree; many declare GB2312 and write UTF-8, or declare nothing."""
    raw = raw.removeprefix(b"\xef\xbb\xbf").rstrip(b"\0")
    match = _DECLARED.match(raw)
    said = match[1].decode("ascii").lower() if match else ""
    for encoding in ("gb18030", "utf-8") if said in _CHINESE else ("utf-8", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return _DECLARATION.sub("", text)
    raise _unfit(f"bytes that are not {said or 'UTF-8'}", "UTF-8 or GB18030")


def _unfit(found: str, wanted: str) -> WireError:
    return WireError(
        "a MANSCDP document", found=found, wanted=wanted, remedy="The platform's keeper must look at what sends it."
    )
