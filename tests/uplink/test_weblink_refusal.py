"""A link over HTTPS and whoever else answers: no portal, proxy or stranger gives a receipt, and each is named."""

import json
import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from edge import wire
from edge.clock import SystemClock
from edge.errors import (
    DistrustError,
    LinkError,
    RefusedError,
    ServerError,
    UnknownHostError,
)
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.uplink.talk import Server
from edge.uplink.weblink import WAITING_MAX
from tests.uplink.conftest import UNIT, WITHIN_S
from tests.uplink.webside import HTML, NOTHING, Dial, Line, Play, Side, http, known, record, until

# --- whoever else answers


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (http(HTML, kind="text/html"), "JSON is malformed"),
        (http(b"[]"), "Expected `object`"),
        (http(b"{}"), "missing required field `next`"),
        (http(b'{"next":7}'), "Expected `str`"),
        (b"220 mail.example ESMTP\r\n", "not HTTP"),
        (http(status="204 No Content"), "status 204"),
        (http(HTML, "302 Found"), "status 302: <html>"),
        (http(b'{"error":"who?"}', "404 Not Found"), "status 404"),
        (http(b"", "429 Too Many Requests"), "status 429"),
        (http(b"", "503 Service Unavailable"), "status 503"),
    ],
)
def test_what_is_no_platform_does_not_bring_the_link_up(
    played: Play, web_line: Dial, answer: bytes, found: str
) -> None:
    link = web_line(played(lambda *_: answer).port)
    error = link.dial(LinkDown).error
    assert isinstance(error, ServerError | RefusedError)
    assert found in error.found
    assert not link.publish(wire.topic(UNIT, "event"), record(1), token=1)


@pytest.mark.parametrize(
    "answer",
    [
        http(HTML, kind="text/html"),
        http(b""),
        http(b"[]"),
        http(b'{"epoch":"e1"}'),
        http(b'{"epoch":"e1","stored":"all"}'),
        http(b'{"epoch":"e1","stored":[[1,1]]}')[:-3],
        http(HTML, "201 Created"),
        http(HTML, "302 Found"),
        http(b"", "500 Internal Server Error"),
        http(b"", "403 Forbidden"),
        http(b"", "204 No Content"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        None,
    ],
)
def test_an_answer_that_is_no_receipt_ends_the_connection_and_confirms_nothing(
    played: Play, web_line: Dial, answer: bytes | None
) -> None:
    link = web_line(played(known(lambda _: answer)).port, answer_s=1)
    link.dial(LinkUp)
    link.send(1)
    assert isinstance(link.next(LinkDown).error, LinkError)
    assert link.facts.empty()


@pytest.mark.parametrize("answer", [b'{"epoch":"e2","stored":[[1,9]]}', b'{"epoch":"e1","stored":[[2,9]]}'])
def test_a_receipt_for_something_else_confirms_nothing(played: Play, web_line: Dial, answer: bytes) -> None:
    link = web_line(played(known(lambda _: http(answer))).port)
    link.dial(LinkUp)
    link.send(1)
    assert wire.read_receipt(link.next(Incoming).payload).stored != ((1, 1),)
    assert link.facts.empty()


def test_a_platform_that_refuses_a_whole_batch_is_asked_record_by_record(played: Play, web_line: Dial) -> None:
    first = threading.Event()

    def take(body: bytes) -> bytes:
        seqs = [one["data"]["record"]["seq"] for one in json.loads(body)]
        if seqs == [1]:
            first.wait(WITHIN_S)
        if 3 in seqs:
            return http(b"too large\n", "413 Content Too Large")
        return http(wire.receipt("e1", seqs))

    platform = played(known(take))
    link = web_line(platform.port)
    link.dial(LinkUp)
    link.send(1)
    until(lambda: any(path.endswith("/events") for _, path, _ in platform.asked))
    link.send(2, 3, 4)
    first.set()
    facts = [link.facts.get(timeout=WITHIN_S) for _ in range(7)]
    acked = {fact.token: (fact.taken, fact.reason) for fact in facts if isinstance(fact, Acked)}
    assert acked == {
        1: (True, "Success"),
        2: (True, "Success"),
        3: (False, "status 413: too large"),
        4: (True, "Success"),
    }
    batches = [len(json.loads(body)) for _, path, body in platform.asked if path.endswith("/events")]
    assert batches == [1, 3, 1, 1, 1]


def test_a_connection_that_ended_while_it_was_idle_costs_nothing(played: Play, web_line: Dial) -> None:
    answers = 0

    def take(_: bytes) -> bytes | None:
        nonlocal answers
        answers += 1
        return None if answers == 2 else http(wire.receipt("e1", [answers - answers // 2]))

    link = web_line(played(known(take)).port)
    link.dial(LinkUp)
    link.send(1)
    link.next(Acked)
    link.next(Incoming)
    link.send(2)  # the connection ends without a word, and the record goes again over another one
    assert link.next(Acked) == Acked(2, True, "Success")


def test_a_half_closed_connection_is_a_network_that_broke(played: Play, web_line: Dial) -> None:
    link = web_line(played(known(lambda _: b"HTTP/1.1 200 OK\r\nContent-Le")).port, answer_s=1)
    link.dial(LinkUp)
    link.send(1)
    error = link.next(LinkDown).error
    assert type(error) is LinkError
    assert error.found == "nothing came for two keep-alives"


def test_a_platform_that_answers_nothing_at_all_hangs(played: Play, web_line: Dial) -> None:
    never = threading.Event()
    link = web_line(played(lambda *_: http() if never.wait(WITHIN_S) else None).port, answer_s=0.3)
    assert "does not answer" in link.refused(ServerError).found
    never.set()


def test_a_platform_that_holds_no_question_is_not_asked_without_end(played: Play, web_line: Dial) -> None:
    platform = played(lambda *_: http(NOTHING))
    link = web_line(platform.port)
    link.dial(LinkUp)
    until(lambda: len(platform.asked) >= 2)
    link.send(1)
    link.facts.get(timeout=WITHIN_S)
    assert len([path for _, path, _ in platform.asked if "commands" in path]) == 2


def test_without_an_answer_only_so_many_records_wait(played: Play, web_line: Dial) -> None:
    never = threading.Event()
    link = web_line(played(known(lambda _: None if never.wait(WITHIN_S) else None)).port)
    link.dial(LinkUp)
    payload = record(1)
    taken = 0
    while link.publish(wire.topic(UNIT, "event"), payload, token=1):
        taken += 1
    never.set()
    assert WAITING_MAX <= taken <= WAITING_MAX + 100
    assert type(link.next(LinkDown).error) is ServerError


def test_a_port_on_which_nothing_listens_a_name_that_is_none_and_a_foreign_station(
    web_line: Dial, web_side: Side
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert web_line(port).refused(ServerError).found == "nothing listens on that port"
    nameless = web_line(443, host="no-such-host.invalid").dial(LinkDown).error
    assert type(nameless) in (UnknownHostError, LinkError), "without a DNS server nobody can say that there is none"
    assert web_line(web_side.port, host="127.1").refused(DistrustError).found == "it is for another name"


def test_another_units_name_is_refused(web_line: Dial, web_side: Side) -> None:
    assert "status 403" in web_line(web_side.port, name="unit-b").refused(RefusedError).found


def test_without_its_files_a_unit_is_told_so(web_line: Dial, web_side: Side, tmp_path: Path) -> None:
    gone = (str(tmp_path / "ca"), str(tmp_path / "crt"), str(tmp_path / "key"))
    server = Server(f"https://localhost:{web_side.port}", gone)
    with closing(Line(server, UNIT, SystemClock(), 20)) as link:
        assert "Enrol this unit again" in link.refused(RefusedError).remedy
