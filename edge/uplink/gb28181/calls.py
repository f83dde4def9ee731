"""Live view's dialogues: INVITE, ACK, BYE both ways, CANCEL (GB/T 28181, 9.2). What flows is Streams' business.

A call is known by its Call-ID. Nothing flows before the ACK, outside the term, or without gb28181.allow_live.
"""

import logging
import re
from collections.abc import Callable

import msgspec

from edge.centre import Gb28181
from edge.uplink.gb28181.answers import View, ids
from edge.uplink.gb28181.message import Message, parameter, user
from edge.uplink.gb28181.speaker import Dialog, Speaker
from edge.uplink.gb28181.streams import Busy, Streams, UnfitOffer
from edge.uplink.gb28181.transactions import Transactions

log = logging.getLogger(__name__)

SDP = "application/sdp"
_LIVE = re.compile(rb"^s[ \t]*=[ \t]*play[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class Call(msgspec.Struct):
    """One dialogue. subject: its sender's ID and number, by which a new one replaces it."""

    dialog: Dialog
    subject: str
    flows: bool = False  # the ACK came


class Calls:
    """Lives in the deciding thread. `audit(what, ...)` is Controls.audit; streams is None without a camera."""

    def __init__(
        self,
        gb: Gb28181,
        talk: Transactions,
        speaker: Speaker,
        view: Callable[[], View],
        audit: Callable[..., None],
        streams: Streams | None,
    ) -> None:
        self._gb = gb
        self._talk = talk
        self._speaker = speaker
        self._view = view
        self._audit = audit
        self._streams = streams
        self._calls: dict[str, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def invite(self, request: Message) -> None:
        """A new call, one that replaces another, or another offer within one."""
        id_ = user(request.uri) or user(request.get("to"))
        if id_ not in ids(self._gb):
            self._talk.answer(request, 404, "Not Found")
            return
        call, tag = request.get("call-id"), parameter(request.get("to"), "tag")
        known = self._calls.get(call)
        if tag and (known is None or known.dialog.tag != tag):
            self._talk.answer(request, 481, "Call/Transaction Does Not Exist")
            return
        self._talk.answer(request, 100, "Trying")
        subject = request.get("subject").partition(",")[0].strip()
        answer = self._offered(request, call, subject)
        if answer is not None:
            self._accept(request, known, subject, answer)

    def ack(self, request: Message) -> None:
        """What was agreed on begins to flow."""
        call = self._of(request)
        if call is not None and self._streams is not None and not call.flows:
            call.flows = True
            self._streams.begin(call.dialog.call)

    def bye(self, request: Message) -> None:
        """The platform ends it."""
        call = self._of(request)
        if call is None:
            self._talk.answer(request, 481, "Call/Transaction Does Not Exist")
            return
        self._talk.answer(request, 200, "OK")
        self._drop(call, "bye")

    def cancel(self, request: Message) -> None:
        """Every INVITE is answered at once, so there is nothing left to cancel (RFC 3261, 9.2)."""
        known = request.get("call-id") in self._calls
        self._talk.answer(request, *((200, "OK") if known else (481, "Call/Transaction Does Not Exist")))

    def info(self, request: Message) -> None:
        """Playback's controls; there is no playback."""
        if self._of(request) is None:
            self._talk.answer(request, 481, "Call/Transaction Does Not Exist")
        else:
            self._talk.answer(request, 501, "Not Implemented")

    def ended(self, call: str, reason: str) -> None:
        """A stream ended by itself: the platform is told."""
        known = self._calls.get(call)
        if known is not None:
            self._hang_up(known, reason)

    def end_all(self, reason: str, *, tell: bool = True) -> None:
        """The term is over, or (without a word to anybody) the platform is gone."""
        for call in list(self._calls.values()):
            if tell:
                self._hang_up(call, reason)
            else:
                self._drop(call, reason)

    def _offered(self, request: Message, call: str, subject: str) -> bytes | None:
        """The answer to an offer; None where the INVITE was answered with a no."""
        view = self._view()
        live = _LIVE.search(request.body) is not None
        if self._streams is None or not (self._gb.allow_live and view.watching and view.camera_on and live):
            self._audit("centre.live", allowed=0, live=int(live), watching=int(view.watching))
            self._refuse(request, 488, "Not Acceptable Here")
            return None
        for other in list(self._calls.values()):
            if other.dialog.call == call:
                self._streams.end(call)
            elif subject and other.subject == subject:
                self._hang_up(other, "replaced")
        try:
            return self._streams.offer(call, request.body)
        except UnfitOffer as err:
            log.info("centre: no live view: %s", err)
            self._refuse(request, 488, "Not Acceptable Here")
        except Busy as err:
            log.info("centre: no live view: %s", err)
            self._refuse(request, 486, "Busy Here")
        return None

    def _refuse(self, request: Message, code: int, reason: str) -> None:
        known = self._calls.get(request.get("call-id"))
        self._talk.answer(request, code, reason)
        if known is not None:
            self._hang_up(known, "another offer that does not fit")

    def _accept(self, request: Message, known: Call | None, subject: str, answer: bytes) -> None:
        call = known or Call(Dialog(request, self._speaker.word()), subject)
        call.dialog.hear(request)
        call.subject, call.flows = subject, False
        self._calls[call.dialog.call] = call
        if known is None:
            self._audit("centre.live", allowed=1, by=user(request.get("from"))[:20])
        self._talk.answer(
            request,
            200,
            "OK",
            tag=call.dialog.tag,
            headers=(self._speaker.contact, ("Content-Type", SDP)),
            body=answer,
            unacknowledged=lambda: self.ended(call.dialog.call, "no ACK"),
        )

    def _of(self, request: Message) -> Call | None:
        call = self._calls.get(request.get("call-id"))
        tag = parameter(request.get("to"), "tag")
        return call if call is not None and tag in ("", call.dialog.tag) else None

    def _hang_up(self, call: Call, reason: str) -> None:
        self._drop(call, reason)
        self._talk.ask(self._speaker.within(call.dialog, "BYE"), lambda _: None)

    def _drop(self, call: Call, reason: str) -> None:
        self._calls.pop(call.dialog.call, None)
        log.info("centre: live view ended: %s", reason)
        if self._streams is not None:
            self._streams.end(call.dialog.call)
