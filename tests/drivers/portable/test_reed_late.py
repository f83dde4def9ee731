"""The reed driver on a thread that wakes late, by plain assertions alone: for CPython and MicroPython."""

from drivers.reed import FAULT, SETTLED, Reed

SHUT, OPEN = True, False
SETTLE, CHATTER, RESAMPLE = 50_000, 3_000_000, 1_000_000


def resting(closed):
    """A reed that came to rest at `closed` at time 0."""
    reed = Reed(SETTLE, CHATTER, RESAMPLE)
    reed.sample(-SETTLE, closed)
    assert reed.sample(0, closed).kind == SETTLED
    return reed


def test_an_opening_that_rested_long_enough_is_told_though_its_end_came_before_the_last_sample():
    reed = resting(SHUT)
    reed.edge(100_000)
    assert reed.sample(125_000, OPEN) is None
    reed.edge(151_000)  # it shut, and the sample that was due at 150_000 had not been taken
    assert reed.wait_us(152_000) == 0
    assert reed.sample(152_000, SHUT) == (SETTLED, OPEN, 100_000, 100_000, 1, False, False)
    assert reed.wait_us(152_000) == 24_000
    assert reed.sample(151_000 + SETTLE, SHUT) == (SETTLED, SHUT, 151_000, 151_000, 1, False, False)
    assert reed.glitches == 0


def test_a_glitch_that_rested_is_counted_and_does_not_lend_its_time_to_the_opening_after_it():
    reed = resting(SHUT)
    reed.edge(100_000)
    reed.edge(103_000)
    assert reed.sample(128_000, SHUT) is None
    reed.edge(103_000 + SETTLE)
    assert reed.glitches == 1
    assert reed.sample(155_000, OPEN) is None
    assert reed.sample(103_000 + 2 * SETTLE, OPEN).first_us == 103_000 + SETTLE


def test_a_rest_whose_level_nobody_saw_is_not_guessed_at():
    reed = resting(SHUT)
    reed.edge(100_000)
    reed.edge(151_000)
    assert reed.wait_us(152_000) == 24_000
    assert reed.sample(151_000 + SETTLE, SHUT) is None
    assert reed.glitches == 1


def test_a_faulty_contact_that_rested_before_it_moved_on_is_settled_once():
    reed = resting(SHUT)
    for last_us in range(0, CHATTER + 9_000, 9_000):
        reed.edge(last_us)
    fault = reed.sample(last_us, SHUT)
    assert reed.sample(last_us + 30_000, SHUT) is None
    reed.edge(last_us + SETTLE)
    settled = reed.sample(last_us + SETTLE + 1, OPEN)
    assert (fault.kind, settled.kind, settled.closed, settled.faulty) == (FAULT, SETTLED, SHUT, True)
    assert reed.sample(last_us + 2 * SETTLE, OPEN) == (
        SETTLED,
        OPEN,
        last_us + SETTLE,
        last_us + SETTLE,
        1,
        False,
        False,
    )


def test_what_is_owed_is_forgotten_where_the_contact_is():
    reed = resting(SHUT)
    reed.edge(100_000)
    reed.sample(125_000, OPEN)
    reed.edge(151_000)
    reed.forget()
    assert reed.wait_us(152_000) == RESAMPLE
    assert reed.sample(152_000, SHUT) is None
