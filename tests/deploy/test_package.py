"""The Debian package: the same bytes twice, nothing of this machine in it, and what stands where."""

import gzip
import json
import os
import re
import subprocess
import sys
from email.utils import parseaddr
from pathlib import Path

import pytest

from deploy.deb import papers
from deploy.deb.build import DISPATCHER, FILES, ROOT, SCRIPTS, build, source_epoch
from deploy.deb.wheels import BUILD_ONLY, Target, fetch, pins
from deploy.ota import cli
from edge import VERSION
from edge.cli import VERBS

LOCK = (ROOT / "deploy/lock/run.txt").read_text(encoding="utf-8")
KEY = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
SITE = "usr/lib/doorunit/lib/python3.11/site-packages"


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("key") / "release.pem"
    key.write_bytes(KEY)
    return build(Target(), tmp_path_factory.mktemp("deb"), level=0, keys=[key])


@pytest.fixture(scope="module")
def tree(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(folder)], check=True)
    return folder


def test_a_second_build_elsewhere_under_another_mask_and_language_has_the_same_bytes(deb: Path, tmp_path: Path):
    (tmp_path / "tmp").mkdir()
    environ = os.environ | {"TZ": "Asia/Shanghai", "LC_ALL": "C", "TMPDIR": str(tmp_path / "tmp"), "COLUMNS": "200"}
    (tmp_path / "again.pem").write_bytes(KEY)
    command = f"umask 077 && exec {sys.executable} -m deploy.deb.build --level 0 --out {tmp_path}/out"
    command += f" --release-key {tmp_path}/again.pem"
    subprocess.run(["sh", "-c", command], cwd=ROOT, env=environ, check=True, capture_output=True)
    again = tmp_path / "out" / deb.name
    assert again.read_bytes() == deb.read_bytes()


def test_nothing_of_this_machine_is_in_it(tree: Path):
    files = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 500
    assert [path for path in files if str(ROOT).encode() in path.read_bytes()] == []
    assert [path for path in files if path.suffix == ".pyc"] == []
    assert {path.lstat().st_mtime for path in files} == {source_epoch()}


def test_it_says_what_it_is_and_needs(deb: Path):
    said = subprocess.run(["dpkg-deb", "--field", str(deb)], check=True, capture_output=True, text=True).stdout
    assert f"Version: {VERSION}+py3.11\n" in said
    assert "Depends: python3 (>= 3.11), python3 (<< 3.12)," in said
    assert "Recommends: python3-picamera2, python3-lgpio, libbpf1\n" in said


def test_settings_are_a_conffile_that_others_cannot_read_and_that_the_unit_accepts(tree: Path):
    settings = tree / "etc/doorunit/doorunit.toml"
    assert settings.stat().st_mode & 0o777 == 0o640
    assert "/etc/doorunit/doorunit.toml\n" in (tree / "DEBIAN/conffiles").read_text()
    check = [sys.executable, "-m", "edge.cli", "config", "check", str(settings)]
    assert subprocess.run(check, cwd=ROOT, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("who", ["", "nobody", "no address <>", "two\nlines <a@b.invalid>", "a: b <a@b.invalid>"])
def test_a_maintainer_that_debian_could_not_read_is_refused_before_anything_is_built(who: str, tmp_path: Path):
    with pytest.raises(SystemExit, match="want 'Name <address>'"):
        build(Target(), tmp_path, maintainer=who)
    assert list(tmp_path.iterdir()) == []


def test_its_maintainer_can_be_written_to_or_is_plainly_nobody(deb: Path):
    said = subprocess.run(["dpkg-deb", "--field", str(deb), "Maintainer"], check=True, capture_output=True, text=True)
    name, address = parseaddr(said.stdout.strip())
    assert name == "doorunit project"
    assert address.endswith(".invalid")  # RFC 2606: no letter to it reaches a stranger


@pytest.mark.parametrize(
    ("action", "servers", "written"),
    [
        ("up", "192.0.2.1 192.0.2.2", "[Time]\nNTP=192.0.2.1 192.0.2.2\n"),
        ("dhcp4-change", "192.0.2.1", "[Time]\nNTP=192.0.2.1\n"),
        ("up", "", None),
        ("up", "192.0.2.1\nFallbackNTP=evil.example", None),
        ("up", "ntp.example", None),
        ("connectivity-change", "192.0.2.1", None),
        ("down", "192.0.2.1", None),
    ],
)
def test_time_servers_that_came_by_dhcp_are_given_to_timesyncd(
    tree: Path, tmp_path: Path, action: str, servers: str, written: str | None
):
    environ = {"PATH": os.environ["PATH"], "DHCP4_NTP_SERVERS": servers, "DOORUNIT_TIMESYNC": str(tmp_path)}
    script = tree / DISPATCHER
    assert script.stat().st_mode & 0o777 == 0o755  # NetworkManager runs no other
    subprocess.run([script, "eth0", action], env=environ, check=True, capture_output=True)
    file = tmp_path / "60-doorunit-eth0.conf"
    assert (file.read_text() if file.exists() else None) == written


def test_every_drop_in_sorts_after_the_systems_own():
    names = [place.name for place in FILES.values() if place.parent.name.endswith((".conf.d", ".service.d"))]
    assert len(names) >= 5
    assert [name for name in names if name < "41"] == []


def test_its_environment_is_its_own_and_sees_the_systems_packages(tree: Path):
    home = tree / "usr/lib/doorunit"
    assert "include-system-site-packages = true\n" in (home / "pyvenv.cfg").read_text()
    assert (home / "bin/python").readlink() == Path("/usr/bin/python3.11")
    assert (tree / "usr/bin/doorunit").readlink() == Path("../lib/doorunit/bin/doorunit")
    assert (home / "bin/doorunit").stat().st_mode & 0o777 == 0o755
    owned = {path.name.partition("-")[0].lower() for path in (tree / SITE).glob("*.dist-info")}
    assert owned == {pin.name.replace("-", "_") for pin in pins(LOCK, Target())}


def test_its_environment_works_wherever_its_folder_is_moved(tree: Path, tmp_path: Path):
    home = tmp_path / "opt/elsewhere"
    home.parent.mkdir()
    subprocess.run(["cp", "-a", str(tree / "usr/lib/doorunit"), str(home)], check=True)
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    (home / "bin/python").unlink()
    (home / "bin/python").symlink_to(base)  # this test's own Python may not be Debian's
    (home / "lib/python3.11").rename(home / "lib" / base.name)
    done = subprocess.run([home / "bin/doorunit", "--version"], check=False, capture_output=True, text=True, env={})
    assert (done.returncode, done.stdout) == (0, f"doorunit {VERSION}\n"), done.stderr


def test_the_updater_comes_with_it_stands_alone_and_trusts_the_keys_that_it_was_built_with(tree: Path):
    home = tree / "usr/lib/doorunit"
    about = json.loads((home / "release.json").read_text())
    assert about == {
        "name": "doorunit",
        "version": f"{VERSION}+py3.11",
        "arch": "amd64",
        "python": "3.11",
        "counter": source_epoch(),
    }
    assert [path.read_bytes() for path in (home / "ota/keys").iterdir()] == [KEY]
    for path in (home / "ota/launch", tree / "usr/bin/doorunit-update"):
        assert path.stat().st_mode & 0o777 == 0o755
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(home / "ota"), "--help"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "install FILE" in done.stdout


def test_what_a_slot_takes_of_it_is_what_the_package_itself_runs(deb: Path, tree: Path, tmp_path: Path):
    from deploy.ota import deb as taken
    from deploy.ota.durable import Card
    from deploy.ota.sign import release_of

    (tmp_path / "slot").mkdir()
    with deb.open("rb") as file:
        taken.unpack(file, tmp_path / "slot", release_of(deb), Card())
    own = {path.relative_to(tree / "usr/lib/doorunit") for path in (tree / "usr/lib/doorunit").rglob("*")}
    slot = {path.relative_to(tmp_path / "slot") for path in (tmp_path / "slot").rglob("*")}
    assert {path for path in own if path.parts[0] not in ("ota", "recovery")} == slot
    assert (tmp_path / "slot/bin/doorunit").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_of_it_is_one_that_a_shell_can_read(tree: Path, script: str):
    path = tree / "DEBIAN" / script
    assert path.stat().st_mode & 0o777 == 0o755
    assert path.read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", str(path)], check=False, capture_output=True).returncode == 0


def test_the_bill_of_materials_names_what_is_in_it_with_hashes_that_the_lock_has(tree: Path):
    bill = json.loads((tree / "usr/share/doc/doorunit/sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    named = {part["name"]: part for part in bill["components"]}
    wanted = {pin.name: pin for pin in pins(LOCK, Target())}
    assert named.keys() == wanted.keys()
    for name, part in named.items():
        assert part["version"] == wanted[name].version
        assert part["hashes"][0]["content"] in wanted[name].hashes
        assert part["purl"] == f"pkg:pypi/{name}@{part['version']}"
        assert part["licenses"][0]["license"]["name"]
    assert bill["dependencies"][0]["dependsOn"] == [part["bom-ref"] for part in bill["components"]]


@pytest.mark.parametrize(
    ("target", "missing"),
    [(Target("arm64", "3.11"), set()), (Target("amd64", "3.13"), {"lgpio"}), (Target("arm64", "3.13"), {"lgpio"})],
)
def test_the_lock_is_read_for_the_target_and_not_for_this_machine(target: Target, missing: set[str]):
    here = {pin.name for pin in pins(LOCK, Target())}
    assert here - {pin.name for pin in pins(LOCK, target)} == missing
    assert BUILD_ONLY.isdisjoint(here)


def test_a_wheel_that_the_lock_does_not_name_is_not_put_in(tmp_path: Path):
    lock = tmp_path / "lock.txt"
    lock.write_text(f"idna==3.20 \\\n    --hash=sha256:{'0' * 64}\n")
    folder = tmp_path / "wheels/x86_64-cp311"
    folder.mkdir(parents=True)
    (folder / "idna-3.20-py3-none-any.whl").write_bytes(b"not what the lock means")
    with pytest.raises(subprocess.CalledProcessError):
        fetch(lock, Target(), tmp_path / "wheels")


def test_man_page_and_completion_know_every_verb():
    said = papers.helps()
    assert said.keys() == {"", *VERBS}
    page = papers.man(said, "1", 0)
    script = papers.completion(said)
    for verb in VERBS:
        assert f".SH DOORUNIT {verb.upper()}\n" in page
        assert f"        {verb}) words=" in script
    options = set(re.findall(r"--[a-z-]+", said["run"]))
    assert {"--config", "--simulate"} <= options
    assert [option for option in options if option not in script] == []


def test_the_updater_has_a_man_page_that_knows_every_verb_that_it_tells_of(tree: Path):
    page = gzip.decompress((tree / "usr/share/man/man1/doorunit-update.1.gz").read_bytes()).decode()
    assert page.startswith(".TH DOORUNIT\\-UPDATE 1 ")
    told = [verb for verb in cli.VERBS if re.search(rf"^{verb} ", page, re.MULTILINE)]
    assert told == ["status", "check", "install", "back", "judge"]


@pytest.mark.parametrize(
    ("words", "offered"), [(["co"], ["config"]), (["run", "--si"], ["--simulate"]), (["--ver"], ["--version"])]
)
def test_bash_completes_verbs_and_options(tmp_path: Path, words: list[str], offered: list[str]):
    script = tmp_path / "completion"
    script.write_text(papers.completion(papers.helps()))
    typed = f"COMP_WORDS=(doorunit {' '.join(words)}); COMP_CWORD={len(words)}"
    asked = f'. {script}; {typed}; _doorunit; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", asked], check=True, capture_output=True, text=True)
    assert done.stdout.split() == offered
