"""deploy/fleet on four machines with a real systemd, by real SSH: provision, a good release, a bad one, one is off.

    .venv/bin/python tests/deploy/fleet.py [--suite trixie] [--keep FOLDER]

Each machine in systemd-nspawn has a station of its own; ssh speaks to an `sshd -i` that nsenter starts in there, so
there is no network between them and nothing listens. Ansible is the lock's own (deploy/lock/fleet.txt), in build/fleet.
A trial's steady minute is five seconds in the installed package here. Exit status as nspawn.py's.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.deb.build import ROOT
from deploy.deb.wheels import Target
from deploy.image.build import PYTHONS
from tests.deploy import nspawn_update
from tests.deploy.fresh import CARD
from tests.deploy.machine import NOT_RUN, PACKAGES, STATE, STATION, Machine, Probe, await_, hindrance, root_archive, run
from tests.deploy.nspawn import UNIT
from tests.deploy.rows import Rows

FLEET = ROOT / "deploy/fleet"
RINGS = {"canary": ("door-1",), "ring1": ("door-2", "door-3"), "ring2": ("door-4",)}
UNITS = tuple(unit for units in RINGS.values() for unit in units)
STEADY_S = 5
DEADLINE_S = 1500  # of all of it; a run takes a third of that on two quiet cores
PLAY_S = 420
SETTINGS = {"camera": {"enabled": False}, "spool": {"alive_s": 10}, "uplink": {"backoff_max_s": 3}}
PACE = {"rollout_door_s": 4, "rollout_poll_s": 2, "rollout_soak_s": 2, "rollout_trial_s": 240, "rollout_max_failed": 0}
TERM = f"""
import shutil, time
from pathlib import Path
from edge.sim.terms import preset
preset(Path("/{STATE}"), time.time_ns())
shutil.chown("/{STATE}/term.json", "doorunit", "doorunit")
"""


class Played(NamedTuple):
    """How a playbook ended. changed: by unit, of those it had to do with; ring_s: how long each of its plays took."""

    status: int
    said: str
    changed: Mapping[str, int]
    ring_s: Sequence[float]


class Releases(nspawn_update.Releases):
    """As the update's campaign makes them; the updater in the first one is content sooner."""

    def __init__(self, folder: Path, target: Target) -> None:
        super().__init__(folder, target)
        trial = self._inside("ota/deploy/ota/trial.py")
        text = trial.read_text()
        assert "STEADY_S = 60\n" in text
        trial.write_text(text.replace("STEADY_S = 60\n", f"STEADY_S = {STEADY_S}\n"))
        self.first = self.later(0)


class Controller:
    """Where ansible-playbook runs: its inventory, its key, its environment."""

    def __init__(self, folder: Path, machines: Mapping[str, Machine]) -> None:
        self._folder, self._machines = folder, machines
        self._ansible = tool()
        folder.mkdir()
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"))
        known = [f"{name} {_host_key(machine)}" for name, machine in machines.items()]
        (folder / "known").write_text("\n".join(known) + "\n")
        for machine in machines.values():
            (machine.root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
            shutil.copy(folder / "key.pub", machine.root / "root/.ssh/authorized_keys")

    def enrol_file(self, unit: str) -> Path:
        """Where that unit's file from its station lies here."""
        return self._folder / f"cards/{unit}/doorunit-enrol.toml"

    def play(self, book: str, *words: str, **extra: object) -> Played:
        """Run one playbook against the machines as they are now."""
        inventory = self._folder / "hosts.yml"
        inventory.write_text(json.dumps({"units": {"children": {ring: self._ring(ring) for ring in RINGS}}}))
        asked = json.dumps({"unit_settings": SETTINGS, **PACE, **extra})
        command = [self._ansible, "-i", inventory, book, "-e", asked, *words]
        own = {"ANSIBLE_HOME": str(self._folder / "a"), "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            list(map(str, command)), cwd=FLEET, env={**os.environ, **own}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, process_group=0,
        )  # fmt: skip
        lines, plays = [], []
        try:
            for line in self._lines(process):
                lines.append(line)
                if line.startswith("PLAY "):  # of each ring, and of the sum
                    plays.append(time.monotonic())
            status = process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)
        said = "".join(lines)
        (self._folder / "last.log").write_text(said)
        found = re.findall(r"(?m)^(\S+)\s+: ok=\d+\s+changed=(\d+)", said)
        return Played(
            status, said, {unit: int(n) for unit, n in found}, [b - a for a, b in zip(plays, plays[1:], strict=False)]
        )

    def _lines(self, process: subprocess.Popen[str]) -> Iterator[str]:
        assert process.stdout is not None
        until = time.monotonic() + PLAY_S
        for line in process.stdout:
            assert time.monotonic() < until, f"a playbook that does not end within {PLAY_S} s"
            yield line

    def _ring(self, ring: str) -> dict[str, Any]:
        return {"hosts": {unit: self._host(unit) for unit in RINGS[ring]}}

    def _host(self, unit: str) -> dict[str, str]:
        into = " ".join(self._machines[unit].enter()) if self._machines[unit].leader else "false"
        options = {
            "ProxyCommand": f"'{into} /usr/sbin/sshd -i'",
            "UserKnownHostsFile": self._folder / "known",
            "IdentityFile": self._folder / "key",
            "IdentitiesOnly": "yes",
        }
        words = " ".join(f"-o {name}={value}" for name, value in options.items())
        return {"ansible_user": "root", "ansible_ssh_common_args": words, "unit_enrol_file": str(self.enrol_file(unit))}


class Run:
    """One campaign."""

    def __init__(self, machines: Mapping[str, Machine], controller: Controller, releases: Releases, rows: Rows) -> None:
        self._ms, self._controller, self._releases, self._rows = machines, controller, releases, rows

    def play(self) -> None:
        """All of it, in order."""
        self._provision()
        self._good()
        self._bad()
        self._mended()
        self._unreachable()

    def _provision(self) -> None:
        package = self._releases.first
        about = {"unit_package": str(package), "unit_package_sha256": sha256(package.read_bytes()).hexdigest()}
        wrong = self._play("provision.yml", "--limit", "door-1", **{**about, "unit_package_sha256": "0" * 64})
        self._is("a package of another digest is not installed", wrong.status != 0 and "want 000" in wrong.said)
        self._is("and nothing of it is there", not (self._ms["door-1"].root / "usr/bin/doorunit").exists())
        begun = time.monotonic()
        first = self._play("provision.yml", **about)
        self._rows.tell(f"provision of {len(UNITS)} machines", time.monotonic() - begun, None)
        self._is(f"provisioned: {first.changed}", first.status == 0 and len(first.changed) == len(UNITS))
        for unit in UNITS:
            await_(
                lambda unit=unit: "; link 5; " in self._ms[unit].show(UNIT, "StatusText"), 60, f"{unit} with its link"
            )
        self._is("each is enrolled by its station's file, and runs with its link", True)
        begun = time.monotonic()
        again = self._play("provision.yml", **about)
        self._rows.tell("provision again", time.monotonic() - begun, None)
        self._is(
            f"a second run changes nothing: {again.changed}", again.status == 0 and not any(again.changed.values())
        )
        settings = self._ms["door-1"].root / "etc/doorunit/doorunit.toml"
        before = settings.read_text()
        refused = self._play(
            "provision.yml", "--limit", "door-1", **{**about, "unit_settings": {"camera": {"enabld": True}}}
        )
        self._is(
            "settings that the unit does not accept are not written",
            refused.status != 0 and settings.read_text() == before,
        )

    def _good(self) -> None:
        """With a door that is open: that unit is left, and taken by the next run."""
        m, release = self._ms["door-2"], str(self._releases.later(1))
        m.inside(f"/{STATION}/bin/python", "-I", "-c", TERM)
        m.inside("systemctl", "restart", UNIT)
        await_(lambda: "; link 5; " in m.show(UNIT, "StatusText"), 60, "door-2 with its link, within its term")
        with closing(Probe(m)) as probe:
            probe.ask("move", to="open")
            await_(lambda: self._pulse(m)["door"] == "open", 30, "door-2's door open")
            rolled = self._play("rollout.yml", rollout_release=release)
            probe.ask("move", to="shut")
            await_(lambda: self._pulse(m)["door"] == "shut" and not self._pulse(m)["backlog"], 30, "door-2's door shut")
        for ring, took_s in zip(RINGS, rolled.ring_s, strict=False):
            self._rows.tell(f"a good release: {ring}, {len(RINGS[ring])} units", took_s, None)
        self._is(
            f"all rings took it: {rolled.changed}",
            rolled.status == 0 and self._running() == ["0.1.1", "0.1.0", "0.1.1", "0.1.1"],
        )
        self._is(
            "a unit whose door is open is left",
            "door-2: left: its door is open" in rolled.said and not rolled.changed["door-2"],
        )
        on = self._play("rollout.yml", rollout_release=release)
        self._is("the next run takes that unit", on.status == 0 and self._running() == ["0.1.1"] * len(UNITS))
        self._is(f"and changes no other: {on.changed}", [unit for unit, n in on.changed.items() if n] == ["door-2"])
        begun = time.monotonic()
        again = self._play("rollout.yml", rollout_release=release)
        self._rows.tell("rollout again", time.monotonic() - begun, None)
        self._is(f"a run more changes nothing: {again.changed}", again.status == 0 and not any(again.changed.values()))

    def _bad(self) -> None:
        """It crashes: the canary goes back by itself, and nobody else ever sees it."""
        release = str(self._releases.later(2, broken=True))
        begun = time.monotonic()
        rolled = self._play("rollout.yml", rollout_release=release)
        self._rows.tell("a bad release: until the rollout ended", time.monotonic() - begun, None)
        self._rows.tell("a bad release: units that it touched", len(rolled.changed), 1, "")
        self._is(
            "the rollout ends, and says which and why",
            rolled.status != 0 and "door-1: wrong: it went back: systemd" in rolled.said,
        )
        self._is(f"every unit runs what it ran: {self._running()}", self._running() == ["0.1.1"] * len(UNITS))
        states = [json.loads(self._ms[u].inside("doorunit-update", "status", "--json", check=False)) for u in UNITS]
        self._is("only the canary knows the release", [len(one["bad"]) for one in states] == [1, 0, 0, 0])
        again = self._play("rollout.yml", rollout_release=release)
        self._is(
            f"a run more ends there, too, and changes nothing: {again.changed}",
            again.status != 0 and again.changed == {"door-1": 0},
        )

    def _mended(self) -> None:
        """The canary, which came back from the last one, has the next; by its station's channel."""
        m, deb = self._ms["door-1"], self._releases.later(3)
        for path in (deb, deb.with_suffix(".json")):
            shutil.copy(path, m.root / "srv")
        told = f"-I -m edge.cli station release add /srv/{deb.name} --dir /var/lib/station"
        m.inside(f"/{STATION}/bin/python", *told.split())
        words = {"rollout_release": str(deb), "rollout_by": "channel", "rollout_rings": ["canary"]}
        begun = time.monotonic()
        rolled = self._play("rollout.yml", **words)
        self._rows.tell("by the channel: the canary", time.monotonic() - begun, None)
        self._is("a unit that came back has the next release", rolled.status == 0 and self._running()[0] == "0.1.3")
        self._is(f"and only that ring: {rolled.changed}", list(rolled.changed) == ["door-1"])

    def _unreachable(self) -> None:
        self._ms["door-3"].off()
        looked = self._play("look.yml")
        table = re.findall(r"(?m)^\s+- ['\"]?((?:unit|door-\d) .*)", looked.said)
        sys.stdout.write("".join(f"    {line.rstrip(chr(39))}\n" for line in table))
        self._is("the table has a line for each", [line.split()[0] for line in table] == ["unit", *UNITS])
        self._is("one that is off is a line of it", "it cannot be reached" in table[3] and looked.status == 0)
        rings = {"rollout_rings": ["ring1", "ring2"]}
        rolled = self._play("rollout.yml", rollout_release=str(self._releases.later(1)), **rings)
        self._is(
            "an unreachable unit ends the rollout before the next ring",
            rolled.status != 0 and "door-4" not in rolled.changed,
        )
        self._is(
            "and is named",
            "ring ring1: 1 of 2 went wrong, 0 may" in rolled.said
            and "door-3: wrong: it cannot be reached" in rolled.said,
        )

    def _play(self, book: str, *words: str, **extra: object) -> Played:
        self._played = self._controller.play(book, *words, **extra)
        return self._played

    def _is(self, what: str, well: bool) -> None:
        if not well:
            sys.stdout.write(self._played.said[-6000:])
        self._rows.is_(what, well)

    def _running(self) -> list[str]:
        said = [self._ms[u].inside("doorunit-update", "status", "--json", check=False) for u in UNITS]
        return [json.loads(one)["version"] for one in said]

    def _pulse(self, machine: Machine) -> dict[str, Any]:
        said = json.loads(machine.inside("doorunit", "status", "--json", check=False))
        return dict(said["agent"]["pulse"]) if said["agent"] else {"door": "", "backlog": None}


def tool() -> Path:
    """ansible-playbook from the lock, installed once."""
    folder, lock = ROOT / "build/fleet", ROOT / "deploy/lock/fleet.txt"
    mark = folder / sha256(lock.read_bytes()).hexdigest()[:16]
    if not mark.exists():
        run(sys.executable, "-m", "venv", "--clear", str(folder))
        words = "-m pip install -qq --disable-pip-version-check --no-input --only-binary :all: --require-hashes -r"
        run(str(folder / "bin/python"), *words.split(), str(lock), timeout_s=300)
        mark.touch()
    return folder / "bin/ansible-playbook"


def start(stack: ExitStack, folder: Path, archive: Path, target: Target) -> Machine:
    """A machine that runs with its station; it has no package so far, and what that will run is told to simulate."""
    folder.mkdir()
    machine = stack.enter_context(closing(Machine(folder, archive, target)))
    override = machine.root / f"etc/systemd/system/{UNIT}.d/simulated.conf"
    override.parent.mkdir(parents=True)
    override.write_text(nspawn_update.SIMULATED)
    (machine.root / CARD).parent.mkdir(parents=True)
    (machine.root / "etc/systemd/system/ssh.service").symlink_to("/dev/null")
    machine.boot(120)
    machine.inside("mkdir", "-p", "/run/sshd")
    await_(lambda: (machine.root / "var/lib/station/ca").is_dir(), 60, "the station's authority")
    return machine


def enrol(machine: Machine, to: Path) -> None:
    """Have its station write a unit's file, and bring that here."""
    told = "-I -m edge.cli station batch 1 --dir /var/lib/station --out /root/cards"
    machine.inside(f"/{STATION}/bin/python", *told.split())
    to.parent.mkdir(parents=True)
    shutil.copy(machine.root / "root/cards/door-1/doorunit-enrol.toml", to)


def main() -> int:
    """0: every figure is what it must be. 77: not run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=sorted(PYTHONS), default="bookworm")
    parser.add_argument("--arch", choices=("amd64", "arm64"), default="amd64", help="arm64: nothing is run")
    parser.add_argument("--keep", type=Path, help="an empty folder for the machines, which then stay")
    args = parser.parse_args()
    if args.arch != "amd64":
        sys.stdout.write(f"not run here: a trial's minutes are real, too short for an emulated {args.arch}\n")
        return NOT_RUN
    if why := hindrance():
        sys.stdout.write(f"not run here: {why}\n")
        return NOT_RUN
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(DEADLINE_S)
    target, begun, rows = Target("amd64", PYTHONS[args.suite]), time.monotonic(), Rows()
    folder = args.keep or Path(tempfile.mkdtemp(prefix="doorunit-fleet."))
    (folder / "made").mkdir(parents=True, exist_ok=True)
    archive = root_archive(args.suite, "amd64", (*PACKAGES, "openssh-server"))
    try:
        releases = Releases(folder / "made", target)
        with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
            made = {unit: pool.submit(start, stack, folder / unit, archive, target) for unit in UNITS}
            machines = {unit: one.result() for unit, one in made.items()}
            rows.tell("four machines booted, with their stations", time.monotonic() - begun, None)
            controller = Controller(folder / "controller", machines)
            for unit, machine in machines.items():
                enrol(machine, controller.enrol_file(unit))
            Run(machines, controller, releases, rows).play()
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return rows.close(time.monotonic() - begun)


def _host_key(machine: Machine) -> str:
    return " ".join((machine.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])


def _late(_number: int, _frame: object) -> None:
    raise AssertionError(f"found no end within {DEADLINE_S} s; want one")


if __name__ == "__main__":
    sys.exit(main())
