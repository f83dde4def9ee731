"""MANSCDP: what could harm or makes no sense is refused; cases, encodings and lies about encodings are read."""

import pytest

from edge.errors import WireError
from edge.uplink.gb28181.manscdp import read, write

CATALOG = '<?xml version="1.0" encoding="{}"?>\r\n<Query>\r\n<CmdType>Catalog</CmdType>\r\n<SN>17</SN>\r\n' + (
    "<DeviceID>31010600011327000001</DeviceID><Name>门磁</Name>\r\n</Query>\r\n"
)
BOMB = (
    '<!DOCTYPE q [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Query><CmdType>&b;</CmdType><SN>1</SN></Query>'
)
FILE = '<!DOCTYPE q SYSTEM "file:///etc/passwd"><Query><CmdType>Catalog</CmdType><SN>1</SN></Query>'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Query",
        "<Query>",
        "<Query/>",
        BOMB,
        FILE,
        BOMB.lower(),
        "<Query><CmdType>Catalog</CmdType></Query>",
        "<Query><CmdType>Catalog</CmdType><SN>-1</SN></Query>",
        "<Query><CmdType>Cata log</CmdType><SN>1</SN></Query>",
        "<Query><CmdType>Catalog</CmdType><SN>&x;</SN></Query>",
        "<Wish><CmdType>Catalog</CmdType><SN>1</SN></Wish>",
        "<Query><CmdType>Catalog</CmdType><SN>1</SN></Query><Query/>",
        "<a>" * 5000 + "</a>" * 5000,
    ],
)
def test_what_is_no_document_is_refused(text: str):
    with pytest.raises(WireError, match="MANSCDP"):
        read(text.encode())


def test_bytes_in_no_known_encoding_are_refused():
    with pytest.raises(WireError, match="UTF-8 or GB18030"):
        read(b"<Query>\xff\xff\xff</Query>")


@pytest.mark.parametrize(
    ("declared", "real"),
    [("GB2312", "gb2312"), ("GB18030", "gb18030"), ("gbk", "gbk"), ("UTF-8", "utf-8"), ("utf-8", "gb18030")],
)
def test_every_encoding_is_read_as_it_is(declared: str, real: str):
    one = read(CATALOG.format(declared).encode(real))
    assert (one.kind, one.name, one.sn, one.device) == ("query", "catalog", "17", "31010600011327000001")
    assert one.text("name") == "门磁"


@pytest.mark.parametrize("real", ["utf-8", "gb18030"])
def test_a_document_without_a_declaration_is_read(real: str):
    assert read(CATALOG.partition("\n")[2].encode(real)).text("name") == "门磁"


def test_names_are_read_in_any_case_and_with_a_namespace():
    raw = b'<CONTROL xmlns="x"><cmdtype>DeviceConfig</cmdtype><Sn>1</Sn><deviceid>2</deviceid>'
    raw += b"<snapshotConfig><uploaduRL> http://a/ </uploaduRL></snapshotConfig></CONTROL>\0"
    one = read(raw)
    assert one.text("snapshotconfig", "uploadurl") == "http://a/"
    assert one.text("snapshotconfig", "missing", "deeper") == ""


def test_what_is_written_escapes_its_text_and_drops_what_xml_cannot_hold():
    raw = write(
        "Notify", [("CmdType", "Alarm"), ("SN", "1"), ("Said", "<门&\x00🚪>"), ('List Num="1"', [("A", "")])], "GB2312"
    )
    assert raw.startswith(b'<?xml version="1.0" encoding="GB2312"?>\r\n<Notify>\r\n')
    assert b'<List Num="1">\r\n<A></A>\r\n</List>' in raw
    assert read(raw).text("said") == "<门&🚪>"
