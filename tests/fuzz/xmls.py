"""manscdp.read, which reads what whoever can write to a video platform may send: a Document or a WireError, soon."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import WireError
from edge.uplink.gb28181 import answers, manscdp
from edge.uplink.gb28181.manscdp import KINDS
from tests.fuzz.bend import INTS, TIMES, WORDS, Pick, spoil
from tests.fuzz.player import Play, Target, said

DEVICE = "31010600011327000001"


def xml(kind: str, cmd: str, inside: str = "", encoding: str = "GB2312", device: str = DEVICE) -> bytes:
    """A document as platforms write it."""
    text = (
        f"<{kind}>\r\n<CmdType>{cmd}</CmdType>\r\n<SN>17</SN>\r\n<DeviceID>{device}</DeviceID>\r\n{inside}</{kind}>\r\n"
    )
    return f'<?xml version="1.0" encoding="{encoding}"?>\r\n{text}'.encode(encoding)


SNAP = "<SnapShotConfig><SnapNum>3</SnapNum><Interval>1</Interval><UploadURL>http://10.1.2.3/s/</UploadURL>"
SNAP += "<SessionID>0123456789abcdef0123456789abcdef</SessionID></SnapShotConfig>\r\n"
REAL = (
    *(xml("Query", cmd) for cmd in ("Catalog", "DeviceInfo", "DeviceStatus", "RecordInfo", "PresetQuery", "Alarm")),
    xml("Query", "ConfigDownload", "<ConfigType>BasicParam</ConfigType>\r\n"),
    xml("Query", "Alarm", "<StartAlarmPriority>1</StartAlarmPriority><EndAlarmPriority>4</EndAlarmPriority>\r\n"),
    xml("Control", "DeviceControl", "<GuardCmd>SetGuard</GuardCmd>\r\n"),
    xml("Control", "DeviceControl", "<TeleBoot>Boot</TeleBoot>\r\n"),
    xml("Control", "DeviceControl", "<AlarmCmd>ResetAlarm</AlarmCmd><Info><AlarmMethod>2</AlarmMethod></Info>\r\n"),
    xml("Control", "DeviceControl", "<IFameCmd>Send</IFameCmd>\r\n"),
    xml("Control", "DeviceConfig", SNAP, "UTF-8"),
    xml("Response", "Alarm", "<Result>OK</Result>\r\n"),
    xml("Notify", "Broadcast", "<Name>门磁</Name>\r\n", "GB18030"),
)
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
ODD = [*map(str, INTS), *TIMES, *WORDS, "&lt;", "&#0;", "&#x10FFFF;", "&bomb;", "<![CDATA[x]]>", "]]>", "<!--", "<a/>"]
ODD += ["<a>" * 900 + "</a>" * 900, "<a b='" + "c" * 900 + "'/>", "<?php?>", "<a:b xmlns:a='c'/>", BOMB]
_ELEMENT = re.compile(r"<(\w+)>([^<]*)</\1>")


def bend(raw: bytes, pick: Pick) -> bytes:
    """One element changed, twice there, away or in another case; another encoding; or bytes spoilt."""
    how = pick(("text", "text", "text", "twice", "drop", "case", "wrap", "encoding", "declared", "before", "spoil"))
    if how == "spoil":
        return spoil(raw, pick)
    text = raw.decode("gb18030", "replace")
    found = list(_ELEMENT.finditer(text))
    if how == "encoding" or not found:
        return text.encode(pick(("utf-8", "gb18030", "utf-16", "utf-32", "utf-7")), "replace")
    if how == "declared":
        return raw.replace(b"GB2312", pick((b"UTF-8", b"UTF-16", b"latin-1", b"x", b"gbk", b"hex", b"")), 1)
    if how == "before":
        return pick((b"\xef\xbb\xbf", b"\0", b" \r\n", BOMB.encode(), b"<?xml version='1.1'?>")) + raw
    one = pick(found)
    changed = {
        "text": lambda: f"<{one[1]}>{pick(ODD)}</{one[1]}>",
        "twice": lambda: one[0] * 2,
        "drop": lambda: "",
        "case": lambda: one[0].replace(one[1], pick((one[1].lower(), one[1].upper(), one[1].swapcase()))),
        "wrap": lambda: f"<Info>{one[0]}</Info>",
    }[how]()
    return (text[: one.start()] + changed + text[one.end() :]).encode("gb18030", "replace")


@contextmanager
def opened(_folder: Path) -> Iterator[Play]:
    """A reader needs nothing."""

    def play(data: bytes) -> None:
        try:
            one = manscdp.read(data)
        except WireError as err:
            said(err)
            return
        assert one.kind in KINDS
        assert one.sn.isascii()
        assert one.sn.isdigit()
        again = manscdp.read(manscdp.write("Response", answers.head(one), "GB2312"))
        assert (again.cmd, again.sn) == (one.cmd, one.sn)
        assert again.device == one.device.strip() or "\r" in one.device

    yield play


TARGET = Target("manscdp", opened, REAL, bend)
