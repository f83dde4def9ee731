"""Requests over UDP are sent again until they are answered; one that comes again is answered as it was before."""

import pytest

from edge.clock import SECOND
from edge.loop import Loop
from edge.sim.time import SimClock, live
from edge.uplink.gb28181.message import Message, parse
from edge.uplink.gb28181.transactions import KEPT, Transactions


class Wire:
    """Both ends of a connection: what was sent, when, and what became of it."""

    def __init__(self) -> None:
        self.clock = SimClock()
        self.loop = Loop(self.clock.now)
        self.sent: list[tuple[float, Message, str]] = []
        self.talk = Transactions(self.loop, self._note)
        self.begun_ns = self.clock.now()
        self.ended: list[int | None] = []

    def _note(self, raw: bytes, to: str) -> None:
        self.sent.append(((self.clock.now() - self.begun_ns) / SECOND, parse(raw), to))

    def live(self, seconds: float) -> None:
        live(self.loop, self.clock, int(seconds * SECOND))

    def ask(self, branch: str = "z9hG4bKa") -> None:
        headers = (("Via", f"SIP/2.0/UDP a;branch={branch}"), ("CSeq", "1 MESSAGE"))
        request = Message(method="MESSAGE", uri="sip:a@b", headers=headers)
        self.talk.ask(request, lambda answer: self.ended.append(answer and answer.code))

    def answer(self, code: int, cseq: str = "1 MESSAGE", branch: str = "z9hG4bKa") -> None:
        headers = (("Via", f"SIP/2.0/UDP a;branch={branch}"), ("CSeq", cseq))
        self.talk.hear(Message(code=code, reason="x", headers=headers))

    def times(self) -> list[float]:
        return [at for at, _, _ in self.sent]


def theirs(method: str = "MESSAGE", number: int = 1, branch: str = "z9hG4bKb") -> Message:
    headers = (
        ("Via", f"SIP/2.0/UDP b;branch={branch}"),
        ("From", "<sip:c@d>;tag=t"),
        ("To", "<sip:a@b>"),
        ("Call-ID", "call"),
        ("CSeq", f"{number} {method if method != 'ACK' else 'ACK'}"),
    )
    return Message(method=method, uri="sip:a@b", headers=headers)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_a_request_without_an_answer_is_sent_eleven_times_in_32_seconds_and_given_up(wire: Wire):
    wire.ask()
    wire.live(40)
    assert wire.times() == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert wire.ended == [None]


def test_an_answer_ends_it_and_one_that_comes_again_is_nobodys(wire: Wire):
    wire.ask()
    wire.live(0.6)
    wire.answer(200)
    wire.answer(200)
    wire.live(40)
    assert (wire.ended, len(wire.sent)) == ([200], 2)


def test_a_provisional_answer_slows_it_down_and_ends_nothing(wire: Wire):
    wire.ask()
    wire.answer(100)
    wire.live(10)
    assert wire.times() == [0, 0.5, 4.5, 8.5]
    assert wire.ended == []


def test_an_answer_to_another_request_or_method_ends_nothing(wire: Wire):
    wire.ask()
    wire.answer(200, cseq="1 REGISTER")
    wire.answer(200, branch="z9hG4bKz")
    wire.talk.hear(Message(code=200))
    assert wire.ended == []


def test_over_tcp_a_request_is_sent_once_and_given_up_as_late(wire: Wire):
    wire.talk.lossy = False
    wire.ask()
    wire.live(40)
    assert (wire.times(), wire.ended) == ([0], [None])


def test_a_request_that_comes_again_gets_the_same_answer_where_it_came_from(wire: Wire):
    assert wire.talk.take(theirs(), "x:1")
    assert not wire.talk.take(theirs(), "x:1")  # not answered yet: nothing to repeat
    wire.talk.answer(theirs(), 200, "OK", tag="t1")
    assert not wire.talk.take(theirs(), "x:1")
    assert [to for _, _, to in wire.sent] == ["x:1", "x:1"]
    assert wire.sent[0][1] == wire.sent[1][1]
    wire.live(33)
    assert wire.talk.take(theirs(), "x:1")


def test_an_accepted_invite_is_answered_again_until_its_ack_also_over_tcp(wire: Wire):
    wire.talk.lossy = False
    wire.talk.take(theirs("INVITE"), "")
    wire.talk.answer(theirs("INVITE"), 200, "OK", tag="t1")
    wire.live(2)
    assert wire.times() == [0, 0.5, 1.5]
    assert wire.talk.take(theirs("ACK", branch="z9hG4bKother"), "")
    wire.live(60)
    assert len(wire.sent) == 3


def test_an_accepted_invite_without_an_ack_is_told_after_32_seconds(wire: Wire):
    told: list[int] = []
    wire.talk.take(theirs("INVITE"), "")
    wire.talk.answer(theirs("INVITE"), 200, "OK", tag="t1", unacknowledged=lambda: told.append(1))
    wire.live(33)
    assert told == [1]
    assert len(wire.sent) == 11


def test_what_was_asked_ends_without_an_answer_when_the_connection_goes(wire: Wire):
    wire.ask("z9hG4bK1")
    wire.ask("z9hG4bK2")
    wire.talk.clear()
    wire.live(40)
    assert (wire.ended, len(wire.sent)) == ([None, None], 2)


def test_a_flood_of_requests_is_forgotten_from_its_beginning(wire: Wire):
    for number in range(1, KEPT + 2):
        wire.talk.take(theirs(number=number), "")
    assert len(wire.talk._answers) == KEPT
    assert not wire.talk.take(theirs(number=KEPT + 1), "")
    assert wire.talk.take(theirs(number=1), "")
