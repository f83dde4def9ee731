"""A device that hears anything from its platform's address: it goes on, forgets no alarm, and does nothing it may not.

An input is what comes in over one TCP connection. The device has one alarm that its platform does not take.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import WireError
from edge.sim.centre import Habits, offer
from edge.uplink.gb28181.message import METHODS, Framer, Message, compose, parse
from tests.fuzz import xmls
from tests.fuzz.bend import INTS, WORDS, Pick, spoil
from tests.fuzz.home import strict
from tests.fuzz.player import Play, Target, said
from tests.uplink.gb28181.conftest import CAMERA, DEVICE, SERVER, Desk

SENT_MAX = 60  # messages of the device for one input
TURNS = 100  # inputs after which all timers have rung


def sip(method: str, body: bytes = b"", more: tuple[tuple[str, str], ...] = (), uri: str = DEVICE) -> bytes:
    """A request as platforms write it."""
    headers = (
        ("Via", "SIP/2.0/TCP 10.1.2.3:5060;rport;branch=z9hG4bK776"),
        ("From", f"<sip:{SERVER}@3101060000>;tag=live"),
        ("To", f"<sip:{uri}@3101060000>"),
        ("Call-ID", "17@10.1.2.3"),
        ("CSeq", f"20 {method}"),
        ("Max-Forwards", "70"),
        *more,
    )
    return compose(Message(method=method, uri=f"sip:{uri}@3101060000", headers=headers, body=body))


KIND = ("Content-Type", "Application/MANSCDP+xml")
SDP = (("Content-Type", "APPLICATION/SDP"), ("Subject", f"{CAMERA}:0001,{SERVER}:0"), ("Contact", "<sip:a@b:5060>"))
REAL = (
    *(sip("MESSAGE", body, (KIND,)) for body in xmls.REAL),
    sip("SUBSCRIBE", xmls.REAL[5], (KIND, ("Event", "presence"), ("Expires", "3600"), ("Contact", "<sip:a@b>"))),
    sip("SUBSCRIBE", xmls.REAL[0], (KIND, ("Event", "Catalog"), ("Expires", "0"), ("Contact", "<sip:a@b>"))),
    sip("INVITE", offer(SERVER).encode(), SDP, CAMERA),
    sip("INVITE", offer(SERVER, name="Playback").encode(), SDP, CAMERA),
    *(sip(method) for method in ("ACK", "BYE", "CANCEL", "INFO", "OPTIONS", "NOTIFY", "REGISTER")),
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: a\r\nTo: c\r\nCall-ID: d\r\nCSeq: 1 BYE\r\n\r\n",
)
VALUES = [
    "",
    " ",
    "0",
    "a",
    ";",
    ";tag=",
    "<",
    ">",
    "<>",
    '"',
    "<sip:>",
    "sip:@",
    "<sip:a@b>;tag=live",
    "z9hG4bK",
    "=" * 99,
]
VALUES += [*map(str, INTS), *(word.replace("\n", " ") for word in WORDS if len(word) < 20_000), "20 MESSAGE", "0 ACK"]
VALUES += [
    f"<sip:{CAMERA}@x>;tag=x",
    "SIP/2.0/UDP x;branch=" + "b" * 999,
    "a,b,,c",
    '"a,b" <sip:c@d>,e',
    "SIP/2.0",
    "*",
]
NAMES = [
    "Via",
    "v",
    "From",
    "To",
    "CALL-ID",
    "CSeq",
    "l",
    "Content-Length",
    "Route",
    "Record-Route",
    "Contact",
    "Expires",
]
NAMES += ["Event", "Subject", "Content-Type", "Authorization", "X", "Require", " ", "Via ", "é"]


def bend(raw: bytes, pick: Pick) -> bytes:
    """A header changed, added, dropped, folded or renamed; another body; two messages in one; or bytes spoilt."""
    how = pick(("value", "value", "value", "name", "add", "drop", "fold", "first", "body", "two", "length", "spoil"))
    if how == "spoil":
        return spoil(raw, pick)
    if how == "two":
        return raw + pick(REAL)
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    lines = [line for line in lines if not line.startswith("Content-Length")] or ["X: y"]
    at = pick(range(len(lines)))
    name, _, value = lines[at].partition(": ")
    if how == "body":
        body = xmls.bend(pick(xmls.REAL), pick) if pick((True, False)) else spoil(body, pick)
    elif how == "first":
        first = first.replace(first.split(" ")[0], pick((*METHODS, "SIP/2.0", "invite", "", "\0")), 1)
    elif how == "drop":
        del lines[at]
    elif how == "fold":
        lines[at] = f"{name}:\r\n {value}".replace(";", pick((";", "\r\n\t;", " ;")))
    elif how == "add":
        lines.insert(at, f"{pick(NAMES)}: {pick(VALUES)}")
    else:
        lines[at] = f"{pick(NAMES)}: {value}" if how == "name" else f"{name}: {pick(VALUES)}"
    said_ = len(body) if how != "length" else pick((*INTS, "x", "", len(body) + 1))
    return "\r\n".join([first, *lines, f"Content-Length: {said_}", "", ""]).encode("latin-1", "replace") + body


@contextmanager
def opened(_folder: Path) -> Iterator[Play]:
    """One device for many inputs."""
    desk = Desk(Habits(mood="denying"), streams=True, allow_live=True, version="2022").start()
    boots: list[int] = []
    desk.device.controls.on_boot = lambda: boots.append(1)
    desk.happen()
    desk.live(1)
    strict(desk)
    played = 0

    def play(data: bytes) -> None:
        nonlocal played
        played += 1
        sent = len(desk.wires.sent)
        try:
            for raw in Framer().feed(data):
                desk.wires.say(raw)
        except WireError as err:
            said(err)
        desk.live(40 if played % TURNS == 0 else 0.5)
        desk.centre.registered = True  # whoever plays the platform may have had the fake one forget it
        assert list(desk.shelf.rows) == [1], "an alarm was forgotten that nobody took"
        assert not boots, "it started anew, and nobody allowed that"
        assert not desk.took, "it took a picture for an address that is not allowed"
        new = desk.wires.sent[sent:]
        assert len(new) <= SENT_MAX or played % TURNS == 0
        for raw in new:
            assert re.fullmatch(rb"[^\r\n]+(\r\n[^\r\n]+)*", raw.partition(b"\r\n\r\n")[0]), raw
            parse(raw)
        del desk.wires.sent[:], desk.centre.answers[:], desk.centre.asked[:], desk.centre.documents[:]

    yield play


TARGET = Target("sip", opened, REAL, bend)
