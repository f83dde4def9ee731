"""A few hundred inputs for each target of the fuzz campaign, and that the campaign finds, tells and counts."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.fuzz import fuzz
from tests.fuzz.engine import MODULES, by_dice, by_hypothesis, each, kept, target
from tests.fuzz.player import ROOT, Found, Play, Player, Slow, Target

SOME = 200
FEW = {"orders": 60, "receipts": 100}  # these cost more


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What the product would log of every input is not read here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def planted(play: Play) -> Target:
    """A target that plays so; its message is ab, and gets a letter more each time that it is bent."""

    @contextmanager
    def opened(_folder: Path) -> Iterator[Play]:
        yield play

    return Target("planted", opened, (b"ab",), lambda raw, pick: raw + bytes([pick(range(97, 123))]))


def trip(data: bytes) -> None:
    """Over a z."""
    assert b"z" not in data, "a z came through"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The campaign's command."""
    command = [sys.executable, "tests/fuzz/fuzz.py", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", MODULES)
def test_no_input_that_failed_once_fails_again(name: str):
    each(target(name), kept(name))


@pytest.mark.parametrize("name", MODULES)
def test_real_messages_that_were_bent_break_no_promise(name: str):
    inputs = FEW.get(name, SOME)
    assert by_hypothesis(target(name), inputs, 1).played >= inputs


def test_an_input_that_breaks_a_promise_is_made_small_and_told_with_the_command_that_plays_it_again():
    with pytest.raises(Found) as caught:
        by_hypothesis(planted(trip), 500, 1)
    assert caught.value.data == b"abz"
    told = caught.value.report()
    assert "a z came through" in told
    assert "planted: input 61627a, 3 bytes, broke a promise\n" in told
    assert told.endswith("tests/fuzz/fuzz.py --target planted --play 61627a\n")


def test_where_there_is_no_atheris_dice_play_its_part_and_find_too():
    assert by_dice(planted(lambda data: None), 50, 1).played == 50
    with pytest.raises(Found, match="planted"):
        by_dice(planted(trip), 500, 1)


def test_an_input_too_long_for_a_command_line_is_put_into_a_file():
    data = b"z" * 5000
    with closing(Player(planted(trip))) as player, pytest.raises(Found) as caught:
        player(data)
    path = ROOT / caught.value.report().split()[-1]
    assert path.read_bytes() == data
    path.unlink()


def test_a_find_that_needs_what_came_before_it_says_so():
    heard: list[bytes] = []

    def play(data: bytes) -> None:
        heard.append(data)
        assert len(heard) != 2

    with closing(Player(planted(play))) as player:
        player(b"a")
        with pytest.raises(Found) as caught:
            player(b"b")
    assert "alone it breaks none" in caught.value.report()


def test_an_input_that_takes_too_long_is_a_find():
    def dawdle(_data: bytes) -> None:
        begun_s = time.process_time()
        while time.process_time() - begun_s < 0.03:
            pass

    with closing(Player(planted(dawdle), slow_s=0.02)) as player, pytest.raises(Slow):
        player(b"a")


def test_a_whole_campaign_has_two_hundred_thousand_inputs_and_every_target_its_part():
    assert fuzz.WHOLE >= 200_000
    assert fuzz.SHARES.keys() == MODULES.keys()


@pytest.mark.parametrize("inputs", [1, 999, 12_345])
def test_as_many_inputs_are_played_as_were_asked_for(inputs: int):
    jobs = fuzz._jobs(["wire", "seal", "orders"], ("hypothesis", "atheris"), inputs)
    assert inputs <= sum(count for _, _, count in jobs) <= inputs + len(jobs)


def test_a_campaign_that_finds_nothing_ends_well_and_tells_its_numbers():
    done = run("--target", "seal", "--inputs", "600", "--seed", "1")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("60")
    assert "0 of" in done.stdout


def test_one_input_is_played_again_from_hex_or_from_a_file(tmp_path: Path):
    (tmp_path / "one").write_bytes(b"{}")
    for told in ("7b7d", str(tmp_path / "one")):
        assert run("--target", "wire", "--play", told).stdout == "wire: 2 bytes kept every promise\n"
    assert run("--play", "7b7d").returncode == 2
