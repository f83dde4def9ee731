"""The simulated services, and messages to them."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from edge import config
from edge.alert.channel import Channel
from edge.alert.desk import channels
from edge.alert.web import WebSender
from edge.alert.words import Message
from edge.clock import FLOOR_NS, SECOND, Quality, Stamp
from edge.records import Change, Event
from edge.sim.phones import Phones
from edge.sim.time import SimClock

WALL_NS = FLOOR_NS + 86_400 * SECOND
MESSAGE = Message("【门磁】door-1 门已打开", "【门磁】door-1 门已打开（非预期）\n时间：2026-05-30 04:26:40", True)
JPEG = b"\xff\xd8\xff simulated"
CHANNELS = ("wecom", "dingtalk", "feishu", "ntfy")


def event(
    seq: int = 1,
    change: Change = Change.OPENED,
    at: Stamp | None = None,
    since: Stamp | None = None,
    expected: str | None = None,
) -> Event:
    """A change of the door."""
    return Event(epoch="e", seq=seq, at=at or stamp(), change=change, since=since, expected=expected)


def stamp(boot_s: float = 100, quality: Quality = Quality.SYNCED, error_ms: int | None = 5) -> Stamp:
    """An instant so long after the boot."""
    boot_ns = int(boot_s * SECOND)
    return Stamp("boot-1", boot_ns, WALL_NS + boot_ns, quality, error_ms if quality is Quality.SYNCED else None)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(boot="boot-1", wall_ns=WALL_NS, quality=Quality.SYNCED)


@pytest.fixture
def phones(clock: SimClock) -> Iterator[Phones]:
    with closing(Phones(clock.now, lambda: clock.read().wall_ns)) as served:
        yield served


def channel(phones: Phones, name: str, **settings: object) -> Channel:
    """The unit's side of one service, with settings beside the right keys."""
    tables = phones.settings(name)
    (found,) = channels(config.parse({name: tables[name] | settings}))
    return found


Post = Callable[..., WebSender]


@pytest.fixture
def post(phones: Phones, clock: SimClock) -> Iterator[Post]:
    """Make a sender to one service."""
    made: list[WebSender] = []

    def make(name: str, within_s: float = 5, ca_file: str | None = None, **settings: object) -> WebSender:
        one = channel(phones, name, **settings)
        made.append(WebSender(one, clock, ca_file=ca_file, within_s=(within_s, within_s)))
        return made[-1]

    yield make
    for each in made:
        each.close()
