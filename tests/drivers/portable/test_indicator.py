"""What lamp and buzzer show, from the time alone. Runs on both Pythons."""

from drivers.indicator import FAULT, IDENTIFY, LONGEST_LIT_MS, OPENED, ORDER, PATTERNS, WALK_TEST, Indicator
from tests.drivers.portable.bench import said


def play(show, until_ms, from_ms=0):
    """(lamp, buzzer) at each millisecond."""
    return [show.levels(ms) for ms in range(from_ms, until_ms)]


def longest(levels):
    """The longest time, in ms, that the lamp was lit without a break."""
    most = lit = 0
    for lamp, _ in levels:
        lit = lit + 1 if lamp else 0
        most = max(most, lit)
    return most


def test_nothing_is_shown_where_nothing_was_asked_for():
    show = Indicator()
    assert play(show, 10) == [(False, False)] * 10
    assert show.wait_ms(0) == 1000


def test_a_fault_is_two_short_flashes_each_four_seconds_without_a_sound():
    show = Indicator()
    show.begin(FAULT, 0)
    levels = play(show, 8000)
    assert sum([lamp for lamp, _ in levels]) == 480
    assert not any([buzzer for _, buzzer in levels])
    assert [ms for ms in range(1, 8000) if levels[ms][0] and not levels[ms - 1][0]] == [400, 4000, 4400]


def test_while_the_camera_is_on_the_lamp_is_lit_whatever_else_is_shown():
    show = Indicator()
    show.camera_on = True
    assert all([lamp for lamp, _ in play(show, 100)])
    for pattern in ORDER:
        show.begin(pattern, 0)
        assert all([lamp for lamp, _ in play(show, 5000)])


def test_no_pattern_and_no_change_of_patterns_looks_like_the_camera():
    for pattern in ORDER:
        show = Indicator()
        show.begin(pattern, 0)
        assert 0 < longest(play(show, 5000)) <= LONGEST_LIT_MS
        for other in ORDER:
            levels = play(show, 1050)
            show.begin(other, 1050, 1000)
            assert longest(levels + play(show, 5000, 1050)) <= LONGEST_LIT_MS


def test_a_pattern_that_is_begun_again_and_again_does_not_look_like_the_camera():
    show = Indicator()
    levels = []
    for ms in range(0, 4000, 50):
        show.begin(WALK_TEST, ms, 5000)
        levels += play(show, ms + 50, ms)
    assert longest(levels) == 100
    assert (show.shown(3950 + 4999), show.shown(3950 + 5000)) == (WALK_TEST, None)


def test_what_matters_more_is_shown_and_then_what_was_shown_before():
    show = Indicator()
    for pattern in ORDER:
        show.begin(pattern, 0)
    shown = []
    for _ in ORDER:
        shown.append(show.shown(0))
        show.end(shown[-1])
    assert shown == [IDENTIFY, OPENED, WALK_TEST, FAULT]
    assert show.shown(0) is None


def test_a_pattern_ends_by_itself_when_its_time_is_over():
    show = Indicator()
    show.begin(WALK_TEST, 0)
    show.begin(OPENED, 100, 2000)
    assert (show.shown(2099), show.shown(2100)) == (OPENED, WALK_TEST)


def test_it_says_exactly_when_the_levels_change_next():
    show = Indicator()
    for pattern in ORDER:
        show.begin(pattern, 0)
        ms = 0
        while ms < 10_000:
            wait_ms = show.wait_ms(ms)
            assert wait_ms > 0
            assert play(show, ms + wait_ms, ms) == [show.levels(ms)] * wait_ms
            ms += wait_ms


def test_it_says_when_a_pattern_of_limited_time_ends():
    show = Indicator()
    show.begin(WALK_TEST, 0, 1050)
    assert (show.wait_ms(1000), show.levels(1049), show.levels(1050)) == (50, (True, False), (False, False))


def test_a_clock_that_wraps_in_between_changes_nothing():
    period = 1 << 30

    def diff(later, earlier):
        return (later - earlier + period // 2) % period - period // 2

    plain, wrapping = Indicator(), Indicator(diff)
    plain.begin(IDENTIFY, 0, 3000)
    wrapping.begin(IDENTIFY, period - 1000, 3000)
    for ms in range(0, 4000, 7):
        assert wrapping.levels((period - 1000 + ms) % period) == plain.levels(ms)


def test_ending_what_is_not_shown_is_harmless():
    show = Indicator()
    show.end(FAULT)
    show.end(FAULT)
    assert show.shown(0) is None


def test_an_unknown_pattern_is_refused_by_name():
    assert "pattern is disco; want one of fault, walk_test" in said(ValueError, Indicator().begin, "disco", 0)


def test_every_pattern_has_its_place_in_the_order():
    assert sorted(PATTERNS) == sorted(ORDER)
