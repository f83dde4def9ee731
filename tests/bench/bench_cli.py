"""How long a technician waits, from exec to exit: `--help`, and status, doctor and net, agent alive and dead."""

import subprocess
import sys
from contextlib import ExitStack

from beat import now_ns
from sizes import sizes
from stage import ROOT, command, said, stage
from table import percentile, show

from edge.errors import LinkError
from edge.onsite.ask import NAME, ask

SIZES = sizes(__doc__, rounds=15)
ROUNDS = SIZES.rounds
WITHIN_S = 20
MS = 1_000_000
VERBS = ("status", "doctor", "net")


def main() -> None:
    """A unit on its broker, asked; then the same with the unit killed."""
    rows = []
    with ExitStack() as closing:
        on = closing.enter_context(stage("cli"))
        broker = on.broker("broker")
        settings = on.unit("unit-0", broker, 50)
        rows.append(["--help", *timed("--help")])
        log = closing.enter_context((on.folder / "unit.log").open("ab"))
        process = subprocess.Popen(command(str(settings)), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until_up(settings)
            rows += [[f"{verb}, agent alive", *timed(verb, "--config", str(settings))] for verb in VERBS]
        finally:
            process.kill()
            process.wait(10)
        rows += [[f"{verb}, agent dead", *timed(verb, "--config", str(settings))] for verb in VERBS]
    notes = [
        f"{ROUNDS} runs each, from exec to exit; broker on loopback. Wanted: --help 150 ms, status 500, doctor 5000."
    ]
    show(said(), "What a technician waits for", ["", "median ms", "worst ms"], rows, notes)


def timed(*words: str) -> list[str]:
    """Median and worst of ROUNDS runs, ms; one more before them is not counted."""
    taken = []
    for _ in range(ROUNDS + 1):
        begun_ns = now_ns()
        subprocess.run([sys.executable, "-m", "edge.cli", *words], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        taken.append((now_ns() - begun_ns) / MS)
    return [f"{percentile(taken[1:], 50):.0f}", f"{max(taken[1:]):.0f}"]


def until_up(settings: object) -> None:
    """Until the unit's link is up."""
    from edge import config

    path = f"{config.load(settings).unit.state_dir}/{NAME}"
    begun_ns = now_ns()
    while now_ns() - begun_ns < WITHIN_S * 1000 * MS:
        try:
            if ask(path, "status")["link_up"]:
                return
        except LinkError:
            subprocess.run(["sleep", "0.1"], check=True)
    raise SystemExit("bench_cli: the unit's link is not up; see its log")


main()
