"""The package's scripts, as dpkg calls them: what is enabled and started when it comes, goes, and comes again.

They run as they are, but for where the system's folders are and for a systemctl that keeps its word in files.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from deploy.deb.build import ROOT

SYSTEMCTL = """#!/bin/sh
verb=$1 && shift
for unit; do
    case $unit in --*) continue ;; esac
    case $verb in
    enable) touch "$AT/enabled/$unit" ;;
    disable) rm -f "$AT/enabled/$unit" ;;
    is-enabled) [ -e "$AT/enabled/$unit" ] || exit 1 ;;
    start) touch "$AT/running/$unit" ;;
    stop) rm -f "$AT/running/$unit" ;;
    esac
done
"""
FIRST = {"doorunit.service", "doorunit-enrol.path", "doorunit-swap.service", "doorunit-recovery.timer"}
BOTH = FIRST | {"doorunit-update.timer", "doorunit-update-boot.service"}
VERSION = "0.1+py3.11"


class System:
    """One system on which dpkg works. A script that is asked for a version to begin with gets what dpkg would give."""

    def __init__(self, at: Path) -> None:
        self._at, self._before = at, ""
        for name in ("enabled", "running", "bin", "run/systemd/system", "etc/doorunit", "usr/bin", "var/lib"):
            (at / name).mkdir(parents=True)
        (at / "etc/doorunit/doorunit.toml").touch()
        for name in ("systemd-sysusers", "chgrp", "doorunit-update", "udevadm"):
            self._program(at / "bin" / name, "#!/bin/sh\n")
        self._program(at / "bin/systemctl", SYSTEMCTL)
        self._program(at / "usr/lib/doorunit/bin/python", "#!/bin/sh\n")

    def install(self) -> None:
        """deb-postinst(5): configure, and the version configured before, also where that one was removed since."""
        self._script("postinst", "configure", self._before)
        self._before = VERSION

    def remove(self) -> None:
        self._script("prerm", "remove")
        self._script("postrm", "remove")

    def purge(self) -> None:
        self._script("postrm", "purge")
        self._before = ""

    def enabled(self) -> set[str]:
        return {path.name for path in (self._at / "enabled").iterdir()}

    def running(self) -> set[str]:
        return {path.name for path in (self._at / "running").iterdir()}

    def disable(self, unit: str) -> None:
        (self._at / "enabled" / unit).unlink()

    def _script(self, name: str, *words: str) -> None:
        text = (ROOT / "deploy/deb" / name).read_text(encoding="utf-8")
        text = re.sub(r"(?<![\w/!])/(?=(var/lib|usr/lib|etc|run)/)", f"{self._at}/", text)
        environ = {"PATH": f"{self._at}/bin:{os.environ['PATH']}", "AT": str(self._at)}
        done = subprocess.run(
            ["sh", "-c", text, name, *words], env=environ, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")

    @staticmethod
    def _program(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
        path.chmod(0o755)


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_installed_for_the_first_time_all_of_it_is_enabled_and_started(system: System):
    system.install()
    assert system.enabled() == BOTH
    assert system.running() >= FIRST


def test_an_upgrade_enables_nothing_that_a_person_disabled(system: System):
    system.install()
    system.disable("doorunit.service")
    system.install()
    assert system.enabled() == BOTH - {"doorunit.service"}


def test_removed_nothing_is_enabled_or_runs(system: System):
    system.install()
    system.remove()
    assert (system.enabled(), system.running()) == (set(), set())


def test_removed_and_installed_again_without_a_purge_it_is_enabled_and_started_again(system: System):
    for _ in range(2):
        system.install()
        assert system.enabled() == BOTH
        assert system.running() >= FIRST
        system.remove()


def test_what_a_person_had_disabled_stays_so_when_it_is_removed_and_installed_again(system: System):
    system.install()
    system.disable("doorunit.service")
    system.remove()
    system.install()
    assert system.enabled() == BOTH - {"doorunit.service"}
    assert "doorunit.service" not in system.running()


def test_purged_and_installed_again_it_is_installed_for_the_first_time(system: System):
    system.install()
    system.disable("doorunit.service")
    system.remove()
    system.purge()
    system.install()
    assert system.enabled() == BOTH
