"""The image's layer: nothing that must outlive a slot stays behind one, and its files fit the package's."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.deb.build import ROOT, UNITS
from deploy.image.build import LAYER, OVERLAY
from edge import config
from tests.deploy.test_service import analysed, placed, settings

SHARED = (OVERLAY / "etc/rpi-image-gen/slot-shared.d/doorunit.conf").read_text(encoding="ascii")
DROP_INS = OVERLAY / "etc/systemd/system"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root as it is after the package and the overlay; its account doorunit is this test's own."""
    for folder in ("etc/doorunit", "etc/systemd/system", "boot/firmware", "usr/share/systemd", "var/lib/doorunit"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text(f"root:x:0:0::/:\ndoorunit:x:{os.geteuid()}:{os.getegid()}::/:\n")
    (tmp_path / "etc/group").write_text(f"root:x:0:\ndoorunit:x:{os.getegid()}:\n")
    (tmp_path / "boot/firmware/config.txt").write_text("[pi5]\nBOOT_UART=1\n")
    (tmp_path / "usr/share/systemd/tmp.mount").write_text("[Mount]\n")
    return tmp_path


def settle(root: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(LAYER / "settle.sh"), str(root), str(LAYER / "doorunit.toml")]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_every_folder_in_which_a_service_of_ours_keeps_something_is_shared_by_both_slots():
    kept = {f"/var/lib/{folder}" for name in UNITS for folder in settings(name).get("StateDirectory", [])}
    assert kept == set(re.findall(r"(?m)^Path=(.+)$", SHARED))
    assert len(kept) >= 2


def test_the_shared_folders_are_declared_as_the_generator_reads_them():
    lines = [line for line in SHARED.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "Version=1"
    assert all(re.fullmatch(r"Path=/[a-z/-]+", line) for line in lines[1:])


def test_its_settings_are_ones_that_the_unit_accepts_and_all_mean_the_same_file():
    enrol_file = config.load(LAYER / "doorunit.toml").unit.enrol_file
    assert enrol_file.startswith("/bootfs/")
    named = [
        path for file in DROP_INS.rglob("*.conf") for path in re.findall(r"\S*doorunit-enrol\.toml", file.read_text())
    ]
    assert {path.rpartition("=")[2].lstrip("|") for path in named} == {enrol_file}
    changed = {file.parent.name.removesuffix(".d") for file in DROP_INS.rglob("*.conf")}
    standing = config.Unit().enrol_file
    assert changed == {name for name in UNITS if standing in (ROOT / "deploy/systemd" / name).read_text()}


def test_systemd_understands_every_line_of_its_drop_ins(tmp_path: Path):
    units = placed(tmp_path)
    for file in DROP_INS.rglob("*.conf"):
        own = units / file.relative_to(DROP_INS)
        own.parent.mkdir()
        own.write_text(re.sub(r"(?m)^(Exec\w+)=.+$", r"\1=/bin/true", file.read_text()))
    done = analysed("verify", *(str(units / name) for name in UNITS))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_unit_without_its_data_partition_does_not_run_whatever_its_other_conditions_say():
    lines = (DROP_INS / "doorunit.service.d/50-image.conf").read_text().splitlines()
    emptied = lines.index("ConditionPathExists=")  # takes back every condition before it
    assert lines.index("ConditionPathIsMountPoint=/var/lib/doorunit") > emptied
    both = [line for line in lines[emptied:] if "=|" in line]  # the two ways in which it may start
    assert len(both) == len([v for key in ("ConditionPathExists", "ConditionPathExistsGlob") for v in settings()[key]])


def test_its_journal_in_ram_sorts_after_image_rotas_own():
    (file,) = (OVERLAY / "etc/systemd/journald.conf.d").iterdir()
    assert file.name > "persistent.conf"
    assert "Storage=volatile" in file.read_text()


def test_a_root_is_settled_with_settings_that_others_cannot_read(root: Path):
    assert settle(root).returncode == 0
    placed_settings = root / "etc/doorunit/doorunit.toml"
    assert placed_settings.read_bytes() == (LAYER / "doorunit.toml").read_bytes()
    assert placed_settings.stat().st_mode & 0o777 == 0o640
    assert (root / "var/lib/doorunit").stat().st_mode & 0o777 == 0o700
    assert (root / "bootfs").is_dir()
    assert (root / "boot/firmware/config.txt").read_text().startswith("[pi5]\nBOOT_UART=1\n\n# doorunit")
    assert (root / "etc/systemd/system/local-fs.target.wants/tmp.mount").is_symlink()


@pytest.mark.parametrize("left", ["var/lib/doorunit/identity", "var/lib/doorunit-recovery/reboots.json"])
def test_an_image_with_a_units_own_data_in_it_is_refused(root: Path, left: str):
    (root / left).mkdir(parents=True)
    done = settle(root)
    assert done.returncode == 1
    assert "want none in an image" in done.stderr


def test_a_root_without_the_package_is_refused(root: Path):
    (root / "etc/passwd").write_text("root:x:0:0::/:\n")
    done = settle(root)
    assert done.returncode == 1
    assert "want its package installed" in done.stderr


def test_a_root_without_a_boot_partition_is_settled_too(root: Path):
    shutil.rmtree(root / "boot")
    assert settle(root).returncode == 0
