"""The contact's long memory at a unit: fed by the door, kept with its commits, shown in the pulse."""

import logging

import pytest

from drivers.contact_health import LEARN, WARN_AT, WINDOW, ContactHealth
from tests.unit.rig import Rig


def visits(rig: Rig, count: int, wave: str, shut_wave: str = "") -> None:
    """Somebody comes and goes so often."""
    for n in range(count):
        rig.play(wave, closed=False, seed=n)
        rig.live(0.4)
        rig.play(shut_wave or wave, closed=True, seed=n)
        rig.live(0.4)


def codes(rig: Rig) -> list[str]:
    """The warnings that the pulse carries."""
    return [warning["code"] for warning in rig.unit.pulse([])["warnings"]]


def learned(start) -> Rig:
    """A unit that knows its door, and that it bounces for a few ms."""
    rig = start()
    visits(rig, LEARN, "bounce")
    return rig


def test_a_new_unit_learns_its_door_and_says_when_it_has(start):
    rig = start()
    assert rig.unit.pulse([])["contact_learned"] is False
    visits(rig, LEARN, "bounce")
    pulse = rig.unit.pulse([])
    assert (pulse["contact_learned"], pulse["contact_findings"], pulse["warnings"]) == (True, [], [])


def test_a_contact_that_turns_to_rattling_both_ways_is_shown_as_failing_with_the_remedy(start):
    rig = learned(start)
    visits(rig, WARN_AT, "rattle")
    (warning,) = rig.unit.pulse([])["warnings"]
    assert warning["code"] == "contact.failing"
    assert warning["remedy"].startswith("Replace the reed switch")
    assert warning["remedy_zh"]
    assert rig.unit.pulse([])["contact_findings"] == ["failing reed"]


def test_a_contact_that_rattles_on_shutting_only_is_shown_as_the_magnets(start):
    rig = learned(start)
    visits(rig, WARN_AT, "bounce", "rattle")
    assert codes(rig) == ["contact.magnet"]


def test_noise_is_shown_while_it_lasts_and_remembered_after(start):
    rig = learned(start)
    for n in range(100):
        rig.play("glitch", closed=False, seed=n)
        rig.live(0.2)
    assert codes(rig) == ["contact.noise"]
    rig.live(31)
    assert (codes(rig), rig.unit.pulse([])["contact_findings"]) == ([], ["induced noise"])


def test_what_was_learned_and_found_survives_a_cut(start):
    rig = learned(start)
    visits(rig, WARN_AT, "rattle")
    before = rig.unit._c.doorkeeper.settler.memory.pack()
    rig = start()  # cut, not stopped
    assert rig.unit._c.doorkeeper.settler.memory.pack() == before
    assert codes(rig) == ["contact.failing"]
    visits(rig, WINDOW, "bounce")
    assert codes(rig) == []


def test_the_memory_costs_no_commit_of_its_own(start):
    rig = start()
    with_it = -rig.unit._c.journal.commits
    visits(rig, 3, "bounce")
    with_it += rig.unit._c.journal.commits
    rig.unit._c.recorder.also_keep = dict
    without = -rig.unit._c.journal.commits
    visits(rig, 3, "bounce")
    assert with_it == without + rig.unit._c.journal.commits > 0


def test_a_memory_that_cannot_be_read_is_said_so_and_learned_anew(start, caplog: pytest.LogCaptureFixture):
    rig = learned(start)
    rig.unit._c.recorder.also_keep = lambda: {"contact": b"\2 what is this"}
    visits(rig, 1, "bounce")
    with caplog.at_level(logging.WARNING):
        rig = start()
    assert "contact health: found 14 bytes, version 2; want 39 bytes, version 1; it is learned anew" in caplog.text
    assert rig.unit._c.doorkeeper.settler.memory.pack() == ContactHealth().pack()


def test_an_opening_that_no_edge_told_of_teaches_nothing_of_the_bounce(start):
    rig = start()
    memory = rig.unit._c.doorkeeper.settler.memory
    rig.contact.close()  # no edge is delivered any more
    rig.contact.open(lambda _: None)
    rig.wire.set(False)
    rig.live(3)
    assert rig.changes() == ["found", "opened"]
    assert memory.pack() == ContactHealth().pack()
