"""An update: a good version proves itself and stays, a bad one goes back by itself, and the network is no reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.ota import cli, trial
from deploy.ota.fetch import Later
from deploy.ota.manifest import Refusal
from deploy.ota.state import OWN
from tests.deploy import shop
from tests.deploy.shop import WELL, Site, launched


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return shop.site(tmp_path)


def version(site: Site) -> str:
    return str(site.slots.about(site.slots.current).get("version"))


# What becomes of one


def test_a_good_version_is_confirmed_after_its_steady_minute_and_the_floor_rises(site: Site, tmp_path: Path):
    assert site.install(tmp_path, 2) == "0.2 runs on trial in slot a"
    assert ("--no-block", "restart", "doorunit.service") in site.calls
    assert launched(site) == "a"
    said = site.watch(300)
    assert 6 <= len(said) <= 8
    assert said[-1] == "good: it has proved itself"
    assert (version(site), site.slots.floor, site.slots.state.trial) == ("0.2", 2, None)
    assert [one.what for one in site.slots.state.told] == ["confirmed"]


def test_the_version_before_stays_as_the_way_back_and_back_goes_there(site: Site, tmp_path: Path):
    for counter in (2, 3):
        site.install(tmp_path, counter)
        site.watch(300)
    assert (site.slots.current, site.slots.way_back) == ("b", "a")
    assert site.updater.back() == "back to 0.2"
    assert (version(site), launched(site)) == ("0.2", "a")
    with pytest.raises(Refusal, match="tried here and came back"):
        site.install(tmp_path, 3)
    assert site.slots.way_back == OWN


def test_a_crash_loop_goes_back_by_itself_is_told_and_never_tried_again(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    site.restarts, site.answer = 3, None
    assert site.watch(300) == ["bad: systemd had to start it anew 3 times"]
    assert (site.slots.current, launched(site)) == (OWN, "package")
    last = site.updater.status()["last"]
    assert (last["what"], last["version"], last["former"]) == ("returned", "0.2", "0.1")
    site.restarts, site.answer = 0, dict(WELL)
    with pytest.raises(Refusal, match="came back"):
        site.install(tmp_path, 2)
    site.install(tmp_path, 3)
    assert site.watch(300)[-1].startswith("good")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"answer": None}, "the agent does not answer"),
        ({"answer": {**WELL, "pulse": {"door": "unknown"}}}, "the door is unknown"),
        ({"answer": {**WELL, "pulse": {"door": "unwatched"}}}, "and was watched"),
        ({"answer": {**WELL, "link_up": False}}, "there is no link"),
        ({"answer": {**WELL, "last_receipt_s": None}}, "no receipt"),
        ({"causes": frozenset({"camera.failed"})}, "doctor finds camera.failed"),
        ({"causes": None}, "doctor has given no answer"),
        ({"running": "/usr/lib/doorunit"}, "the service runs from /usr/lib/doorunit"),
        ({"running": ""}, "from nowhere"),
    ],
)
def test_what_has_not_proved_itself_by_the_deadline_goes_back(
    site: Site, tmp_path: Path, change: dict[str, Any], why: str
):
    site.install(tmp_path, 2)
    for name, value in change.items():
        setattr(site, name, value)
    said = site.watch(2 * trial.DEADLINE_S)
    assert trial.DEADLINE_S <= 10 * len(said) <= trial.DEADLINE_S + 30
    assert said[-1].startswith("bad")
    assert why in said[-1]
    assert site.slots.current == OWN


def test_while_the_platform_is_down_for_everybody_nothing_is_condemned_or_confirmed(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    site.answer, site.platform = {**WELL, "link_up": False, "last_receipt_s": None}, False
    said = site.watch(86_400, every_s=120)
    assert said[-1].startswith("wait: the platform cannot be reached by anybody here")
    assert site.slots.state.trial is not None
    site.platform, site.answer = True, dict(WELL)
    assert site.watch(60)[-1].startswith("good")


def test_a_version_that_does_not_answer_is_condemned_with_no_network_too(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    site.answer, site.platform = None, False
    assert "does not answer" in site.watch(2000)[-1]
    assert site.slots.current == OWN


@pytest.mark.parametrize("code", ["net.blocked", "tamper.lid", "heat.high", "phones.wecom"])
def test_what_no_program_can_be_to_blame_for_is_not_held_against_it(site: Site, tmp_path: Path, code: str):
    site.install(tmp_path, 2)
    site.causes = frozenset({code})
    assert site.watch(300)[-1].startswith("good")


def test_a_fault_that_was_there_before_is_not_held_against_it(site: Site, tmp_path: Path):
    site.before = {**site.before, "causes": ["camera.failed"]}
    site.install(tmp_path, 2)
    site.causes = frozenset({"camera.failed"})
    assert site.watch(300)[-1].startswith("good")


def test_outside_the_term_a_door_that_is_not_watched_was_not_watched_before_either(site: Site, tmp_path: Path):
    site.before = {**site.before, "watched": False}
    site.install(tmp_path, 2)
    site.answer = {**WELL, "pulse": {"door": "unwatched"}}
    assert site.watch(300)[-1].startswith("good")


def test_a_version_that_hangs_the_machine_goes_back_at_the_fourth_start(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    for _ in range(trial.BOOTS_MAX):
        site.updater.boot()
        assert site.slots.current == "a"
    site.updater.boot()
    assert site.slots.current == OWN
    assert "the machine started 3 times" in site.updater.status()["last"]["why"]


def test_cuts_of_the_mains_are_not_held_against_a_version_that_ran_steadily_in_between(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    site.answer, site.platform = {**WELL, "link_up": False}, False
    for _ in range(3 * trial.BOOTS_MAX):
        site.memory.unlink(missing_ok=True)  # it was in RAM
        site.updater.boot()
        site.watch(120)
    assert site.slots.current == "a"


def test_a_person_who_stops_the_service_condemns_nothing(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    site.stopped, site.answer = True, None
    assert site.watch(2000)[-1] == "wait: a person has stopped the service"


def test_a_second_release_waits_for_the_verdict_on_the_first(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    with pytest.raises(Refusal, match="a version on trial"):
        site.install(tmp_path, 3)


def test_a_unit_that_is_not_in_service_is_not_given_a_version_to_judge(site: Site, tmp_path: Path):
    site.before = {"watched": False, "causes": [], "in_service": False}
    with pytest.raises(Refusal, match="not started"):
        site.install(tmp_path, 2)


def test_a_package_that_is_newer_than_the_slot_runs_itself(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    site.watch(300)
    (site.slots.package / "release.json").write_text(json.dumps(shop.about(9)))
    site.updater.boot()
    assert (launched(site), version(site)) == ("package", "0.9")


@pytest.mark.parametrize("harm", ["whole", "python", "link", "lib"])
def test_the_launcher_falls_back_on_the_package_whatever_becomes_of_a_slot(site: Site, tmp_path: Path, harm: str):
    site.install(tmp_path, 2)
    slot = site.slots.root / "a"
    if harm == "link":
        (site.slots.root / "current").unlink()
        (site.slots.root / "current").symlink_to("/etc")
    else:
        path = {"whole": slot / ".whole", "python": slot / "bin/python", "lib": slot / "lib"}[harm]
        path.rename(tmp_path / "gone")
    assert launched(site) == "package"


# A card that forgets


def rot(site: Site, slot: str) -> None:
    """One bit of one of its files is another."""
    path = site.slots.root / slot / "lib/part1.py"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


@pytest.mark.parametrize(("counters", "to"), [((2,), OWN), ((2, 3), "a")])
def test_a_confirmed_version_that_crashes_again_and_again_and_has_lost_bytes_makes_way(
    site: Site, tmp_path: Path, counters: tuple[int, ...], to: str
):
    for counter in counters:
        site.install(tmp_path, counter)
        site.watch(300)
    rot(site, site.slots.current)
    site.restarts = trial.RESTARTS_MAX
    assert "lost bytes" in site.updater.judge()[1]
    assert (site.slots.current, site.slots.state.bad) == (to, ())
    assert site.slots.state.last is not None
    assert site.slots.state.last.what == "returned"
    site.restarts = 0
    site.install(tmp_path, counters[-1])  # what the card spoilt may come again, and is written anew
    assert site.watch(300)[-1].startswith("good")
    assert not site.slots.rotten(site.slots.current)


def test_what_counts_as_lost_is_of_the_slot_alone_and_not_the_systems_python(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    kept = json.loads((site.slots.root / "a/.files").read_text())
    assert kept.keys() == shop.files(2).keys()


def test_where_the_former_version_has_lost_bytes_too_the_package_runs(site: Site, tmp_path: Path):
    for counter in (2, 3):
        site.install(tmp_path, counter)
        site.watch(300)
    rot(site, "a")
    (site.slots.root / "b/lib/part2.py").unlink()
    site.restarts = trial.RESTARTS_MAX
    site.updater.judge()
    assert (site.slots.current, launched(site)) == (OWN, "package")


@pytest.mark.parametrize("how", ["whole", "steady", "stopped", "more-files", "no-list", "own"])
def test_a_confirmed_version_that_crashes_for_another_reason_stays(site: Site, tmp_path: Path, how: str):
    if how != "own":
        site.install(tmp_path, 2)
        site.watch(300)
    current = site.slots.current
    if how in ("steady", "stopped", "no-list"):
        rot(site, "a")
    if how == "no-list":  # of a package from before there was one
        (site.slots.root / "a/.files").unlink()
    if how == "more-files":
        (site.slots.root / "a/lib/new.pyc").write_bytes(b"by somebody's hand")
    site.restarts = trial.RESTARTS_MAX - (how == "steady")
    site.stopped = how == "stopped"
    assert site.updater.judge() == ("good", "nothing is on trial")
    assert site.slots.current == current


# Keys


def test_a_confirmed_release_exchanges_the_keys_and_a_newer_package_brings_its_own_again(site: Site, tmp_path: Path):
    new = shop.KEY.replace("ours", "new")
    site.install(tmp_path, 2, keys=(new,))
    assert site.updater.keys == (shop.KEY,)  # not before it has proved itself
    site.watch(300)
    assert site.updater.keys == (new,)
    with pytest.raises(Refusal, match="none of this unit's release keys"):
        site.install(tmp_path, 3)
    (site.slots.package / "release.json").write_text(json.dumps(shop.about(4)))
    assert site.updater.keys == (shop.KEY,)


# The command


def test_status_tells_and_ends_with_one_once_a_version_came_back(site: Site, tmp_path: Path, capsys):
    assert cli.main(["status"], site.updater) == cli.WELL
    assert "runs 0.1 (the package's own)" in capsys.readouterr().out
    site.install(tmp_path, 2)
    site.watch(20)
    assert cli.main(["status"], site.updater) == cli.WELL
    assert "on trial since the switch from 0.1: well for" in capsys.readouterr().out
    site.restarts = 5
    assert cli.main(["judge"], site.updater) == cli.UNWELL
    capsys.readouterr()
    assert cli.main(["status", "--json"], site.updater) == cli.UNWELL
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["slot"], told["returned"]) == ("0.1", "", True)


@pytest.mark.parametrize("words", [[], ["dance"], ["install"], ["install", "x.zip"], ["status", "--jso"]])
def test_a_misuse_ends_with_two_and_says_what_to_try(site: Site, capsys, words: list[str]):
    assert cli.main(words, site.updater) == cli.MISUSED
    assert "Try: doorunit-update --help" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["install", "/nowhere/x.deb"], ["back"]])
def test_what_cannot_be_done_ends_with_one_and_says_why(site: Site, capsys, words: list[str]):
    assert cli.main(words, site.updater) == cli.UNWELL
    assert "doorunit-update" in capsys.readouterr().err


def test_a_state_that_cannot_be_read_leaves_the_packages_own_floor(site: Site, tmp_path: Path):
    site.install(tmp_path, 2)
    site.watch(300)
    for raw in (b"", b"{", b"[]", b'{"floor": "x"}', b"\xff"):
        (site.slots.root / "state.json").write_bytes(raw)
        assert site.slots.floor == 1
        site.updater.boot()
        assert version(site) == "0.2"


def test_the_door_is_waited_for_and_the_release_is_then_ready(site: Site):
    assert "the door is open" in pytest.raises(Later, _busy, {"door": "open"}).value.args[0]
    assert "3 records wait" in pytest.raises(Later, _busy, {"door": "shut", "backlog": 3}).value.args[0]


def _busy(pulse: dict[str, Any]) -> None:
    from deploy.ota.fetch import Way, offer
    from deploy.ota.look import busy
    from deploy.ota.settings import Settings

    offer(Way(Settings(), None, lambda: busy({"pulse": pulse})), "x.json")
