"""The contact's long memory by plain assertions alone: the same file runs on CPython and on MicroPython."""

from drivers.contact_health import (
    CLEAR_AT,
    FAILING_REED,
    FAULTS_AT,
    INDUCED_NOISE,
    LEARN,
    MAGNET_DRIFTING,
    NAMES,
    NOISE_AT,
    WARN_AT,
    WINDOW,
    ContactHealth,
)

SHUT, OPEN = True, False
GOOD, BAD = (600, 5), (30_000, 25)  # settle_us, edges


def visits(health, count, opening=GOOD, closing=GOOD):
    """Open and shut so often. Returns the memory."""
    for _ in range(count):
        health.moved(OPEN, *opening)
        health.moved(SHUT, *closing)
    return health


def known(opening=GOOD, closing=GOOD):
    """A memory that has learned such a door."""
    return visits(ContactHealth(), LEARN, opening, closing)


def glitches(health, count):
    """So many without a movement. Returns the memory."""
    for _ in range(count):
        health.glitched()
    return health


def refusal(kept):
    """What unpack says against these bytes; empty where it takes them."""
    try:
        ContactHealth.unpack(kept)
    except ValueError as err:
        return str(err)
    return ""


# What it learns


def test_a_memory_that_knows_nothing_has_nothing_to_say():
    health = ContactHealth()
    assert health.findings() == []
    assert not health.learned


def test_a_door_is_learned_after_its_first_movements_both_ways():
    health = visits(ContactHealth(), LEARN - 1)
    health.moved(SHUT, *GOOD)
    assert not health.learned
    health.moved(OPEN, *GOOD)
    assert health.learned


def test_a_door_that_always_rattled_is_no_news():
    assert visits(known(BAD, BAD), 500, BAD, BAD).findings() == []


def test_a_bounce_within_two_milliseconds_is_never_unusual():
    assert visits(known((0, 1), (0, 1)), 100, (2_000, 8), (2_000, 8)).findings() == []


def test_one_slam_while_it_was_learned_does_not_blind_it():
    health = ContactHealth()
    health.moved(SHUT, 250_000, 40)
    assert visits(visits(health, LEARN), WINDOW, BAD, BAD).findings() == [FAILING_REED]


def test_one_bad_day_does_not_warn():
    assert visits(known(), WARN_AT - 1, BAD, BAD).findings() == []
    assert visits(visits(known(), WARN_AT - 1, BAD, BAD), WINDOW).findings() == []


# What it finds


def test_a_contact_that_bounces_long_both_ways_is_failing():
    health = visits(known(), WARN_AT - 1, BAD, BAD)
    health.moved(OPEN, *BAD)
    assert health.findings() == [FAILING_REED]


def test_a_contact_with_more_edges_in_the_same_time_is_failing_too():
    assert visits(known(), WARN_AT, (600, 40), (600, 40)).findings() == [FAILING_REED]


def test_twice_what_the_door_did_is_usual_and_more_is_not():
    slow = (9_000, 9)
    assert visits(known(slow, slow), WINDOW, (18_000, 18), (18_000, 18)).findings() == []
    assert visits(known(slow, slow), WINDOW, (18_001, 18), (18_001, 18)).findings() == [FAILING_REED]


def test_a_contact_that_settles_badly_on_closing_only_has_a_drifting_magnet():
    assert visits(known(), WARN_AT, closing=BAD).findings() == [MAGNET_DRIFTING]


def test_a_contact_that_turns_bad_on_opening_as_well_is_no_longer_the_magnets():
    assert visits(visits(known(), WARN_AT, closing=BAD), WARN_AT, BAD, BAD).findings() == [FAILING_REED]


def test_a_contact_that_often_does_not_come_to_rest_on_closing_has_a_drifting_magnet():
    health = known()
    for n in range(FAULTS_AT):
        assert health.findings() == [], n
        health.moved(OPEN, *GOOD)
        health.moved(SHUT, 3_500_000, 300, True)
    assert health.findings() == [MAGNET_DRIFTING]


def test_a_chattering_contact_teaches_nothing_of_how_it_bounces():
    health = ContactHealth()
    for _ in range(2):
        health.moved(SHUT, 4_000_000, 400, True)
    assert visits(visits(health, LEARN), WARN_AT, closing=BAD).findings() == [MAGNET_DRIFTING]


def test_a_contact_that_was_mended_is_well_again_only_after_most_of_a_window():
    health = visits(known(), WINDOW, BAD, BAD)
    assert visits(health, WINDOW - CLEAR_AT - 1).findings() == [FAILING_REED]
    assert visits(health, 1).findings() == []


def test_a_magnet_that_was_put_right_is_well_again_once_no_chatter_is_remembered():
    health = known()
    for _ in range(FAULTS_AT):
        health.moved(SHUT, 3_500_000, 300, True)
    assert visits(health, WINDOW - 1).findings() == [MAGNET_DRIFTING]
    assert visits(health, 1).findings() == []


def test_glitches_without_openings_are_induced_noise():
    assert glitches(known(), NOISE_AT - 1).findings() == []
    assert glitches(known(), NOISE_AT).findings() == [INDUCED_NOISE]


def test_a_glitch_with_each_movement_is_forgiven_for_ever():
    health = known()
    for _ in range(1_000):
        health.moved(OPEN, *GOOD)
        health.glitched()
        health.moved(SHUT, *GOOD)
    assert health.findings() == []


def test_a_door_that_glitched_while_it_was_learned_is_forgiven_more():
    windy = ContactHealth()
    for _ in range(LEARN):
        glitches(windy, 2)
        visits(windy, 1)
    for _ in range(200):
        glitches(windy, 5)
        visits(windy, 1)
    assert windy.findings() == []


def test_noise_that_was_there_from_the_first_day_is_found_all_the_same():
    noisy = ContactHealth()
    for _ in range(LEARN):
        glitches(noisy, 30)
        visits(noisy, 1)
    assert noisy.findings() == [INDUCED_NOISE]


def test_noise_that_has_ended_is_forgotten_as_the_door_moves():
    health = glitches(known(), NOISE_AT)
    assert visits(health, NOISE_AT // 2 - 1).findings() == [INDUCED_NOISE]
    assert visits(health, 1).findings() == []


def test_two_things_can_be_wrong_at_once_and_each_has_a_name():
    health = glitches(visits(known(), WINDOW, closing=BAD), NOISE_AT)
    assert [NAMES[code] for code in health.findings()] == ["magnet drifting", "induced noise"]


# What it keeps


def test_what_was_packed_goes_on_where_it_was():
    health = glitches(visits(known(), WARN_AT - 1, BAD, BAD), NOISE_AT - 1)
    again = ContactHealth.unpack(health.pack())
    assert again.pack() == health.pack()
    for memory in (again, health):
        assert memory.findings() == []
        assert visits(glitches(memory, 1), 1, BAD, BAD).findings() == [FAILING_REED, INDUCED_NOISE]


def test_a_finding_survives_being_packed_though_it_would_not_be_found_anew():
    health = visits(visits(known(), WINDOW, BAD, BAD), WINDOW - CLEAR_AT - 1)
    assert ContactHealth.unpack(health.pack()).findings() == [FAILING_REED]


def test_its_state_never_grows_whatever_it_is_fed():
    size = len(ContactHealth().pack())
    health = glitches(visits(known((1 << 40, 1 << 20), (1 << 40, 1 << 20)), 100, (1 << 40, 1 << 20)), 5_000)
    assert len(health.pack()) == size == 39
    assert ContactHealth.unpack(health.pack()).pack() == health.pack()


def test_bytes_that_it_did_not_pack_are_refused_with_what_is_wanted():
    kept = known().pack()
    assert refusal(kept) == ""
    assert refusal(b"") == "contact health: found nothing; want 39 bytes, version 1"
    assert refusal(kept[:-1]) == "contact health: found 38 bytes, version 1; want 39 bytes, version 1"
    assert refusal(b"\2" + kept[1:]) == "contact health: found 39 bytes, version 2; want 39 bytes, version 1"
