"""The campaign of statements: where it plants its crashes, whether its verdict sees, and a sample of it."""

import importlib.util
import subprocess
import sys
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from tests.power import oldbugs, play, points, verdict
from tests.power.scene import Scene
from tests.power.scenes import a_day
from tests.power.scenes_hub import an_end_with_a_hub
from tests.power.verdict import Break, Card, Outcome

ROOT = Path(__file__).resolve().parents[2]
FILE = '''"""What this file is for."""

from contextlib import contextmanager, suppress

LIMIT = 3


class Counter:
    """Counts."""

    def __init__(self):
        self.seen = []

    @property
    def many(self):
        return len(self.seen) > LIMIT

    @contextmanager
    def noted(self, what):
        self.seen.append(what)
        try:
            yield
        finally:
            self.seen.append(f"not {what}")


def play(counter, numbers):
    """Use all kinds of statements."""
    done = lambda: counter.seen.append("done")
    with counter.noted("with"), suppress(ZeroDivisionError):
        for number in numbers:
            if number == 1:
                continue
            try:
                counter.seen.append(6 // number)
            except ZeroDivisionError:
                raise
            else:
                counter.seen.append("else")
    while True:
        done()
        if counter.many:
            break

    def inner():
        if counter.many:
            raise ValueError("many")
        else:
            return 0

    return inner()
'''


@pytest.fixture
def module(tmp_path: Path) -> types.ModuleType:
    """The file above, loaded."""
    path = tmp_path / "planted_here.py"
    path.write_text(FILE)
    spec = importlib.util.spec_from_file_location("planted_here", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def whole() -> Outcome:
    """A scene that nobody cuts off."""
    return play.uncut(day())


def day() -> Scene:
    return a_day("a day", eager=False)


def plant(module: types.ModuleType) -> tuple[points.Planted, list[int]]:
    """Plant calls that note the number of what was reached."""
    planted = points.plan(Path(str(module.__file__)), "planted_here.py")
    reached: list[int] = []

    def note(number: int, value: object = None) -> object:
        reached.append(number)
        return value

    points.plant(module, planted, note)
    points.load(module, planted, note)
    return planted, reached


def lived(module: types.ModuleType, numbers: list[int]) -> list[object]:
    counter = module.Counter()
    with pytest.raises(ValueError, match="many"):
        module.play(counter, numbers)
    return counter.seen


def campaign(*wish: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tests/power/statements.py", *wish]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


# --- where crashes are planted


@pytest.mark.parametrize("numbers", [[3, 1, 2], [3, 0, 2], [1]], ids=str)
def test_a_file_with_planted_calls_does_what_it_did(module: types.ModuleType, numbers: list[int]) -> None:
    before = lived(module, numbers)
    plant(module)
    assert lived(module, numbers) == before


def test_every_statement_has_its_call_and_is_reached_by_whoever_passes_it(module: types.ModuleType) -> None:
    planted, reached = plant(module)
    assert set(reached) == {s.number for s in planted.statements if not s.within}, "what runs on load"
    lived(module, [3, 1, 2])
    lived(module, [0])
    lived(module, [])
    missed = [s.text for s in planted.statements if s.number not in reached]
    assert missed == ["return 0", "return inner()"], "nobody passes what raised"


def test_a_call_stands_after_what_a_statement_did_and_before_what_it_leaves(module: types.ModuleType) -> None:
    planted, reached = plant(module)
    reached.clear()
    lived(module, [1])
    texts = [planted.statements[number - 1].text for number in reached]
    assert texts[:3] == ["self.seen = []", 'done = lambda: counter.seen.append("done")', "self.seen.append(what)"]
    assert texts[-3:] == ["return len(self.seen) > LIMIT", "if counter.many:", 'raise ValueError("many")']


# --- whether the verdict sees


def held(outcome: Outcome, keep: Callable[[object], bool]) -> Outcome:
    return msgspec.structs.replace(outcome, held=[h for h in outcome.held if keep(h.envelope.data.record)])


BREACHES: dict[str, Callable[[Outcome], Outcome]] = {
    "knows": lambda whole: held(whole, lambda r: getattr(r, "change", "") != "opened"),
    "nobody says why": lambda whole: held(whole, lambda r: r.seq != 4),  # type: ignore[attr-defined]  # every record's
    "pictures of": lambda whole: held(whole, lambda r: type(r).__name__ != "FrameSet"),
    "never arrived": lambda whole: msgspec.structs.replace(whole, frames={}),
    "starts, and": lambda whole: held(whole, lambda r: type(r).__name__ != "Boot"),
    "the door is": lambda whole: msgspec.structs.replace(whole, door="open"),
    "at most once": lambda whole: msgspec.structs.replace(whole, done=[*whole.done, *whole.done]),
    "held for long": lambda whole: held(whole, lambda r: getattr(r, "change", "") != "held"),
    "left on the card": lambda whole: msgspec.structs.replace(whole, card=Card(rows={"a" * 64})),
    "for ever": lambda whole: msgspec.structs.replace(whole, card=Card(others={"spool.db.trial"})),
    "deciding loop": lambda whole: msgspec.structs.replace(whole, faults=1),
}


def test_a_scene_that_nobody_cuts_off_keeps_the_promise(whole: Outcome) -> None:
    assert verdict.wrong(day(), whole, whole) == []


@pytest.mark.parametrize("said", BREACHES)
def test_a_breach_of_the_promise_is_seen_and_said(whole: Outcome, said: str) -> None:
    assert any(said in sentence for sentence in verdict.wrong(day(), whole, BREACHES[said](whole)))


def test_what_was_on_the_card_and_never_arrives_is_lost(whole: Outcome) -> None:
    broke = Break(0, 0, Card(records={("a1", 1), ("a1", 999)}))
    assert "[('a1', 999)] were on the card when it was cut off, and never arrived" in verdict.wrong(
        day(), whole, whole, broke
    )


def test_a_record_that_a_second_platform_never_has_is_seen() -> None:
    scene = an_end_with_a_hub("an end with a hub")
    scene.acts = [act for act in scene.acts if act.verb not in ("say", "turn_hub")]
    whole = play.uncut(scene)
    assert verdict.wrong(scene, whole, whole) == []
    less = msgspec.structs.replace(whole, hub=whole.hub[:-1])
    assert any("cloud never had it" in sentence for sentence in verdict.wrong(scene, whole, less))


# --- the campaign itself


def test_a_sample_of_all_crashes_in_a_day_keeps_the_promise() -> None:
    done = campaign("--all", "--scene", "a day, eager", "--every", "150")
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[-2]) >= 20, done.stdout


def test_every_old_bug_is_still_caught() -> None:
    bugs = oldbugs.patches(ROOT)
    assert len(bugs) >= 2
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda bug: oldbugs.caught(ROOT, bug), bugs))
    assert not [said for caught, said in found if not caught]


def test_a_wish_that_nothing_fulfils_is_misuse() -> None:
    done = campaign("--scene", "a day", "--file", "edge/spool/nothing.py")
    assert done.returncode == 2
    assert "--help" in done.stderr
