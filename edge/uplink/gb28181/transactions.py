"""Requests and their answers (RFC 3261, 17): sent again over UDP, answered again where one comes twice.

Lives in the deciding thread; the loop's timers are its clock. Nothing here knows what a request is about.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256

import msgspec

from edge.clock import MS, SECOND
from edge.loop import Loop, Timer
from edge.uplink.gb28181.message import Message, compose, response

T1_NS = 500 * MS  # a round trip, as the standard estimates it
T2_NS = 4 * SECOND
WAIT_NS = 64 * T1_NS  # how long an answer, or an ACK, is waited for
KEPT = 256  # answers remembered; more come only from somebody who floods

Send = Callable[[bytes, str], None]
Answered = Callable[[Message | None], None]


class Asked(msgspec.Struct):
    """A request of ours that has no final answer yet."""

    raw: bytes
    method: str
    then: Answered
    pause_ns: int
    again: Timer | None
    over: Timer


class Answer(msgspec.Struct):
    """What was answered to one request of theirs; an INVITE's is sent again until its ACK."""

    to: str  # where it came from
    raw: bytes = b""
    again: Timer | None = None
    over: Timer | None = None


class Transactions:
    """`send(raw, to)` puts bytes on the wire, to "" as the server. Only over UDP (`lossy`) is a request sent again."""

    def __init__(self, loop: Loop, send: Send) -> None:
        self._loop = loop
        self._send = send
        self.lossy = True
        self._asked: dict[str, Asked] = {}  # by branch
        self._answers: dict[tuple[str, ...], Answer] = {}

    def ask(self, request: Message, then: Answered) -> None:
        """Send a request; `then` gets its final answer, or None where none came in 32 s or the connection broke."""
        raw = compose(request)
        branch = request.branch
        again = self._loop.after(T1_NS, lambda: self._again(branch)) if self.lossy else None
        over = self._loop.after(WAIT_NS, lambda: self._end(branch, None))
        self._asked[branch] = Asked(raw, request.method, then, T1_NS, again, over)
        self._send(raw, "")

    def hear(self, answer: Message) -> None:
        """A response came: the request it belongs to is done, or (1xx) under way."""
        one = self._asked.get(answer.branch)
        if one is None or answer.cseq[1] != one.method:
            return  # to a request that is long over, or to nobody's
        if answer.code < 200:
            one.pause_ns = T2_NS
        else:
            self._end(answer.branch, answer)

    def take(self, request: Message, came_from: str) -> bool:
        """Whether this request is new; one that came before is answered as it was then, an ACK ends that."""
        if request.method == "ACK":
            self._acknowledge(request)
            return True
        key = _key(request)
        known = self._answers.get(key)
        if known is not None:
            if known.raw:
                self._send(known.raw, known.to)
            return False
        while len(self._answers) >= KEPT:
            self._drop(next(iter(self._answers)))
        self._answers[key] = Answer(came_from)
        return True

    def answer(
        self,
        request: Message,
        code: int,
        reason: str,
        *,
        tag: str = "",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        unacknowledged: Callable[[], None] = lambda: None,
    ) -> None:
        """Answer a request that was taken. An INVITE's final answer goes again until its ACK, or `unacknowledged`."""
        key = _key(request)
        one = self._answers.setdefault(key, Answer(""))
        if not tag and code > 100:
            tag = sha256("/".join(key).encode()).hexdigest()[:16]
        one.raw = compose(response(request, code, reason, tag=tag, headers=headers, body=body))
        self._send(one.raw, one.to)
        if code < 200:
            return
        for timer in (one.again, one.over):
            if timer is not None:
                timer.cancel()
        if request.method == "INVITE" and (self.lossy or code < 300):  # a 2xx is repeated over TCP as well (13.3.1.4)
            self._repeat(key, T1_NS)

            def over() -> None:
                self._drop(key)
                unacknowledged()

            one.over = self._loop.after(WAIT_NS, over)
        else:
            one.over = self._loop.after(WAIT_NS, lambda: self._drop(key))

    def clear(self) -> None:
        """The connection is gone: nothing that was asked will be answered."""
        for key in list(self._answers):
            self._drop(key)
        for branch in list(self._asked):
            self._end(branch, None)

    def _again(self, branch: str) -> None:
        one = self._asked[branch]
        self._send(one.raw, "")
        one.pause_ns = min(2 * one.pause_ns, T2_NS)
        one.again = self._loop.after(one.pause_ns, lambda: self._again(branch))

    def _end(self, branch: str, answer: Message | None) -> None:
        one = self._asked.pop(branch, None)
        if one is None:
            return
        one.over.cancel()
        if one.again is not None:
            one.again.cancel()
        one.then(answer)

    def _repeat(self, key: tuple[str, ...], pause_ns: int) -> None:
        def again() -> None:
            self._send(one.raw, one.to)
            self._repeat(key, min(2 * pause_ns, T2_NS))

        one = self._answers[key]
        one.again = self._loop.after(pause_ns, again)

    def _acknowledge(self, ack: Message) -> None:
        """The ACK of a 2xx has a branch of its own (17.1.1.3), so it is known by its dialogue and number."""
        one = self._answers.get(_key(ack, "INVITE"))
        if one is not None and one.again is not None:
            one.again.cancel()
            one.again = None
            if one.over is not None:
                one.over.cancel()
            one.over = self._loop.after(WAIT_NS, lambda: self._drop(_key(ack, "INVITE")))

    def _drop(self, key: tuple[str, ...]) -> None:
        one = self._answers.pop(key, None)
        if one is not None:
            for timer in (one.again, one.over):
                if timer is not None:
                    timer.cancel()


def _key(request: Message, method: str = "") -> tuple[str, ...]:
    """What a request is known by when it comes again. Not the branch alone: old platforms send the same one always."""
    number, of = request.cseq
    return (*request.dialog, str(number), method or of)
