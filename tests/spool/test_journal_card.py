"""The journal over a card that is late, full, read-only, damaged or dead: records wait in RAM, and follow in order."""

from itertools import accumulate

import pytest

from edge.clock import SECOND
from edge.errors import CorruptError, FullError, PartError
from edge.spool.journal import PAUSES_NS
from tests.spool.card import Card
from tests.spool.conftest import Start
from tests.spool.desk import BROKEN, DAMAGE, FULL, Desk


def garble(desk: Desk) -> None:
    """What was written there reads as something else."""
    desk.store._connection().execute("UPDATE record SET body = x'00'")


# --- opening late, or not at all


def test_a_card_that_hangs_at_the_start_keeps_the_door_waiting_for_a_second_and_no_longer(start: Start) -> None:
    desk = start(at_once=False)
    desk.journal.open(desk.snapshots.append)
    desk.live(0.9)
    assert desk.snapshots == []
    desk.live(0.2)
    assert desk.snapshots == [None]
    early = [desk.put(), desk.put()]
    assert all(epoch.startswith("spare-") for epoch, _ in early)
    assert desk.keys() == early
    desk.worker.at_once = True
    desk.worker.run()
    desk.loop.turn()
    assert desk.snapshots == [None], "the door's watch began once"
    assert len(desk.adopted) == 1
    late = desk.put()
    assert not late[0].startswith("spare-")
    assert desk.on_card() == [*early, late]


def test_a_card_that_refuses_at_the_start_is_opened_again_by_itself_and_takes_what_waited(start: Start) -> None:
    before = start()
    before.open()
    old = [before.put(), before.put()]
    desk = start()
    desk.worker.fault = BROKEN
    assert desk.open() is None
    assert desk.troubles == [BROKEN]
    waiting = [desk.put() for _ in range(3)]
    desk.live(30)
    assert desk.keys() == waiting
    desk.worker.fault = None
    desk.live(60)
    assert desk.troubles[-1] is None
    assert desk.keys() == desk.on_card() == old + waiting
    assert desk.journal.backlog == 5


def test_the_pauses_between_tries_grow_to_the_longest(start: Start) -> None:
    desk = start()
    desk.open()
    desk.store.fault = BROKEN
    desk.put()
    tries = []
    for second in range(200):
        if len(desk.troubles) > len(tries):
            tries.append(second)
        desk.live(1)
    pauses_s = [pause_ns // SECOND for pause_ns in (*PAUSES_NS, *[PAUSES_NS[-1]] * 200)]
    assert pauses_s == sorted(pauses_s)
    assert tries == [due for due in accumulate([0, *pauses_s]) if due < 200]
    assert desk.troubles == [BROKEN] * len(tries)


@pytest.mark.parametrize("fault", [BROKEN, FULL])
def test_while_the_card_refuses_records_stay_in_ram_are_read_and_follow_in_order(
    start: Start, fault: Exception
) -> None:
    desk = start()
    desk.open()
    keys = [desk.put()]
    desk.store.fault = fault
    keys += [desk.put() for _ in range(5)]
    desk.loop.turn()
    assert desk.on_card() == keys[:1]
    assert desk.keys() == keys
    desk.store.fault = None
    desk.live(2)
    assert desk.on_card() == keys
    assert desk.troubles == [fault, None]


def test_a_commit_that_was_done_and_seemed_not_to_be_changes_nothing(start: Start) -> None:
    desk = start()
    desk.open()
    keys = [desk.put()]
    desk.loop.turn()
    desk.worker.at_once = False
    keys.append(desk.put())
    desk.journal.forget([1])
    desk.worker.step(lost=BROKEN)
    desk.loop.turn()
    desk.worker.at_once = True
    desk.live(2)
    assert desk.on_card() == keys[1:]
    assert desk.journal.backlog == 1


# --- damage


def test_damage_found_by_a_commit_begins_a_new_epoch_and_keeps_what_was_not_committed(start: Start) -> None:
    desk = start()
    desk.open()
    old = desk.put()
    desk.journal.keep("door", b"open")
    desk.store.fault = DAMAGE
    waiting = [desk.put()]
    desk.loop.turn()
    waiting.append(desk.put())
    assert waiting[1][0].startswith("spare-"), "no seq of a spool that is going to be set aside"
    desk.store.fault = None
    desk.live(2)
    (snapshot,) = desk.adopted
    assert snapshot.loss.endswith("spool.db.damaged-1")
    assert snapshot.lost_epoch == old[0]
    assert desk.on_card() == waiting
    assert desk.put()[0] == snapshot.epoch != old[0]
    assert desk.troubles == [DAMAGE, None]


def test_damage_found_by_a_read_is_met_in_the_same_way(start: Start) -> None:
    desk = start()
    desk.open()
    old = desk.put()
    garble(desk)
    assert desk.read() == []
    assert isinstance(desk.troubles[0], CorruptError)
    desk.live(2)
    assert desk.adopted[0].lost_epoch == old[0]
    assert desk.keys() == []
    assert desk.journal.backlog == 0


def test_what_was_committed_between_the_damage_and_its_discovery_goes_into_the_next_spool(start: Start) -> None:
    desk = start()
    desk.open()
    desk.put()
    garble(desk)
    desk.worker.at_once = False
    desk.journal.read(0, 10, lambda _: None)
    late = desk.put()
    desk.worker.step()
    desk.worker.step()
    desk.loop.turn()
    desk.worker.at_once = True
    desk.live(2)
    assert desk.adopted[0].loss != ""
    assert desk.on_card() == [late]


def test_a_card_that_cannot_be_read_is_named_and_read_again_after_the_longest_pause(start: Start) -> None:
    desk = start()
    desk.open()
    keys = [desk.put()]
    desk.loop.turn()
    desk.worker.fault = BROKEN
    assert desk.read() == []
    desk.worker.fault = None
    assert desk.troubles == [BROKEN]
    desk.live(PAUSES_NS[-1] / SECOND - 1)
    assert desk.passed_over == 0
    desk.live(2)
    assert desk.passed_over == 1
    assert desk.keys() == keys
    desk.put()
    assert desk.troubles == [BROKEN, None]


# --- a real one


def test_a_full_card_keeps_nobody_waiting_and_takes_all_in_order_once_it_has_room(start: Start, card: Card) -> None:
    desk = start(folder=card.folder)
    desk.open()
    keys = [desk.put()]
    card.fill()
    keys += [desk.put() for _ in range(400)]
    assert isinstance(desk.troubles[0], FullError)
    assert desk.on_card() == keys[: len(desk.on_card())]
    assert len(desk.on_card()) < len(keys) == len(desk.keys()), "all can be read and sent meanwhile"
    card.free()
    desk.live(60)
    assert desk.troubles[-1] is None
    assert desk.on_card() == desk.keys() == keys


def test_a_read_only_card_keeps_nobody_waiting_and_takes_all_in_order_once_it_is_writable(
    start: Start, card: Card
) -> None:
    before = start(folder=card.folder)
    before.open()
    keys = [before.put()]
    before.store.close()
    card.protect()
    desk = start(folder=card.folder)
    assert desk.open() is None
    keys += [desk.put() for _ in range(50)]
    assert "found a card that is read-only" in str(desk.troubles[0])
    assert desk.keys() == keys[1:], "what is on the card waits for it"
    card.unprotect()
    desk.live(60)
    assert desk.troubles[-1] is None
    assert desk.on_card() == desk.keys() == keys


def test_a_card_that_falls_ill_is_read_on_and_told_apart_from_a_full_one(start: Start, card: Card) -> None:
    desk = start(folder=card.folder)
    desk.open()
    keys = [desk.put()]
    card.fall_ill()
    keys += [desk.put() for _ in range(5)]
    assert type(desk.troubles[0]) is PartError
    assert "found a card that is read-only" in str(desk.troubles[0])
    assert desk.keys() == keys
    assert desk.on_card() == keys[:1]
