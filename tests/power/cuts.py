"""Cut the power at every file operation, and look whether any promise is broken.

    python tests/power/cuts.py [--images N] [--seed S] [--mode FULL|NORMAL|OFF]

Plays the spool with synchronous=FULL, in which nothing may break, then NORMAL and OFF, in which something must: else
the campaign has no teeth. Then files that are written durably, and files that are not. 0: all is as it must be.
With --mode, that mode alone, and 0 where nothing broke. With --point and --image, one image alone, which is kept.
"""

import argparse
import logging
import re
import sys
import tempfile
import time
from pathlib import Path

from tests.power import erasing, files
from tests.power.campaign import Campaign, Failure, Result
from tests.power.disk import KINDS
from tests.power.room import RAM, room

IMAGES = 6_600  # three at each point of all five plans of a campaign
MODES = ("FULL", "NORMAL", "OFF")
SHOWN = 8  # failures, of which there may be thousands
HEAD = ("written", "points", "images", "of them distinct", "seconds", "failures")
Row = tuple[str, int, int, int | str, float, int]


def main(arguments: list[str] | None = None) -> int:
    """Play, print one table, and return the exit code."""
    asked = _parser().parse_args(arguments)
    if asked.point:
        return _replay(asked)
    if asked.mode:
        result = _spool(asked.mode, asked, first=asked.first)
        _show([_row(result)])
        _tell(result, asked.seed, asked.images)
        return 1 if result.failures or _holes(result) else 0
    results = [_spool(mode, asked, first=mode != "FULL") for mode in MODES]
    durable, naive = _files(asked.seed), _naive(asked.seed)
    _show([*map(_row, results), durable[0], naive[0]])
    for result in results:
        _tell(result, asked.seed, asked.images)
    for failure in durable[1][:SHOWN]:
        print(failure)
    full, *others = results
    toothless = [result.mode for result in others if not result.failures] + ["write_bytes"] * (not naive[1])
    if toothless:
        print(f"nothing broke with {', '.join(toothless)}: the campaign has no teeth")
    return 1 if full.failures or _holes(full) or durable[1] or toothless else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=IMAGES, help=f"of the spool; {IMAGES} without")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=MODES, help="synchronous")
    parser.add_argument("--first", action="store_true", help="with --mode: stop at the first failure")
    parser.add_argument("--point", type=int, help="with --image: the operation after which the power is cut")
    parser.add_argument("--image", choices=KINDS, default="dropped", help="what becomes of all that was not synced")
    return parser


def _spool(mode: str, asked: argparse.Namespace, *, first: bool) -> Result:
    with room() as folder:
        return Campaign(asked.seed, mode, folder).run(asked.images, first=first)


def _files(seed: int) -> tuple[Row, list[str]]:
    """Every scene of files.py, and again on what a cut left."""
    begun, result = time.perf_counter(), files.Result()
    with room() as folder:
        again = [
            twice
            for scene in (*files.folders(), *erasing.scenes())
            for twice in files.cut_twice(scene, 6, seed, folder)
        ]
        for scene in (*files.scenes(), *erasing.scenes(), *again):
            files.play(scene, seed, folder, result)
    return _file_row("durable files", result, begun), result.failures


def _naive(seed: int) -> tuple[Row, list[str]]:
    begun, result = time.perf_counter(), files.Result()
    with room() as folder:
        for scene in files.plain(Path.write_bytes):
            files.play(scene, seed, folder, result)
    return _file_row("write_bytes", result, begun), result.failures


def _replay(asked: argparse.Namespace) -> int:
    mode = asked.mode or "FULL"
    folder = Path(tempfile.mkdtemp(prefix="cut-", dir=RAM if RAM.is_dir() else None))
    image, verdict = Campaign(asked.seed, mode, folder).one(asked.point, asked.image)
    print(f"synchronous={mode}, seed {asked.seed}, point {asked.point}, {asked.image}: {image}")
    print("\n".join(verdict.broken) or "no promise is broken")
    return 1 if verdict.broken else 0


def _holes(result: Result) -> list[str]:
    """What a campaign of full size has not done, and should have."""
    return result.uncovered() if result.images >= IMAGES else []


def _row(result: Result) -> Row:
    name = f"synchronous={result.mode}"
    return name, result.points, result.images, len(result.marks), result.seconds, len(result.failures)


def _file_row(name: str, result: files.Result, begun: float) -> Row:
    return name, result.points, result.images, "", time.perf_counter() - begun, len(result.failures)


def _show(rows: list[Row]) -> None:
    cells = [HEAD, *((*map(str, row[:4]), f"{row[4]:.1f}", str(row[5])) for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(HEAD))]
    for row in cells:
        print(
            "  ".join(
                cell.ljust(w) if n == 0 else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
        )


def _tell(result: Result, seed: int, images: int) -> None:
    did = ", ".join(f"{n} {what}" for what, n in sorted(result.done.items()))
    print(f"\nsynchronous={result.mode}: {did or 'not yet opened'}")
    if result.images >= images and _holes(result):
        print(f"never done, and so never cut: {', '.join(_holes(result))}")
    for broken, failures in _kinds(result.failures)[:SHOWN]:
        one = failures[0]
        print(f"{len(failures)} times: {broken}")
        print(f"  python tests/power/cuts.py --seed {seed} --mode {result.mode} --point {one.point} --image {one.kind}")


def _kinds(failures: list[Failure]) -> list[tuple[str, list[Failure]]]:
    """Failures that differ in numbers only together, the most frequent first."""
    kinds: dict[str, list[Failure]] = {}
    for failure in failures:
        kinds.setdefault(re.sub(r"\d+", "", failure.broken.partition(":")[0]), []).append(failure)
    return [(same[0].broken, same) for same in sorted(kinds.values(), key=len, reverse=True)]


if __name__ == "__main__":
    logging.disable(logging.ERROR)  # the unit warns of what it finds after a cut, thousands of times
    sys.exit(main())
