"""How this device writes its own requests: who speaks to whom, and the numbers that make each one of its kind."""

import random
from collections.abc import Iterable

from edge.centre import Gb28181
from edge.errors import WireError
from edge.uplink.gb28181 import manscdp
from edge.uplink.gb28181.message import Headers, Message, address, commas, parameter, uri_parts

AGENT = "doorunit"
VERSIONS = {"2016": "2.0", "2022": "3.0"}  # X-GB-ver
NUMBER_MAX = 2**31 - 1


class Dialog:
    """What the platform began with an INVITE or SUBSCRIBE, as this end sees it (RFC 3261, 12.1.1)."""

    def __init__(self, request: Message, tag: str) -> None:
        self.call = request.get("call-id")
        self.tag = tag  # ours
        self.theirs = parameter(request.get("from"), "tag")
        self.local = f"{request.get('to').partition(';tag=')[0]};tag={tag}"
        self.remote = request.get("from")
        self.route = tuple(("Route", hop) for value in request.all("record-route") for hop in commas(value))
        self.target = ""
        self.number = 0
        self.hear(request)

    def hear(self, request: Message) -> None:
        """A later request within it may name another address."""
        said = address(request.get("contact") or request.get("from"))
        try:
            uri_parts(said)
        except WireError:
            said = self.target or "sip:unknown@unknown"
        self.target = said


class Speaker:
    """`local` and `server` are set as the connection opens."""

    def __init__(self, gb: Gb28181, dice: random.Random) -> None:
        self._gb = gb
        self._dice = dice
        self.local = ("", 0)
        self.server = (gb.host or "", gb.port)
        self._me = f"sip:{gb.device_id}@{gb.realm}"
        self._them = f"sip:{gb.server_id}@{gb.realm}"
        self._call = self.word()
        self._tag = self.word()
        self._number = self._dice.randrange(1, 1000)
        self._sn = 0

    @property
    def contact(self) -> tuple[str, str]:
        """Where this device is spoken to."""
        udp = "" if self._gb.transport == "udp" else ";transport=tcp"
        return ("Contact", f"<sip:{self._gb.device_id}@{self._own()}{udp}>")

    @property
    def register_uri(self) -> str:
        """What REGISTER is about; the proof is made over it."""
        return self._them

    @property
    def versions(self) -> Headers:
        """X-GB-ver, which the 2022 edition brought."""
        return (("X-GB-ver", VERSIONS[self._gb.version]),) if self._gb.version != "2016" else ()

    def word(self) -> str:
        """Letters and digits that nobody else uses."""
        return f"{self._dice.getrandbits(64):016x}"

    def next_sn(self) -> int:
        """A number for a document of this device's own."""
        self._sn = self._sn % NUMBER_MAX + 1
        return self._sn

    def afresh(self) -> None:
        """A registration that begins anew has a Call-ID of its own: WVP takes the same one for a refresh."""
        self._call = self.word()
        self._tag = self.word()

    def register(self, expires_s: int, proof: str) -> Message:
        """REGISTER; `proof` is Authorization's value, or ""."""
        more: Headers = (self.contact, ("Expires", str(expires_s)), *self.versions)
        more += (("Authorization", proof),) if proof else ()
        self._number = self._number % NUMBER_MAX + 1
        to = f"<{self._me}>"
        return self._request(
            "REGISTER", self._them, f"<{self._me}>;tag={self._tag}", to, self._call, self._number, more
        )

    def message(self, body: bytes) -> Message:
        """A MESSAGE with a document in it."""
        more: Headers = (("Content-Type", manscdp.TYPE), *self.versions)
        number = self._dice.randrange(1, 10_000)
        sender = f"<{self._me}>;tag={self.word()}"
        return self._request("MESSAGE", self._them, sender, f"<{self._them}>", self.word(), number, more, body)

    def within(self, dialog: Dialog, method: str, more: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Message:
        """A request within a dialogue: BYE or NOTIFY."""
        dialog.number += 1
        headers: Headers = (*dialog.route, self.contact, *more)
        return self._request(
            method, dialog.target, dialog.local, dialog.remote, dialog.call, dialog.number, headers, body
        )

    def _own(self) -> str:
        host, port = self.local
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _request(
        self, method: str, uri: str, sender: str, to: str, call: str, number: int, more: Headers, body: bytes = b""
    ) -> Message:
        way = self._gb.transport.upper()
        headers = (
            ("Via", f"SIP/2.0/{way} {self._own()};rport;branch=z9hG4bK{self.word()}"),
            ("From", sender),
            ("To", to),
            ("Call-ID", call),
            ("CSeq", f"{number} {method}"),
            ("Max-Forwards", "70"),
            ("User-Agent", AGENT),
            *more,
        )
        return Message(method=method, uri=uri, headers=headers, body=body)
