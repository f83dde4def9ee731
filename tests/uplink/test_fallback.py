"""Two ways to one platform, in simulated time: when the other one is taken, and how the usual one comes back."""

import random

import msgspec
import pytest

from edge.clock import SECOND
from edge.config import Uplink
from edge.errors import (
    DistrustError,
    DoorunitError,
    LimitError,
    LinkError,
    RefusedError,
    ServerError,
    UnknownHostError,
    UntimedError,
)
from edge.health import Health
from edge.loop import Loop
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.sim.link import SimLink
from edge.sim.time import SimClock, live
from edge.uplink.courier import Courier, Source
from edge.uplink.fallback import ATTEMPTS, LOOK_NS, PATIENCE_NS, STEADY_NS, FallbackLink
from tests.spool.samples import event


def error(kind: type[DoorunitError] = LinkError, what: str = "broker:8883", found: str = "silence") -> DoorunitError:
    return kind(what, found=found, wanted="an answer", remedy="The unit tries again by itself.")


class Two:
    """A FallbackLink, its two ways, and what it posts; `ask` does what a courier does."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = SimClock()
        self.loop = Loop(self.clock.now)
        self.facts: list[object] = []
        for kind in (LinkUp, LinkDown, Acked, Incoming):
            self.loop.hear(kind, self.facts.append)
        self.link = FallbackLink(SimLink, SimLink, self.loop, random.Random(seed))
        self.usual, self.other = self.link._usual, self.link._other  # noqa: SLF001 - made inside, played here
        assert isinstance(self.usual, SimLink)
        assert isinstance(self.other, SimLink)

    def live(self, ns: int) -> None:
        live(self.loop, self.clock, ns)

    def last(self) -> object:
        self.loop.turn()
        return self.facts[-1] if self.facts else None

    def fail(self, times: int = 1, kind: type[DoorunitError] = LinkError, after_ns: int = 0) -> None:
        """The courier asks, and the usual way fails."""
        for _ in range(times):
            self.link.connect()
            self.live(after_ns)
            self.usual.drop(error(kind))
            self.loop.turn()

    def detour(self) -> None:
        """Until the other way is up."""
        self.fail(ATTEMPTS)
        self.other.accept(500, "https")
        assert self.up() == "https"

    def up(self) -> str:
        last = self.last()
        return last.protocol if isinstance(last, LinkUp) else ""


@pytest.fixture
def two() -> Two:
    return Two()


# --- not taken


@pytest.mark.parametrize("kind", [DistrustError, UntimedError, RefusedError, LimitError])
def test_a_platform_that_answered_no_is_asked_no_other_way(two: Two, kind: type[DoorunitError]) -> None:
    two.fail(3 * ATTEMPTS, kind, after_ns=20 * SECOND)
    assert two.other.dials == 0
    assert isinstance(fact := two.last(), LinkDown)
    assert type(fact.error) is kind


def test_an_answer_in_between_begins_the_count_anew(two: Two) -> None:
    for _ in range(4):
        two.fail(ATTEMPTS - 1)
        two.fail(1, RefusedError)
    assert two.other.dials == 0


def test_a_broker_that_starts_anew_within_seconds_is_waited_for(two: Two) -> None:
    two.fail(ATTEMPTS - 1, ServerError, after_ns=SECOND)
    two.link.connect()
    two.usual.accept()
    assert two.up() == "5"
    two.live(STEADY_NS)
    two.usual.drop(error())
    two.fail(ATTEMPTS - 1)
    assert two.other.dials == 0, "a connection that held clears what was before it"


def test_one_slow_attempt_is_no_block_however_long_it_takes(two: Two) -> None:
    two.fail(1, after_ns=2 * PATIENCE_NS)
    assert two.other.dials == 0


# --- taken


@pytest.mark.parametrize("kind", [LinkError, ServerError, UnknownHostError])
def test_attempts_that_are_refused_at_once_lead_to_the_other_way(two: Two, kind: type[DoorunitError]) -> None:
    two.fail(ATTEMPTS - 1, kind)
    assert two.other.dials == 0
    two.fail(1, kind)
    assert two.other.dials == 1
    assert isinstance(two.last(), LinkDown), "of the attempt before: this one goes on by the other way"
    two.other.accept(500, "https")
    assert two.last() == LinkUp("https", 500, instead="broker:8883: silence")


def test_packets_that_are_dropped_lead_to_the_other_way_after_a_while(two: Two) -> None:
    two.fail(3, after_ns=10 * SECOND)
    assert two.other.dials == 0
    two.fail(1, after_ns=10 * SECOND)
    assert two.other.dials == 1


def test_a_firewall_that_ends_each_connection_soon_leads_to_the_other_way(two: Two) -> None:
    for _ in range(ATTEMPTS):
        two.link.connect()
        two.usual.accept()
        two.live(STEADY_NS - SECOND)
        two.usual.drop(error(ServerError))
        two.loop.turn()
    dials = two.usual.dials
    two.link.connect()
    assert (two.other.dials, two.usual.dials) == (1, dials)


def test_with_both_ways_down_one_answer_names_the_usual_ones_fault_and_both_causes(two: Two) -> None:
    two.fail(ATTEMPTS)
    before = len(two.facts)
    two.other.drop(error(RefusedError, "proxy box:3128", "it said 407"))
    fact = two.last()
    assert isinstance(fact, LinkDown)
    assert type(fact.error) is LinkError
    assert fact.error.found == "silence; and by the other way, proxy box:3128: it said 407"
    assert len(two.facts) == before + 1


def test_what_is_published_goes_by_the_way_that_is_up_and_nowhere_without_one(two: Two) -> None:
    assert not two.link.publish("t", b"0")
    two.detour()
    assert two.link.publish("t", b"1", token=7)
    assert [p.payload for p in two.other.sent] == [b"1"]
    assert two.usual.sent == []


def test_only_the_way_that_is_up_is_listened_to(two: Two) -> None:
    two.detour()
    two.other.answer(7)
    assert two.last() == Acked(7, True, "Success")
    two.usual.say("t", b"of an old connection")
    two.usual.drop(error())
    assert two.last() == Acked(7, True, "Success")


# --- and back


def test_the_usual_way_is_taken_as_soon_as_it_is_there_and_the_other_one_dropped_without_a_word(two: Two) -> None:
    two.detour()
    dials = two.usual.dials
    two.live(LOOK_NS[0])
    assert two.usual.dials == dials + 1
    two.usual.accept()
    assert two.last() == LinkUp("5", 65_535)
    assert not two.other.up
    assert not any(isinstance(fact, LinkDown) for fact in two.facts[-2:])
    assert two.link.publish("t", b"2")
    assert [p.payload for p in two.usual.sent] == [b"2"]


def test_looks_for_the_usual_way_become_rarer_and_never_cease(two: Two) -> None:
    two.detour()
    seen: list[int] = []
    began = two.clock.now()
    while len(seen) < 12:
        dials = two.usual.dials
        while two.usual.dials == dials:
            two.live(SECOND)
        seen.append(two.clock.now())
        two.usual.drop(error())
        two.loop.turn()
    waits = [later - sooner for sooner, later in zip([began, *seen], seen, strict=False)]
    assert LOOK_NS[0] // 2 <= waits[0] <= LOOK_NS[0] + SECOND
    assert all(LOOK_NS[1] // 2 <= wait <= LOOK_NS[1] + SECOND for wait in waits[-4:])
    assert len(set(waits[-4:])) > 1, "each unit waits another time"
    assert two.up() == "https", "a look that finds nothing is told nobody"


def test_a_look_leaves_the_other_way_alone_while_nothing_has_answered(two: Two) -> None:
    two.detour()
    two.live(LOOK_NS[0])
    assert two.link.publish("t", b"3", token=9)
    two.other.answer(9)
    assert two.last() == Acked(9, True, "Success")


def test_where_the_other_way_breaks_it_is_tried_first_and_the_usual_one_after_it(two: Two) -> None:
    two.detour()
    two.other.drop(error())
    assert isinstance(two.last(), LinkDown)
    usual, other = two.usual.dials, two.other.dials
    two.link.connect()
    assert (two.usual.dials, two.other.dials) == (usual, other + 1)
    two.other.drop(error())
    two.loop.turn()
    assert two.usual.dials == usual + 1
    two.usual.accept()
    assert two.up() == "5"


def test_the_other_way_breaking_within_a_look_costs_one_answer(two: Two) -> None:
    two.detour()
    two.live(LOOK_NS[0])
    two.other.drop(error())
    two.loop.turn()
    before, dials = len(two.facts), two.usual.dials
    two.link.connect()
    two.usual.drop(error())
    two.loop.turn()
    two.other.drop(error())
    two.loop.turn()
    assert [type(fact) for fact in two.facts[before:]] == [LinkDown]
    assert two.usual.dials == dials, "the look was its attempt"


def test_a_way_that_comes_up_when_it_is_not_wanted_any_more_is_ended(two: Two) -> None:
    two.detour()
    two.other.drop(error())
    two.loop.turn()
    two.link.connect()
    two.live(LOOK_NS[0])
    two.link._look()  # noqa: SLF001 - the timer of a look that rang just before
    two.usual.accept()
    assert two.up() == "5"
    two.other.accept(500, "https")
    assert two.up() == "5"
    assert not two.other.up


def test_asking_twice_is_one_attempt(two: Two) -> None:
    two.link.connect()
    two.link.connect()
    assert two.usual.dials == 1
    two.usual.accept()
    two.loop.turn()
    two.link.connect()
    assert two.usual.dials == 1


def test_closing_closes_both_and_looks_no_more(two: Two) -> None:
    two.detour()
    dials = two.usual.dials
    two.link.close()
    two.link.close()
    assert two.usual.closed
    assert two.other.closed
    two.live(10 * LOOK_NS[1])
    assert two.usual.dials == dials


# --- with the courier


class Unit(Two):
    """The same under a real courier and a spool that is a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.health = Health()
        self.spool = {1: event(1, "e1")}
        source = Source(
            lambda after, limit, then: then([(n, r) for n, r in self.spool.items() if n > after][:limit]),
            lambda rows: [self.spool.pop(n, None) for n, _ in rows][:0] and None,
            lambda record: ("door/v1/u/event", msgspec.json.encode(record)),
        )
        settings = msgspec.convert({"backoff_max_s": 2}, Uplink)
        self.courier = Courier(self.link, source, self.loop, self.health, settings, random.Random(1))
        self.loop.hear(LinkUp, self.courier.link_up)
        self.loop.hear(LinkDown, self.courier.link_down)
        self.loop.hear(Acked, self.courier.acked)
        self.courier.start()


def test_an_opening_made_during_a_block_goes_by_https_and_again_by_mqtt_only_without_its_receipt() -> None:
    unit = Unit()
    while not unit.other.dials:
        unit.usual.drop(error())
        unit.live(3 * SECOND)
    unit.other.accept(500, "https")
    unit.live(0)
    assert [p.token for p in unit.other.sent] == [1]
    assert unit.health.active("link.fallback")
    assert unit.courier.protocol == "https"
    unit.live(LOOK_NS[0])
    unit.usual.accept()
    unit.live(0)
    assert len(unit.usual.sent) == 1, "no receipt has come for it, so it goes again"
    assert not unit.health.active("link.fallback")
    unit.usual.answer(unit.usual.sent[0].token)
    unit.live(20 * SECOND)
    assert unit.courier.up
    assert unit.usual.dials <= 1 + ATTEMPTS + 1, "a pause from before does not dial a link that is up"
