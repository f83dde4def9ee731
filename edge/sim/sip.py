"""SIP and MANSCDP as the strictest platform reads them, and as platforms write them. Shares no code with the device."""

import hashlib
import re
import xml.etree.ElementTree as ET  # noqa: S405 - reads what the unit itself wrote

import msgspec

ENCODINGS = {"GB2312": "gb2312", "GB18030": "gb18030", "UTF-8": "utf-8"}
TYPE = "Application/MANSCDP+xml"
ITEM_2016: tuple[str, ...] = (
    *("DeviceID", "Name", "Manufacturer", "Model", "Owner", "CivilCode", "Address", "Parental", "ParentID"),
    *("SafetyWay", "RegisterWay", "Secrecy", "Status"),
)
ITEM_2022 = tuple(name for name in ITEM_2016 if name not in ("Owner", "SafetyWay"))
# What each document must hold after CmdType, in this order.
MANDATORY = {
    ("Notify", "Keepalive"): ("SN", "DeviceID", "Status"),
    ("Notify", "Alarm"): ("SN", "DeviceID", "AlarmPriority", "AlarmMethod", "AlarmTime"),
    ("Notify", "Catalog"): ("SN", "DeviceID", "SumNum", "DeviceList"),
    ("Notify", "UploadSnapShotFinished"): ("SN", "DeviceID", "SessionID", "SnapShotList"),
    ("Response", "Catalog"): ("SN", "DeviceID", "SumNum"),
    ("Response", "DeviceInfo"): ("SN", "DeviceID", "DeviceName", "Result", "Manufacturer", "Model", "Firmware"),
    ("Response", "DeviceStatus"): ("SN", "DeviceID", "Result", "Online", "Status"),
    ("Response", "RecordInfo"): ("SN", "DeviceID", "Name", "SumNum"),
}
FORMS = {
    "SN": r"[1-9]\d*|\d",
    "DeviceID": r"\d{20}",
    "Status": r"OK|ERROR|ON|OFF",
    "Result": r"OK|ERROR",
    "AlarmPriority": r"[1-4]",
    "AlarmMethod": r"[1-7]",
    "AlarmType": r"\d{1,2}",
    "AlarmTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "DeviceTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "DutyStatus": r"ONDUTY|OFFDUTY|ALARM",
    "SumNum": r"\d+",
}


class Unfit(ValueError):
    """Something that the strictest platform does not take."""


class Sip(msgspec.Struct, frozen=True):
    """A message, its headers by their exact names."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def method(self) -> str:
        """Of a request; "SIP/2.0" of a response."""
        return self.first.partition(" ")[0]

    @property
    def code(self) -> int:
        """Of a response."""
        return int(self.first.split()[1]) if self.method == "SIP/2.0" else 0

    def __getitem__(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


def read(raw: bytes) -> Sip:
    """A message exactly as RFC 3261 has it. Raises Unfit."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    _want("\n" not in head.decode("ascii").replace("\r\n", ""), "a bare line feed")
    pairs = [line.partition(": ") for line in lines[1:]]
    _want(all(colon for _, colon, _ in pairs), "a header without a colon and a blank")
    one = Sip(lines[0], tuple((key, value) for key, _, value in pairs), body)
    _want(one["Content-Length"] == str(len(body)), f"Content-Length {one['Content-Length']} of {len(body)} bytes")
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        _want(bool(one[name]), f"no {name}")
    _want(re.match(r"SIP/2\.0/(UDP|TCP) \S+?;.*branch=z9hG4bK\w+", one["Via"]) is not None, f"Via {one['Via']}")
    _want(re.fullmatch(r"\d+ [A-Z]+", one["CSeq"]) is not None, f"CSeq {one['CSeq']}")
    _want(";tag=" in one["From"], "From without a tag")
    if one.code == 0:
        _want(re.fullmatch(r"[A-Z]+ sip:\S+ SIP/2\.0", one.first) is not None, one.first)
        _want(one["CSeq"].endswith(" " + one.method), f"{one.method} numbered as {one['CSeq']}")
        _want(one["Max-Forwards"] == "70", "Max-Forwards")
    elif one.code > 100:
        _want(";tag=" in one["To"], "an answer without a tag")
    return one


def document(one: Sip, item: tuple[str, ...] = ITEM_2016) -> tuple[str, str, ET.Element]:
    """A document in a MESSAGE or NOTIFY: its kind, its CmdType, all of it. Raises Unfit."""
    _want(one["Content-Type"] == TYPE, f"Content-Type {one['Content-Type']}")
    match = re.match(rb'<\?xml version="1\.0" encoding="([A-Z0-9-]+)"\?>\r\n', one.body)
    _want(match is not None and match[1].decode() in ENCODINGS, "no XML declaration")
    text = one.body.decode(ENCODINGS[match[1].decode()] if match else "")
    try:
        root = ET.fromstring(text[text.index("\n") :])  # noqa: S314 - reads what the unit itself wrote
    except ET.ParseError as err:
        raise Unfit(str(err)) from err
    names = [child.tag for child in root]
    _want(names[:1] == ["CmdType"], f"{names[:1]} where CmdType belongs")
    cmd = root[0].text or ""
    wanted = MANDATORY.get((root.tag, cmd), ("SN", "DeviceID"))
    wanted = wanted if root.findtext("Result") != "ERROR" else ("SN", "DeviceID", "Result")
    _want([name for name in names if name in wanted] == list(wanted), f"{root.tag} {cmd} with {names}")
    for each in root.iter():
        form = FORMS.get(each.tag)
        _want(form is None or re.fullmatch(form, each.text or "") is not None, f"{each.tag} {each.text!r}")
    for each in root.iter("Item"):
        if cmd == "Catalog" and root.tag == "Response":
            _want([c.tag for c in each if c.tag in item] == list(item), f"an Item with {[c.tag for c in each]}")
            _want(all(c.text for c in each if c.tag in item), "an empty field in an Item")
    for each in root.iter("DeviceList"):
        _want(each.get("Num") == str(len(each)), "DeviceList's Num")
    return root.tag, cmd, root


def proven(one: Sip, password: str, realm: str, nonce: str, algorithm: str, qop: str) -> bool:
    """Whether Authorization proves the password; the count is compared in upper case, as WVP does."""
    said = dict(re.findall(r'(\w+)="?([^",]*)"?', one["Authorization"].removeprefix("Digest ")))
    count = said.get("nc", "")

    def hashed(text: str) -> str:
        return hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest()

    secret = hashed(f"{said.get('username')}:{realm}:{password}")
    what = hashed(f"{one.method}:{said.get('uri')}")
    middle = f"{nonce}:{count.upper()}:{said.get('cnonce')}:auth" if qop else nonce
    right = said.get("response") == hashed(f"{secret}:{middle}:{what}")
    return right and said.get("nonce") == nonce and said.get("qop", "") == qop


def write(first: str, headers: list[tuple[str, str]], body: bytes = b"") -> bytes:
    """A message as a platform sends it."""
    lines = [first, *(f"{key}: {value}" for key, value in headers), f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def _want(there: bool, found: str) -> None:
    if not there:
        raise Unfit(found)
