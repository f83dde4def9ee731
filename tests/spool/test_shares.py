"""Several platforms on one spool: each gets all it wants, whatever becomes of the others."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edge.parts import Store, Wish
from edge.records import GapReason
from edge.sim.time import SimClock
from edge.spool.shares import MAIN, PAGE, lacks
from edge.spool.store import SqliteStore
from tests.spool.desk import BROKEN, Desk
from tests.spool.house import CLOUD, VIDEO, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, CLOUD)


def test_a_record_stays_until_each_platform_has_it(house: House):
    (seq,) = house.put()
    house.receipt(MAIN, seq)
    assert (house.lacks(MAIN), house.lacks("cloud")) == ([], [seq])
    assert [key[1] for key in house.desk.on_card()] == [seq]
    house.receipt("cloud", seq)
    assert house.desk.on_card() == []


def test_what_another_platform_does_not_want_goes_with_the_main_ones_receipt(house: House):
    seq = house.put_boot()
    assert house.lacks("cloud") == []
    house.receipt(MAIN, seq)
    assert house.desk.on_card() == []


def test_a_platform_that_is_dead_keeps_nothing_from_the_main_one(house: House):
    seqs = house.put(3 * PAGE)
    house.receipt(MAIN, *seqs[:500])
    assert house.lacks(MAIN) == seqs[500:]
    assert [record.seq for _, record in house.rows(MAIN, limit=1)] == [seqs[500]]
    assert house.lacks("cloud") == seqs


def test_rows_that_are_settled_are_passed_over_to_the_limit_or_the_end(house: House):
    seqs = house.put(2 * PAGE + 50)
    house.receipt("cloud", *seqs[10:-10])
    assert [r.seq for _, r in house.rows("cloud", limit=12)] == seqs[:10]
    after = house.rows("cloud", limit=10)[-1][0]
    assert [r.seq for _, r in house.rows("cloud", after, limit=4)] == seqs[-10:-6]
    assert house.rows("cloud", house.rows("cloud")[-1][0]) == []


def test_who_has_what_survives_a_cut(house: House):
    seqs = house.put(20)
    house.receipt(MAIN, *seqs[:15])
    house.receipt("cloud", *seqs[10:12], *seqs[18:])
    again = house.again(CLOUD)
    assert again.lacks(MAIN) == seqs[15:]
    assert again.lacks("cloud") == [*seqs[:10], *seqs[12:18]]
    assert len(again.desk.on_card()) == 18
    again.receipt(MAIN, *seqs)
    again.receipt("cloud", *seqs)
    assert again.desk.on_card() == []


def test_a_receipt_is_one_commit_however_many_rows_go_and_stay(house: House):
    one, _ = house.put(2)
    house.receipt("cloud", one)
    before = house.journal.commits
    house.shares.forget(house.shares.main, house.rows(MAIN))  # one goes, the other is marked
    house.desk.loop.turn()
    assert house.journal.commits == before + 1


def test_row_numbers_that_begin_anew_inherit_no_marks(house: House):
    seqs = house.put(5)
    house.receipt(MAIN, *seqs)
    stale = house.state()
    house.receipt("cloud", *seqs)
    assert set(house.state().values()) == {b""}
    assert stale["held.main"]
    again = house.again(CLOUD)
    for key, value in stale.items():  # as an older version leaves them, which forgets rows and knows no marks
        again.journal.keep(key, value)
    again.desk.loop.turn()
    last = again.again(CLOUD)
    new = last.put(5)
    assert last.rows(MAIN)[0][0] == 1
    assert (last.lacks(MAIN), last.lacks("cloud")) == (new, new)


def test_a_platform_that_is_configured_away_holds_nothing_for_ever(house: House):
    seqs = house.put(6)
    house.receipt(MAIN, *seqs[:4])
    house.receipt("cloud", seqs[5])
    again = house.again()
    assert again.lacks(MAIN) == seqs[4:]
    assert [key[1] for key in again.desk.on_card()] == seqs[4:]
    assert again.state()["held.cloud"] == b""
    again.receipt(MAIN, *seqs)
    assert again.desk.on_card() == []
    assert set(again.state().values()) == {b""}


def test_a_platform_that_is_new_gets_what_waits_and_no_mark_of_another(house: House):
    seqs = house.put(4)
    house.receipt(MAIN, seqs[0])
    house.receipt("cloud", *seqs[1:3])
    again = house.again(VIDEO)
    assert again.lacks("video") == seqs
    assert again.lacks(MAIN) == seqs[1:]


def test_another_filter_gets_a_record_twice_rather_than_never(house: House):
    seqs = house.put(3)
    house.receipt("cloud", seqs[0])
    again = house.again(Wish("cloud", "everything", lambda _: True))
    assert again.lacks("cloud") == seqs


class CountedStore(SqliteStore):
    """A spool that counts its commits and what is in them."""

    def commit(self, ops: Sequence[Callable[[Store], None]]) -> None:
        self.counts: list[int] = [*getattr(self, "counts", []), len(ops)]
        super().commit(ops)


def test_with_one_platform_nothing_is_added_no_key_no_commit_and_nothing_to_a_commit(tmp_path: Path):
    plain, shared = tmp_path / "plain", tmp_path / "shared"
    plain.mkdir()
    shared.mkdir()
    desk, house = Desk(plain, SimClock()), House(shared)
    desk.open()
    for store in (desk.store, house.desk.store):
        store.__class__ = CountedStore
    for _ in range(50):
        desk.forget(desk.put())
        desk.loop.turn()
        house.receipt(MAIN, *house.put())
    counts = [store.counts for store in (desk.store, house.desk.store) if isinstance(store, CountedStore)]
    assert counts[0] == counts[1]
    assert len(counts[0]) >= 100
    assert house.state() == {}


def test_what_the_main_platform_holds_is_no_gap_when_it_has_to_go(tmp_path: Path):
    house = House(tmp_path, CLOUD, records_max=150)
    seqs = house.put(150)
    house.receipt(MAIN, *seqs[:130])
    house.put()
    assert house.gaps == []
    assert house.robbed == ["cloud"]
    assert house.share("cloud").lost == 100
    assert house.share("cloud").waiting == 51
    assert house.lacks("cloud")[0] == seqs[100]


def test_of_what_has_to_go_the_main_platform_is_told_what_it_lacks_alone(tmp_path: Path):
    house = House(tmp_path, CLOUD, records_max=150)
    seqs = house.put(150)
    house.receipt(MAIN, *seqs[:30])
    house.receipt("cloud", *seqs[:90])
    house.put(31)
    assert house.gaps == [(GapReason.FULL, seqs[30:130])]
    assert house.share("cloud").lost == 40


def test_a_receipt_for_what_had_to_go_counts_nothing_twice(tmp_path: Path):
    house = House(tmp_path, CLOUD, records_max=150)
    house.put(150)
    in_flight = house.rows("cloud", limit=64)
    house.put()
    assert house.share("cloud").waiting == house.shares.backlog == 51
    house.shares.forget(house.share("cloud"), in_flight)
    house.shares.forget(house.shares.main, in_flight)
    assert house.share("cloud").waiting == house.shares.backlog == house.journal.backlog == 51


def test_what_waits_is_counted_for_each_also_after_a_restart(house: House):
    seqs = house.put(30)
    for _ in range(10):
        house.put_boot()
    house.receipt(MAIN, *seqs[:20])
    house.receipt("cloud", *seqs[5:10])
    assert (house.shares.backlog, house.share("cloud").waiting) == (20, 25)
    again = house.again(CLOUD)
    assert (again.shares.backlog, again.share("cloud").waiting) == (20, 25)
    again.put(3)
    again.receipt("cloud", *seqs[:5])
    assert (again.shares.backlog, again.share("cloud").waiting) == (23, 23)


def test_counting_goes_on_while_records_come_and_receipts_too(house: House):
    seqs = house.put(3 * PAGE)
    rows = house.rows(MAIN)
    house.desk.worker.at_once = False
    house.shares.afresh()
    house.desk.worker.step()
    house.desk.loop.turn()  # the first page is counted
    house.shares.forget(house.share("cloud"), [rows[0], rows[-1]])  # one that was counted, and one that was not
    house.put()
    house.work()
    assert house.share("cloud").waiting == len(seqs) - 1
    assert house.shares.backlog == len(seqs) + 1


def test_a_counting_that_is_begun_anew_counts_nothing_twice(house: House):
    seqs = house.put(PAGE + 20)
    house.desk.worker.at_once = False
    house.shares.afresh()
    house.shares.afresh()
    house.work()
    assert house.share("cloud").waiting == house.shares.backlog == len(seqs)


def test_a_card_that_refuses_keeps_nothing_from_anybody(house: House):
    first = house.put(2)
    house.desk.store.fault = BROKEN
    seqs = house.put(3)
    house.receipt(MAIN, *first, *seqs)
    assert (house.lacks(MAIN), house.lacks("cloud")) == ([], [*first, *seqs])
    house.desk.store.fault = None
    house.desk.live(40)
    again = house.again(CLOUD)
    assert (again.lacks(MAIN), again.lacks("cloud")) == ([], [*first, *seqs])


def test_a_spool_that_opens_late_joins_its_marks_to_those_made_meanwhile(house: House):
    seqs = house.put(4)
    house.receipt(MAIN, *seqs[:2])
    late = house.again(CLOUD, at_once=False)
    assert late.snapshot is None
    (new,) = late.put()
    late.receipt(MAIN, new)
    late.work()
    assert (late.lacks(MAIN), late.lacks("cloud")) == (seqs[2:], [*seqs, new])
    again = late.again(CLOUD)
    assert (again.lacks(MAIN), again.lacks("cloud")) == (seqs[2:], [*seqs, new])


def test_a_row_that_was_passed_over_is_looked_at_again(house: House):
    seqs = house.put(5)
    house.receipt(MAIN, *seqs[:3])
    assert house.lacks(MAIN) == seqs[3:]
    assert house.shares.main.floor > 0
    house.journal.on_passed_over()
    assert house.shares.main.floor == 0
    assert house.lacks(MAIN) == seqs[3:]


def test_what_is_erased_is_counted_as_what_the_main_platform_lacks(house: House):
    seqs = house.put(5)
    house.receipt(MAIN, *seqs[:3])
    rows = house.rows("cloud")
    lacked = house.shares.erase()
    assert [record.seq for _, record in rows if lacked(record)] == seqs[3:]
    from_card = lacks(house.state())
    assert [record.seq for _, record in rows if from_card(record)] == seqs[3:]
    assert all(lacks({})(record) for _, record in rows)
