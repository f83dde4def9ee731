"""The campaign: a unit is cut off after every statement on a record's way, and must keep its promise all the same.

python tests/power/statements.py                          every statement once, when it is first reached
python tests/power/statements.py --all                    and when it is reached later, in every scene that reaches it
python tests/power/statements.py --file edge/spool/store.py [--within SqliteStore.put] [--statement 57] [--nth 2]
                                 [--scene "a day"] [--reboot] [--log]     some of them, or one
python tests/power/statements.py --all --every 10         a tenth of them all
python tests/power/statements.py --bugs                   every old bug in tests/power/bugs/ is still caught
"""

import argparse
import gc
import logging
import multiprocessing
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.power import excused, oldbugs, play, verdict  # noqa: E402 - a script finds its own folder first, not the house
from tests.power.play import Point, Program  # noqa: E402 - as above
from tests.power.points import Statement  # noqa: E402 - as above
from tests.power.scenes import all_scenes  # noqa: E402 - as above

PROCESSES = 2


class Campaign:
    """All scenes and all statements; which scene reaches which, and how often."""

    def __init__(self, scene: str | None = None) -> None:
        self.program = Program()
        self.scenes = {one.name: one for one in all_scenes() if scene in (None, one.name)}
        self.uncut = {name: play.uncut(scene) for name, scene in self.scenes.items()}
        self.counts = {name: self.program.count(scene) for name, scene in self.scenes.items()}
        self._shortest = min(self.counts, key=lambda name: self.counts[name].total(), default="")

    def wrong(self) -> list[str]:
        """What breaks the promise before anything is cut off, and what is reached by nobody without an excuse."""
        alone = [
            f"{name}, not cut off: {sentence}"
            for name, scene in self.scenes.items()
            for sentence in verdict.wrong(scene, self.uncut[name], self.uncut[name])
        ]
        unreached = self.unreached()
        missed = [f"no scene reaches {s}" for s in unreached if not excused.excuse(s)]
        return [*alone, *missed, *(f"the excuse is stale: {e}" for e in excused.stale(unreached))]

    def unreached(self) -> list[Statement]:
        """Statements that no scene reaches."""
        reached = set().union(*self.counts.values())
        return [s for s in self.program.statements if (s.file, s.number) not in reached]

    def points(self, statements: list[Statement], wish: argparse.Namespace) -> Iterator[Point]:
        """Each statement when it is first reached, in the first scene that does; with --all later ones, in every scene.

        What runs when the file is loaded is the same in every scene: there, nothing of this life has happened yet.
        """
        for s in statements:
            names = [name for name, counts in self.counts.items() if counts[s.file, s.number]]
            names = [name for name in names if wish.scene in (None, name)]
            if not s.within and self._shortest in names:
                names = [self._shortest]
            for name in names if wish.all or wish.scene else names[:1]:
                times = self.counts[name][s.file, s.number]
                nths = {wish.nth} if wish.nth else {1, times // 2 + 1, times} if wish.all else {1}
                for nth in sorted(nths):
                    yield Point(s.file, s.number, nth, name, wish.reboot)
                    if wish.all:
                        yield Point(s.file, s.number, nth, name, not wish.reboot)

    def try_point(self, point: Point) -> tuple[Point, list[str]]:
        """What breaks the promise when the unit is cut off there."""
        try:
            return point, play.try_point(self.program, self.scenes[point.scene], self.uncut[point.scene], point)
        except (Exception, play.StuckError) as err:  # a campaign says which point it broke at, and goes on
            return point, [f"it broke off: {err!r}"]


_running: list[Campaign] = []  # what a forked process finds here needs not be sent to it


def run(campaign: Campaign, points: list[Point]) -> dict[Point, list[str]]:
    """Try them all, in PROCESSES processes; returns those that fail."""
    gc.collect()
    gc.freeze()  # what is here stays: a fork then copies less
    _running.append(campaign)
    with multiprocessing.get_context("fork").Pool(min(PROCESSES, len(points))) as pool:
        tried = pool.map(_try, points, chunksize=4)
    _running.clear()
    gc.unfreeze()
    return {point: sentences for point, sentences in tried if sentences}


def _try(point: Point) -> tuple[Point, list[str]]:
    return _running[0].try_point(point)


def main(argv: list[str]) -> int:
    """0: the promise was kept; 1: it was not; 2: misused."""
    wish = _parser().parse_args(argv)
    if not wish.log:
        logging.disable(logging.CRITICAL)
    if wish.bugs:
        return oldbugs.hunt(ROOT)
    begun = time.monotonic()
    campaign = Campaign(wish.scene)
    chosen = [s for s in campaign.program.statements if _is_wished(s, wish)]
    points = list(campaign.points(chosen, wish))[:: wish.every]
    if not points:
        print("no statement is both wished for and reached; see --help", file=sys.stderr)
        return 2
    is_whole = wish.scene is None and chosen == campaign.program.statements
    wrong = campaign.wrong() if is_whole else []
    failures = run(campaign, points)
    for sentence in wrong:
        print(sentence)
    for point, sentences in failures.items():
        print(f"\n{campaign.program.statement(point.file, point.number)}\n    {replay(point)}")
        print("\n".join(f"    {sentence}" for sentence in sentences[:5]))
    _tell(campaign, chosen, points, failures, time.monotonic() - begun)
    return 1 if wrong or failures else 0


def replay(point: Point) -> str:
    """The command that tries this one point again."""
    command = ["python", "tests/power/statements.py", "--file", point.file, "--statement", str(point.number)]
    command += ["--nth", str(point.nth), "--scene", point.scene]
    return shlex.join([*command, "--reboot"] if point.reboot else command)


def _tell(
    campaign: Campaign,
    chosen: list[Statement],
    points: list[Point],
    failures: dict[Point, list[str]],
    seconds: float,
) -> None:
    """The table: a line a file, and a last one for all."""
    files = list(dict.fromkeys(s.file for s in chosen))
    missed = {(s.file, s.number) for s in campaign.unreached()}
    said = Counter(s.file for s in chosen)
    loaded = Counter(s.file for s in chosen if not s.within)
    reached = Counter(s.file for s in chosen if (s.file, s.number) not in missed)
    crashes, failed = Counter(p.file for p in points), Counter(p.file for p in failures)
    print(f"\n{'':28}{'statements':>11}{'on load':>9}{'reached':>9}{'unreached':>11}{'crashes':>9}{'failures':>9}")
    columns = (said, loaded, reached, said - reached, crashes, failed)
    widths = (11, 9, 9, 11, 9, 9)
    for file in files:
        print(f"{file:28}" + "".join(f"{c[file]:>{w}}" for c, w in zip(columns, widths, strict=True)))
    totals = "".join(f"{c.total():>{w}}" for c, w in zip(columns, widths, strict=True))
    print(f"{f'{len(campaign.scenes)} scenes, {seconds:.0f} s':28}{totals}")


def _is_wished(s: Statement, wish: argparse.Namespace) -> bool:
    return (
        wish.file in (None, s.file)
        and wish.statement in (None, s.number)
        and (wish.within is None or s.within == wish.within or s.within.startswith(f"{wish.within}."))
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", help="only statements of this file")
    parser.add_argument("--within", help="only those of this function, as Class.method")
    parser.add_argument("--statement", type=int, help="only this one, by its number in its file")
    parser.add_argument("--scene", help="only in this scene")
    parser.add_argument("--nth", type=int, help="when it is reached for the nth time")
    parser.add_argument("--reboot", action="store_true", help="the machine starts again, not only the agent")
    parser.add_argument(
        "--all", action="store_true", help="also later times, in every scene; the agent and the machine"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth of these crashes")
    parser.add_argument("--bugs", action="store_true", help="hunt the old bugs")
    parser.add_argument("--log", action="store_true", help="what the unit logs")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
