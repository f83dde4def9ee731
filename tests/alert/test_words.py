"""What a phone shows: the unit, the door, an honest time, and whether it was expected. Nothing of a resident."""

import pytest

from edge.alert.words import LABEL_MAX, TONGUES, Alert, Batch, Tally, Writer, cut
from edge.clock import SECOND, Quality, Stamp, know
from edge.records import Change
from tests.alert.conftest import event, stamp

NOW = 160 * SECOND


def writer(language: str = "zh", anchor: Stamp | None = None) -> Writer:
    return Writer("door-1", language, 480, lambda at: know(at, anchor))


def alert(seq: int = 1, change: Change = Change.OPENED, *, expected: str | None = None, **fields: Stamp) -> Alert:
    return Alert(event(seq, change, expected=expected, **fields), NOW)


def text(one: Alert, language: str = "zh") -> str:
    return writer(language).message(Batch((one,)), NOW).text


def test_an_opening_is_told_in_chinese_in_local_time():
    assert text(alert()) == "【门磁】door-1 门已打开（非预期）\n时间：2026-05-30 04:28:20"


def test_an_opening_is_told_in_english_in_local_time():
    assert text(alert(), "en") == "[Door] door-1 door opened (not expected)\nTime: 2026-05-30 04:28:20"


def test_both_languages_stand_in_one_message():
    assert text(alert(), "both") == f"{text(alert())}\n\n{text(alert(), 'en')}"


@pytest.mark.parametrize("language", TONGUES)
@pytest.mark.parametrize("change", Change)
def test_every_change_has_words_of_its_own(language: str, change: Change):
    others = {text(alert(change=other), language) for other in Change if other is not change}
    assert text(alert(change=change), language) not in others


def test_an_expected_opening_says_what_it_was_expected_for():
    assert "door opened (expected: doctor)" in text(alert(expected="doctor"), "en")
    assert "门已打开（预期内：doctor）" in text(alert(expected="doctor"))


def test_a_label_cannot_break_the_message_nor_fill_it():
    said = text(alert(expected="doctor\n【门磁】door-2\x00" + "x" * 5000), "en")
    assert said.count("\n") == 1
    assert said.count("x") < LABEL_MAX


@pytest.mark.parametrize("quality", [Quality.RTC, Quality.RESTORED])
def test_a_time_of_which_nobody_is_sure_is_told_so(quality: Quality):
    assert text(alert(at=stamp(quality=quality)), "en").endswith("2026-05-30 04:28:20 (time uncertain)")


def test_a_time_that_is_not_known_is_told_as_an_age():
    said = text(alert(at=stamp(quality=Quality.UNSYNCED)), "en")
    assert said.endswith("Time: about 60 s ago (this unit's clock is not set)")
    assert "2026" not in said


def test_a_clock_that_was_set_meanwhile_makes_the_time_known():
    one = alert(at=stamp(100, Quality.UNSYNCED))
    said = writer("en", anchor=stamp(150)).message(Batch((one,)), NOW).text
    assert said.endswith("Time: 2026-05-30 04:28:20")


def test_a_clock_with_a_large_error_says_how_large():
    assert text(alert(at=stamp(error_ms=2500)), "en").endswith("2026-05-30 04:28:20 (within 3 s)")


def test_a_change_that_fell_between_two_instants_tells_both():
    said = text(alert(at=stamp(100), since=stamp(40)), "en")
    assert said.endswith("Time: between 2026-05-30 04:27:20 and 2026-05-30 04:28:20")


def test_several_changes_are_counted_and_then_told_one_by_one():
    batch = Batch((alert(1), alert(2, Change.SHUT, at=stamp(110)), alert(3, at=stamp(120))))
    said = writer("en").message(batch, NOW)
    assert said.title == "[Door] door-1 3 changes"
    assert said.text.splitlines() == [
        "[Door] door-1 3 changes",
        "door opened 2, door shut 1",
        "2026-05-30 04:28:20 door opened (not expected)",
        "2026-05-30 04:28:30 door shut",
        "2026-05-30 04:28:40 door opened (not expected)",
    ]


def test_of_very_many_changes_the_last_are_told_and_the_others_counted():
    said = writer("en").message(Batch(tuple(alert(n) for n in range(50))), NOW).text
    assert "door opened 50" in said
    assert "42 more" in said
    assert len(said.splitlines()) == 11


def test_what_could_not_be_told_in_time_is_counted_with_its_first_and_last():
    late = Tally({Change.OPENED: 7, Change.SHUT: 6}, event(1, at=stamp(100)), event(13, at=stamp(120)))
    said = writer("en").message(Batch((), late), NOW)
    assert "13 changes could not be told in time (door opened 7, door shut 6)" in said.text
    assert "first 2026-05-30 04:28:20, last 2026-05-30 04:28:40" in said.text


@pytest.mark.parametrize(
    ("change", "expected", "urgent"),
    [
        (Change.OPENED, None, True),
        (Change.HELD, None, True),
        (Change.LOST, None, True),
        (Change.SHUT, None, False),
        (Change.FOUND, None, False),
        (Change.OPENED, "doctor", False),
    ],
)
def test_only_what_nobody_expected_is_urgent(change: Change, expected: str | None, urgent: bool):
    assert writer().message(Batch((alert(change=change, expected=expected),)), NOW).urgent is urgent


@pytest.mark.parametrize("most", range(4, 40))
def test_a_text_is_cut_between_characters_and_never_too_long(most: int):
    short = cut("门abc门磁" * 5, most)
    assert len(short.encode()) <= most
    assert "\ufffd" not in short
    assert cut(short, most) == short
