"""The simulated world replays, and its judge sees what it must see."""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.clock import MS, Quality
from edge.records import Audit, Change, Event
from edge.sim.city import Held
from edge.sim.history import Span, judge
from edge.sim.world import World
from tests.sim.weeks import live


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # a week of faults is a week of warnings
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    lived = live(4711, tmp_path_factory.mktemp("world"))
    assert lived.wrong() == []
    return lived


def held(world: World) -> list[Held]:
    return list(world.city.platform.held.values())


def change(one: Held, **fields: object) -> Held:
    """The same record, with other fields."""
    data = one.envelope.data
    record = msgspec.structs.replace(data.record, **fields)
    return Held(one.order, msgspec.structs.replace(one.envelope, data=msgspec.structs.replace(data, record=record)))


def opened(world: World) -> list[Held]:
    """Openings that are told exactly."""
    return [
        h
        for h in held(world)
        if isinstance(r := h.envelope.data.record, Event) and r.change is Change.OPENED and r.since is None
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_week_of_faults_breaks_no_promise(seed: int, tmp_path: Path):
    world = live(seed, tmp_path)
    assert world.wrong() == [], f"python tests/sim/weeks.py --seed {seed}"
    assert len(world.truth.lives) > 3
    assert len(opened(world)) > 10


def test_an_event_outside_the_term_is_seen(world: World):
    told = opened(world)[3]
    at_ns = world.truth.of(told.envelope.data.record.at)
    truth = msgspec.structs.replace(world.truth, silent=[Span(at_ns - 1, at_ns + 1)])
    assert any("outside the term" in sentence for sentence in judge(truth, held(world)))


def test_an_opening_that_was_erased_is_missed_unless_it_was_counted(world: World):
    told = opened(world)[3]
    rest = [h for h in held(world) if h is not told]
    assert any("nobody knows" in sentence for sentence in judge(world.truth, rest))
    record = told.envelope.data.record
    late = msgspec.structs.replace(record.at, boot_ns=record.at.boot_ns + 10**12)
    audit = Audit(epoch="x", seq=1, at=late, what="erased", by="unit", detail={"records": 1}, of=record.epoch)
    data = msgspec.structs.replace(told.envelope.data, record=audit, interval=None, clock=Quality.RESTORED)
    counted = Held(told.order, msgspec.structs.replace(told.envelope, id="x", data=data))
    assert not any("nobody knows" in sentence for sentence in judge(world.truth, [*rest, counted]))


def test_a_seed_replays_the_same_history_to_the_last_byte(tmp_path: Path, world: World):
    (tmp_path / "again").mkdir()
    again = live(4711, tmp_path / "again")
    assert again.wrong() == []
    assert [msgspec.json.encode(h) for h in held(again)] == [msgspec.json.encode(h) for h in held(world)]
    assert again.truth == world.truth


def test_a_record_that_vanished_is_seen(world: World):
    gone = opened(world)[5]
    found = judge(world.truth, [h for h in held(world) if h is not gone])
    assert any("nobody knows" in f or "are missing" in f for f in found)


def test_an_opening_that_never_was_is_seen(world: World):
    one = opened(world)[5]
    at = one.envelope.data.record.at
    lie = change(one, seq=100_000, at=msgspec.structs.replace(at, boot_ns=at.boot_ns + 777 * MS))
    assert any("the door did not" in f for f in judge(world.truth, [*held(world), lie]))


def test_a_time_that_is_claimed_better_than_it_is_is_seen(world: World):
    one = next(h for h in opened(world) if h.envelope.data.clock is Quality.SYNCED)
    late = msgspec.structs.replace(one.envelope, time="2026-01-01T00:00:00.000000Z")
    found = judge(world.truth, [Held(one.order, late), *(h for h in held(world) if h is not one)])
    assert any("claims 2026-01-01" in f for f in found)


def test_an_order_that_is_not_the_order_of_time_is_seen(world: World):
    one, two = opened(world)[3:5]
    swapped = [
        change(one, seq=two.envelope.data.record.seq),
        change(two, seq=one.envelope.data.record.seq),
        *(h for h in held(world) if h not in (one, two)),
    ]
    assert any("is earlier than" in f for f in judge(world.truth, swapped))


def test_an_opening_told_twice_is_seen(world: World):
    one = opened(world)[5]
    found = judge(world.truth, [*held(world), change(one, seq=100_000)])
    assert any("it was so before" in f or "the door did not" in f for f in found)


@pytest.mark.parametrize("seed", [1745, 5473, 6633, 8675, 9698])
def test_a_history_of_ten_thousand_that_once_was_told_or_judged_wrongly_no_longer_is(seed: int, tmp_path: Path):
    """6633: held while it was being shut. The others: a spool that opens late, a contact that chatters meanwhile."""
    world = live(seed, tmp_path)
    assert world.wrong() == [], f"python tests/sim/weeks.py --seed {seed}"
