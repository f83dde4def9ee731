"""The service files, as systemd itself reads them."""

import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from deploy.deb.build import FILES, ROOT, SYSTEMD, UNITS
from edge.board.manager import BEATS
from edge.config import Unit
from edge.durable import PART

HERE = ROOT / "deploy/systemd"
MAIN = "doorunit.service"
MOST = 2.0


def analysed(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], check=False, capture_output=True, text=True, timeout=60)


def settings(name: str = MAIN) -> dict[str, list[str]]:
    """Key -> values, of all sections."""
    found: dict[str, list[str]] = {}
    for line in (HERE / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def placed(folder: Path) -> Path:
    """All units in a folder, with programs that this machine has: what verify asks for besides their own words."""
    for name in UNITS:
        text = (HERE / name).read_text()
        (folder / name).write_text(re.sub(r"(?m)^(Exec\w+)=.*$", r"\1=/bin/true", text).replace("man:", "file:/"))
    return folder


UPDATER = ("doorunit-update.service", "doorunit-update-boot.service", "doorunit-update-judge.service")
GUARDED = (MAIN, "doorunit-recovery.service", "doorunit-enrol.service", "doorunit-token.service", *UPDATER)


@pytest.mark.parametrize("name", GUARDED)
def test_its_exposure_is_two_at_most_as_systemd_counts_it(name: str):
    done = analysed("security", "--offline=yes", f"--threshold={MOST * 10:.0f}", str(HERE / name))
    assert done.returncode == 0, done.stdout[-400:]


def test_a_service_without_its_walls_is_over_that(tmp_path: Path):
    text = (HERE / MAIN).read_text()
    (tmp_path / MAIN).write_text(re.sub(r"(?m)^(SystemCallFilter|ProtectSystem|CapabilityBoundingSet)=.*\n", "", text))
    done = analysed("security", "--offline=yes", f"--threshold={MOST * 10:.0f}", str(tmp_path / MAIN))
    assert done.returncode != 0


def test_systemd_understands_every_line(tmp_path: Path):
    done = analysed("verify", *(str(placed(tmp_path) / name) for name in UNITS))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_line_that_systemd_does_not_understand_is_found(tmp_path: Path):
    with (placed(tmp_path) / MAIN).open("a") as file:
        file.write("[Service]\nMemoryMost=1\n")
    assert "MemoryMost" in analysed("verify", str(tmp_path / MAIN)).stderr


def test_a_unit_that_stands_still_can_be_back_within_ten_seconds():
    own = settings()
    assert own["Type"] == ["notify"]
    watchdog_s = int(own["WatchdogSec"][0])
    assert watchdog_s <= 6  # so that a start has four: here it takes one, and two while the machine is busy
    assert watchdog_s / BEATS >= 1  # a wake-up a second at most


def test_an_identity_that_a_power_cut_left_under_its_other_name_starts_it_too():
    (pattern,) = (value.removeprefix("|") for value in settings()["ConditionPathExistsGlob"])
    for ending in ("", PART, ".old"):  # identity.py's names
        assert fnmatch(f"/var/lib/doorunit/identity{ending}/identity.json", pattern)
    assert not fnmatch("/var/lib/doorunit/identity.json", pattern)


def test_the_stations_file_on_the_boot_partition_starts_it_to_enrol():
    assert settings()["ConditionPathExists"] == [f"|{Unit().enrol_file}"]


def test_every_unit_that_sees_to_the_stations_file_means_the_same_file():
    assert settings("doorunit-enrol.path")["PathChanged"] == [Unit().enrol_file]
    assert settings("doorunit-token.service")["ConditionPathExists"] == [Unit().enrol_file]
    for name, verb in (("doorunit-enrol.service", "arrived"), ("doorunit-token.service", "spent")):
        (command,) = settings(name)["ExecStart"]
        assert settings(name)["ReadWritePaths"] == [f"-{Path(Unit().enrol_file).parent}"]
        assert command.split()[-2:] == [verb, Unit().enrol_file]


def test_the_token_is_seen_to_after_each_start_of_the_unit_and_not_before():
    assert "doorunit-token.service" in settings()["Wants"][0].split()
    assert settings("doorunit-token.service")["After"] == [MAIN]


def test_it_never_gives_up():
    own = settings()
    assert own["Restart"] == ["always"]
    assert own["StartLimitIntervalSec"] == ["0"]


def test_its_pause_before_a_start_fits_into_the_time_for_a_start():
    from deploy.recovery.pause import PAUSES_S

    assert max(PAUSES_S) + 60 <= int(settings()["TimeoutStartSec"][0])


def test_every_group_that_it_joins_is_made_by_the_package():
    made = re.findall(r"(?m)^g (\S+)", (ROOT / "deploy/deb/files/sysusers.conf").read_text())
    assert settings()["SupplementaryGroups"][0].split() == made != []


def test_no_memory_of_it_reaches_a_card():
    own = settings()
    assert own["MemorySwapMax"] == own["LimitCORE"] == ["0"]
    assert own["WorkingDirectory"] == ["/run/doorunit"]
    coredump = (ROOT / "deploy/deb/files/coredump.conf").read_text()
    assert "Storage=none" in coredump
    assert FILES["coredump.conf"].parent == SYSTEMD / "coredump.conf.d"


def test_what_a_service_starts_comes_with_the_package():
    for name in UNITS:
        for command in settings(name).get("ExecStart", []) + settings(name).get("ExecStartPre", []):
            for word in command.split():
                if word.startswith(("/usr/lib/doorunit/recovery/", "/usr/lib/doorunit/ota/")):
                    assert (ROOT / "deploy" / word.removeprefix("/usr/lib/doorunit/")).is_file()


def test_the_updater_is_asked_for_nothing_that_it_does_not_know():
    from deploy.ota.cli import VERBS

    asked = [settings(name)["ExecStart"][0].split() for name in UPDATER]
    assert [words[0] for words in asked] == ["/usr/bin/doorunit-update"] * 3
    assert {words[1] for words in asked} == {"check", "boot", "judge"} <= VERBS.keys()


def test_the_unit_starts_after_its_slots_are_in_order_and_whatever_comes_of_that():
    assert settings("doorunit-update-boot.service")["Before"] == [MAIN]
    assert "doorunit-update-boot.service" in settings()["After"][0].split()
    assert "doorunit-update-boot.service" not in " ".join(settings().get("Requires", []) + settings()["Wants"])


@pytest.mark.parametrize("name", ["doorunit", "doorunit-update"])
def test_man_is_given_a_page_that_it_can_set(tmp_path: Path, name: str):
    from deploy.deb import papers

    page = tmp_path / f"{name}.1"
    page.write_text(papers.update_man("1", 0) if name == "doorunit-update" else papers.man(papers.helps(), "1", 0))
    program = shutil.which("groff")
    assert program, "groff: found none; want the one that comes with man-db"
    done = subprocess.run(
        [program, "-man", "-ww", "-Tutf8", "-z", str(page)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
