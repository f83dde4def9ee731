"""A real update and a real return on a real systemd: by the station's channel, by hand, and with the plug pulled.

    .venv/bin/python tests/deploy/nspawn_update.py [--suite trixie] [--arch arm64] [--keep FOLDER]

One machine in systemd-nspawn with a station in it, as tests/deploy/nspawn.py has it. Four packages of this source, each
signed: the installed one, a newer one that comes by the channel, one that crashes, and one in whose trial the plug is
pulled. Ends with 1 where a figure is not what it must be.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.deb.build import build
from deploy.deb.wheels import Target
from deploy.image.build import PYTHONS
from deploy.ota import sign
from deploy.ota.trial import RESTARTS_MAX
from tests.deploy import nspawn
from tests.deploy.machine import NOT_RUN, STATION, Machine, Probe, await_, hindrance, root_archive
from tests.deploy.rows import Rows

UNIT = nspawn.UNIT
SIMULATED = nspawn.SIMULATED.replace("/usr/lib/doorunit/bin/python", "/usr/lib/doorunit/ota/launch")
CHANNEL = "/var/lib/station"
STEP_S = 1000  # between two releases' counters
AUDITS = """
import json, sqlite3
ledger = sqlite3.connect("file:/var/lib/station/ledger.db?mode=ro", uri=True)
rows = ledger.execute("SELECT body FROM record").fetchall()
records = [json.loads(body)["data"]["record"] for body, in rows]
print(json.dumps([r["what"] for r in records if r["kind"] == "audit" and r["what"].startswith("update.")]))
"""


class Releases:
    """The packages, made from one build: each with its own counter, signed by one key."""

    def __init__(self, folder: Path, target: Target) -> None:
        self._folder = folder
        self._key, public = sign.make_key(folder / "release")
        built = build(target, folder, level=1, keys=[public])
        self._tree = folder / "tree"
        subprocess.run(["dpkg-deb", "--raw-extract", built, self._tree], check=True)
        self._about = json.loads(self._inside("release.json").read_text())
        self.first = built

    def later(self, steps: int, *, broken: bool = False) -> Path:
        """A package that is that many steps newer, with its manifest beside it."""
        out = self._folder / f"doorunit_{steps}.deb"
        if out.exists():
            return out
        about = {**self._about, "counter": self._about["counter"] + steps * STEP_S, "version": f"0.1.{steps}"}
        self._inside("release.json").write_text(json.dumps(about))
        vigil = next(self._tree.glob("usr/lib/doorunit/lib/*/site-packages/edge/unit/vigil.py"))
        whole = vigil.read_text()
        if broken:
            vigil.write_text(
                whole.replace("def start(self) -> None:", "def start(self) -> None:\n        raise SystemExit(1)")
            )
        command = ["dpkg-deb", "--build", "--root-owner-group", "-Zxz", "-z1", self._tree, out]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        vigil.write_text(whole)
        assert sign.main(["release", str(out), "--key", str(self._key)]) == 0
        return out

    def _inside(self, name: str) -> Path:
        return self._tree / "usr/lib/doorunit" / name


class Run(nspawn.Run):
    """One campaign on one machine."""

    def __init__(self, machine: Machine, releases: Releases, rows: Rows) -> None:
        super().__init__(machine, releases.first, rows)
        self._releases = releases

    def play(self) -> None:
        """All of it, in order."""
        m = self._m
        m.boot()
        self._install()
        (m.root / f"etc/systemd/system/{UNIT}.d/simulated.conf").write_text(SIMULATED)
        m.inside("systemctl", "daemon-reload")
        m.inside("systemctl", "restart", UNIT)
        await_(lambda: "; link 5; " in m.show(UNIT, "StatusText"), 30, "a unit that has its link")
        self._rows.is_("a unit without another version says so", self._status()["slot"] == "")
        self._by_channel()
        self._that_crashes()
        self._plug_pulled()
        self._spoilt()
        self._removed()

    def _by_channel(self) -> None:
        """Downloaded by the service, tried, confirmed."""
        m, deb = self._m, self._bring(1)
        m.inside(*f"/{STATION}/bin/python -I -m edge.cli station release add {deb} --dir {CHANNEL}".split())
        begun, begun_ns = time.monotonic(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        m.inside("systemctl", "start", "doorunit-update.service")
        self._rows.tell("update: download, unpack, compile, sync, switch", time.monotonic() - begun, None)
        switched_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        with closing(Probe(m)) as self._probe:
            self._rows.tell(
                "update: from the switch to the first opening at the station", self._reported_s(switched_ns), 10
            )
        self._rows.is_("the new version runs on trial", bool(self._status()["trial"]) and self._home().endswith("/a"))
        await_(lambda: not self._status()["trial"], 180, "a verdict")
        self._rows.tell(
            "update: until it is confirmed", (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - begun_ns) / 1e9, 180
        )
        told = self._status()
        self._rows.is_(f"confirmed: {told['last']}", told["version"] == "0.1.1" and told["last"]["what"] == "confirmed")
        self._rows.is_("an older one is refused", "want one of" in self._install_by_hand(0))
        said = m.inside("systemctl", "start", "doorunit-update.service", check=False)
        self._rows.is_("the same one is not taken twice", said == "" and self._status()["slot"] == "a")

    def _that_crashes(self) -> None:
        """Back by itself, marked, and told to the platform."""
        m, deb = self._m, self._bring(2, broken=True)
        m.inside("doorunit-update", "install", deb)
        begun_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        await_(lambda: self._status()["returned"], 120, "a version that came back")
        self._rows.tell("crash loop: until the former version is back", _since_s(begun_ns), 60)
        with closing(Probe(m)) as self._probe:
            self._reported_s(begun_ns)
        self._rows.tell("crash loop: until the door is reported again", _since_s(begun_ns), 70)
        self._rows.is_("the former version runs, from its slot", self._home().endswith("/a"))
        self._rows.is_("it is never tried again", "came back" in self._install_by_hand(2))
        await_(lambda: self._audits()[-1:] == ["update.returned"], 30, "the return at the station")
        self._rows.is_(
            f"the platform knows: {self._audits()}", self._audits() == ["update.confirmed", "update.returned"]
        )
        self._rows.is_("doctor names it", "update.returned" in m.inside("doorunit", "doctor", "--json", check=False))

    def _plug_pulled(self) -> None:
        """In the middle of a trial; the machine starts, the trial goes on."""
        m, deb = self._m, self._bring(3)
        m.inside("doorunit-update", "install", deb)
        await_(lambda: self._home().endswith("/b"), 60, "the version on trial running")
        m.off()
        m.boot()
        await_(lambda: self._home().endswith("/b"), 60, "the version on trial running after the cut")
        await_(lambda: not self._status()["trial"], 240, "a verdict after the cut")
        self._rows.is_("a trial goes on after the plug was pulled", self._status()["version"] == "0.1.3")
        self._rows.is_("no service of ours has failed", "doorunit" not in m.inside("systemctl", "--failed", "--plain"))
        m.inside("doorunit-update", "back")
        await_(lambda: self._home().endswith("/a"), 60, "the former version, by a person's word")
        self._rows.is_("back, by hand", self._status()["version"] == "0.1.1")

    def _spoilt(self) -> None:
        """A confirmed version whose file the card has spoilt crashes, and recovery has it make way."""
        m, begun_ns = self._m, time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        slot = m.root / "var/lib/doorunit-update" / str(self._status()["slot"])
        vigil = next(slot.glob("lib/*/site-packages/edge/unit/vigil.py"))
        vigil.write_bytes(b"\0" + vigil.read_bytes()[1:])
        self._signal("KILL")
        await_(lambda: int(m.show(UNIT, "NRestarts")) >= RESTARTS_MAX, 60, "restarts of a spoilt version")
        self._rows.is_("spoilt by the card: it is still what runs", self._status()["slot"] == slot.name)
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        memory = {"unwell_s": now_s - 400, "restarted_s": None, "resets_s": [], "outage_resets": 0}
        m.inside("sh", "-c", f"echo '{json.dumps(memory)}' > /run/doorunit-recovery.json")
        m.inside("systemctl", "start", "doorunit-recovery.service")
        await_(lambda: self._home() == "/usr/lib/doorunit", 60, "a version that is whole")
        self._rows.is_(f"spoilt by the card: {self._status()['last']['why']}", self._status()["returned"])
        with closing(Probe(m)) as self._probe:
            self._reported_s(begun_ns)
        self._rows.tell("spoilt by the card: until the door is reported again", _since_s(begun_ns), 70)

    def _removed(self) -> None:
        """A package that is installed runs itself; removed, no program stays; purged, nothing."""
        m, slots = self._m, self._m.root / "var/lib/doorunit-update"
        m.inside("dpkg", "-i", "/doorunit.deb", timeout_s=900)
        await_(lambda: self._home() == "/usr/lib/doorunit", 60, "the package's own running after it was installed")
        self._rows.is_("the package's own runs once it is installed", self._status()["slot"] == "")
        m.inside("dpkg", "--remove", "doorunit", timeout_s=300)
        off = "doorunit" not in m.inside("systemctl", "list-unit-files", "--state=enabled", "--no-legend")
        self._rows.is_("removed: nothing of it is enabled", off)
        m.inside("dpkg", "-i", "/doorunit.deb", timeout_s=900)
        for unit in (UNIT, "doorunit-recovery.timer", "doorunit-update.timer"):
            self._rows.is_(f"installed again: {unit} is enabled", m.show(unit, "UnitFileState") == "enabled")
        await_(lambda: m.show(UNIT, "SubState") == "running", 60, "the unit running after it was installed again")
        self._rows.is_("man page of the updater", "DESCRIPTION" in m.inside("man", "doorunit-update"))
        m.inside("dpkg", "--remove", "doorunit", timeout_s=300)
        self._rows.is_(f"removed: {sorted(p.name for p in slots.iterdir())}", not (slots / "a").exists())
        m.inside("dpkg", "--purge", "doorunit", timeout_s=300)
        self._rows.is_("purged: no slots stay", not slots.exists())

    def _bring(self, steps: int, *, broken: bool = False) -> str:
        """A package and its manifest lie on the machine; the path there."""
        deb = self._releases.later(steps, broken=broken)
        for path in (deb, deb.with_suffix(".json")):
            shutil.copy(path, self._m.root / "srv")
        return f"/srv/{deb.name}"

    def _install_by_hand(self, steps: int) -> str:
        deb = self._bring(steps)
        return self._m.inside("sh", "-c", f"doorunit-update install {deb} 2>&1", check=False)

    def _status(self) -> dict[str, Any]:
        said = self._m.inside("doorunit-update", "status", "--json", check=False)
        return dict(json.loads(said))

    def _home(self) -> str:
        pid = self._m.show(UNIT, "MainPID")
        said = self._m.inside("cat", f"/proc/{pid}/cmdline", check=False).partition("\0")[0]
        return said.removesuffix("/bin/python")

    def _audits(self) -> list[str]:
        return list(json.loads(self._m.inside(f"/{STATION}/bin/python", "-I", "-c", AUDITS)))


def main() -> int:
    """0: every figure is what it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=sorted(PYTHONS), default="bookworm")
    parser.add_argument("--arch", choices=("amd64", "arm64"), default="amd64", help="arm64: nothing is run")
    parser.add_argument("--keep", type=Path, help="an empty folder for the machine, which then stays")
    args = parser.parse_args()
    if args.arch != "amd64":
        print(f"not run here: a trial's minutes are real, too short for an emulated {args.arch}")
        return NOT_RUN
    if why := hindrance():
        print(f"not run here: {why}")
        return NOT_RUN
    target, begun, rows = Target("amd64", PYTHONS[args.suite]), time.monotonic(), Rows()
    folder = args.keep or Path(tempfile.mkdtemp(prefix="doorunit-update."))
    (folder / "made").mkdir(parents=True, exist_ok=True)
    try:
        releases = Releases(folder / "made", target)
        with closing(Machine(folder, root_archive(args.suite, "amd64"), target)) as machine:
            Run(machine, releases, rows).play()
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return rows.close(time.monotonic() - begun)


def _since_s(begun_ns: int) -> float:
    return (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - begun_ns) / 1e9


if __name__ == "__main__":
    sys.exit(main())
