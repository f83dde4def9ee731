"""Frames go one at a time, after the records; one that is refused lets the others pass; no refusal drops one."""

import random
from collections.abc import Callable

import pytest

from edge.clock import SECOND
from edge.errors import LinkError, PartError, RefusedError, ServerError, WireError
from edge.health import Health
from edge.loop import Loop
from edge.parts import FramePost, FrameRow
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from edge.uplink.carrier import BACKOFF_MAX_S, UNFIT_NS, Album, Carrier
from tests.spool.samples import row

REFUSED = RefusedError("picture", found="status 403", wanted="201 or 200", remedy="See the platform's log.")
UNFIT = WireError("picture", found="status 422", wanted="201 or 200", remedy="See the platform's log.")
AWAY = ServerError("picture", found="status 507", wanted="201 or 200", remedy="It is sent again.")
CUT = LinkError("platform", found="silence", wanted="an answer", remedy="Wait.")
SICK = PartError("picture", found="input/output error", wanted="its bytes", remedy="See dmesg.")


class Longest(random.Random):
    """Dice that always fall on the most."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Office:
    """A carrier, an album that is a dict, and a platform that takes or refuses by name."""

    def __init__(self, *names: str) -> None:
        self.clock = SimClock()
        self.loop = Loop(self.clock.now)
        self.worker = SimWorker(self.loop, at_once=True)
        self.health = Health()
        self.waiting = {name: row(name) for name in names}
        self.refuses: dict[str, Exception] = {}
        self.unreadable: set[str] = set()
        self.given_up: list[tuple[str, PartError]] = []
        self.put_s: list[tuple[str, int]] = []  # name, second
        self.posts = self.closed = 0
        self.carrier = Carrier(
            self._open,
            Album(self._rows, self._read, self._forget, self._give_up),
            self.worker,
            self.loop,
            self.health,
            Longest(),
        )

    def _rows(self) -> list[FrameRow]:
        return list(self.waiting.values())

    def _read(self, name: str, then: Callable[[bytes], None], fail: Callable[[Exception], None]) -> None:
        if name in self.unreadable:
            self.loop.call(fail, SICK)
        else:
            self.loop.call(then, name.encode())

    def _forget(self, name: str) -> None:
        del self.waiting[name]

    def _give_up(self, name: str, err: PartError) -> None:
        del self.waiting[name]
        self.given_up.append((name, err))

    def _open(self) -> FramePost:
        self.posts += 1
        return self

    def put(self, name: str, sealed: bytes) -> None:
        assert sealed == name.encode()
        self.put_s.append((name, self.clock.now() // SECOND))
        if name in self.refuses:
            raise self.refuses[name]

    def close(self) -> None:
        self.closed += 1

    def go(self, seconds: float = 0) -> None:
        self.carrier.go()
        live(self.loop, self.clock, int(seconds * SECOND))

    def tried(self) -> list[str]:
        return [name for name, _ in self.put_s]


def test_all_frames_go_oldest_first_over_one_connection_and_are_forgotten_once_held() -> None:
    office = Office("b", "a", "c")
    office.go()
    assert office.tried() == ["b", "a", "c"]
    assert office.waiting == {}
    assert (office.posts, office.carrier.delivered) == (1, 3)


def test_one_frame_is_on_its_way_at_a_time() -> None:
    office = Office("a", "b")
    office.worker.at_once = False
    for _ in range(3):
        office.go()
    assert len(office.worker) == 1
    assert list(office.waiting) == ["a", "b"], "not forgotten before it is held"


def test_frames_wait_while_records_come_first() -> None:
    office = Office("a")
    office.carrier.may_go = lambda: False
    office.go(60)
    assert office.tried() == []
    office.carrier.may_go = lambda: True
    office.go()
    assert office.tried() == ["a"]


def test_nothing_is_opened_while_there_is_no_frame() -> None:
    office = Office()
    office.go(60)
    assert office.posts == 0
    office.carrier.close()
    assert office.closed == 0


def test_a_platform_that_is_away_has_the_same_frame_again_with_growing_pauses_and_a_warning() -> None:
    office = Office("a", "b")
    office.refuses = {"a": AWAY, "b": AWAY}
    office.go(200)
    assert set(office.tried()) == {"a"}
    seconds = [second for _, second in office.put_s]
    pauses_s = [min(2**n, BACKOFF_MAX_S) for n in range(20)]
    assert [after - before for before, after in zip(seconds, seconds[1:], strict=False)] == pauses_s[: len(seconds) - 1]
    assert len(seconds) > 8
    assert office.health.active("frames.waiting")
    office.refuses.clear()
    office.go(60)
    assert office.waiting == {}
    assert not office.health.active("frames.waiting")


@pytest.mark.parametrize("error", [AWAY, CUT, REFUSED, UNFIT])
def test_no_refusal_of_any_kind_drops_a_frame(error: Exception) -> None:
    office = Office("a")
    office.refuses = {"a": error}
    office.go(2000)
    assert list(office.waiting) == ["a"]
    assert office.loop.faults == 0


def test_a_frame_that_the_platform_cannot_use_lets_the_others_pass_and_has_its_turn_again_later() -> None:
    office = Office("bad", "a", "b")
    office.refuses = {"bad": UNFIT}
    office.go(10)
    assert office.tried() == ["bad", "a", "b"]
    office.go(UNFIT_NS / SECOND - 20)
    assert office.tried() == ["bad", "a", "b"]
    office.refuses.clear()
    office.go(30)
    assert office.tried() == ["bad", "a", "b", "bad"]
    assert office.waiting == {}


def test_a_platform_that_refuses_this_unit_is_not_tried_with_every_frame_in_turn() -> None:
    office = Office("a", "b")
    office.refuses = {"a": REFUSED, "b": REFUSED}
    office.go(100)
    assert set(office.tried()) == {"a"}


def test_a_new_link_tries_again_at_once_and_what_went_wrong_before_is_not_held_against_it() -> None:
    office = Office("a")
    office.refuses = {"a": AWAY}
    office.go(100)
    office.refuses.clear()
    before = len(office.tried())
    office.carrier.start_afresh()
    assert not office.health.active("frames.waiting")
    office.go()
    assert len(office.tried()) == before + 1
    assert office.waiting == {}


def test_a_frame_that_cannot_be_read_is_given_up_with_its_reason_and_the_others_go() -> None:
    office = Office("sick", "a")
    office.unreadable = {"sick"}
    office.go()
    assert office.tried() == ["a"]
    assert office.waiting == {}
    assert office.given_up == [("sick", SICK)]


def test_a_fault_of_our_own_is_not_taken_for_the_platforms_and_is_tried_again() -> None:
    office = Office("a", "b")
    office.refuses = {"a": ZeroDivisionError("ours")}
    office.go()
    assert office.loop.faults == 1
    assert not office.health.active("frames.waiting")
    office.refuses.clear()
    office.go(1)
    assert office.waiting == {}


def test_closing_drops_the_connection_and_may_be_repeated() -> None:
    office = Office("a")
    office.go()
    office.carrier.close()
    office.carrier.close()
    assert office.closed == 2
