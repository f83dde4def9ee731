"""A fake video platform: reads strictly, and has the habits of WVP or SRS. No I/O; whoever plays it gives it bytes.

WVP asks for a digest with qop, compares the count in upper case, refreshes a known Call-ID without a digest, answers
404 to whom it does not know, asks for the catalogue once a device is there, and stores an alarm only of a channel that
it listed. SRS asks for no password and invites at once, over TCP without a=setup.
"""

import xml.etree.ElementTree as ET  # noqa: S405 - reads what the unit itself wrote
from collections.abc import Callable
from typing import Any

import msgspec

from edge.sim import sip
from edge.sim.sip import TYPE, Sip, Unfit

Say = Callable[[bytes], None]


class Habits(msgspec.Struct):
    """How the platform is; may be changed at any time.

    mood: "" as usual; silent; refusing (403 to REGISTER); asking (401 to it, always); forgetful (404 to MESSAGE);
    denying (400 to alarms).
    """

    password: str = "12345678"  # noqa: S105 - the simulated platform's; "" asks for none
    algorithm: str = "MD5"
    qop: str = "auth"
    stale: bool = False  # each challenge but the first says that it is a formality
    refresh: bool = True  # a known Call-ID needs no digest
    min_expires: int = 0
    expires: int = 0  # what is granted; 0: what was asked for
    date: str = ""
    redirect: str = ""  # a Contact
    redirects: int = 1_000_000  # how often
    catalog: bool = True  # asks for it once a device is there
    invite: bool = False  # watches as soon as a device is there
    responds: bool = False  # to an alarm, with a document of its own
    resets: bool = False  # each alarm
    mood: str = ""


class Alarm(msgspec.Struct, frozen=True):
    """An alarm that was stored: its fields, and when it had come in (the clock that was given)."""

    fields: dict[str, str]
    at_ns: int
    method: str  # MESSAGE or NOTIFY


WVP = Habits()
SRS = Habits(password="", catalog=True, invite=True)


class Centre:
    """One platform and one device. What it heard is in `alarms`, `catalogue`, `documents` and `answers`."""

    def __init__(self, server_id: str, now: Callable[[], int], habits: Habits | None = None) -> None:
        self.server_id = server_id
        self.realm = server_id[:10]
        self.habits = habits or Habits()
        self._now = now
        self.faults: list[str] = []  # what a strict platform would not have taken
        self.registrations = 0
        self.registered = False
        self.keepalives: list[int] = []  # when each came
        self.faulty: list[str] = []  # as the last keepalive named them
        self.catalogue: dict[str, dict[str, str]] = {}
        self.alarms: list[Alarm] = []
        self.unlisted = 0  # alarms of a channel that is not in the catalogue
        self.documents: list[tuple[str, str, ET.Element]] = []
        self.answers: list[Sip] = []
        self.asked: list[Sip] = []  # every request, also those that got no answer
        self.on_alarm: Callable[[Alarm], None] = lambda _: None
        self._calls: set[str] = set()  # Call-IDs of registrations that were proved
        self._nonce = 0
        self._number = 0
        self._say: Say = lambda _: None
        self._device = ""
        self._sessions: dict[str, dict[str, str]] = {}  # by Call-ID: To of the answer, the number

    def hear(self, raw: bytes, say: Say) -> None:
        """A message from the device; `say` sends one to it, now and later."""
        try:
            one = sip.read(raw)
        except (Unfit, UnicodeDecodeError) as err:
            self.faults.append(f"{err}: {raw[:200]!r}")
            return
        self._say = say
        if one.code:
            self._answered(one)
            return
        self.asked.append(one)
        if self.habits.mood == "silent":
            return
        act: dict[str, Callable[[Sip], None]] = {"REGISTER": self._register, "MESSAGE": self._message}
        act |= {"NOTIFY": self._notify, "BYE": self._bye}
        if one.method not in act:
            self.faults.append(f"a device does not ask for {one.method}")
            return
        act[one.method](one)

    # What the platform asks

    def query(self, cmd: str, device: str = "", **fields: str) -> None:
        """A query, as CmdType=..."""
        self.document("Query", cmd, device, fields)

    def control(self, device: str = "", cmd: str = "DeviceControl", **fields: Any) -> None:
        """A control, as GuardCmd="SetGuard"; a dict is an element with more of them."""
        self.document("Control", cmd, device, fields)

    def document(self, kind: str, cmd: str, device: str, fields: dict[str, Any], encoding: str = "GB2312") -> None:
        """A MESSAGE with a document of the platform's own."""
        self._ask("MESSAGE", self._xml(kind, cmd, device, fields, encoding), [("Content-Type", TYPE)])

    def subscribe(self, cmd: str, expires_s: int = 3600, call: str = "", **fields: str) -> str:
        """A subscription, or more of one; returns its Call-ID."""
        headers = [("Content-Type", TYPE), ("Event", "presence"), ("Expires", str(expires_s)), self._contact()]
        return self._ask("SUBSCRIBE", self._xml("Query", cmd, "", fields), headers, call=call)

    def invite(self, channel: str = "", sdp: str = "", subject: str = "", call: str = "") -> str:
        """Watch a channel; returns the Call-ID. The ACK follows by itself."""
        channel = channel or next(iter(self.catalogue), self._device)
        subject = subject or f"{channel}:0{self._number:05d},{self.server_id}:0"
        headers = [("Content-Type", "APPLICATION/SDP"), ("Subject", subject), self._contact()]
        body = (sdp or offer(self.server_id, transport="TCP/RTP/AVP")).encode()
        return self._ask("INVITE", body, headers, device=channel, call=call)

    def bye(self, call: str) -> None:
        """Watch no more."""
        self._ask("BYE", b"", [], call=call)

    def cancel(self, call: str) -> None:
        """Take an INVITE back."""
        self._ask("CANCEL", b"", [], call=call)

    # What the device asks

    def _register(self, one: Sip) -> None:
        habits, call = self.habits, one["Call-ID"]
        if habits.mood == "refusing":
            self._reply(one, "403 Forbidden")
        elif not one["Expires"] or not one["Contact"]:
            self._reply(one, "400 Bad Request")
        elif habits.redirect and habits.redirects:
            habits.redirects -= 1
            self._reply(one, "302 Moved Temporarily", [("Contact", habits.redirect)])
        elif habits.min_expires and 0 < int(one["Expires"]) < habits.min_expires:
            self._reply(one, "423 Interval Too Brief", [("Min-Expires", str(habits.min_expires))])
        elif not habits.password or (habits.refresh and call in self._calls):
            self._listed(one)
        elif not one["Authorization"] or habits.mood == "asking":
            self._challenge(one)
        elif sip.proven(one, habits.password, self.realm, f"nonce{self._nonce}", habits.algorithm, habits.qop):
            self._calls.add(call)
            self._listed(one)
        elif f"nonce{self._nonce}" not in one["Authorization"]:
            self._challenge(one)
        else:
            self._reply(one, "403 Forbidden")

    def _challenge(self, one: Sip) -> None:
        self._nonce += 1
        said = f'Digest realm="{self.realm}", nonce="nonce{self._nonce}", algorithm={self.habits.algorithm}'
        said += f', qop="{self.habits.qop}"' if self.habits.qop else ""
        said += ", stale=true" if self.habits.stale and self._nonce > 1 else ""
        self._reply(one, "401 Unauthorized", [("WWW-Authenticate", said)])

    def _listed(self, one: Sip) -> None:
        headers = [("Expires", str(self.habits.expires or one["Expires"])), ("Contact", one["Contact"])]
        headers += [("Date", self.habits.date)] if self.habits.date else []
        self._device = one["From"].partition("sip:")[2].partition("@")[0]
        was, self.registered = self.registered, one["Expires"] != "0"
        self._reply(one, "200 OK", headers)
        if not self.registered:
            self._calls.clear()
            return
        self.registrations += 1
        if not was and self.habits.catalog:
            self.query("Catalog")
            self.query("DeviceInfo")
        if not was and self.habits.invite:
            self.invite(self._device)

    def _message(self, one: Sip) -> None:
        if not self.registered or self.habits.mood == "forgetful":
            self._reply(one, "404 Not Found")
            return
        try:
            kind, cmd, root = sip.document(one, sip.ITEM_2022 if one["X-GB-ver"] == "3.0" else sip.ITEM_2016)
        except (Unfit, UnicodeDecodeError) as err:
            self.faults.append(f"{err}: {one.body!r}")
            self._reply(one, "400 Bad Request")
            return
        if cmd == "Alarm" and self.habits.mood == "denying":
            self._reply(one, "400 Bad Request")
            return
        self._reply(one, "200 OK")
        self._take(kind, cmd, root, "MESSAGE")

    def _notify(self, one: Sip) -> None:
        self._reply(one, "200 OK")
        if one.body:
            try:
                self._take(*sip.document(one), "NOTIFY")
            except (Unfit, UnicodeDecodeError) as err:
                self.faults.append(f"{err}: {one.body!r}")

    def _bye(self, one: Sip) -> None:
        known = self._sessions.pop(one["Call-ID"], None)
        self._reply(one, "200 OK" if known is not None else "481 Call/Transaction Does Not Exist")

    def _take(self, kind: str, cmd: str, root: ET.Element, method: str) -> None:
        self.documents.append((kind, cmd, root))
        if cmd == "Keepalive":
            self.keepalives.append(self._now())
            self.faulty = [each.text or "" for each in root.iterfind("Info/DeviceID")]
        elif cmd == "Catalog" and kind == "Response":
            items = [{field.tag: field.text or "" for field in item} for item in root.iter("Item")]
            self.catalogue |= {item["DeviceID"]: item for item in items}
        elif cmd == "Alarm" and kind == "Notify":
            self._alarm({field.tag: field.text or "" for field in root.iter() if not len(field)}, method)

    def _alarm(self, fields: dict[str, str], method: str) -> None:
        if fields["DeviceID"] not in self.catalogue or fields["AlarmMethod"] == "7":
            self.unlisted += 1
            return
        self.alarms.append(Alarm(fields, self._now(), method))
        self.on_alarm(self.alarms[-1])
        if self.habits.responds:
            self.document("Response", "Alarm", fields["DeviceID"], {"SN": fields["SN"], "Result": "OK"})
        if self.habits.resets:
            self.control(fields["DeviceID"], AlarmCmd="ResetAlarm")

    def _answered(self, one: Sip) -> None:
        self.answers.append(one)
        known = self._sessions.get(one["Call-ID"])
        if known is not None and one.code >= 200 and one["CSeq"].endswith("INVITE"):
            known["To"] = one["To"]
            self._ack(one)
        elif known is not None and 200 <= one.code < 300 and one["CSeq"].endswith("SUBSCRIBE"):
            known["To"] = one["To"]

    def _ack(self, one: Sip) -> None:
        number = one["CSeq"].partition(" ")[0]
        headers = [("Via", self._via()), ("From", one["From"]), ("To", one["To"]), ("Call-ID", one["Call-ID"])]
        headers += [("CSeq", f"{number} ACK"), ("Max-Forwards", "70")]
        self._say(sip.write(f"ACK sip:{self._device}@{self.realm} SIP/2.0", headers))

    # Writing

    def _reply(self, one: Sip, status: str, more: list[tuple[str, str]] | None = None) -> None:
        to = one["To"] if ";tag=" in one["To"] else f"{one['To']};tag=c{self._number}"
        headers = [("Via", one["Via"]), ("From", one["From"]), ("To", to), ("Call-ID", one["Call-ID"])]
        self._say(sip.write(f"SIP/2.0 {status}", [*headers, ("CSeq", one["CSeq"]), *(more or [])]))

    def _ask(self, method: str, body: bytes, more: list[tuple[str, str]], *, device: str = "", call: str = "") -> str:
        self._number += 1
        to, number = f"<sip:{device or self._device}@{self.realm}>", self._number
        call = call or f"call{number}@{self.server_id}"
        known = self._sessions.setdefault(call, {"To": to, "number": str(number)})
        if method == "CANCEL":
            number = int(known["number"])
        headers = [("Via", self._via()), ("From", f"<sip:{self.server_id}@{self.realm}>;tag=s{call[:8]}")]
        headers += [("To", known["To"]), ("Call-ID", call), ("CSeq", f"{number} {method}"), ("Max-Forwards", "70")]
        if method == "BYE":
            self._sessions.pop(call)
        self._say(sip.write(f"{method} {to[1:-1]} SIP/2.0", [*headers, *more], body))
        return call

    def _via(self) -> str:
        return f"SIP/2.0/TCP 127.0.0.1:5060;rport;branch=z9hG4bK{self._number}c{len(self.answers)}"

    def _contact(self) -> tuple[str, str]:
        return ("Contact", f"<sip:{self.server_id}@127.0.0.1:5060>")

    def _xml(self, kind: str, cmd: str, device: str, fields: dict[str, Any], encoding: str = "GB2312") -> bytes:
        self._number += 1
        inside = {"CmdType": cmd, "SN": str(self._number), "DeviceID": device or self._device, **fields}
        return f'<?xml version="1.0" encoding="{encoding}"?>\r\n{_element(kind, inside)}\r\n'.encode(encoding)


def offer(server_id: str, *, transport: str = "RTP/AVP", setup: str = "", name: str = "Play", port: int = 9000) -> str:
    """An SDP offer as platforms write it; SRS's over TCP has no a=setup."""
    lines = ["v=0", f"o={server_id} 0 0 IN IP4 127.0.0.1", f"s={name}", "c=IN IP4 127.0.0.1", "t=0 0"]
    lines += [f"m=video {port} {transport} 96", "a=recvonly", "a=rtpmap:96 PS/90000"]
    lines += [f"a=setup:{setup}", "a=connection:new"] if setup else []
    return "\r\n".join([*lines, "y=0100000001", ""])


def _element(name: str, inside: Any) -> str:
    if isinstance(inside, dict):
        inside = "".join(f"\r\n{_element(key, value)}" for key, value in inside.items()) + "\r\n"
    return f"<{name}>{inside}</{name}>"
