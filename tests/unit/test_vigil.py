"""The watchdog is fed by progress: what goes through, or what has a name where it does not."""

from dataclasses import dataclass, field

import msgspec
import pytest

from edge.clock import SECOND
from edge.health import ROWS, Health
from edge.loop import Loop
from edge.unit.vigil import ANSWER_NS, CARD, DIALLING_NS, Seen, Vigil, Work, stuck

WELL = Seen(
    commit_age_ns=0,
    commit_due_ns=660 * SECOND,
    card_named=False,
    link_up=True,
    link_named=False,
    down_ns=0,
    dialling_ns=DIALLING_NS + 30 * SECOND,
    unanswered_ns=None,
)
LONG_NS = 7 * 86_400 * SECOND


@dataclass
class Told:
    """The service manager, by what it was told."""

    beat_ns: int | None = 2 * SECOND
    lines: list[str] = field(default_factory=list)

    def tell(self, *lines: str) -> None:
        self.lines += lines

    @property
    def fed(self) -> int:
        return self.lines.count("WATCHDOG=1")


@dataclass
class Work_:
    """Courier, journal and door, as far as they are looked at."""

    up: bool = True
    protocol: str = "5"
    asked_ns: int | None = None
    commits: int = 0
    backlog: int = 0
    state: str = "shut"
    watching: bool = True


class Scene:
    """A vigil whose clock is turned by hand."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.loop = Loop(lambda: self.now_ns)
        self.health = Health()
        self.parts = Work_()
        self.manager = Told()
        parts = self.parts
        work = Work(
            loop=self.loop,
            health=self.health,
            journal=parts,
            courier=parts,
            door=parts,
            alive_s=300,
            backoff_s=30,
        )
        self.vigil = Vigil(work, self.manager)

    def pass_(self, seconds: int, *, commit_every_s: int = 300) -> int:
        """Let that much time pass; returns how often the watchdog was fed in it."""
        before = self.manager.fed
        for _ in range(seconds):
            self.now_ns += SECOND
            if commit_every_s and self.now_ns // SECOND % commit_every_s == 0:
                self.parts.commits += 1
            self.loop.turn()
        return self.manager.fed - before


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"commit_age_ns": 661 * SECOND}, "the card"),
        ({"commit_age_ns": LONG_NS, "card_named": True}, ""),
        ({"link_up": False, "down_ns": 60 * SECOND}, ""),
        ({"link_up": False, "down_ns": 211 * SECOND}, "no link"),
        ({"link_up": False, "down_ns": LONG_NS, "link_named": True}, ""),
        ({"unanswered_ns": ANSWER_NS}, ""),
        ({"unanswered_ns": ANSWER_NS + 1}, "nothing came back"),
        ({"unanswered_ns": LONG_NS, "link_named": True}, ""),
        ({"commit_age_ns": LONG_NS, "card_named": True, "unanswered_ns": LONG_NS}, "nothing came back"),
        ({"commit_age_ns": LONG_NS, "card_named": True, "link_up": False, "link_named": True}, ""),
        ({"commit_age_ns": LONG_NS, "link_up": False, "link_named": True}, "the card"),
    ],
)
def test_only_a_silence_without_a_name_stops_the_feeding(change: dict[str, object], why: str):
    found = stuck(msgspec.structs.replace(WELL, **change))
    assert why in found
    assert bool(found) == bool(why)


def test_a_unit_at_work_is_fed_at_every_beat(scene: Scene):
    scene.vigil.start()
    assert scene.manager.lines[0] == "READY=1"
    assert scene.pass_(3600) == 1800


def test_a_card_thread_that_died_is_not_covered_up_by_a_loop_that_turns(scene: Scene):
    scene.vigil.start()
    assert scene.pass_(660, commit_every_s=0) == 330
    assert scene.pass_(60, commit_every_s=0) == 0
    assert "neither taken a commit nor failed" in scene.manager.lines[-1]
    scene.parts.commits += 1
    assert scene.pass_(60, commit_every_s=0) == 30


@pytest.mark.parametrize("code", CARD)
def test_a_card_that_is_known_to_be_bad_costs_no_restart_while_the_door_is_reported(scene: Scene, code: str):
    scene.vigil.start()
    scene.health.set(code, scene.now_ns, "as found")
    assert scene.pass_(7200, commit_every_s=0) == 3600


@pytest.mark.parametrize("code", ["link.network", "link.server", "link.refused", "receipt.none"])
def test_a_link_that_is_down_for_a_named_cause_costs_no_restart(scene: Scene, code: str):
    scene.vigil.start()
    scene.parts.up = False
    scene.health.set(code, scene.now_ns, "as found")
    assert scene.pass_(7200) == 3600


def test_a_link_that_is_down_and_never_says_why_is_the_units_own_fault(scene: Scene):
    scene.vigil.start()
    scene.parts.up, scene.parts.protocol = False, ""
    assert scene.pass_(210) == 105
    assert scene.pass_(60) == 0


def test_the_status_tells_people_and_recovery_what_is_wrong_by_name_and_age(scene: Scene):
    scene.vigil.start()
    scene.parts.up, scene.parts.protocol, scene.parts.backlog = False, "", 12
    scene.health.set("link.server", scene.now_ns, "refused")
    scene.pass_(340)
    assert scene.manager.lines[-1] == "STATUS=door shut; link down; backlog 12; link.server for 340 s"
    assert "link.server" in ROWS


def test_outside_the_term_the_status_tells_no_door(scene: Scene):
    scene.parts.watching = False
    scene.vigil.start()
    assert scene.manager.lines[-1] == "STATUS=door unwatched; link 5; backlog 0"


def test_without_a_watchdog_the_status_is_told_all_the_same(scene: Scene):
    scene.manager.beat_ns = None
    scene.vigil.start()
    assert scene.pass_(300) == 0
    assert len([line for line in scene.manager.lines if line.startswith("STATUS=door")]) == 12


def test_an_end_in_order_is_told(scene: Scene):
    scene.vigil.start()
    scene.vigil.stop()
    assert "STOPPING=1" in scene.manager.lines
