"""The door's table: total, and no way through it tells one opening twice or loses one."""

from typing import NamedTuple

import pytest

from edge.door.machine import IGNORED, TABLE, Effect, Machine, Signal, State, diagram

# The timer rings only while a door is open and not yet held: anything else is a fault in the caller.
FAULTS = {(s, Signal.DUE) for s in State} - {(State.OPEN, Signal.DUE), (State.LOST_OPEN, Signal.DUE)}
PAIRS = [(s, g) for s in State for g in Signal]
HELD_TIMER = {State.OPEN, State.LOST_OPEN}
OPENISH = {State.OPEN, State.HELD, State.LOST_OPEN, State.LOST_HELD}
RESTART = "the unit restarts"


class Way(NamedTuple):
    """Where one way through the table has come to, and what has been told on it."""

    state: State = State.UNKNOWN
    timer: bool = False  # the held timer runs
    open_told: bool = False
    held_told: bool = False
    lost_told: bool = False


class Step(NamedTuple):
    """One word further; `words` are all since the beginning."""

    before: Way
    effects: tuple[Effect, ...]
    after: Way
    words: tuple[str, ...]


def machine_in(state: State) -> Machine:
    """A machine that has come to be in `state`."""
    machine = Machine()
    machine.state = state
    return machine


def live(way: Way, word: str) -> tuple[tuple[Effect, ...], Way]:
    """What is told on a way when `word` happens, and where it then is."""
    if word == RESTART:
        state = Machine(way.state).state
        return (), way._replace(state=state, timer=state in HELD_TIMER)  # as edge/unit/doorkeeper.py begins it anew
    machine = machine_in(way.state)
    told = machine.move(Signal(word))
    return told, Way(
        machine.state,
        timer=Effect.START_HELD in told or (way.timer and word is not Signal.DUE and Effect.STOP_HELD not in told),
        open_told=machine.state in OPENISH if told and word in (Signal.OPENED, Signal.CLOSED) else way.open_told,
        held_told=(way.held_told or Effect.REPORT_HELD in told) and Effect.REPORT_SHUT not in told,
        lost_told=Effect.REPORT_LOST in told or (way.lost_told and (not told or word is Signal.DUE)),
    )


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    """Every step of every way, however long: all from a way that was not seen before are walked.

    The contact may do anything at any time, and the unit may restart; the timer rings only while it runs.
    """
    walked, todo = [], [(Way(), ())]
    seen = {Way()}
    while todo:
        way, words = todo.pop(0)
        for word in [*Signal, RESTART]:
            if word is Signal.DUE and not way.timer:
                continue
            told, after = live(way, word)
            walked.append(Step(way, told, after, (*words, word)))
            if after not in seen:
                seen.add(after)
                todo.append((after, (*words, word)))
    return walked


@pytest.mark.parametrize(("state", "signal"), PAIRS)
def test_every_state_has_an_answer_to_every_signal(state: State, signal: Signal):
    listed = [(state, signal) in group for group in (TABLE, IGNORED, FAULTS)]
    assert listed.count(True) == 1


@pytest.mark.parametrize(("state", "signal"), sorted(FAULTS))
def test_a_pair_in_neither_list_raises_and_leaves_the_state_untouched(state: State, signal: Signal):
    machine = machine_in(state)
    with pytest.raises(KeyError):
        machine.move(signal)
    assert machine.state is state


@pytest.mark.parametrize(("state", "signal"), sorted(IGNORED))
def test_an_ignored_signal_does_nothing_and_moves_nowhere(state: State, signal: Signal):
    machine = machine_in(state)
    assert machine.move(signal) == ()
    assert machine.state is state


@pytest.mark.parametrize(("state", "signal"), sorted(TABLE))
def test_a_row_is_taken_as_it_stands(state: State, signal: Signal):
    machine = machine_in(state)
    assert machine.move(signal) == TABLE[state, signal].effects
    assert machine.state is TABLE[state, signal].to


def test_every_state_can_be_reached_and_can_be_left():
    reached = {State.UNKNOWN}
    while more := {row.to for (state, _), row in TABLE.items() if state in reached} - reached:
        reached |= more
    assert reached == set(State)
    assert {state for (state, _), row in TABLE.items() if row.to is not state} == set(State)


@pytest.mark.parametrize("row", TABLE.values(), ids=[f"{s}-{g}" for s, g in TABLE])
def test_every_change_is_told_once_and_before_pictures_are_taken_of_it(row):
    assert [effect.name.startswith("REPORT") for effect in row.effects].count(True) == 1
    assert row.effects[0].name.startswith("REPORT")
    assert len(set(row.effects)) == len(row.effects)


@pytest.mark.parametrize(("pair", "row"), TABLE.items(), ids=[f"{s}-{g}" for s, g in TABLE])
def test_what_is_reported_is_what_happened(pair: tuple[State, Signal], row):
    state, signal = pair
    was_open, is_open = state in OPENISH, row.to in OPENISH
    wanted = {
        Signal.DUE: Effect.REPORT_HELD,
        Signal.LOST: Effect.REPORT_LOST,
        Signal.OPENED: Effect.REPORT_FOUND if was_open or state is State.UNKNOWN else Effect.REPORT_OPENED,
        Signal.CLOSED: Effect.REPORT_SHUT if was_open else Effect.REPORT_FOUND,
    }
    assert row.effects[0] is wanted[signal]
    assert is_open is {Signal.OPENED: True, Signal.CLOSED: False}.get(signal, was_open)


def test_no_way_tells_an_opening_twice_without_a_shut_between(steps: list[Step]):
    again = [s.words for s in steps if Effect.REPORT_OPENED in s.effects and s.before.open_told]
    assert again == []


def test_no_way_tells_a_shut_of_a_door_that_was_not_told_to_be_open(steps: list[Step]):
    again = [s.words for s in steps if Effect.REPORT_SHUT in s.effects and not s.before.open_told]
    assert again == []


def test_no_way_tells_held_twice_for_one_opening(steps: list[Step]):
    again = [s.words for s in steps if Effect.REPORT_HELD in s.effects and s.before.held_told]
    assert again == []


def test_no_way_tells_lost_twice_without_telling_between_what_is_found(steps: list[Step]):
    again = [s.words for s in steps if Effect.REPORT_LOST in s.effects and s.before.lost_told]
    assert again == []


def test_on_every_way_each_opening_is_looked_at_once(steps: list[Step]):
    wrong = [s.words for s in steps if (Effect.LOOK in s.effects) is not (s.after.open_told and not s.before.open_told)]
    assert wrong == []


def test_on_every_way_the_held_timer_runs_exactly_while_the_door_is_open_and_not_held(steps: list[Step]):
    wrong = [s.words for s in steps if s.after.timer is not (s.after.state in HELD_TIMER)]
    assert wrong == []


def test_on_every_way_a_known_state_is_what_was_last_told(steps: list[Step]):
    known = [s for s in steps if s.after.state in (State.SHUT, State.OPEN, State.HELD)]
    wrong = [s.words for s in known if s.after.open_told is not (s.after.state in OPENISH) or s.after.lost_told]
    assert wrong == []
    assert [s.words for s in known if s.after.held_told is not (s.after.state is State.HELD)] == []


def test_every_row_and_every_ignored_pair_is_walked_on_some_way(steps: list[Step]):
    walked = {(s.before.state, s.words[-1]) for s in steps}
    assert walked >= set(TABLE) | IGNORED


def test_a_door_held_open_is_still_held_after_the_contact_was_lost():
    machine = machine_in(State.HELD)
    assert machine.move(Signal.LOST) == (Effect.REPORT_LOST,)
    assert machine.move(Signal.OPENED) == (Effect.REPORT_FOUND,)
    assert machine.state is State.HELD


def test_a_door_that_is_due_while_the_contact_is_lost_is_held_once_found():
    machine = machine_in(State.LOST_OPEN)
    assert machine.move(Signal.DUE) == (Effect.REPORT_HELD,)
    assert machine.move(Signal.OPENED) == (Effect.REPORT_FOUND,)
    assert machine.state is State.HELD


def test_a_door_that_opened_while_nobody_could_see_it_is_an_opening():
    machine = Machine(State.SHUT)
    assert machine.move(Signal.OPENED) == (Effect.REPORT_OPENED, Effect.LOOK, Effect.START_HELD)


def test_a_door_first_found_open_is_looked_at_but_is_no_opening():
    assert Machine().move(Signal.OPENED) == (Effect.REPORT_FOUND, Effect.LOOK, Effect.START_HELD)


@pytest.mark.parametrize(
    ("stored", "begins"),
    [
        (State.UNKNOWN, State.UNKNOWN),
        (State.SHUT, State.LOST_SHUT),
        (State.OPEN, State.LOST_OPEN),
        (State.HELD, State.LOST_HELD),
        (State.LOST_SHUT, State.LOST_SHUT),
        (State.LOST_OPEN, State.LOST_OPEN),
        (State.LOST_HELD, State.LOST_HELD),
    ],
)
def test_a_unit_that_starts_knows_nothing_of_what_the_door_did_meanwhile(stored: State, begins: State):
    machine = Machine(stored)
    assert machine.state is begins
    assert machine.lost
    assert machine.shown is State.UNKNOWN


@pytest.mark.parametrize("state", [State.SHUT, State.OPEN, State.HELD])
def test_what_is_known_is_shown_as_it_is(state: State):
    machine = machine_in(state)
    assert machine.shown is state
    assert not machine.lost


def test_the_drawing_has_one_arrow_for_every_row_and_no_other():
    head, start, *arrows = diagram().splitlines()
    assert (head, start) == ("stateDiagram-v2", "    [*] --> unknown")
    assert len(arrows) == len(TABLE)
    for (state, signal), move in TABLE.items():
        ends = f"    {state.replace('-', '_')} --> {move.to.replace('-', '_')}: {signal} / "
        (arrow,) = [line for line in arrows if line.startswith(ends)]
        assert arrow.removeprefix(ends).split(", ") == list(move.effects)


def test_the_drawing_names_no_state_with_a_dash_which_mermaid_would_not_take():
    names = {word for line in diagram().splitlines()[2:] for word in line.partition(":")[0].split(" --> ")}
    assert {name.strip() for name in names} <= {state.replace("-", "_") for state in State}
