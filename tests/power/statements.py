"""The campaign: a unit is cut off after every statement on a record's way, and must keep its promise all the same.

python tests/power/statements.py                         every statement once, when it is first reached
python tests/power/statements.py --all                   and when it is reached later, in every scene that does
python tests/power/statements.py --file edge/spool/store.py --statement 57 --nth 2 --scene "a day"    one crash
python tests/power/statements.py --bugs                  every old bug under tests/power/bugs/ is still caught
"""

import argparse
import logging
import multiprocessing
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.power import play  # noqa: E402 - a script's folder is what it finds first; the house comes before it
from tests.power.play import Place, Point, Program  # noqa: E402 - as above
from tests.power.points import Statement  # noqa: E402 - as above
from tests.power.scenes import all_scenes  # noqa: E402 - as above

PROCESSES = 2


class Campaign:
    """All scenes and all statements; which scene reaches which."""

    def __init__(self) -> None:
        self.program = Program()
        self.scenes = {scene.name: scene for scene in all_scenes()}
        self.uncut = {name: play.uncut(scene) for name, scene in self.scenes.items()}
        self.counts = {name: self.program.count(scene) for name, scene in self.scenes.items()}

    def unreached(self) -> list[Statement]:
        """Statements that no scene reaches."""
        reached = set().union(*self.counts.values())
        return [s for s in self.program.statements if (s.file, s.number) not in reached]

    def points(self, wanted: Iterable[Statement], *, later: bool) -> list[Point]:
        """Each statement when it is first reached, in the first scene that does; and `later`: in every scene."""
        made = []
        for s in wanted:
            for name, counts in self.counts.items():
                times = counts[s.file, s.number]
                nths = {1, times // 2 + 1, times} if later else {1}
                made += [Point(s.file, s.number, nth, name) for nth in sorted(nths) if times]
                if times and not later:
                    break
        return made

    def try_(self, point: Point) -> list[str]:
        """What breaks the promise when the unit is cut off there."""
        return play.try_point(self.program, self.scenes[point.scene], self.uncut[point.scene], point)
