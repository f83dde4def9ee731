"""Which change is told, when, and how often it is tried; one channel's trouble is its own, and one warning."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from edge import config
from edge.alert.channel import Channel
from edge.alert.desk import Desk, Tools
from edge.alert.words import Message
from edge.clock import SECOND, know
from edge.errors import ConfigError, DoorunitError, LimitError, LinkError, RefusedError
from edge.health import Health
from edge.loop import Loop
from edge.parts import FrameTaken
from edge.records import Change
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from tests.alert.conftest import event, stamp

KEYS = {"wecom": {"key": "k", "picture": True}, "ntfy": {"topic": "t"}, "feishu": {"token": "t"}}


class Group:
    """channel.Sender that remembers what it took; `fault` is raised instead."""

    def __init__(self) -> None:
        self.texts: list[Message] = []
        self.pictures: list[bytes] = []
        self.tries = 0
        self.fault: Exception | None = None

    def send(self, message: Message) -> None:
        self._try()
        self.texts.append(message)

    def show(self, jpeg: bytes, caption: str) -> None:
        self._try()
        self.pictures.append(jpeg)

    def close(self) -> None:
        """Nothing to drop."""

    def _try(self) -> None:
        self.tries += 1
        if self.fault is not None:
            raise self.fault


class Office:
    """A desk on a simulated clock."""

    def __init__(self, *names: str, **alert: Any) -> None:
        self.clock = SimClock()
        self.loop = Loop(self.clock.now)
        self.health = Health()
        self.workers: dict[str, SimWorker] = {}
        self.groups: dict[str, Group] = {}
        settings = config.parse({"alert": alert, **{name: KEYS[name] for name in names or ("wecom",)}})
        tools = Tools(self.loop, self.health, random.Random(1), self.worker, self.open, lambda at: know(at, None))
        self.desk = Desk("door-1", settings, tools)
        self.seq = 0

    def worker(self, name: str) -> SimWorker:
        return self.workers.setdefault(name, SimWorker(self.loop, at_once=True))

    def open(self, channel: Channel) -> Group:
        return self.groups.setdefault(channel.name, Group())

    def group(self, name: str = "wecom") -> Group:
        return self.groups.setdefault(name, Group())

    def tell(self, change: Change = Change.OPENED, expected: str | None = None, times: int = 1) -> None:
        for _ in range(times):
            self.seq += 1
            self.desk.tell(event(self.seq, change, expected=expected))
        self.loop.turn()

    def live(self, seconds: float) -> None:
        live(self.loop, self.clock, int(seconds * SECOND))

    def shown(self) -> list[str]:
        return [one.row.code for one in self.health.shown(self.clock.now())]


def fault(kind: type[DoorunitError] = LinkError) -> DoorunitError:
    return kind("robot", found="no", wanted="yes", remedy="Wait.")


Start = Callable[..., Office]


# What is told


@pytest.mark.parametrize("change", [Change.OPENED, Change.SHUT, Change.HELD, Change.LOST])
def test_a_change_is_told_at_once_and_over_every_channel(change: Change):
    office = Office("wecom", "ntfy", "feishu")
    office.tell(change)
    assert [len(group.texts) for group in office.groups.values()] == [1, 1, 1]


def test_a_contact_that_works_again_is_told_only_after_it_was_told_faulty():
    office = Office()
    office.tell(Change.FOUND)
    assert office.group().texts == []
    office.tell(Change.LOST)
    office.tell(Change.FOUND)
    assert len(office.group().texts) == 2


def test_a_shut_door_is_told_unless_that_is_switched_off():
    office = Office(shut=False)
    office.tell(Change.SHUT)
    assert office.group().texts == []


def test_an_expected_opening_is_told_as_such_unless_quiet_is_chosen():
    office = Office(language="en")
    office.tell(expected="doctor")
    assert "expected: doctor" in office.group().texts[0].text


def test_a_quiet_visit_is_quiet_from_its_opening_to_its_shutting():
    office = Office(quiet_expected=True)
    office.tell(Change.OPENED, "doctor")
    office.tell(Change.SHUT)
    assert office.group().texts == []
    office.tell(Change.OPENED)
    office.tell(Change.SHUT)
    assert len(office.group().texts) == 2


def test_a_fault_is_told_also_during_a_quiet_visit():
    office = Office(quiet_expected=True)
    office.tell(Change.OPENED, "doctor")
    office.tell(Change.LOST, "doctor")
    assert len(office.group().texts) == 1


# Limits and failures


def test_what_comes_while_a_message_is_on_its_way_is_one_message():
    office = Office(language="en")
    worker = office.workers["phones.wecom"]
    worker.at_once = False
    office.tell(times=6)
    assert len(worker) == 1
    worker.at_once = True
    worker.run()
    office.live(1)
    assert [message.title for message in office.group().texts][1:] == ["[Door] door-1 5 changes"]


def test_a_burst_never_exceeds_the_limit_and_nothing_of_it_is_lost():
    office = Office(language="en")
    for _ in range(30):
        office.tell()
    assert len(office.group().texts) == 20
    office.live(60)
    assert office.group().texts[-1].title == "[Door] door-1 10 changes"
    assert office.shown() == []


def test_a_channel_that_fails_is_one_warning_until_it_takes_a_message_again(caplog):
    office = Office()
    office.group().fault = fault()
    office.tell(times=3)
    office.live(300)
    assert office.shown() == ["phones.wecom"]
    assert len([line for line in caplog.records if line.levelname == "WARNING"]) == 1
    office.group().fault = None
    office.live(61)
    assert office.shown() == []
    assert len(office.group().texts) == 1


def test_one_channels_trouble_is_not_anothers():
    office = Office("wecom", "ntfy")
    office.group("wecom").fault = fault()
    office.workers["phones.wecom"].at_once = False
    office.tell()
    office.tell()
    assert len(office.group("ntfy").texts) == 2


def test_a_channel_that_cannot_even_be_opened_is_warned_of_before_anything_happens(monkeypatch):
    def refuse(*_: object) -> Group:
        raise fault(ConfigError)

    monkeypatch.setattr(Office, "open", refuse)
    office = Office()
    office.live(31)
    assert office.shown() == ["phones.wecom"]
    assert office.loop.faults == 0


def test_a_network_that_is_away_is_tried_at_least_every_minute():
    office = Office()
    office.group().fault = fault()
    office.tell()
    office.live(3600)
    assert 60 <= office.group().tries <= 130


def test_a_robot_that_says_no_is_asked_rarely_lest_it_be_locked():
    office = Office()
    office.group().fault = fault(RefusedError)
    office.tell()
    office.live(24 * 3600)
    assert 140 <= office.group().tries <= 300


def test_a_spent_limit_is_left_alone_for_as_long_as_the_service_wants():
    office = Office()
    office.group().fault = fault(LimitError)
    office.tell()
    office.live(29)
    assert office.group().tries == 1
    office.live(32)
    assert office.group().tries == 2


def test_what_grew_stale_while_nothing_passed_is_counted_in_the_first_message_after_it():
    office = Office(language="en", stale_s=60)
    office.group().fault = fault()
    office.tell(times=9)
    office.live(600)
    office.group().fault = None
    office.live(61)
    (message,) = office.group().texts
    assert "9 changes could not be told in time" in message.text
    assert not message.urgent


def test_a_channel_that_never_comes_to_an_end_is_warned_of_and_costs_nothing_else():
    office = Office("wecom", "ntfy")
    office.workers["phones.wecom"].at_once = False
    office.tell()
    office.live(91)
    assert office.shown() == ["phones.wecom"]
    office.tell()
    assert len(office.group("ntfy").texts) == 2


def test_a_fault_of_ours_is_tried_again_and_its_words_are_not_told(caplog):
    office = Office()
    office.group().fault = RuntimeError("https://robot/?key=hunter2")
    office.tell()
    assert office.loop.faults == 1
    assert "hunter2" not in "".join(line.getMessage() for line in caplog.records)
    office.group().fault = None
    office.live(61)
    assert len(office.group().texts) == 1


# Pictures


def frame(boot_s: float) -> FrameTaken:
    return FrameTaken(int(boot_s * SECOND), Image.new("RGB", (1280, 720), "red"))


def opening(office: Office, at_s: float = 100) -> Any:
    one = event(77, at=stamp(at_s))
    office.desk.tell(one)
    office.loop.turn()
    return one


def test_the_first_picture_after_the_opening_goes_where_pictures_are_switched_on():
    office = Office("wecom", "ntfy")
    one = opening(office)
    for boot_s in (99, 100.5, 101):
        office.desk.frame(one, frame(boot_s))
        office.loop.turn()
    (jpeg,) = office.group("wecom").pictures
    assert jpeg.startswith(b"\xff\xd8\xff")
    assert len(jpeg) < 2 * 1024 * 1024
    assert office.group("ntfy").pictures == []


def test_no_text_waits_for_a_picture_that_hangs():
    office = Office()
    office.workers["phones.wecom.pictures"].at_once = False
    office.desk.frame(opening(office), frame(101))
    office.tell()
    assert len(office.group().texts) == 2


def test_pictures_of_an_erased_term_go_to_no_phone_and_its_words_still_do():
    office = Office()
    worker = office.workers["phones.wecom.pictures"]
    worker.at_once = False
    for seq in (81, 82, 83):
        one = event(seq, at=stamp(100))
        office.desk.tell(one)
        office.desk.frame(one, frame(101))
    awaited = opening(office)
    office.desk.abandon()
    office.desk.frame(awaited, frame(102))
    worker.step(lost=fault())
    office.loop.turn()
    office.live(600)
    worker.run()
    office.loop.turn()
    assert len(office.group().pictures) == 1, "the one in hand; its answer was lost, and it is not sent again"
    told = len(office.group().texts)
    office.tell()
    assert len(office.group().texts) == told + 1
    later = event(90, at=stamp(700))
    office.desk.tell(later)
    office.desk.frame(later, frame(701))
    worker.run()
    assert len(office.group().pictures) == 2, "a new term's"


def test_a_quiet_opening_sends_no_picture():
    office = Office(quiet_expected=True)
    one = event(5, expected="doctor")
    office.desk.tell(one)
    office.desk.frame(one, frame(101))
    office.loop.turn()
    assert office.group().pictures == []


def test_a_picture_that_is_refused_is_let_go_and_no_text_suffers():
    office = Office()
    one = opening(office)
    office.group().fault = fault(RefusedError)
    office.desk.frame(one, frame(101))
    office.live(3600)
    assert office.group().tries == 1 + 3
    assert office.shown() == ["phones.pictures"]
