"""A link over HTTPS to a real station side: through a proxy, and all of what a link promises."""

import socket
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from edge import wire
from edge.errors import (
    DoorunitError,
    RefusedError,
    ServerError,
)
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.secret import Secret
from edge.sim.proxy import SimProxy
from edge.station.ca import Authority
from edge.station.ledger import Ledger
from edge.uplink.tunnel import Proxy
from tests.uplink.conftest import UNIT, WITHIN_S
from tests.uplink.webside import Dial, Side, iter_acked, record, until

# --- proxies


@pytest.fixture
def proxy(opened: ExitStack) -> SimProxy:
    return opened.enter_context(closing(SimProxy("door:p4ss/w@rd")))


def test_everything_goes_through_the_proxy_with_its_login(
    web_line: Dial, web_side: Side, proxy: SimProxy, web_ledger: Ledger
) -> None:
    link = web_line(web_side.port, proxy=Proxy("127.0.0.1", proxy.port, Secret(b"door:p4ss/w@rd")))
    link.dial(LinkUp)
    link.send(1)
    assert link.next(Acked).taken
    assert web_ledger.count(UNIT) == 1
    assert set(proxy.asked) == {f"localhost:{web_side.port}"}


@pytest.mark.parametrize(
    ("answer", "login", "kind", "found"),
    [
        (200, b"door:wrong", RefusedError, "it said 407 Proxy Authentication Required"),
        (403, b"door:p4ss/w@rd", RefusedError, "it said 403 Forbidden"),
        (502, b"door:p4ss/w@rd", ServerError, "it said 502 Bad Gateway"),
    ],
)
def test_a_proxy_that_refuses_is_named_and_its_login_is_not(
    web_line: Dial,
    web_side: Side,
    proxy: SimProxy,
    answer: int,
    login: bytes,
    kind: type[DoorunitError],
    found: str,
) -> None:
    proxy.answer = answer
    error = web_line(web_side.port, proxy=Proxy("127.0.0.1", proxy.port, Secret(login))).refused(kind)
    assert (error.what, error.found) == (f"proxy 127.0.0.1:{proxy.port}", found)
    assert login.decode() not in f"{error}{error!r}"


def test_a_proxy_that_is_not_there_is_named(web_line: Dial, web_side: Side) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    error = web_line(web_side.port, proxy=Proxy("127.0.0.1", port)).refused(ServerError)
    assert error.what == f"proxy 127.0.0.1:{port}"


# --- the promise


def test_records_get_their_receipts_and_a_busy_wire_takes_many_at_once(
    web_line: Dial, web_side: Side, web_ledger: Ledger
) -> None:
    link = web_line(web_side.port)
    assert link.dial(LinkUp) == LinkUp("https", 500)
    link.send(*range(1, 201))
    got: set[int] = set()
    acked: set[int] = set()
    while len(got) < 200:
        fact = link.facts.get(timeout=WITHIN_S)
        if isinstance(fact, Acked):
            assert fact.taken
            acked.add(fact.token)
        else:
            assert isinstance(fact, Incoming)
            assert fact.topic == wire.topic(UNIT, "receipt")
            got |= {n for low, high in wire.read_receipt(fact.payload).stored for n in range(low, high + 1)}
    assert got == acked == set(range(1, 201))
    assert web_ledger.count(UNIT) == 200
    assert len(web_side.office.news) < 50, "not one by one"


def test_records_of_two_epochs_go_in_batches_of_their_own(web_line: Dial, web_side: Side) -> None:
    link = web_line(web_side.port)
    link.dial(LinkUp)
    link.send(7, 8)
    link.send(1, 2, epoch="e2")
    link.send(9)
    tokens = [fact.token for fact in iter_acked(link, 5)]
    assert sorted(tokens) == [1, 2, 7, 8, 9]


def test_what_is_told_besides_arrives_and_only_the_last_of_each_matters(
    web_line: Dial, web_side: Side, web_ledger: Ledger
) -> None:
    link = web_line(web_side.port)
    link.dial(LinkUp)
    assert link.publish(wire.topic(UNIT, "online"), b'{"online":true}', retain=True)
    for n in range(200):
        assert link.publish(wire.topic(UNIT, "state"), b'{"n":%d}' % n, retain=True)
    assert link.publish(wire.topic(UNIT, "reply"), b'{"id":"a","done":true,"said":"ok"}')
    assert link.publish("homeassistant/device/x/config", b"{}", retain=True)

    def last() -> bool:
        web_side.office.work()
        return bool(web_side.office.replies and web_ledger.units() and web_ledger.units()[0].state == {"n": 199})

    until(last)
    assert web_side.office.replies == [(UNIT, b'{"id":"a","done":true,"said":"ok"}')]


def test_a_command_comes_down_the_moment_it_is_given_and_once(web_line: Dial, web_side: Side) -> None:
    link = web_line(web_side.port)
    link.dial(LinkUp)
    for n in range(3):
        web_side.mailbox.put(UNIT, b'{"command":"%d","signature":"s"}' % n)
        assert link.next(Incoming) == Incoming(wire.topic(UNIT, "command"), b'{"command":"%d","signature":"s"}' % n)
    assert link.facts.empty()


def test_good_bye_is_said_before_the_link_closes_and_all_of_it_ends_soon(
    web_line: Dial, web_side: Side, web_ledger: Ledger
) -> None:
    link = web_line(web_side.port)
    link.dial(LinkUp)
    link.publish(wire.topic(UNIT, "online"), b'{"online":false}', retain=True)
    begun_s = time.monotonic()
    link.close()
    link.close()
    assert time.monotonic() - begun_s < 5
    web_side.office.work()
    assert not web_ledger.units()[0].online
    assert not web_side.mailbox.present(UNIT)
    assert not [t for t in threading.enumerate() if t.name.startswith("https ")]
    assert link.facts.empty(), "closing is no failure"


def test_a_link_that_is_given_up_says_so_once_and_can_be_made_anew(web_line: Dial, web_side: Side) -> None:
    link = web_line(web_side.port)
    link.dial(LinkUp)
    link.abandon()
    link.abandon()
    assert type(link.next(LinkDown).error) is ServerError
    assert not link.publish(wire.topic(UNIT, "event"), record(1))
    link.dial(LinkUp)
    link.send(1)
    assert link.next(Acked).taken


def test_a_station_that_ends_is_noticed_at_once(
    web_line: Dial, web_ledger: Ledger, ca: Authority, tmp_path: Path
) -> None:
    side = Side(tmp_path, web_ledger, ca)
    link = web_line(side.port)
    link.dial(LinkUp)
    begun_s = time.monotonic()
    side.close()
    link.next(LinkDown)
    assert time.monotonic() - begun_s < 5
