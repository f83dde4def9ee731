"""One person at a time, by the label's code; wrong codes are slowed down."""

import pytest

from edge.clock import SECOND
from edge.onsite.gate import ADDRESSES_MAX, ALL_BURST, BURST, EVERY_NS, IDLE_NS, Gate
from edge.secret import Secret

CODE = "OKIO6M4S"


@pytest.fixture
def gate() -> Gate:
    return Gate("door-1", Secret(CODE.encode()))


def enter(gate: Gate, said: str, at_s: float = 0, address: str = "192.0.2.9", *, take_over: bool = False):
    return gate.enter(said, "Li Wei", address, int(at_s * SECOND), take_over=take_over)


@pytest.mark.parametrize("said", [CODE, CODE.lower(), " okio-6m4s ", "OKIO 6M4S", f"doorunit:1:door-1:{CODE}"])
def test_the_code_lets_in_however_it_is_typed(gate: Gate, said: str):
    verdict, cookie = enter(gate, said)
    assert verdict == "in"
    assert gate.knows(cookie, SECOND)


@pytest.mark.parametrize("said", ["", "OKIO6M4", f"doorunit:1:door-2:{CODE}", f"{CODE}{CODE}", "门", "\x00" * 5000])
def test_nothing_else_lets_in_not_even_another_unit_s_label(gate: Gate, said: str):
    assert enter(gate, said) == ("wrong", "")
    assert gate.person is None


def test_wrong_codes_are_slowed_down_and_then_the_right_one_waits_too(gate: Gate):
    for _ in range(BURST):
        assert enter(gate, "WRONGONE")[0] == "wrong"
    assert enter(gate, CODE)[0] == "often"
    assert enter(gate, CODE, address="192.0.2.10")[0] == "in"
    assert enter(gate, CODE, BURST * EVERY_NS / SECOND + 1, take_over=True)[0] == "in"


def test_many_addresses_together_are_slowed_down_as_one(gate: Gate):
    said = [enter(gate, "WRONGONE", address=f"2001:db8::{n}")[0] for n in range(ALL_BURST + 5)]
    assert said == ["wrong"] * ALL_BURST + ["often"] * 5
    for n in range(2 * ADDRESSES_MAX):
        enter(gate, "WRONGONE", n * 100.0, address=f"2001:db8:1::{n}")
    assert len(gate._wrong) == ADDRESSES_MAX


def test_a_second_installer_sees_who_is_in_and_ends_that_session_by_taking_over(gate: Gate):
    _, first = enter(gate, CODE)
    assert enter(gate, CODE, 60) == ("busy", "")
    assert gate.person is not None
    assert gate.person.name == "Li Wei"
    _, second = enter(gate, CODE, 61, take_over=True)
    assert not gate.knows(first, 62 * SECOND)
    assert gate.knows(second, 62 * SECOND)


def test_a_session_of_which_nothing_is_heard_is_over_and_no_empty_cookie_counts(gate: Gate):
    _, cookie = enter(gate, CODE)
    assert gate.knows(cookie, IDLE_NS - 1)
    assert gate.knows(cookie, 2 * IDLE_NS - 2)
    assert not gate.knows(cookie, 4 * IDLE_NS)
    gate.leave()
    assert not gate.knows("", 0)
    assert enter(gate, CODE, 3)[0] == "in"
