"""The package on a real systemd: install, boot, faults, load, removal; each figure beside what it must be.

    .venv/bin/python tests/deploy/nspawn.py [--suite trixie] [--arch arm64] [--keep FOLDER]

One machine in systemd-nspawn with a station in it; the unit runs with simulated pins, as the service that the package
installs. What cannot be had here: a Pi's pins and camera, limits of memory (this kernel has the old cgroups), a card's
own wear. Ends with 1 where a figure is not what it must be, with 77 where no machine can be booted at all. For another
processor than this machine's, by way of qemu-user-static, times are only told, and no system call is filtered.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.deb.build import ROOT, build
from deploy.deb.wheels import Target
from deploy.image.build import PYTHONS
from tests.deploy.machine import (
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
    root_archive,
    run,
)
from tests.deploy.rows import Rows

UNIT = "doorunit.service"
WITHIN_S = 30.0  # how long a report is waited for; what it must be is with each row
IDLE_S = 30
ALIVE_S = 10  # the unit's note that it runs, as often as settings allow; its default is 300 s
SETTINGS = f"""[camera]
enabled = false
[spool]
alive_s = {ALIVE_S}
[uplink]
backoff_max_s = 3
"""
SIMULATED = """[Service]
ExecStart=
ExecStart=/usr/lib/doorunit/bin/python -I -B -u -X faulthandler -m edge.cli run --simulate
"""


class Run:
    """One campaign on one machine."""

    def __init__(self, machine: Machine, deb: Path, rows: Rows) -> None:
        self._m = machine
        self._deb = deb
        self._rows = rows

    def play(self) -> None:
        """All of it, in order."""
        self._m.boot()
        self._install()
        self._m.off()
        began_ns = self._m.boot()
        with closing(Probe(self._m)) as probe:
            self._probe = probe
            self._rows.tell("boot to the first opening at the station", self._reported_s(began_ns), 20)
            self._look()
            self._idle()
            self._fault("kill -9", lambda: self._signal("KILL"), 10)
            self._fault("SIGSTOP, ended by the watchdog", lambda: self._signal("STOP"), 10)
            self._traceback()
            self._fault("full card", self._m.fill, 10)
            self._fault("kill -9 on a full card", lambda: self._signal("KILL"), 10)
            self._m.free()
            self._fault("card turned read-only by errors", self._m.fall_ill, 10)
            self._fault("kill -9 on a read-only card", lambda: self._signal("KILL"), 10)
        self._m.off()
        self._m.mend()
        self._m.boot()
        self._pictures()
        self._broken()
        self._package()

    def _install(self) -> None:
        m = self._m
        shutil.copy(self._deb, m.root / "doorunit.deb")
        begun = time.monotonic()
        m.inside("dpkg", "-i", "/doorunit.deb", timeout_s=900)
        self._rows.tell("install", time.monotonic() - begun, None)
        self._rows.is_("inactive before it is enrolled", m.show(UNIT, "ActiveState") == "inactive")
        (m.root / "etc/doorunit/doorunit.toml").write_text(SETTINGS)
        simulate(m.root)
        await_(lambda: (m.root / "var/lib/station/ca").is_dir(), 30, "the station's authority")
        enrol = f"/{STATION}/bin/python -I -m edge.cli station enrol sim-1 --dir /var/lib/station --out /tmp/identity"
        m.inside(*enrol.split())
        m.inside("install", "-d", "-o", "doorunit", "-g", "doorunit", "-m", "700", f"/{STATE}/identity")
        m.inside("sh", "-c", f"install -o doorunit -g doorunit -m 600 /tmp/identity/* /{STATE}/identity/")
        term = "import time; from pathlib import Path; from edge.sim.terms import preset; "
        term += f"preset(Path('/{STATE}'), time.time_ns())"
        m.inside(f"/{STATION}/bin/python", "-I", "-c", term)
        m.inside("chown", "doorunit:doorunit", f"/{STATE}/term.json")
        m.inside("systemctl", "daemon-reload")
        m.inside("sync")

    def _look(self) -> None:
        """What is true of a unit that runs well."""
        m = self._m
        pid = m.show(UNIT, "MainPID")
        self._rows.is_("no listening socket of the unit", f"pid={pid}," not in m.inside("ss", "-lntupH"))
        await_(lambda: "; link 5; " in m.show(UNIT, "StatusText"), 10, "a status line that tells of the link")
        self._rows.is_(f"its status line: {m.show(UNIT, 'StatusText')}", m.show(UNIT, "StatusText").startswith("door "))
        self._rows.is_("no core dump possible", _limit(m, pid, "Max core file size") == "0")
        self._rows.is_("it runs as doorunit", m.inside("stat", "-c", "%U", f"/proc/{pid}").strip() == "doorunit")
        self._rows.is_(
            "nothing of it can be written", "lib" not in m.inside("find", "/usr/lib/doorunit", "-user", "doorunit")
        )
        failed = [
            line for line in lines(m.inside("systemctl", "--failed", "--plain", "--no-legend")) if "doorunit" in line
        ]
        self._rows.is_("no service of ours has failed", not failed)
        m.inside("systemctl", "start", "doorunit-recovery.service")
        self._rows.is_("recovery does nothing to a unit that runs", m.show(UNIT, "MainPID") == pid)
        self._rows.is_("man page", "DOORUNIT RUN" in m.inside("man", "doorunit"))
        words = (
            "source /usr/share/bash-completion/completions/doorunit; COMP_WORDS=(doorunit co); COMP_CWORD=1; _doorunit"
        )
        self._rows.is_("completion", m.inside("bash", "-c", f'{words}; echo "${{COMPREPLY[@]}}"').strip() == "config")

    def _idle(self) -> None:
        m = self._m
        pid = int(m.show(UNIT, "MainPID"))
        time.sleep(5)
        cpu, sectors, begun = _cpu_s(m, pid), m.card_sectors(), time.monotonic()
        time.sleep(IDLE_S)
        spent, written, took = _cpu_s(m, pid) - cpu, m.card_sectors() - sectors, time.monotonic() - begun
        run("sync")
        recovery_s = self._probe.ask(
            "spend", command=["/usr/bin/python3", "-I", "/usr/lib/doorunit/recovery/recover.py"]
        )
        commits = took / ALIVE_S
        self._rows.tell("idle: processor", 100 * spent / took, 0.5, "%")
        self._rows.tell("idle: written to the card in a day", written * 512 / commits * 86_400 / 300 / 1e6, 20, "MB")
        self._rows.tell("idle: recovery's look every 2 min", 100 * recovery_s / 120, 0.5, "%")
        pss = next(
            line for line in m.inside("cat", f"/proc/{pid}/smaps_rollup").splitlines() if line.startswith("Pss:")
        )
        self._rows.tell("memory (PSS)", int(pss.split()[1]) / 1024, 100, "MiB")

    def _fault(self, what: str, act: Callable[[], None], most_s: float) -> None:
        begun_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        act()
        self._rows.tell(f"{what}: until the door is reported again", self._reported_s(begun_ns), most_s)

    def _reported_s(self, since_ns: int) -> float:
        """From `since_ns` (boot clock) until the station has an opening that was made after it."""
        found = self._probe.ask("reported", since_ns=since_ns, within_s=WITHIN_S * PATIENCE[0])
        return float("inf") if found["at_ns"] is None else (found["at_ns"] - since_ns) / 1e9

    def _ten_pictures(self) -> bool:
        """One opening more for as long as there are fewer: how many pictures one has is up to the machine's load."""
        if self._probe.ask("frames") >= 10:
            return True
        self._reported_s(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        return False

    def _signal(self, name: str) -> None:
        self._m.inside("systemctl", "kill", "--kill-who=main", f"--signal={name}", UNIT)

    def _traceback(self) -> None:
        said = self._m.inside("journalctl", "-u", UNIT, "--no-pager", "-o", "cat")
        self._rows.is_("the watchdog left every thread's place in the journal", "Fatal Python error: Aborted" in said)

    def _pictures(self) -> None:
        """With a camera: pictures reach the station, and no byte of the card is the beginning of one."""
        m = self._m
        settings = m.root / "etc/doorunit/doorunit.toml"
        settings.write_text(SETTINGS.replace("enabled = false", "enabled = true"))
        begun_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        m.inside("systemctl", "restart", UNIT)
        with closing(Probe(m)) as probe:
            self._probe = probe
            self._rows.is_("an opening with a camera is reported", self._reported_s(begun_ns) < float("inf"))
            await_(self._ten_pictures, 60, "ten pictures at the station")
        m.inside("ip", "link", "set", "lo", "down")  # what is taken now stays on the card
        with closing(Probe(m)) as probe:
            for wish in ("shut", "open"):
                probe.ask("move", to=wish)
                time.sleep(1)  # a door is a physical thing
        sealed = m.card / "frames"
        await_(lambda: len(list(sealed.iterdir())) >= 5, 60, "five sealed pictures on the card")
        self._rows.is_("no picture in clear in any sector of the card", m.pictures_on_card() == 0)
        (m.card / "planted").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(4096))
        self._rows.is_("a picture that was planted there is found", m.pictures_on_card() == 1)
        m.inside("ip", "link", "set", "lo", "up")
        settings.write_text(SETTINGS)
        m.inside("systemctl", "restart", UNIT)

    def _broken(self) -> None:
        """The environment is gone: systemd tries on, ever more slowly, recovery works, and it comes back by itself."""
        m = self._m
        await_(lambda: m.show(UNIT, "ActiveState") == "active", 30, "the unit running after its card was mended")
        lib = m.root / "usr/lib/doorunit/lib"
        lib.rename(lib.with_name("gone"))
        self._signal("KILL")
        await_(lambda: int(m.show(UNIT, "NRestarts")) >= 5, 60, "five restarts of a broken unit")
        m.inside("systemctl", "start", "doorunit-recovery.service")
        self._rows.is_(
            "recovery sees a broken unit", '"unwell_s": null' not in m.inside("cat", "/run/doorunit-recovery.json")
        )
        self._rows.is_("systemd has not given up", m.show(UNIT, "ActiveState") in ("activating", "active"))
        self._restarted()
        lib.with_name("gone").rename(lib)
        begun = time.monotonic()
        await_(lambda: m.show(UNIT, "SubState") == "running", 70, "the mended unit running")
        self._rows.tell("a mended environment: until it runs again", time.monotonic() - begun, 60)

    def _restarted(self) -> None:
        """A unit that has been broken for a while: the machine itself is restarted, and why is on the card before."""
        m = self._m
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        memory = {"unwell_s": now_s - 1000, "restarted_s": now_s - 700, "resets_s": [], "outage_resets": 0}
        m.inside("sh", "-c", f"echo '{json.dumps(memory)}' > /run/doorunit-recovery.json")
        m.inside("systemctl", "start", "--no-block", "doorunit-recovery.service")
        m.restarted()
        noted = json.loads((m.root / "var/lib/doorunit-recovery/reboots.json").read_text())
        self._rows.is_("recovery restarts the machine, and notes why", "not run steadily for 100" in noted[-1]["why"])

    def _package(self) -> None:
        """Upgrade, remove, purge: what stays and what goes."""
        m = self._m
        before = m.show(UNIT, "MainPID")
        m.inside("dpkg", "-i", "/doorunit.deb", timeout_s=900)
        self._rows.is_("an upgrade keeps the settings", (m.root / "etc/doorunit/doorunit.toml").read_text() == SETTINGS)
        await_(lambda: m.show(UNIT, "SubState") == "running", 30, "the unit running after the upgrade")
        self._rows.is_("an upgrade starts the new unit", m.show(UNIT, "MainPID") != before)
        m.inside("dpkg", "--remove", "doorunit", timeout_s=300)
        kept = (m.card / "identity/unit.key").exists() and (m.root / "etc/doorunit/doorunit.toml").exists()
        self._rows.is_("removed: identity and settings stay", kept)
        self._rows.is_("removed: no program stays", not (m.root / "usr/lib/doorunit").exists())
        m.inside("dpkg", "--purge", "doorunit", timeout_s=300)
        left = [path.name for path in m.card.iterdir()]
        self._rows.is_(f"purged: nothing stays on the card ({left})", not left)
        self._rows.is_("purged: no settings stay", not (m.root / "etc/doorunit/doorunit.toml").exists())


def main() -> int:
    """0: every figure is what it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=sorted(PYTHONS), default="bookworm")
    parser.add_argument("--arch", choices=("amd64", "arm64"), default="amd64")
    parser.add_argument("--keep", type=Path, help="an empty folder for the machine, which then stays")
    args = parser.parse_args()
    if why := hindrance():
        print(f"not run here: {why}")
        return NOT_RUN
    target = Target(args.arch, PYTHONS[args.suite])
    PATIENCE[0] = emulate(target)
    begun, rows = time.monotonic(), Rows()
    deb = build(target, ROOT / "build/deb", level=1)
    folder = args.keep or Path(tempfile.mkdtemp(prefix="doorunit-nspawn."))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"doorunit in systemd-nspawn, {args.suite} {args.arch}: {deb.name}, {deb.stat().st_size / 1e6:.1f} MB")
    try:
        with closing(Machine(folder, root_archive(args.suite, args.arch), target)) as machine:
            Run(machine, deb, rows).play()
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return rows.close(time.monotonic() - begun)


def simulate(root: Path) -> None:
    """Have the unit in that root run with the shipped simulated parts: no machine here has pins."""
    override = root / f"etc/systemd/system/{UNIT}.d/simulated.conf"
    override.parent.mkdir(parents=True, exist_ok=True)
    override.write_text(SIMULATED)


def _cpu_s(machine: Machine, pid: int) -> float:
    fields = machine.inside("cat", f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _limit(machine: Machine, pid: str, name: str) -> str:
    said = machine.inside("cat", f"/proc/{pid}/limits")
    return next(line for line in said.splitlines() if line.startswith(name)).removeprefix(name).split()[0]


if __name__ == "__main__":
    sys.exit(main())
