"""What a platform subscribes to (GB/T 28181, 9.11): alarms and changes of the catalogue, told by NOTIFY until it ends.

A subscription is a wish, not a promise: what must arrive goes by MESSAGE too, unless the settings say otherwise.
"""

from collections.abc import Callable, Sequence

import msgspec

from edge.centre import Gb28181
from edge.clock import SECOND
from edge.errors import WireError
from edge.loop import Loop, Timer
from edge.uplink.gb28181 import manscdp
from edge.uplink.gb28181.answers import Body, head, ids
from edge.uplink.gb28181.manscdp import Document, Node
from edge.uplink.gb28181.message import Message, parameter
from edge.uplink.gb28181.notices import Notice
from edge.uplink.gb28181.speaker import Dialog, Speaker
from edge.uplink.gb28181.transactions import Transactions

MAX = 8
LONGEST_S = 604_800
KINDS = ("alarm", "catalog", "mobileposition")  # the last is taken, for platforms ask all; this unit never moves


class Subscription(msgspec.Struct):
    """One that runs. priorities: the first and the last that is wanted; methods: digits, "" for all."""

    kind: str
    event: str
    dialog: Dialog
    ends_ns: int
    priorities: tuple[int, int]
    methods: str
    over: Timer | None = None


class Subscriptions:
    """Lives in the deciding thread."""

    def __init__(self, gb: Gb28181, talk: Transactions, speaker: Speaker, loop: Loop) -> None:
        self._gb = gb
        self._talk = talk
        self._speaker = speaker
        self._loop = loop
        self._all: dict[str, Subscription] = {}  # by Call-ID

    def __len__(self) -> int:
        return len(self._all)

    def take(self, request: Message) -> None:
        """Begin one, go on with it, or end it (Expires: 0)."""
        call, tag = request.get("call-id"), parameter(request.get("to"), "tag")
        known = self._all.get(call)
        if tag and (known is None or known.dialog.tag != tag):
            self._talk.answer(request, 481, "Subscription Does Not Exist")
            return
        try:
            query = manscdp.read(request.body) if request.body else None
        except WireError:
            self._talk.answer(request, 400, "Bad Request")
            return
        kind = query.name if query is not None else known.kind if known is not None else ""
        if kind not in KINDS or (query is not None and query.device not in ids(self._gb)):
            self._talk.answer(request, 489, "Bad Event")
            return
        expires_s = _expires(request.get("expires"))
        one = self._adopt(request, known, kind, query, expires_s)
        said = [("Expires", str(expires_s)), self._speaker.contact]
        body = b""
        if query is not None:
            said.append(("Content-Type", manscdp.TYPE))
            body = manscdp.write("Response", [*head(query), ("Result", "OK")], self._gb.encoding)
        self._talk.answer(request, 200, "OK", tag=one.dialog.tag, headers=said, body=body)
        if not expires_s:
            self._end(one, "timeout")

    def wanted(self, told: Notice) -> Subscription | None:
        """A subscription that this alarm falls under, or None."""
        for one in self._all.values():
            first, last = one.priorities
            fits = first <= int(told.priority) <= last and (not one.methods or told.method in one.methods)
            if one.kind == "alarm" and fits:
                return one
        return None

    def notify(self, one: Subscription, body: Sequence[Node], then: Callable[[Message | None], None]) -> None:
        """A document to one subscriber; one who does not know it any more is forgotten."""
        left_s = max(0, one.ends_ns - self._loop.now()) // SECOND
        self._tell(one, f"active;expires={left_s}", body, then)

    def changed(self, items: Sequence[tuple[str, bool]]) -> None:
        """Channels (ID, whether it works) whose state changed, to whoever subscribed to the catalogue."""
        nodes: list[Node] = [
            ("Item", [("DeviceID", id_), ("Event", "ON" if works else "DEFECT")]) for id_, works in items
        ]
        for one in [one for one in self._all.values() if one.kind == "catalog"]:
            body: Body = [("CmdType", "Catalog"), ("SN", str(self._speaker.next_sn()))]
            body += [("DeviceID", self._gb.device_id or ""), ("SumNum", str(len(nodes)))]
            self.notify(one, [*body, (f'DeviceList Num="{len(nodes)}"', nodes)], lambda _: None)

    def clear(self) -> None:
        """The platform is gone, and its subscriptions with it."""
        for one in list(self._all.values()):
            self._forget(one)

    def _adopt(
        self, request: Message, known: Subscription | None, kind: str, query: Document | None, expires_s: int
    ) -> Subscription:
        ends_ns = self._loop.now() + expires_s * SECOND
        if known is None:
            while len(self._all) >= MAX:
                self._forget(next(iter(self._all.values())))
            event = request.get("event")[:40] or "presence"
            known = Subscription(kind, event, Dialog(request, self._speaker.word()), ends_ns, (0, 9), "")
            self._all[known.dialog.call] = known
        known.dialog.hear(request)
        known.ends_ns = ends_ns
        if query is not None:
            known.kind = kind
            known.priorities = (_digit(query.text("startalarmpriority"), 0), _digit(query.text("endalarmpriority"), 9))
            known.methods = "".join(c for c in query.text("alarmmethod") if c in "1234567")
        if known.over is not None:
            known.over.cancel()
        one = known
        one.over = self._loop.at(ends_ns, lambda: self._end(one, "timeout")) if expires_s else None
        return one

    def _end(self, one: Subscription, reason: str) -> None:
        self._forget(one)
        self._tell(one, f"terminated;reason={reason}", (), lambda _: None)

    def _forget(self, one: Subscription) -> None:
        if one.over is not None:
            one.over.cancel()
        self._all.pop(one.dialog.call, None)

    def _tell(
        self, one: Subscription, state: str, body: Sequence[Node], then: Callable[[Message | None], None]
    ) -> None:
        def answered(answer: Message | None) -> None:
            if answer is not None and answer.code in (404, 481):
                self._forget(one)
            then(answer)

        more = [("Event", one.event), ("Subscription-State", state)]
        raw = b""
        if body:
            more.append(("Content-Type", manscdp.TYPE))
            raw = manscdp.write("Notify", body, self._gb.encoding)
        self._talk.ask(self._speaker.within(one.dialog, "NOTIFY", more, raw), answered)


def _expires(said: str) -> int:
    return min(int(said), LONGEST_S) if said.isascii() and said.isdigit() and len(said) < 10 else 3600


def _digit(said: str, otherwise: int) -> int:
    return int(said) if len(said) == 1 and said in "123456789" else otherwise
