"""What waits for a channel: nothing is forgotten, nothing grows, and a limit is never overrun."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.alert.pace import Limit, Pace
from edge.alert.pile import Pile
from edge.alert.words import Alert, Batch
from edge.clock import SECOND
from edge.records import Change
from tests.alert.conftest import event

STALE_NS = 600 * SECOND


def alert(seq: int, told_s: float = 0, change: Change = Change.OPENED) -> Alert:
    return Alert(event(seq, change), int(told_s * SECOND))


def seqs(batch: Batch) -> list[int]:
    return [one.event.seq for one in batch.fresh]


def total(batch: Batch) -> int:
    return len(batch.fresh) + (sum(batch.late.counts.values()) if batch.late else 0)


def test_all_that_waits_is_taken_at_once_in_order():
    pile = Pile(STALE_NS)
    for n in range(5):
        pile.put(alert(n))
    assert seqs(pile.take(0)) == [0, 1, 2, 3, 4]
    assert not pile
    assert pile.take(0) == Batch()


def test_what_has_waited_too_long_is_only_counted():
    pile = Pile(STALE_NS)
    pile.put(alert(1, 0))
    pile.put(alert(2, 1, Change.SHUT))
    pile.put(alert(3, 500))
    batch = pile.take(602 * SECOND)
    assert seqs(batch) == [3]
    assert batch.late is not None
    assert batch.late.counts == {Change.OPENED: 1, Change.SHUT: 1}
    assert (batch.late.first.seq, batch.late.last.seq) == (1, 2)


def test_what_was_not_told_comes_back_before_what_came_meanwhile():
    pile = Pile(STALE_NS)
    pile.put(alert(1))
    batch = pile.take(0)
    pile.put(alert(2))
    pile.back(batch)
    assert seqs(pile.take(0)) == [1, 2]


def test_a_month_without_a_network_keeps_few_changes_in_ram_and_counts_all():
    pile = Pile(STALE_NS, most=8)
    for n in range(10_000):
        pile.put(alert(n, n * 100))
        if n % 7 == 0:
            pile.back(pile.take(n * 100 * SECOND))
    batch = pile.take(10_000 * 100 * SECOND)
    assert total(batch) == 10_000
    assert len(batch.fresh) <= 8
    assert batch.late is not None
    assert batch.late.first.seq == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["put", "told", "not told", "wait"]), max_size=60))
def test_every_change_is_told_or_counted_exactly_once(steps: list[str]):
    pile = Pile(STALE_NS, most=3)
    now_s = put = told = 0
    for step in steps:
        if step == "put":
            put += 1
            pile.put(alert(put, now_s))
        elif step == "wait":
            now_s += 400
        elif step == "told":
            told += total(pile.take(now_s * SECOND))
        else:
            batch = pile.take(now_s * SECOND)
            pile.put(alert(put := put + 1, now_s))
            pile.back(batch)
    told += total(pile.take(now_s * SECOND))
    assert told == put


def test_a_limit_lets_so_many_through_and_then_waits_for_the_first_to_grow_old():
    pace = Pace((Limit(3, 60),))
    for second in range(3):
        assert pace.wait_ns(second * SECOND) == 0
        pace.spend(second * SECOND)
    assert pace.wait_ns(3 * SECOND) == 57 * SECOND
    assert pace.wait_ns(60 * SECOND) == 0


def test_what_leaves_room_to_others_waits_earlier():
    pace = Pace((Limit(20, 60),))
    for _ in range(17):
        pace.spend(0)
    assert pace.wait_ns(0) == 0
    assert pace.wait_ns(0, spare=3) == 60 * SECOND


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=200))
def test_no_window_of_any_limit_ever_holds_more_than_it_may(steps_ms: list[int]):
    limits = (Limit(5, 1), Limit(20, 60))
    pace, now, sent = Pace(limits), 0, []
    for step_ms in steps_ms:
        now += step_ms * 1_000_000
        if pace.wait_ns(now) == 0:
            pace.spend(now)
            sent.append(now)
    for limit in limits:
        assert all(sum(0 <= at - end < limit.within_s * SECOND for at in sent) <= limit.count for end in sent)
