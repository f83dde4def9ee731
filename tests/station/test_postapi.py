"""What units post where MQTT is blocked: bad input, then the same ledger as off the broker, and held questions."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from edge import posting, wire
from edge.clock import SECOND
from edge.errors import FullError, PartError
from edge.sim.time import SimClock
from edge.station.ca import Authority
from edge.station.desk import Desk
from edge.station.ledger import Ledger
from edge.station.mailbox import HELD_MAX_S, PRESENT_NS, WAITING_MAX, Mailbox
from edge.station.postapi import post_routes
from edge.station.receiver import News
from edge.station.unitapi import PEER
from tests.fuzz.intake import Desk as Quiet
from tests.station.conftest import event

UNIT = "door-1"
EVENTS = posting.path(UNIT, "events")
COMMANDS = posting.path(UNIT, "commands")


class Office(Quiet):
    """The receiver without a broker: what is handed in is committed at once, in the thread that hands it in."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.begin(ledger)

    def begin(self, ledger: Ledger) -> None:
        """With this ledger from now on, and nothing heard yet."""
        self._ledger = ledger
        self.news: list[News] = []
        self._on_news = self.news.append
        self.replies: list[tuple[str, bytes]] = []
        self.on_reply = lambda unit, payload: self.replies.append((unit, payload))

    def hand_in(self, unit: str, records: list[bytes]) -> "Future[posting.Answer]":
        answer = super().hand_in(unit, records)
        self.work()
        return answer

    def work(self) -> None:
        while not self._inbox.empty():
            self._take([item] if (item := self._inbox.get()) is not None else [])


class Shown:
    """Stands where the server tells whose certificate was shown."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.peer = (UNIT, "00" * 32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PEER] = self.peer
        await self._app(scope, receive, send)


class Side:
    """The units' side without a socket."""

    def __init__(self, folder: Path, ledger: Ledger, ca: Authority) -> None:
        self.clock = SimClock()
        self.office = Office(ledger)
        self.mailbox = Mailbox(self.clock)
        self.office.elsewhere, self.office.on_mqtt = self.mailbox.present, self.mailbox.leave
        self.present: list[tuple[str, bool]] = []
        self.mailbox.on_present = lambda unit, here: self.present.append((unit, here))
        self.app = Shown(
            Starlette(routes=post_routes(self.office, self.mailbox, Desk(folder / "enrol", ca, self.clock)))
        )
        self.client = TestClient(self.app)

    def post(self, *records: bytes) -> Any:
        return self.client.post(EVENTS, content=posting.pack(records))

    def ask(self, after: str = "", wait: str = "0") -> Any:
        answer = self.client.get(COMMANDS, params={"wait": wait, "after": after})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def side(tmp_path: Path, ledger: Ledger, authority: Authority) -> Iterator[Side]:
    made = Side(tmp_path, ledger, authority)
    with closing(made.client):
        yield made


def sent(seq: int, epoch: str = "e1") -> bytes:
    return wire.encode(UNIT, event(seq, epoch=epoch), {})


# --- bad input


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"[1,", b"\xff\xfe", b"<html>", b"[" * 100_000, sent(1), b"[%s" % sent(1)]
)
def test_a_body_that_is_no_batch_is_refused_whole(side: Side, ledger: Ledger, body: bytes) -> None:
    answer = side.client.post(EVENTS, content=body)
    assert answer.status_code == 400
    assert "JSON array" in answer.json()["error"] or "1 to 1000" in answer.json()["error"]
    assert ledger.count(UNIT) == 0


def test_a_batch_of_too_many_records_is_refused_whole(side: Side, ledger: Ledger) -> None:
    assert side.post(*[b"0"] * (posting.BATCH_MAX + 1)).status_code == 400
    assert ledger.count(UNIT) == 0


def test_a_body_that_is_too_large_is_refused_before_all_of_it_is_read(side: Side) -> None:
    read = 0

    def body() -> Iterator[bytes]:
        nonlocal read
        for _ in range(10):
            read += 1
            yield b"x" * posting.BATCH_MAX_BYTES

    assert side.client.post(EVENTS, content=body()).status_code == 413


@pytest.mark.parametrize(
    "bad",
    [b"1", b"null", b'"x"', b"{}", b"[]", sent(2).replace(b'"door-1/', b'"door-2/'), sent(2).replace(b'"e1"', b'"e9"')],
)
def test_one_bad_record_gets_its_reason_and_the_others_their_receipt(side: Side, ledger: Ledger, bad: bytes) -> None:
    answer = side.post(sent(1), bad, sent(3))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["epoch"], told["stored"]) == ("e1", [[1, 1], [3, 3]])
    assert [one["index"] for one in told["refused"]] == [1]
    assert "want" in told["refused"][0]["error"]
    assert ledger.count(UNIT) == 2


def test_a_batch_of_bad_records_alone_gets_no_receipt(side: Side) -> None:
    told = side.post(b"1", b"2").json()
    assert told["stored"] == []
    assert [one["index"] for one in told["refused"]] == [0, 1]
    assert not side.office.news[-1].records


def test_a_second_epoch_in_a_batch_is_refused_and_taken_in_a_batch_of_its_own(side: Side, ledger: Ledger) -> None:
    told = side.post(sent(7, "e1"), sent(1, "e2")).json()
    assert (told["stored"], told["refused"][0]["index"]) == ([[7, 7]], 1)
    assert side.post(sent(1, "e2")).json() == {"epoch": "e2", "stored": [[1, 1]]}
    assert ledger.count(UNIT) == 2


@pytest.mark.parametrize("leaf", ["events", "online", "state", "pulse", "reply", "commands"])
@pytest.mark.parametrize("peer", [("door-2", "00" * 32), ("", ""), ("station", "00" * 32)])
def test_nobody_posts_or_asks_under_another_name(side: Side, ledger: Ledger, leaf: str, peer: tuple[str, str]) -> None:
    side.app.peer = peer
    answer = side.client.request(posting.METHODS[leaf], posting.path(UNIT, leaf), content=posting.pack([sent(1)]))
    assert answer.status_code == 403
    side.office.work()
    assert ledger.units() == []
    assert side.present == []


@pytest.mark.parametrize("leaf", ["online", "state", "pulse"])
@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"since": "yesterday"}', b'{"a":{"b":{"c":{}}}}'])
def test_what_is_no_flat_object_is_refused(side: Side, ledger: Ledger, leaf: str, body: bytes) -> None:
    assert side.client.put(posting.path(UNIT, leaf), content=body).status_code == 422
    side.office.work()
    assert ledger.units() == []


def test_a_small_message_that_is_not_small_is_refused(side: Side) -> None:
    body = json.dumps({"x": "y" * posting.TOLD_MAX_BYTES}).encode()
    assert side.client.put(posting.path(UNIT, "pulse"), content=body).status_code == 413


@pytest.mark.parametrize("wait", ["-1", "1.5", "soon", "1e9", "99999", "٣"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(side: Side, wait: str) -> None:
    assert side.client.get(COMMANDS, params={"wait": wait}).status_code == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_records_are_posted_and_nothing_else(side: Side, method: str) -> None:
    assert side.client.request(method, EVENTS, content=posting.pack([sent(1)])).status_code == 405


@pytest.mark.parametrize(("error", "status"), [(FullError, 507), (PartError, 503)])
def test_a_disk_that_refuses_is_no_receipt(
    side: Side, ledger: Ledger, error: type[PartError], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise error("ledger", found="no room", wanted="room", remedy="Make room.")

    side.office._closing.set()  # noqa: SLF001 - no pause for the disk
    monkeypatch.setattr(ledger, "batch", refuse)
    answer = side.post(sent(1))
    assert answer.status_code == status
    monkeypatch.undo()
    assert side.post(sent(1)).json()["stored"] == [[1, 1]]


# --- the same ledger


def test_a_receipt_names_what_is_in_the_file_and_the_page_hears_of_it_once(side: Side, ledger: Ledger) -> None:
    assert side.post(sent(1), sent(2)).json() == {"epoch": "e1", "stored": [[1, 2]]}
    assert side.post(sent(2), sent(3)).json() == {"epoch": "e1", "stored": [[2, 3]]}
    assert ledger.count(UNIT) == 3
    assert [len(news.records) for news in side.office.news] == [2, 1]
    assert side.office.ear.said == [], "no receipt by MQTT for what came by HTTPS"


def test_what_a_unit_tells_of_itself_is_kept_as_off_the_broker(side: Side, ledger: Ledger) -> None:
    for leaf, body in (("online", b'{"online":true}'), ("state", b'{"door":"shut"}'), ("pulse", b'{"link":"https"}')):
        assert side.client.put(posting.path(UNIT, leaf), content=body).status_code == 204
    assert side.client.post(posting.path(UNIT, "reply"), content=b'{"id":"1"}').status_code == 204
    side.office.work()
    (row,) = ledger.units()
    assert (row.online, row.state, row.pulse) == (True, {"door": "shut"}, {"link": "https"})
    assert side.office.replies == [(UNIT, b'{"id":"1"}')]


# --- commands


def test_a_command_waits_only_for_a_unit_that_is_here(side: Side) -> None:
    side.mailbox.put(UNIT, b'{"n":1}')
    first = side.ask()
    assert first["commands"] == []
    side.mailbox.put(UNIT, b'{"n":2}')
    assert side.ask(first["next"])["commands"] == [{"n": 2}]


def test_a_command_is_told_until_its_unit_asks_for_the_next(side: Side) -> None:
    first = side.ask()
    side.mailbox.put(UNIT, b'{"n":1}')
    told = side.ask(first["next"])
    assert side.ask(first["next"]) == told, "the answer may have been lost"
    side.mailbox.put(UNIT, b'{"n":2}')
    assert side.ask(told["next"])["commands"] == [{"n": 2}]


@pytest.mark.parametrize("after", ["x", "0", "-", "other-99", "-1", "other-" + "9" * 400])
def test_a_number_of_before_a_restart_means_nothing(side: Side, after: str) -> None:
    side.ask()
    side.mailbox.put(UNIT, b'{"n":1}')
    assert side.ask(after)["commands"] == [{"n": 1}]


def test_more_commands_than_are_kept_lose_the_oldest(side: Side) -> None:
    first = side.ask()
    for n in range(WAITING_MAX + 5):
        side.mailbox.put(UNIT, b"%d" % n)
    assert side.ask(first["next"])["commands"] == list(range(5, WAITING_MAX + 5))


def test_a_held_question_is_answered_the_moment_a_command_comes(side: Side) -> None:
    async def play() -> list[bytes]:
        first = await side.mailbox.ask(UNIT, "", 0)
        held = asyncio.create_task(side.mailbox.ask(UNIT, first.next, HELD_MAX_S))
        await asyncio.sleep(0)  # clock: no time passes; the task takes its first step
        assert not held.done()
        await asyncio.to_thread(side.mailbox.put, UNIT, b'{"n":1}')
        return [bytes(command) for command in (await asyncio.wait_for(held, 5)).commands]

    assert asyncio.run(play()) == [b'{"n":1}']


def test_a_second_question_ends_the_first_and_takes_the_command_alone(side: Side) -> None:
    async def play() -> tuple[posting.Waiting, posting.Waiting]:
        old = asyncio.create_task(side.mailbox.ask(UNIT, "", HELD_MAX_S))
        await asyncio.sleep(0)  # clock: as above
        new = asyncio.create_task(side.mailbox.ask(UNIT, "", HELD_MAX_S))
        ended = await asyncio.wait_for(old, 5)
        side.mailbox.put(UNIT, b'{"n":1}')
        return ended, await asyncio.wait_for(new, 5)

    ended, answered = asyncio.run(play())
    assert ended.commands == ()
    assert len(answered.commands) == 1


def test_a_station_that_ends_answers_all_held_questions(side: Side) -> None:
    async def play() -> posting.Waiting:
        held = asyncio.create_task(side.mailbox.ask(UNIT, "", HELD_MAX_S))
        await asyncio.sleep(0)  # clock: as above
        side.mailbox.close()
        return await asyncio.wait_for(held, 5)

    assert asyncio.run(play()).commands == ()
    assert side.ask(wait="30")["commands"] == [], "and holds no more of them"


# --- who is here


def test_a_unit_is_here_by_its_questions_and_missed_after_a_minute_without_one(side: Side) -> None:
    side.ask()
    side.clock.turn(PRESENT_NS)
    side.ask()
    side.clock.turn(PRESENT_NS)
    side.mailbox.look()
    assert side.present == [(UNIT, True)]
    side.clock.turn(SECOND)
    side.mailbox.look()
    side.mailbox.look()
    assert side.present == [(UNIT, True), (UNIT, False)]


def test_the_will_of_a_connection_that_was_given_up_for_https_is_passed_over(side: Side, ledger: Ledger) -> None:
    side.ask()
    side.client.put(posting.path(UNIT, "online"), content=b'{"online":true}')
    hear(side, "online", b'{"online":false}')
    assert ledger.units()[0].online
    assert side.mailbox.present(UNIT)


def test_a_unit_that_speaks_by_mqtt_again_is_not_missed_here(side: Side) -> None:
    side.ask()
    hear(side, "online", b'{"online":true}')
    side.clock.turn(10 * PRESENT_NS)
    side.mailbox.look()
    assert side.present == [(UNIT, True)]
    hear(side, "online", b'{"online":false}')
    assert not side.mailbox.present(UNIT)


def test_a_unit_that_says_good_bye_is_not_missed_later(side: Side, ledger: Ledger) -> None:
    side.ask()
    side.client.put(posting.path(UNIT, "online"), content=b'{"online":false}')
    side.office.work()
    side.clock.turn(10 * PRESENT_NS)
    side.mailbox.look()
    assert side.present == [(UNIT, True)]
    assert not ledger.units()[0].online


def hear(side: Side, leaf: str, payload: bytes) -> None:
    """It comes off the broker."""
    message = MQTTMessage(topic=wire.topic(UNIT, leaf).encode())
    message.payload = payload
    side.office._on_message(side.office.ear, None, message)  # noqa: SLF001 - what paho calls
    side.office.work()
