"""What waits for a card that is away stays small, and has the same effect as all that was asked for."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge.spool.batch import Forget, Keep, Op, compact
from tests.spool.conftest import Make, Start
from tests.spool.desk import BROKEN
from tests.spool.samples import put, seqs

keeps = st.builds(Keep, st.sampled_from("abc"), st.binary(max_size=3))
forgets = st.builds(Forget, st.lists(st.integers(1, 9), max_size=4))


class Book:
    """A store that is a dict and a set."""

    def __init__(self, ops: list[Op]) -> None:
        self.state: dict[str, bytes] = {}
        self.rows = set(range(1, 10))
        for op in ops:
            op(self)  # type: ignore[arg-type]  # as much of a Store as these need

    def keep(self, key: str, value: bytes) -> None:
        self.state[key] = value

    def forget(self, rows: list[int]) -> None:
        self.rows -= set(rows)


@given(st.lists(keeps | forgets, max_size=30))
def test_fewer_operations_have_the_same_effect(ops: list[Op]) -> None:
    assert vars(Book(compact(ops))) == vars(Book(ops))
    assert len(compact(ops)) <= 4, "three states, and what is forgotten"


def test_operations_of_other_kinds_stay_in_their_order(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    put(store, 1, 2, 3)
    order: list[str] = []

    def note(name: str) -> Op:
        return lambda _: order.append(name)

    store.commit(compact([note("a"), Forget([1]), note("b"), Forget([3]), note("c")]))
    assert order == ["a", "b", "c"]
    assert seqs(store) == [2]


def test_what_waits_while_the_card_is_away_does_not_grow_with_time(start: Start) -> None:
    for fault in (BROKEN, None):  # it refuses, or it hangs
        desk = start()
        desk.open()
        desk.worker.at_once = fault is not None
        desk.store.fault = fault
        sizes = []
        for _ in range(40):
            for second in range(100):
                desk.journal.keep("alive", b"%d" % second)
                desk.journal.keep("door", b"open")
            desk.live(31)
            sizes.append(len(desk.journal._ops))
        assert max(sizes) < 700
