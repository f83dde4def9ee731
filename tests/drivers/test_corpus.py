"""The corpus of contact waveforms: it stands as generated, our driver answers it rightly, and the judge sees faults."""

import json
import random
import subprocess
import sys

import pytest

from tests.drivers import corpus, rivals
from tests.drivers.corpus import FOLDER, Score
from tests.drivers.waveforms import physics
from tests.drivers.waveforms.physics import KINDS, MS, SETTLE_US, Waveform

SHUT, OPEN = True, False
WRITTEN = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.jsonl"))}


def written(kind: str) -> list[Waveform]:
    """The committed waveforms of one kind."""
    return [physics.from_plain(kind, json.loads(line)) for line in WRITTEN[kind].splitlines()]


ALL = [pytest.param(one, id=f"{kind}-{n}") for kind in WRITTEN for n, one in enumerate(written(kind))]


def visit(*times: int, kind: str = "planted") -> Waveform:
    """A contact that opens, shuts, opens ... at these times, each a true movement."""
    edges = [(t, n % 2 == 1) for n, t in enumerate(times)]
    return Waveform(kind, edges, [], times[-1] + 1_500 * MS, edges, 0)


def judged(waveform: Waveform, told: list[tuple[int, bool]]) -> Score:
    score = Score()
    score.judge(waveform, told)
    return score


# The waveforms


def test_the_committed_waveforms_are_what_the_generator_makes_to_the_byte():
    assert {f"{kind}.jsonl": text for kind, text in WRITTEN.items()} == corpus.sample()


def test_there_are_waveforms_of_every_kind_and_they_are_modest_in_size():
    assert set(WRITTEN) == set(KINDS)
    assert sum(len(text) for text in WRITTEN.values()) < 300_000


@pytest.mark.parametrize("waveform", ALL)
def test_every_waveform_is_a_contact_that_a_door_could_have(waveform: Waveform):
    times = [t for t, _ in waveform.edges]
    assert all(a < b for a, b in zip(times, times[1:], strict=False)), "time goes on"
    assert [closed for _, closed in waveform.edges] == [n % 2 == 1 for n in range(len(times))], "levels alternate"
    assert waveform.edges[-1][1] is SHUT
    assert {t for t, _ in waveform.answer} | set(waveform.dropped) <= set(times)
    assert [closed for _, closed in waveform.answer] == [n % 2 == 1 for n in range(len(waveform.answer))]


@pytest.mark.parametrize("waveform", ALL)
def test_what_is_no_movement_never_rests_as_long_as_the_settle_time(waveform: Waveform):
    """And what is one does: so the right answer is the physics', not the driver's."""
    open_us = [b - a for (a, closed), (b, _) in zip(waveform.edges, waveform.edges[1:], strict=False) if not closed]
    rests = sum(lasts > SETTLE_US for lasts in open_us)
    assert rests == sum(not closed for _, closed in waveform.answer)


@pytest.mark.parametrize("waveform", ALL)
def test_our_driver_gives_the_right_answer_to_every_waveform(waveform: Waveform):
    told = rivals.ours(waveform, random.Random(1))
    assert [closed for _, closed in told] == [closed for _, closed in waveform.answer]
    assert rivals.faults(waveform, random.Random(1)) == waveform.faults
    if waveform.kind not in ("noisy", "dropped"):
        assert told == waveform.answer, "to the microsecond"


def test_thousands_of_openings_are_told_without_one_missed_or_invented():
    totals, unfaulted, wrong = corpus.play(2_500, processes=1)
    mine = totals["drivers/reed.py"]
    assert mine.openings >= 2_500
    assert (mine.false, mine.missed, mine.wrong_end, unfaulted, wrong) == (0, 0, 0, 0, [])
    assert totals["gpiozero native, RPi.GPIO"].false > 0
    assert totals["gpiozero lgpio"].missed > 0
    assert totals["mqtt-io, RPi.GPIO"].wrong_end > 0


# The judge


def test_a_right_answer_is_right_and_its_time_is_judged_by_the_opening():
    score = judged(visit(1_000, 900_000), [(1_250, OPEN), (900_000, SHUT)])
    assert (score.openings, score.false, score.missed, score.wrong_end, score.errors_us) == (1, 0, 0, 0, [250])


def test_an_opening_that_is_not_told_is_missed_and_one_that_was_not_is_false():
    twice = visit(100_000, 900_000, 2_000_000, 2_900_000)
    assert judged(twice, [(100_000, OPEN), (900_000, SHUT)]).missed == 1
    assert judged(twice, []).missed == 2
    again = [(100_000, OPEN), (100_900, SHUT), (150_000, OPEN), (900_000, SHUT), (2_000_000, OPEN), (2_900_000, SHUT)]
    assert judged(twice, again).false == 1
    early = judged(visit(100_000, 900_000), [(10_000, OPEN), (900_000, SHUT)])
    assert (early.false, early.missed) == (1, 1)


def test_a_door_that_is_left_standing_open_is_seen():
    assert judged(visit(1_000, 900_000), [(1_000, OPEN)]).wrong_end == 1


def test_an_opening_told_where_there_was_none_is_false():
    glitch = Waveform("glitch", [(5_000, OPEN), (8_000, SHUT)], [], 2_000_000, [], 0)
    assert judged(glitch, [(5_000, OPEN), (8_000, SHUT)]).false == 1


# The models, each by the case that its source is known for


def test_a_lock_out_leaves_a_short_glitch_standing_open_for_ever():
    glitch = Waveform("glitch", [(1_000_000, OPEN), (1_003_000, SHUT)], [], 3_000_000, [], 0)
    for rival in (rivals.native, rivals.mqtt_io):
        assert [closed for _, closed in rival(glitch, random.Random(1))] == [OPEN], rival.__name__
    assert rivals.lgpio(glitch, random.Random(1)) == []


def test_lgpio_settles_first_and_stamps_the_last_edge_late_by_the_period():
    bounce = Waveform(
        "bounce", [(1_000_000, OPEN), (1_002_000, SHUT), (1_004_000, OPEN), (5_000_000, SHUT)], [], 9_000_000, [], 0
    )
    assert rivals.lgpio(bounce, random.Random(1)) == [(1_004_000 + SETTLE_US, OPEN), (5_000_000 + SETTLE_US, SHUT)]


def test_lgpio_never_learns_of_a_trailing_edge_that_was_dropped():
    visited = visit(1_000_000, 5_000_000)._replace(dropped=[5_000_000])
    assert [closed for _, closed in rivals.lgpio(visited, random.Random(1))] == [OPEN]


# The command


def test_the_campaign_prints_every_rival_and_succeeds():
    command = [sys.executable, "tests/drivers/corpus.py", "--openings", "500", "--doors", "1"]
    done = subprocess.run(command, cwd=FOLDER.parents[2], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in rivals.RIVALS)
