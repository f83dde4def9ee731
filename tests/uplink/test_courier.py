"""Who goes when: live at once, the backlog in order and never more than its window, and nothing without a receipt."""

import pytest

from edge import wire
from edge.clock import SECOND
from edge.parts import Acked
from edge.uplink.courier import ASK_NS, DENIED_NS, FLIGHT_MAX, LIVE_RESERVE
from tests.uplink.office import EPOCH, Office

# --- in what order


def test_while_the_link_is_down_nothing_is_handed_to_it_and_the_spool_keeps_all() -> None:
    office = Office()
    office.record(3)
    office.live(100)
    assert office.link.sent == []
    assert list(office.spool) == [1, 2, 3]


def test_a_live_record_is_published_before_anything_else_happens() -> None:
    office = Office()
    office.up()
    office.record()
    assert office.sent() == [1]
    (publish,) = office.link.sent
    assert (publish.topic, publish.qos, publish.retain) == ("door/v1/door-1/event", 1, False)


def test_a_live_record_goes_before_a_backlog_that_is_still_being_read() -> None:
    office = Office(at_once=False)
    office.record(5)
    office.up()
    office.record()
    assert office.sent() == [6]
    office.worker.run()
    office.loop.turn()
    assert office.sent() == [6, 1, 2, 3, 4, 5]


def test_the_backlog_goes_in_order_a_window_at_a_time() -> None:
    office = Office(window=4)
    office.record(10)
    office.up()
    assert office.sent() == [1, 2, 3, 4]
    office.receipt(2, 3)
    assert office.sent() == [1, 2, 3, 4, 5, 6]
    office.receipt(*range(1, 7))
    assert office.sent() == list(range(1, 11))
    assert office.caught_up == 0
    office.receipt(*range(7, 11))
    assert office.caught_up == 1
    assert office.spool == {}
    assert office.forgotten == [2, 3, 1, 4, 5, 6, 7, 8, 9, 10]


def test_once_caught_up_a_live_record_is_not_read_again() -> None:
    office = Office()
    office.up()
    office.record(3)
    office.receipt(1, 2, 3)
    office.live(1)
    assert office.sent() == [1, 2, 3]
    assert office.caught_up == 1


def test_a_reconnection_sends_again_what_has_no_receipt_and_only_that() -> None:
    office = Office()
    office.up()
    office.record(4)
    office.receipt(2)
    office.link.drop()
    office.loop.turn()
    office.link.sent.clear()
    office.up()
    assert office.sent() == [1, 3, 4]


@pytest.mark.parametrize("receive_maximum", [1, 2, 4, 5, 8, 64])
def test_the_backlog_leaves_room_in_the_brokers_receive_maximum_for_live_records(receive_maximum: int) -> None:
    office = Office(window=64)
    office.record(100)
    office.up(receive_maximum)
    assert len(office.sent()) == max(1, receive_maximum - LIVE_RESERVE)


def test_beyond_four_windows_live_records_are_not_watched_but_read_again_and_none_is_passed_over() -> None:
    office = Office(window=2)
    office.up()
    office.record(20)
    assert office.sent() == list(range(1, 21)), "a live record never waits"
    assert office.courier.in_flight == 2 * FLIGHT_MAX
    for seq in range(1, 21):
        office.receipt(seq)
    assert office.spool == {}
    assert set(office.sent()[20:]) == set(range(9, 21))


def test_a_record_that_passed_by_while_the_spool_was_read_is_not_forgotten_as_caught_up() -> None:
    office = Office(window=1, at_once=False)
    office.up()
    office.worker.step()  # the spool is empty, says its answer, which is still on its way
    office.record(FLIGHT_MAX + 1)  # the last of these is beyond what is watched
    office.loop.turn()
    office.worker.at_once = True
    office.worker.run()
    office.receipt(*range(1, FLIGHT_MAX + 1))
    office.receipt(FLIGHT_MAX + 1)
    assert office.spool == {}


def test_the_answer_to_a_question_from_before_a_reconnection_is_void() -> None:
    office = Office(at_once=False)
    office.record(3)
    office.up()
    office.link.drop()
    office.up()
    office.worker.step()
    office.loop.turn()
    assert office.sent() == []
    office.worker.step()
    office.loop.turn()
    assert office.sent() == [1, 2, 3]


def test_a_connection_that_breaks_within_a_batch_leaves_the_rest_for_the_next() -> None:
    office = Office(at_once=False)
    office.record(3)
    office.up()
    office.worker.run()
    office.link.sever()
    office.loop.turn()
    assert office.sent() == []
    office.link.drop()
    office.worker.at_once = True
    office.up()
    assert office.sent() == [1, 2, 3]


# --- receipts


def test_receipts_for_what_was_not_sent_or_is_anothers_are_ignored() -> None:
    office = Office(window=2)
    office.record(5)
    office.up()
    office.receipt(3, 4, 5)
    office.receipt(1, 2, epoch="another")
    office.receipt(0, 6, 1000)
    assert (office.forgotten, office.receipts) == ([], [])
    office.link.drop()
    office.loop.turn()
    office.receipt(1, 2)
    assert office.forgotten == [], "what was sent on another connection is sent again on this one"
    assert list(office.spool) == [1, 2, 3, 4, 5]


def test_a_receipt_of_ten_thousands_of_ranges_in_any_order_names_what_it_names() -> None:
    office = Office(window=8)
    office.record(9)
    office.up()
    ranges = ((5, 3), (7, 7), (-9, 2), (1, 2), (7, 7), *((low, low) for low in range(100, 50_000, 2)), (10**30, 10**31))
    office.courier.receipt(wire.Receipt(EPOCH, ranges))
    office.loop.turn()
    assert sorted(office.forgotten) == [1, 2, 7]


def test_repeated_receipts_are_harmless() -> None:
    office = Office()
    office.up()
    office.record(2)
    for _ in range(3):
        office.receipt(1)
    assert (office.forgotten, office.receipts) == ([1], [(EPOCH, 1)])


def test_a_withheld_receipt_is_named_and_one_record_after_the_other_asks_for_it_until_it_comes() -> None:
    office = Office(receipt_timeout_s=100)
    office.up()
    office.record(3)
    office.answer(1, 2, 3)
    office.live(99)
    assert (office.sent(), office.warns()) == ([1, 2, 3], set())
    office.live(2 + 2 * ASK_NS / SECOND)
    assert office.sent() == [1, 2, 3, 1, 2, 3], "one at a time: a platform that comes back is not hit by all at once"
    for _ in range(40):
        office.answer(1, 2, 3)
        office.live(100)
    assert (office.forgotten, office.warns()) == ([], {"receipt.none"})
    office.receipt(1, 2, 3)
    assert (office.forgotten, office.warns()) == ([1, 2, 3], set())


def test_a_platform_that_is_not_there_is_asked_at_least_every_half_minute() -> None:
    office = Office(receipt_timeout_s=600)
    office.up()
    office.record(50)
    office.answer(*range(1, 51))
    office.live(601)
    for _ in range(20):
        before = len(office.sent())
        office.live(ASK_NS / SECOND)
        assert len(office.sent()) == before + 1
        office.answer(office.sent()[-1])


def test_the_first_word_from_the_platform_has_all_that_waited_too_long_sent_again() -> None:
    office = Office(receipt_timeout_s=100)
    office.up()
    office.record(5)
    office.answer(*range(1, 6))
    office.live(101)
    assert office.sent() == [1, 2, 3, 4, 5, 1]
    office.receipt(1)
    assert office.sent() == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]


def test_a_broker_that_answers_nothing_is_given_up_after_two_keep_alives_and_not_blamed_on_the_platform() -> None:
    office = Office(receipt_timeout_s=10, keepalive_s=20)
    office.up()
    office.record()
    office.live(39)
    assert (office.sent(), office.courier.up) == ([1, 1, 1, 1], True)
    assert "receipt.none" not in office.warns()
    office.live(20)
    assert not office.courier.up
    assert "receipt.none" not in office.warns()
    assert list(office.spool) == [1]
    office.up()
    office.answer(1)
    office.receipt(1)
    assert (office.warns(), office.spool) == (set(), {})


# --- the broker's answers


def test_a_broker_that_denies_a_record_is_named_and_asked_again_after_a_while() -> None:
    office = Office(receipt_timeout_s=600)
    office.up()
    office.record()
    office.answer(1, reason="Not authorized")
    assert office.warns() == {"link.denied"}
    assert "door/v1/door-1/event: Not authorized" in [w.detail for w in office.health.shown(office.clock.now())]
    office.live(DENIED_NS / SECOND - 1)
    assert office.sent() == [1]
    office.live(2)
    assert office.sent() == [1, 1]
    office.answer(1)
    assert office.warns() == set()
    assert office.forgotten == []
    office.receipt(1)
    assert office.forgotten == [1]


def test_while_a_broker_denies_the_backlog_waits_and_live_records_are_tried() -> None:
    office = Office(window=2)
    office.record(6)
    office.up()
    office.answer(1, reason="Not authorized")
    office.receipt(2)
    office.record()
    assert office.sent() == [1, 2, 7]
    office.live(DENIED_NS / SECOND - 1)
    assert 3 not in office.sent()
    office.live(2)
    office.answer(1)
    office.receipt(1, 7)
    office.live(60)
    assert {3, 4} <= set(office.sent())
    assert 1 in office.forgotten


def test_a_receipt_that_overtakes_the_brokers_own_answer_ends_the_denial_too() -> None:
    office = Office()
    office.up()
    office.record()
    office.answer(1, reason="Not authorized")
    office.live(DENIED_NS / SECOND)
    office.receipt(1)
    office.answer(1)
    assert (office.spool, office.warns()) == ({}, set())


@pytest.mark.parametrize("denials", [1, 5])
def test_a_record_that_was_denied_is_never_forgotten_for_it(denials: int) -> None:
    office = Office()
    office.up()
    office.record()
    for _ in range(denials):
        office.answer(1, reason="Quota exceeded")
        office.live(61)
    assert list(office.spool) == [1]


def test_without_a_platform_the_brokers_good_word_is_the_receipt() -> None:
    office = Office(receipt="broker")
    office.up()
    office.record(3)
    office.answer(1, 3)
    office.answer(2, reason="Not authorized")
    assert (office.forgotten, office.receipts) == ([1, 3], [(EPOCH, 1), (EPOCH, 3)])
    office.live(DENIED_NS / SECOND + 1)
    office.answer(2)
    assert office.spool == {}


def test_without_a_platform_a_message_that_nobody_heard_is_not_delivered() -> None:
    office = Office(receipt="broker")
    office.up()
    office.record()
    office.loop.post(Acked(office.link.sent[0].token, True, "No matching subscribers", heard=False))
    office.loop.turn()
    assert list(office.spool) == [1]


def test_without_a_platform_an_answer_counts_for_the_record_that_was_published_and_no_other() -> None:
    """After the spool was opened late, rows have other numbers, and answers to what went before are still to come."""
    office = Office(receipt="broker")
    office.up()
    office.record()
    early = office.link.sent[0].token
    office.spool = {1: office.spool[1], 2: office.spool[1]}
    office.courier.restart()
    office.loop.turn()
    office.link.answer(early)
    office.loop.turn()
    assert office.forgotten == []


def test_with_a_platform_the_brokers_word_forgets_nothing() -> None:
    office = Office()
    office.up()
    office.record()
    office.answer(1)
    assert list(office.spool) == [1]


def test_an_answer_to_something_that_is_no_record_is_passed_over() -> None:
    office = Office(receipt="broker")
    office.up()
    office.record()
    for token in (0, 77):
        office.link.answer(token)
    office.loop.turn()
    assert list(office.spool) == [1]
    assert office.loop.faults == 0


def test_a_record_that_the_platform_refuses_in_its_own_words_is_kept_warned_of_and_sent_again() -> None:
    office = Office()
    office.up()
    office.record(2)
    office.answer(1, 2)
    office.courier.refused((EPOCH, 2), "its time is over 24 h away")
    office.courier.refused((EPOCH, 7), "not one of ours")
    assert office.warns() == {"link.denied"}
    office.receipt(1)
    office.live(DENIED_NS / SECOND + 1)
    assert office.sent() == [1, 2, 2]
    office.receipt(2)
    assert office.spool == {}
    assert office.warns() == set()
