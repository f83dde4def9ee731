"""Pictures to an image library of GA/T 1400: who is no library, what a library gets, and what is counted as lost."""

import io
import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from PIL import Image

from edge import config
from edge.alert import viid
from edge.alert.gallery import ALIVE_NS, MOST, Gallery, Tools
from edge.alert.library import Library
from edge.clock import SECOND, Known, Quality, Stamp, SystemClock, know
from edge.errors import ConfigError, DistrustError, DoorunitError, LinkError, RefusedError, ServerError, WireError
from edge.health import Health
from edge.loop import Loop
from edge.parts import FrameTaken
from edge.records import Change, Event
from edge.sim.time import SimClock, live
from edge.sim.viidhall import DEVICE, ViidHall
from edge.sim.worker import SimWorker

TAKEN_NS = 1_795_000_000 * SECOND  # 2026-11-18T11:06:40Z
PICTURE = viid.Picture(b"\xff\xd8 jpeg", 64, 48, TAKEN_NS, 7)
Open = Callable[..., Library]


@pytest.fixture
def hall() -> Iterator[ViidHall]:
    with closing(ViidHall()) as opened:
        yield opened


@pytest.fixture
def library(hall: ViidHall) -> Iterator[Open]:
    made: list[Library] = []

    def make(**changes: object) -> Library:
        settings = config.parse({"viid": hall.settings(**changes)}).viid
        made.append(Library(settings, 480, SystemClock(assume_synced=True), answer_s=1))
        return made[-1]

    yield make
    hall.mood = ""
    for each in made:
        each.close()


def refused(act: Callable[[], None], kind: type[DoorunitError]) -> DoorunitError:
    with pytest.raises(kind) as caught:
        act()
    assert type(caught.value) is kind
    assert "s3cret" not in f"{caught.value}{caught.value!r}"
    return caught.value


# --- settings


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"url": "ftp://x"}, "viid.url"),
        ({"url": "http://viid.example:8121", "own_line": False}, "viid.url"),
        ({"url": "https://user:hunter2@viid.example"}, "viid.url"),
        ({"url": "http://viid.example:8121?key=hunter2"}, "viid.url"),
        ({"device_id": "310101"}, "viid.device_id"),
        ({"device_id": "３" * 20}, "viid.device_id"),
    ],
)
def test_settings_that_could_never_work_are_refused(hall: ViidHall, wrong: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse({"viid": hall.settings(**wrong)})
    assert caught.value.what == name
    assert "hunter2" not in str(caught.value)


# --- who is no library


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", ServerError),
        (200, b"<html>Welcome</html>", ServerError),
        (200, b"{}", ServerError),
        (200, b"[" * 5000, ServerError),
        (200, b'{"StatusCode": 4}', RefusedError),
        (200, b'{"StatusCode": "x"}', RefusedError),
        (200, b'{"StatusCode": 0, "more": [{"StatusCode": 1}]}', RefusedError),
        (302, b'{"StatusCode": 0}', RefusedError),
        (401, b"", RefusedError),
        (403, b"", RefusedError),
        (413, b"", WireError),
        (422, b'{"StatusCode": 5}', WireError),
        (500, b'{"StatusCode": 0}', ServerError),
    ],
)
def test_only_status_200_with_status_code_0_is_yes(status: int, body: bytes, kind: type[DoorunitError]) -> None:
    refused(lambda: viid.judge(status, body, "viid.example:8121", "Images"), kind)


@pytest.mark.parametrize("wrapped", ["ResponseStatusObject", "ResponseStatus", "list", "text"])
def test_yes_is_yes_whatever_it_is_wrapped_in(hall: ViidHall, library: Open, wrapped: str) -> None:
    hall.wrapped = wrapped
    library().upload(PICTURE)
    assert len(hall.held) == 1


@pytest.mark.parametrize(
    ("mood", "kind"),
    [("portal", ServerError), ("silent", ServerError), ("broken", ServerError), ("refuse", RefusedError)],
)
def test_a_library_in_a_bad_mood_holds_nothing(
    hall: ViidHall, library: Open, mood: str, kind: type[DoorunitError]
) -> None:
    hall.mood = mood
    refused(lambda: library().upload(PICTURE), kind)
    assert hall.held == []


def test_a_wrong_password_is_a_refusal_that_does_not_show_it(hall: ViidHall, library: Open) -> None:
    refused(lambda: library(password="s3cret/wrong").keep_alive(), RefusedError)  # noqa: S106 - a wrong one
    assert hall.said == []


def test_a_port_on_which_nothing_listens_is_the_servers_fault(hall: ViidHall, library: Open) -> None:
    one = library()
    hall.close()
    refused(one.keep_alive, ServerError)


def test_a_picture_that_the_library_cannot_use_is_told_apart(hall: ViidHall, library: Open) -> None:
    hall.mood = "unfit"
    refused(lambda: library().upload(PICTURE), WireError)


# --- what it gets


def test_it_registers_first_keeps_alive_uploads_and_says_good_bye(hall: ViidHall, library: Open) -> None:
    one = library()
    one.keep_alive()
    one.upload(PICTURE)
    one.close()
    one.close()
    assert hall.said == ["Register", "Keepalive", "Images", "UnRegister"]
    assert hall.wrong == []
    assert not hall.registered


def test_a_picture_says_what_and_when_and_neither_where_nor_who(hall: ViidHall, library: Open) -> None:
    library(event_sort=16).upload(PICTURE)
    ((info, jpeg),) = hall.held
    assert jpeg == PICTURE.jpeg
    assert info["ImageID"] == f"{DEVICE}0220261118190640" + "00007"
    assert (info["ShotTime"], info["EventSort"], info["InfoKind"]) == ("20261118190640", 16, 1)
    assert not [name for name in info if "Place" in name or "Person" in name]
    assert "door-7" not in json.dumps(info)


def test_a_library_that_was_started_anew_is_registered_with_again(hall: ViidHall, library: Open) -> None:
    one = library()
    one.keep_alive()
    hall.forget()
    one.upload(PICTURE)
    assert len(hall.held) == 1
    assert hall.said[-2:] == ["Register", "Images"]


# --- the gallery


class Stub:
    """A library that takes, or raises what is in `fault`."""

    def __init__(self) -> None:
        self.fault: DoorunitError | None = None
        self.alive = 0
        self.pictures: list[viid.Picture] = []

    def keep_alive(self) -> None:
        self._judge()
        self.alive += 1

    def upload(self, picture: viid.Picture) -> None:
        self._judge()
        self.pictures.append(picture)

    def _judge(self) -> None:
        if self.fault is not None:
            raise self.fault


class Room:
    """A gallery in simulated time."""

    def __init__(self, *, at_once: bool = True, **changes: object) -> None:
        self.clock = SimClock(wall_ns=TAKEN_NS)
        self.loop = Loop(self.clock.now)
        self.health = Health()
        self.stub = Stub()
        self.worker = SimWorker(self.loop, at_once=at_once)
        given = {"url": "https://viid.example", "device_id": DEVICE, "password": "p", **changes}
        tools = Tools(self.loop, self.health, random.Random(1), self.worker, lambda: self.stub, self.know)
        self.gallery = Gallery(config.parse({"viid": given}).viid, tools)
        self.seq = 0

    def know(self, stamp: Stamp) -> Known:
        return know(stamp, None)

    def open(self, pictures: int = 1, quality: Quality = Quality.SYNCED, before: int = 0) -> None:
        """The door opens, and the camera gives so many pictures a second apart."""
        self.seq += 1
        self.clock.quality = quality
        at = self.clock.read()
        opened = Event(epoch="e", seq=self.seq, at=at, change=Change.OPENED)
        for n in range(-before, pictures):
            self.gallery.frame(opened, FrameTaken(at.boot_ns + n * SECOND, Image.new("RGB", (64, 48), (n % 256, 0, 0))))
        self.loop.turn()

    def live(self, ns: int) -> None:
        live(self.loop, self.clock, ns)

    def warns(self) -> set[str]:
        return {w.row.code for w in self.health.lasting(self.clock.now())}


def fault(kind: type[DoorunitError]) -> DoorunitError:
    return kind("viid", found="no", wanted="yes", remedy="Wait.")


def test_it_says_each_minute_that_it_is_there_also_without_a_picture() -> None:
    room = Room()
    room.gallery.start()
    room.live(10 * ALIVE_NS)
    assert 10 <= room.stub.alive <= 11
    assert room.warns() == set()


def test_the_first_pictures_from_after_the_opening_go_and_no_more_than_are_set() -> None:
    room = Room(pictures=2)
    room.open(5, before=3)
    room.open(1)
    assert len(room.stub.pictures) == 3
    first, second, _ = room.stub.pictures
    assert (first.wall_ns, second.wall_ns - first.wall_ns) == (TAKEN_NS, SECOND)
    assert len({p.serial for p in room.stub.pictures}) == 3
    with Image.open(io.BytesIO(first.jpeg)) as jpeg:
        assert jpeg.format == "JPEG"
        assert jpeg.size == (first.width, first.height) == (64, 48)


@pytest.mark.parametrize("kind", [LinkError, ServerError, RefusedError, DistrustError])
def test_a_library_that_is_down_is_warned_of_and_gets_the_pictures_that_still_wait(kind: type[DoorunitError]) -> None:
    room = Room()
    room.stub.fault = fault(kind)
    for _ in range(MOST):
        room.open()
    room.live(120 * SECOND)
    assert room.warns() == {"viid.down"}
    room.stub.fault = None
    room.live(1200 * SECOND)
    assert len(room.stub.pictures) == MOST
    assert [p.serial for p in room.stub.pictures] == list(range(1, MOST + 1))
    assert (room.gallery.lost, room.warns()) == (0, set())


def test_more_pictures_than_ram_is_given_to_lose_the_oldest_counted() -> None:
    room = Room()
    room.stub.fault = fault(ServerError)
    for _ in range(3 * MOST):
        room.open()
        room.live(SECOND)
    assert room.gallery.lost >= 2 * MOST - 1
    assert "viid.lost" in room.warns()
    room.stub.fault = None
    room.live(600 * SECOND)
    assert len(room.stub.pictures) + room.gallery.lost == 3 * MOST
    assert room.gallery.held == len(room.stub.pictures)


def test_a_picture_that_the_library_cannot_use_is_let_go_and_the_next_one_passes() -> None:
    room = Room()
    room.stub.fault = fault(WireError)
    room.open()
    assert (room.gallery.lost, room.warns()) == (1, {"viid.down", "viid.lost"})
    room.stub.fault = None
    room.open()
    room.live(600 * SECOND)
    assert len(room.stub.pictures) == 1


def test_no_picture_is_dated_by_a_clock_that_nobody_set() -> None:
    room = Room()
    room.open(quality=Quality.UNSYNCED)
    assert room.stub.pictures == []
    assert "viid.lost" in room.warns()


def test_pictures_of_an_erased_term_go_nowhere() -> None:
    room = Room(at_once=False)
    room.open()
    room.open()
    room.gallery.clear()
    room.worker.step(lost=fault(ServerError))
    room.loop.turn()
    room.live(600 * SECOND)
    room.worker.run()
    room.loop.turn()
    assert len(room.stub.pictures) == 1, "the one that was in hand; its answer was lost, and it is not sent again"
    assert room.gallery.lost == 0
