"""The journal: nothing blocks, nothing is lost while the card is away, and reads see RAM and card as one."""

import pytest

from edge.records import GapReason
from edge.spool import journal
from edge.spool.journal import Rows
from edge.spool.store import BLOCK
from tests.spool.conftest import Start
from tests.spool.desk import BROKEN, DAMAGE
from tests.spool.samples import event, row

# --- committing


def test_a_record_is_on_the_card_at_once_where_the_card_is_free(start: Start) -> None:
    desk = start()
    desk.open()
    first, second = desk.put(), desk.put()
    assert desk.on_card() == [first, second]
    desk.loop.turn()
    assert (desk.journal.backlog, desk.troubles) == (2, [])


def test_what_arrives_during_a_commit_goes_into_the_next_one_together(start: Start) -> None:
    desk = start()
    desk.open()
    commits = desk.journal.commits
    desk.worker.at_once = False
    keys = [desk.put() for _ in range(20)]
    assert len(desk.worker) == 1, "one commit is on its way, and no more"
    desk.worker.step()
    assert desk.on_card() == keys[:1]
    desk.loop.turn()
    desk.worker.step()
    desk.loop.turn()
    assert desk.on_card() == keys
    assert desk.journal.commits == commits + 2
    assert len(desk.worker) == 0


def test_receipts_that_come_while_more_is_owed_cost_one_commit_a_second_and_the_last_one_is_kept_at_once(
    start: Start,
) -> None:
    desk = start()
    desk.open()
    keys = [desk.put() for _ in range(30)]
    desk.loop.turn()
    commits = desk.journal.commits
    for key in keys[:20]:
        desk.forget(key)
        desk.live(0.01)
    assert (desk.journal.backlog, desk.journal.commits) == (10, commits), "they wait for company"
    assert desk.on_card() == keys
    desk.live(1)
    assert desk.journal.commits == commits + 1
    assert desk.on_card() == keys[20:]
    for key in keys[20:]:
        desk.forget(key)
    desk.loop.turn()
    assert desk.on_card() == [], "nothing is owed any more, and nothing waits"


def test_a_receipt_that_waits_for_company_goes_with_the_next_record(start: Start) -> None:
    desk = start()
    desk.open()
    first, second = desk.put(), desk.put()
    desk.loop.turn()
    desk.forget(first)
    assert desk.on_card() == [first, second]
    third = desk.put()
    desk.loop.turn()
    assert desk.on_card() == [second, third]


def test_a_cut_before_that_leaves_the_record_to_be_sent_again(start: Start) -> None:
    desk = start()
    desk.open()
    keys = [desk.put(), desk.put()]
    desk.loop.turn()
    desk.forget(keys[0])
    again = start()
    again.open()
    assert again.on_card() == keys


def test_state_that_goes_with_a_record_is_in_the_same_commit(start: Start) -> None:
    desk = start()
    desk.open()
    desk.worker.at_once = False
    n, epoch, seq = desk.journal.mint()
    desk.journal.put(n, event(seq, epoch), {"door": b"open"})
    desk.worker.step()
    again = start()
    snapshot = again.open()
    assert snapshot is not None
    assert (snapshot.state["door"], snapshot.backlog) == (b"open", 1)


def test_a_frames_row_is_kept_and_what_follows_its_going_waits_for_the_commit(start: Start) -> None:
    desk = start()
    desk.open()
    desk.journal.add_frame(row("a"))
    desk.journal.add_frame(row("b"))
    desk.loop.turn()
    desk.worker.at_once = False
    gone: list[str] = []
    desk.journal.drop_frame("a", lambda: gone.append("a"))
    desk.loop.turn()
    assert gone == [], "the row is still on the card"
    desk.worker.run()
    desk.loop.turn()
    assert gone == ["a"]
    snapshot = start().open()
    assert snapshot is not None
    assert [frame.name for frame in snapshot.frames] == ["b"]


def test_a_hanging_commit_is_called_slow_and_blocks_nobody(start: Start) -> None:
    desk = start()
    desk.open()
    desk.slow.clear()
    desk.worker.at_once = False
    keys = [desk.put()]
    desk.live(1.9)
    assert desk.slow == []
    desk.live(0.2)
    assert desk.slow == [True]
    keys.append(desk.put())
    desk.worker.at_once = True
    desk.worker.run()
    desk.loop.turn()
    assert desk.slow == [True, False]
    assert desk.on_card() == keys


def test_a_card_that_was_slow_is_tried_again_before_it_is_called_well(start: Start) -> None:
    desk = start()
    desk.open()
    desk.worker.at_once = False
    desk.put()
    desk.live(3)
    desk.worker.at_once = True
    desk.worker.run()
    desk.live(29)
    assert desk.slow == [True], "it was, and nobody has asked since"
    desk.live(2)
    assert desk.slow == [True, False]


def test_a_card_that_hangs_as_it_is_opened_is_called_slow(start: Start) -> None:
    desk = start(at_once=False)
    assert desk.open() is None
    desk.live(1.1)
    assert desk.slow == [True]
    desk.worker.at_once = True
    desk.worker.run()
    desk.put()
    assert desk.slow == [True, False]


def test_a_fault_of_our_own_is_told_as_one_and_the_card_is_tried_again_all_the_same(start: Start) -> None:
    for opened in (False, True):
        desk = start()
        if opened:
            desk.open()
        desk.worker.fault = ZeroDivisionError("ours")
        if not opened:
            desk.open()
        key = desk.put()
        assert desk.loop.faults == 1
        desk.worker.fault = None
        desk.live(2)
        assert desk.on_card()[-1] == key
        assert desk.troubles == [None]


# --- seqs


def test_seqs_run_on_without_a_hole_past_what_was_set_aside(start: Start) -> None:
    desk = start()
    desk.open()
    keys = [desk.put() for _ in range(3 * BLOCK)]
    assert [seq for _, seq in keys] == list(range(1, 3 * BLOCK + 1))
    assert len({epoch for epoch, _ in keys}) == 1


def test_a_card_that_hangs_hands_out_no_seq_that_was_not_set_aside_on_it(start: Start) -> None:
    desk = start()
    desk.open()
    desk.worker.at_once = False
    keys = [desk.put() for _ in range(BLOCK + 10)]
    first, spare = keys[0][0], keys[-1][0]
    assert keys == [(first, seq) for seq in range(1, BLOCK + 1)] + [(spare, seq) for seq in range(1, 11)]
    assert spare != first
    for _ in range(3):
        desk.worker.run()
        desk.loop.turn()
    assert desk.put() == (first, BLOCK + 1), "and goes on where it was, once they are"
    again = start()
    again.open()
    assert again.put()[1] > BLOCK + 1


def test_what_is_recorded_after_the_good_bye_takes_no_seq_that_comes_again(start: Start) -> None:
    desk = start()
    desk.open()
    first = desk.put()
    assert desk.end()
    late = desk.put()
    again = start()
    snapshot = again.open()
    assert snapshot is not None
    assert snapshot.clean
    assert again.put() not in (first, late)


def test_a_commit_under_way_at_the_good_bye_gives_no_seqs_back(start: Start) -> None:
    desk = start()
    desk.open()
    keys = [desk.put() for _ in range(BLOCK - 33)]
    desk.worker.at_once = False
    keys += [desk.put(), desk.put()]  # asks for more seqs
    desk.journal.close(lambda: None)
    desk.worker.run()
    desk.loop.turn()
    keys.append(desk.put())
    again = start()
    again.open()
    keys.append(again.put())
    assert len(set(keys)) == len(keys)


def test_a_commit_that_is_refused_while_the_unit_says_good_bye_is_made_good_in_the_last_one(start: Start) -> None:
    desk = start()
    desk.open()
    desk.put()
    desk.worker.at_once = False
    desk.journal.forget([1])
    desk.journal.keep("door", b"shut")
    desk.journal.close(lambda: None)
    desk.worker.fault = BROKEN
    desk.worker.step()
    desk.worker.fault = None
    desk.worker.run()
    desk.loop.turn()
    again = start()
    snapshot = again.open()
    assert snapshot is not None
    assert (snapshot.clean, snapshot.state["door"]) == (True, b"shut")
    assert again.keys() == []


def test_what_waits_for_the_card_at_the_good_bye_follows_once_the_card_has_it(start: Start) -> None:
    desk = start()
    desk.open()
    desk.worker.fault = BROKEN
    said: list[str] = []
    desk.journal.keep("door", b"shut", lambda: said.append("kept"))
    desk.loop.turn()
    desk.worker.fault = None
    desk.journal.close(lambda: said.append("closed"))
    desk.loop.turn()
    assert said == ["kept", "closed"]


# --- reading


def test_a_read_sees_card_and_ram_as_one_and_keeps_to_its_limit(start: Start) -> None:
    desk = start()
    desk.open()
    keys = [desk.put() for _ in range(3)]
    desk.store.fault = BROKEN
    keys += [desk.put() for _ in range(3)]
    desk.loop.turn()
    for limit in (1, 2, 3, 4, 5, 6, 7):
        assert [(r.epoch, r.seq) for _, r in desk.read(0, limit)] == keys[:limit]
    rows = desk.read()
    assert [n for n, _ in rows] == sorted({n for n, _ in rows})
    assert desk.read(rows[3][0]) == rows[4:]


@pytest.mark.parametrize("read_first", [True, False])
def test_a_record_that_is_committed_while_it_is_read_is_there_once(start: Start, read_first: bool) -> None:
    desk = start()
    desk.open()
    desk.worker.at_once = False
    answers: list[journal.Rows] = []
    if read_first:
        desk.journal.read(0, 10, answers.append)
        key = desk.put()
        desk.journal.read(0, 10, answers.append)
    else:
        key = desk.put()
        desk.journal.read(0, 10, answers.append)
    desk.worker.run()
    desk.loop.turn()
    assert [(r.epoch, r.seq) for _, r in answers[-1]] == [key]


def test_a_card_that_refuses_to_be_read_hides_no_record_behind_one_that_was_forgotten_meanwhile(start: Start) -> None:
    desk = start()
    desk.open()
    desk.worker.at_once = False
    first, second = desk.put(), desk.put()
    answers: list[Rows] = []
    desk.journal.read(0, 1, answers.append)
    desk.journal.forget([next(iter(desk.journal._ram))])
    desk.worker.step(lost=BROKEN)  # the commit
    desk.worker.step(lost=BROKEN)  # the read
    desk.loop.turn()
    desk.worker.run()
    desk.loop.turn()
    assert [[(r.epoch, r.seq) for _, r in rows] for rows in answers] == [[second]] != [[first]]


def test_what_is_forgotten_while_it_is_read_is_not_read_and_not_counted_twice(start: Start) -> None:
    desk = start()
    desk.open()
    keys = [desk.put() for _ in range(4)]
    desk.loop.turn()
    rows = desk.read()
    desk.worker.at_once = False
    answers: list[journal.Rows] = []
    desk.journal.read(0, 2, answers.append)
    desk.journal.forget([rows[0][0], rows[1][0]])
    desk.worker.at_once = True
    desk.worker.run()
    desk.loop.turn()
    assert [(r.epoch, r.seq) for _, r in answers[0]] == keys[2:], "not nothing: that would mean that nothing is left"
    assert desk.journal.backlog == 2


# --- what has to go


def test_beyond_its_limit_the_oldest_records_go_counted(start: Start) -> None:
    desk = start(records_max=1000)
    desk.open()
    keys = [desk.put() for _ in range(1001)]
    desk.loop.turn()
    ((reason, records),) = desk.lost
    assert reason is GapReason.FULL
    assert [(r.epoch, r.seq) for r in records] == keys[:100]
    desk.loop.turn()
    assert desk.on_card() == keys[100:]
    assert desk.journal.backlog == 901


def test_a_limit_reached_while_the_card_is_away_evicts_nothing(start: Start) -> None:
    desk = start(records_max=1000)
    desk.open()
    for _ in range(1000):
        desk.put()
    desk.store.fault = DAMAGE
    desk.journal.keep("door", b"open")
    desk.loop.turn()
    keys = [desk.put(), desk.put()]
    assert desk.lost == []
    assert desk.keys() == keys, "the newest would have gone for the oldest"


def test_when_ram_runs_out_too_the_oldest_in_ram_go_counted(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "IN_RAM_MAX", 150)
    desk = start()
    desk.open()
    first = desk.put()
    desk.store.fault = BROKEN
    keys = [desk.put() for _ in range(151)]
    ((reason, records),) = desk.lost
    assert reason is GapReason.OVERRUN
    assert [(r.epoch, r.seq) for r in records] == keys[:100]
    desk.store.fault = None
    desk.live(2)
    assert desk.on_card() == [first, *keys[100:]]
    assert desk.journal.backlog == 52


def test_what_is_asked_for_together_is_in_one_commit(start: Start) -> None:
    desk = start()
    desk.open()
    key = desk.put()
    desk.loop.turn()
    before = desk.journal.commits
    with desk.journal.together():
        desk.journal.forget([1])
        desk.journal.keep("door", b"open")
        assert desk.on_card() == [key]
        with desk.journal.together():
            after = desk.put()
        assert desk.on_card() == [key]
    desk.loop.turn()
    assert desk.on_card() == [after]
    assert desk.journal.commits == before + 1
