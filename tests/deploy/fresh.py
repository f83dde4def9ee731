"""One command on a fresh Debian: apt installs the package, and the station's file alone makes it a unit that runs.

    .venv/bin/python tests/deploy/fresh.py [--suite trixie] [--arch arm64] [--keep FOLDER]

A Debian without so much as a Python, and the package's own defaults; only that the unit is told to simulate, for there
are no pins. The station stands in the same machine; apt finds what it needs in its cache, for there is no network. Exit
status as nspawn.py's.
"""

import argparse
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.deb.build import ROOT, build
from deploy.deb.wheels import Target
from deploy.image.build import PYTHONS
from tests.deploy.machine import (
    FETCHED,
    FRESH,
    NOT_RUN,
    PATIENCE,
    STATION,
    Machine,
    await_,
    emulate,
    hindrance,
    lines,
    root_archive,
)
from tests.deploy.nspawn import UNIT, simulate
from tests.deploy.rows import Rows

CARD = "boot/firmware/doorunit-enrol.toml"
OURS = (UNIT, "doorunit-enrol.service", "doorunit-token.service", "doorunit-recovery.service")
TIMERS = ("doorunit-enrol.path", "doorunit-recovery.timer")


class Run:
    """One campaign on one machine."""

    def __init__(self, machine: Machine, deb: Path, rows: Rows) -> None:
        self._m, self._deb, self._rows = machine, deb, rows

    def play(self) -> None:
        """All of it, in order."""
        m = self._m
        (m.root / CARD).parent.mkdir(parents=True)
        simulate(m.root)
        m.boot()
        self._rows.is_("it has no Python", not (m.root / "usr/bin/python3").exists())
        self._install()
        m.inside("systemctl", "start", "station.service")
        await_(lambda: (m.root / "var/lib/station/ca").is_dir(), 30, "the station's authority")
        self._enrol()
        self._walls()
        self._reissue()
        self._stopped()
        m.off()
        m.boot()
        self._within("a boot later: until it runs", self._runs, 20)
        self._rows.is_("nothing of ours has failed", not self._failed())

    def _install(self) -> None:
        m = self._m
        shutil.copy(self._deb, m.root / "root")
        begun = time.monotonic()
        m.inside("apt-get", "install", "-y", f"/root/{self._deb.name}", timeout_s=900)
        self._rows.tell("apt-get install ./doorunit.deb", time.monotonic() - begun, 120)
        self._rows.is_("it waits to be enrolled", m.show(UNIT, "ActiveState") == "inactive")
        self._rows.is_("it is enabled", m.show(UNIT, "UnitFileState") == "enabled")
        for name in TIMERS:
            self._rows.is_(f"{name} watches", m.show(name, "ActiveState") == "active")
        self._rows.is_("nothing of ours has failed", not self._failed())

    def _enrol(self) -> None:
        """Half of the file first: somebody copies it to the card of a machine that runs."""
        m = self._m
        whole = self._station("batch", "1", out="cards") / "door-1" / Path(CARD).name
        text = whole.read_text()
        (m.root / CARD).write_text(text[:200])
        time.sleep(1)  # a copy is a physical thing
        with (m.root / CARD).open("a") as file:
            file.write(text[200:])
        self._within("the station's file is there: until the unit runs", self._runs, 30)
        self._within("and its token is erased", lambda: not self._token(), 10)
        self._within("and its link is up", self._linked, 20)
        self._rows.is_("the page's code stays", "page_code" in tomllib.loads((m.root / CARD).read_text()))

    def _walls(self) -> None:
        for name in OURS:
            said = self._m.inside("systemd-analyze", "security", "--no-pager", name)
            found = next(line for line in said.splitlines() if "Overall exposure level" in line)
            self._rows.tell(f"exposure of {name}, of 10", float(found.split(": ")[1].split()[0]), 2.0, "")
        for word in ("SystemCallFilter", "RestrictAddressFamilies", "ProtectSystem"):
            self._rows.is_(f"{word} is on", self._m.show(UNIT, word) not in ("", "no"))

    def _reissue(self) -> None:
        m = self._m
        before = self._enrolled_by()
        shutil.copy(self._station("reissue", "door-1", out="again") / "door-1" / Path(CARD).name, m.root / CARD)
        self._within("a reissued file: until the unit has its new identity", lambda: self._enrolled_by() != before, 30)
        self._within("and runs", self._runs, 20)
        self._within("and that token is erased", lambda: not self._token(), 10)

    def _stopped(self) -> None:
        m = self._m
        m.inside("systemctl", "stop", UNIT)
        looked = "ExecMainExitTimestampMonotonic"
        before = m.show("doorunit-enrol.service", looked)
        (m.root / CARD).write_text((m.root / CARD).read_text())
        await_(lambda: m.show("doorunit-enrol.service", looked) not in ("0", before), 10, "a look at the file")
        self._rows.is_("stopped by a person, it stays stopped", m.show(UNIT, "ActiveState") == "inactive")

    def _within(self, what: str, condition: Callable[[], bool], most_s: float) -> None:
        begun = time.monotonic()
        try:
            await_(condition, most_s * 2, what)
        except AssertionError:
            sys.stderr.write(self._m.journal(*OURS, *TIMERS, "station.service"))
            raise
        self._rows.tell(what, time.monotonic() - begun, most_s)

    def _runs(self) -> bool:
        return self._m.show(UNIT, "ActiveState") == "active"

    def _linked(self) -> bool:
        return "link 5" in self._m.show(UNIT, "StatusText")

    def _token(self) -> bool:
        return "token" in tomllib.loads((self._m.root / CARD).read_text())

    def _enrolled_by(self) -> str:
        path = self._m.card / "identity/identity.json"
        return path.read_text() if path.exists() else ""

    def _failed(self) -> list[str]:
        return [
            line for line in lines(self._m.inside("systemctl", "--failed", "--plain", "--no-legend")) if "door" in line
        ]

    def _station(self, *words: str, out: str) -> Path:
        told = ["station", *words, "--dir", "/var/lib/station", "--out", f"/root/{out}"]
        self._m.inside(f"/{STATION}/bin/python", "-I", "-m", "edge.cli", *told)
        return self._m.root / "root" / out


def main() -> int:
    """0: every figure is what it must be. 77: not run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=sorted(PYTHONS), default="bookworm")
    parser.add_argument("--arch", choices=("amd64", "arm64"), default="amd64")
    parser.add_argument("--keep", type=Path, help="an empty folder for the machine, which then stays")
    args = parser.parse_args()
    if why := hindrance():
        sys.stdout.write(f"not run here: {why}\n")
        return NOT_RUN
    target = Target(args.arch, PYTHONS[args.suite])
    PATIENCE[0] = emulate(target)
    begun, rows = time.monotonic(), Rows()
    deb = build(target, ROOT / "build/deb", level=1)
    folder = args.keep or Path(tempfile.mkdtemp(prefix="doorunit-fresh."))
    folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"doorunit on a fresh {args.suite}: {deb.name}\n")
    try:
        with closing(Machine(folder, root_archive(args.suite, target.arch, FRESH, FETCHED), target)) as machine:
            Run(machine, deb, rows).play()
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return rows.close(time.monotonic() - begun)


if __name__ == "__main__":
    sys.exit(main())
