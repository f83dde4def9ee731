"""Openings by the hundred thousand, each with its right answer: our driver against them, and how others would fare.

Then doors for a year each: what the contact's long memory says of them.

python tests/drivers/corpus.py                      # 40,000 openings, the size of CI
python tests/drivers/corpus.py --openings 100000    # the long run
python tests/drivers/corpus.py --write              # make tests/drivers/waveforms/*.jsonl anew
"""

import argparse
import json
import multiprocessing
import random
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.drivers import rivals, years
from tests.drivers.waveforms import physics
from tests.drivers.waveforms.physics import MS, Edge, Waveform

FOLDER = Path(__file__).resolve().parent / "waveforms"
SHARE = 1_000  # waveforms that one process takes at a time, each share from a seed of its own
SAMPLE = {"chatter": 4, "burst": 8}  # long ones; of every other kind 20
EARLY_US = 60 * MS  # how much before its time an opening may be reported and still be that opening


class Score:
    """What one way of reporting made of the corpus."""

    def __init__(self) -> None:
        self.openings = self.false = self.missed = self.wrong_end = 0
        self.errors_us: list[int] = []
        self.worst_kind: Counter[str] = Counter()  # kind -> how often anything was wrong

    def add(self, other: "Score") -> None:
        """Both together."""
        self.openings += other.openings
        self.false += other.false
        self.missed += other.missed
        self.wrong_end += other.wrong_end
        self.errors_us += other.errors_us
        self.worst_kind += other.worst_kind

    def judge(self, waveform: Waveform, told: list[Edge]) -> bool:
        """Count one waveform; True where nothing was wrong but, maybe, the time."""
        truths = [t for t, closed in waveform.answer if not closed]
        said = [t for t, closed in told if not closed]
        false = missed = 0
        limits = [*(t - EARLY_US for t in truths), 1 << 62]
        false += sum(t < limits[0] for t in said) if truths else len(said)
        for true_us, from_us, to_us in zip(truths, limits, limits[1:], strict=False):
            hits = [t for t in said if from_us <= t < to_us]
            missed += not hits
            false += max(0, len(hits) - 1)
            self.errors_us += [abs(hits[0] - true_us)] if hits else []
        wrong_end = bool(told) and not told[-1][1]
        self.openings += len(truths)
        self.false += false
        self.missed += missed
        self.wrong_end += wrong_end
        if false or missed or wrong_end:
            self.worst_kind[waveform.kind] += 1
        return not (false or missed or wrong_end)

    def row(self, name: str) -> str:
        """One line of the table."""
        typical_ms, worst_ms = (f(self.errors_us) / MS if self.errors_us else 0 for f in (median, max))
        counts = f"{self.false:>9,} {self.missed:>9,} {self.wrong_end:>9,}"
        kinds = " ".join(kind for kind, _ in self.worst_kind.most_common(4))
        return f"{name:<26}{counts} {typical_ms:>10.3f} {worst_ms:>9.1f}  {kinds or '-'}"


def share(seed: int) -> tuple[dict[str, Score], int, list[str]]:
    """SHARE waveforms from this seed: every rival's score, faults owed and not told, and where ours was wrong."""
    dice = random.Random(seed)
    scores = {name: Score() for name in rivals.RIVALS}
    unfaulted, wrong = 0, []
    for n in range(SHARE):
        waveform = physics.any_kind(dice)
        for name, rival in rivals.RIVALS.items():
            right = scores[name].judge(waveform, rival(waveform, random.Random(n)))
            if rival is rivals.ours and not right:
                wrong.append(f"seed {seed}, waveform {n}: {waveform.kind}")
        if waveform.faults:
            unfaulted += rivals.faults(waveform, random.Random(n)) != waveform.faults
    return scores, unfaulted, wrong


def play(openings: int, processes: int) -> tuple[dict[str, Score], int, list[str]]:
    """Shares until there are so many openings."""
    totals = {name: Score() for name in rivals.RIVALS}
    unfaulted, wrong = 0, []
    shares = -(-openings // (SHARE * 9 // 10))  # a waveform holds 0.97 openings on average: a few more than asked for
    with multiprocessing.Pool(processes) as pool:
        for scores, left, found in pool.imap(share, range(shares)):
            for name, score in scores.items():
                totals[name].add(score)
            unfaulted += left
            wrong += found
    return totals, unfaulted, wrong


def sample() -> dict[str, str]:
    """File name -> what it holds: some waveforms of every kind, each with its right answer."""
    files = {}
    for kind in physics.KINDS:
        dice = random.Random(f"sample of {kind}")
        drawn = [physics.plain(physics.draw(kind, dice)) for _ in range(SAMPLE.get(kind, 20))]
        files[f"{kind}.jsonl"] = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in drawn)
    return files


def main() -> int:
    """0: no opening missed, none invented, none left standing open, every fault told, no healthy door warned of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openings", type=int, default=40_000, help="at least so many (default 40000)")
    parser.add_argument("--processes", type=int, default=1, help="cores to use (default 1)")
    parser.add_argument("--doors", type=int, default=2, help="doors of every kind watched for long (default 2)")
    parser.add_argument("--write", action="store_true", help="write the committed sample anew, and nothing else")
    args = parser.parse_args()
    if args.write:
        for name, text in sample().items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    begun = time.monotonic()
    totals, unfaulted, wrong = play(args.openings, args.processes)
    mine = totals["drivers/reed.py"]
    print(f"corpus: {mine.openings:,} openings in {time.monotonic() - begun:.0f} s; settle 50 ms, lock-outs as named")
    print(f"{'':<26}{'false':>9} {'missed':>9} {'ends open':>9} {'median ms':>10} {'worst ms':>9}  most often wrong")
    for name, score in totals.items():
        print(score.row(name))
    print("All but drivers/reed.py are models; tests/drivers/rivals.py names the source of each. An opening shorter")
    print("than the settle time is none by definition; a time cannot be better where a disturbance comes just before;")
    print(f"our thread woke {rivals.LATE_US // MS} ms late at most, and may half the settle time.")
    for line in wrong[:20]:
        print(f"drivers/reed.py: {line}")
    if unfaulted:
        print(f"drivers/reed.py: {unfaulted} contacts that never rested were not told as one fault each")
    told, amiss = years.survey(args.doors)
    print(f"drivers/contact_health.py: {told}; false or wrong: {len(amiss)}")
    for line in amiss:
        print(f"drivers/contact_health.py: {line}")
    return int(bool(wrong or unfaulted or amiss))


if __name__ == "__main__":
    sys.exit(main())
