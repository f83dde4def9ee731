"""What pages are told of a commit: merged while they are busy, and nothing where nobody listens."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from edge.station.hub import QUEUE
from edge.station.receiver import News
from edge.station.teller import Message, Teller, told
from tests.station.conftest import event

PATIENCE_S = 10


class Pages:
    """Who listens, and what they were told."""

    def __init__(self) -> None:
        self.there = True
        self.told: queue.SimpleQueue[Sequence[Message]] = queue.SimpleQueue()
        self.reloads: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.gate = threading.Event()
        self.gate.set()

    def push(self, messages: Sequence[Message]) -> None:
        self.told.put(messages)
        self.gate.wait(PATIENCE_S)

    def next(self) -> list[tuple[str, object]]:
        messages: Sequence[tuple[str, Any]] = self.told.get(timeout=PATIENCE_S)
        return [(kind, what["unit"]) for kind, what in messages]


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def teller(ledger, pages) -> Iterator[Teller]:
    opened = Teller(
        ledger, lambda _unit, _audit: False, lambda: pages.there, pages.push, lambda: pages.reloads.put(True)
    )
    yield opened
    pages.gate.set()
    opened.close()


def news(keep: Callable[..., list[int | None]], *seqs: int, unit: str = "door-1") -> News:
    return News(frozenset({unit}), tuple(n for n in keep(*map(event, seqs), unit=unit) if n is not None))


def test_a_commit_is_told_as_its_records_and_its_doors(keep, teller, pages):
    teller.tell(news(keep, 1, 2))
    assert pages.next() == [("record", "door-1"), ("record", "door-1"), ("door", "door-1")]


def test_news_that_waits_for_a_slow_page_is_told_together(keep, teller, pages):
    pages.gate.clear()
    teller.tell(news(keep, 1))
    assert pages.next() == [("record", "door-1"), ("door", "door-1")]
    teller.tell(news(keep, 2))
    teller.tell(news(keep, 3))
    teller.tell(news(keep, 1, unit="door-2"))
    pages.gate.set()
    assert pages.next() == [("record", unit) for unit in ("door-1", "door-1", "door-2")] + [
        ("door", "door-1"),
        ("door", "door-2"),
    ]


def test_where_no_page_listens_nothing_is_made_of_it(keep, teller, pages):
    pages.there = False
    teller.tell(news(keep, 1))
    teller.close()
    assert pages.told.empty()
    assert pages.reloads.empty()


def test_more_than_a_page_may_lag_behind_makes_it_load_anew(keep, teller, pages):
    teller.tell(news(keep, *range(1, QUEUE + 1)))
    assert pages.reloads.get(timeout=PATIENCE_S)
    assert pages.told.empty()


def test_what_waits_at_the_end_is_told(keep, teller, pages):
    pages.gate.clear()
    teller.tell(news(keep, 1))
    pages.next()
    teller.tell(news(keep, 2))
    pages.gate.set()
    teller.close()
    teller.close()
    assert pages.next() == [("record", "door-1"), ("door", "door-1")]


def test_a_unit_that_was_never_heard_of_is_no_door(ledger):
    assert told(ledger, News(frozenset({"door-9"}), ()), lambda _unit, _audit: False) == []
