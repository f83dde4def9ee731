"""The image's root, booted read-only, its data on one persistent partition: what outlives a boot, a cut and a slot.

    .venv/bin/python tests/deploy/image.py [--suite trixie] [--arch arm64] [--keep FOLDER]

systemd-nspawn stands for the kernel, the boot loader and image-rota's mounts: it binds each folder that the layer's
slot-shared.d file names, as rpi-image-gen's generator does. The unit's pins are simulated. Not tried here: a Pi, its
boot partitions, tryboot, zram, the watchdog, the clock. Exit status as nspawn.py's.
"""

import argparse
import shutil
import sys
import tempfile
import time
import tomllib
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.deb.build import UNITS
from deploy.deb.wheels import Target
from deploy.image.build import OVERLAY, PYTHONS
from deploy.image.build import root as build_root
from tests.deploy.machine import (
    CACHE,
    NOT_RUN,
    PATIENCE,
    STATE,
    STATION,
    Machine,
    Probe,
    await_,
    emulate,
    hindrance,
    lines,
    run,
)
from tests.deploy.nspawn import UNIT, WITHIN_S, simulate
from tests.deploy.rows import Rows

SHARED = OVERLAY / "etc/rpi-image-gen/slot-shared.d/doorunit.conf"
SLOTS = ("system_a", "system_b")
CARD = Path("bootfs/doorunit-enrol.toml")


def shared() -> list[str]:
    """The folders that both slots share, absolute; as the layer declares them."""
    said = SHARED.read_text(encoding="ascii").splitlines()
    assert "Version=1" in said
    return [line.removeprefix("Path=") for line in said if line.startswith("Path=")]


class Disk:
    """image-rota's persistent partition, on the machine's card: each slot's /var, and what is shared."""

    def __init__(self, machine: Machine) -> None:
        self._root, self.card = machine.root, machine.card
        for folder in ("bootfs", "station", "slots"):
            (self.card / folder).mkdir()
        (self._root / "var/lib/station").mkdir(exist_ok=True)
        for slot in SLOTS:
            (self.card / "slots" / slot).mkdir()
            run("cp", "-a", str(self._root / "var"), str(self.card / "slots" / slot))

    def seed(self) -> None:
        """What rpi-persistent-shared-init does at each boot: the image's copy is written over the shared one."""
        for path in shared():
            here = self.card / f"shared{path}"
            here.mkdir(parents=True, exist_ok=True)
            run("cp", "-a", f"{self._root}{path}/.", str(here))

    def words(self, slot: str, *, data: bool = True) -> tuple[str, ...]:
        """For systemd-nspawn: this slot's mounts. Without `data`, as where the shared folders could not be mounted."""
        binds = [(f"slots/{slot}/var", "/var"), ("bootfs", "/bootfs"), ("station", "/var/lib/station")]
        binds += [(f"shared{path}", path) for path in shared() if data]
        return ("--read-only", *(f"--bind={self.card}/{source}:{where}" for source, where in binds))


class Run:
    """One campaign on one machine."""

    def __init__(self, machine: Machine, rows: Rows) -> None:
        self._m, self._rows = machine, rows
        self._disk = Disk(machine)
        self._seen: list[str] = []

    def play(self) -> None:
        """All of it, in order."""
        m = self._m
        simulate(m.root)
        before = _listing(m.root)
        self._boot("system_a")
        self._read_only()
        self._enrol()
        with closing(Probe(m)) as probe:
            self._opening(probe, "the first opening", time.clock_gettime_ns(time.CLOCK_BOOTTIME), 20)
            self._seen = [name for name, _ in probe.ask("records")]
        for what, slot in (("a power cut", "system_a"), ("a power cut and in the other slot", "system_b")):
            m.off()
            self._again(what, slot)
        m.off()
        self._without_data()
        m.off()
        self._rows.is_("nothing of the root was changed", _listing(m.root) == before)

    def _boot(self, slot: str, *, data: bool = True) -> int:
        self._disk.seed()
        self._m.words = self._disk.words(slot, data=data)
        return self._m.boot()

    def _read_only(self) -> None:
        m = self._m
        self._rows.is_("the root is mounted read-only", "ro" in m.inside("findmnt", "-no", "OPTIONS", "/").split(","))
        refused = m.inside("sh", "-c", "touch /etc/x /usr/x 2>&1 || true")
        self._rows.is_("nothing can be written to it", refused.count("Read-only file system") == 2)
        m.inside("touch", "/tmp/x", "/run/x")
        self._rows.is_("/tmp is in RAM", m.inside("findmnt", "-no", "FSTYPE", "-T", "/tmp").strip() == "tmpfs")
        self._rows.is_("it waits to be enrolled", m.show(UNIT, "ActiveState") == "inactive")
        kept = m.inside("sh", "-c", "find /var/log/journal -type f 2>/dev/null | wc -l").strip()
        self._rows.is_("no journal is on the card", kept == "0")

    def _enrol(self) -> None:
        m = self._m
        await_(lambda: (self._disk.card / "station/ca").is_dir(), 30, "the station's authority")
        python = f"/{STATION}/bin/python"
        told = "station batch 1 --dir /var/lib/station --out /var/lib/station/cards"
        m.inside(python, "-I", "-m", "edge.cli", *told.split())
        shutil.copy(self._disk.card / "station/cards/door-1" / CARD.name, self._disk.card / CARD)
        (self._disk.card / CARD).chmod(0o755)  # as on FAT, which knows no owners
        begun = time.monotonic()
        await_(lambda: m.show(UNIT, "ActiveState") == "active", 60, "the unit running by its file alone")
        self._rows.tell("the station's file is there: until the unit runs", time.monotonic() - begun, 30)
        await_(lambda: "token" not in tomllib.loads((self._disk.card / CARD).read_text()), 20, "the token erased")
        m.inside("systemctl", "stop", UNIT)
        term = "import time; from pathlib import Path; from edge.sim.terms import preset; "
        m.inside(python, "-I", "-c", f"{term}preset(Path('/{STATE}'), time.time_ns())")
        m.inside("chown", "doorunit:doorunit", f"/{STATE}/term.json")
        m.inside("systemctl", "start", UNIT)

    def _again(self, after: str, slot: str) -> None:
        """The next boot: the same epoch, and seqs that go on."""
        begun_ns = self._boot(slot)
        with closing(Probe(self._m)) as probe:
            self._opening(probe, f"after {after}: boot to the first opening at the station", begun_ns, 20)
            told = probe.ask("records")
        records = [name for name, _ in told]
        before = {boot for name, boot in told if name in self._seen} | {""}
        new = [name for name, boot in told if boot not in before]  # what was on its way at the cut may come now
        self._rows.is_(f"after {after}: the epoch is the same", len({_epoch(name) for name in records}) == 1)
        self._rows.is_(f"after {after}: its seqs go on", min(map(_seq, new)) > max(map(_seq, set(records) - set(new))))
        self._rows.is_(f"after {after}: no record came twice", len(records) == len(set(records)))
        for name in ("doorunit-recovery.service", "doorunit-swap.service", "doorunit-token.service"):
            self._m.inside("systemctl", "start", name, check=False)
            self._rows.is_(f"after {after}: {name} runs", self._m.show(name, "Result") == "success")
        failed = lines(self._m.inside("systemctl", "--failed", "--plain", "--no-legend"))
        self._rows.is_(f"after {after}: nothing has failed {[line.split()[0] for line in failed]}", not failed)
        self._seen = records

    def _opening(self, probe: Probe, what: str, since_ns: int, most_s: float) -> None:
        found = probe.ask("reported", since_ns=since_ns, within_s=WITHIN_S * PATIENCE[0])["at_ns"]
        self._rows.tell(what, float("inf") if found is None else (found - since_ns) / 1e9, most_s)

    def _without_data(self) -> None:
        """The shared folders are not mounted: no spool must begin that another slot has never seen."""
        self._boot("system_a", data=False)
        self._m.inside("systemctl", "start", UNIT, check=False)
        self._rows.is_("without its data partition it does not run", self._m.show(UNIT, "ActiveState") == "inactive")
        begun = list((self._disk.card / f"slots/system_a/{STATE}").iterdir())
        self._rows.is_(f"and begins no other spool ({len(begun)} files)", not begun)


def main() -> int:
    """0: every figure is what it must be. 77: not run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=sorted(PYTHONS), default="bookworm")
    parser.add_argument("--arch", choices=("amd64", "arm64"), default="amd64")
    parser.add_argument("--root", type=Path, help="a root built before, with mosquitto in it")
    parser.add_argument("--keep", type=Path, help="an empty folder for the machine, which then stays")
    args = parser.parse_args()
    if why := hindrance():
        sys.stdout.write(f"not run here: {why}\n")
        return NOT_RUN
    target = Target(args.arch, PYTHONS[args.suite])
    PATIENCE[0] = emulate(target)
    begun, rows = time.monotonic(), Rows()
    archive = args.root or build_root(args.suite, args.arch, CACHE, ("mosquitto",))  # the broker is the station's
    folder = args.keep or Path(tempfile.mkdtemp(prefix="doorunit-image."))
    folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"doorunit's image, {args.suite} {args.arch}: {archive.stat().st_size / 1e6:.0f} MB unpacked\n")
    try:
        with closing(Machine(folder, archive, target)) as machine:
            try:
                Run(machine, rows).play()
            except AssertionError:
                sys.stderr.write(machine.journal("station.service", *UNITS))
                raise
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return rows.close(time.monotonic() - begun)


def _epoch(name: str) -> str:
    return name.split("/")[1]


def _seq(name: str) -> int:
    return int(name.split("/")[2])


def _listing(root: Path) -> list[tuple[str, int, int, int]]:
    """Of all that is in a root: name, mode, size, and when it was changed."""
    found = []
    for path in sorted(root.rglob("*")):
        about = path.lstat()
        found.append((str(path), about.st_mode, 0 if path.is_dir() else about.st_size, about.st_mtime_ns))
    return found


if __name__ == "__main__":
    sys.exit(main())
