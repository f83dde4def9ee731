"""deploy/fleet as files: what the roles name is there. That they do it is for tests/deploy/fleet.py, on machines."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.deb.build import ROOT
from deploy.fleet.library import doorunit_look
from deploy.ota import cli as updater
from edge import cli as unit
from edge import config
from edge.door.term import Phase, Term, pack
from edge.onsite.doctor import Report, to_json

FLEET = ROOT / "deploy/fleet"
ROLES = ("look", "rollout", "unit")
EXAMPLE = FLEET / "inventory.example"
NOW_S = 1_800_000_000.0
OURS = re.compile(r"\b(?:look|rollout|unit)_[a-z_]+\b")
SAID = {"slot": "", "trial": "", "version": "0.1.0", "bad": [], "last": None}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a file, at any depth."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from mappings(each)


def tasks() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(FLEET.rglob("*.yml")):
        if EXAMPLE not in path.parents:
            yield from ((path, node) for node in mappings(load(path)))


def defaults(role: str) -> dict[str, Any]:
    return dict(load(FLEET / f"roles/{role}/defaults/main.yml"))


def declared() -> set[str]:
    """Variables that a role or a playbook gives a value."""
    found = {name for role in ROLES for name in defaults(role)}
    for _, node in tasks():
        found |= set(node.get("vars", {})) | set(node.get("ansible.builtin.set_fact", {}))
        found |= {node.get("register", ""), node.get("loop_control", {}).get("loop_var", "")}
    return found


def commands() -> set[tuple[str, ...]]:
    """Our own programs' command lines in the roles: the program, and the words after it that are no option."""
    texts = [str(node.get("ansible.builtin.command", node.get("validate", ""))) for _, node in tasks()]
    words = [text.split() for text in texts]
    found = [(Path(each[0]).name, *each[1:]) for each in words if each]
    found += [
        (Path(each[0]).name, *each[1:]) for each in (doorunit_look.UPDATER, doorunit_look.AGENT, doorunit_look.DOCTOR)
    ]
    return {each for each in found if each[0].startswith("doorunit")}


def test_every_variable_that_a_role_reads_is_given_a_value_somewhere():
    given = declared() | {"look_said"}
    for path in sorted(FLEET.rglob("roles/**/*.*")):
        read = set(OURS.findall(re.sub(r"(?m)#.*$", "", path.read_text(encoding="utf-8"))))
        assert read <= given | set(ROLES) | {"doorunit_look"}, path


def test_the_example_sets_nothing_that_no_role_reads():
    known = {name for role in ROLES for name in defaults(role)}
    for path in sorted((EXAMPLE / "group_vars").glob("*.yml")):
        assert {name for name in load(path) if not name.startswith("ansible_")} <= known, path


def test_every_wanted_value_stands_in_the_example():
    wanted = {name for role in ROLES for name, value in defaults(role).items() if value == ""}
    assert wanted <= set(load(EXAMPLE / "group_vars/units.yml"))


def test_the_examples_settings_are_ones_that_the_unit_has():
    tables = load(EXAMPLE / "group_vars/units.yml")["unit_settings"]
    chosen = {f"{table}.{name}" for table, settings in tables.items() for name in settings}
    assert chosen <= {setting.name for setting in config.settings()}


def test_in_the_example_each_unit_stands_in_one_ring_that_the_rollout_finds():
    rings = load(EXAMPLE / "hosts.yml")["units"]["children"]
    hosts = [host for ring in rings.values() for host in ring["hosts"]]
    assert len(hosts) == len(set(hosts))
    assert next(iter(rings)) == "canary"
    assert all(re.match("canary$|ring", ring) for ring in rings)
    assert {path.stem for path in (EXAMPLE / "group_vars").glob("*.yml")} == {"units", *rings}


def test_every_file_and_role_that_is_named_is_there():
    for path, node in tasks():
        for kind in ("import_tasks", "include_tasks"):
            named = node.get(f"ansible.builtin.{kind}", "")
            for one in ("file.yml", "channel.yml") if "{{" in named else [named]:
                assert (path.parent / one).exists(), (path, named)
        included = node.get("ansible.builtin.include_role", {}).values()
        for role in (*node.get("roles", []), *included):
            assert (FLEET / "roles" / role / "tasks/main.yml").exists(), (path, role)
        if template := node.get("ansible.builtin.template"):
            assert (path.parents[1] / "templates" / template["src"]).exists()
        if "notify" in node:
            assert node["notify"] in [each["name"] for each in load(path.parents[1] / "handlers/main.yml")]


def test_only_modules_that_come_with_ansible_or_lie_here_are_used():
    ours = {path.stem for path in (FLEET / "library").glob("*.py")}
    used = {key for _, node in tasks() for key in node if "." in key or key.startswith("doorunit")}
    assert all(name.startswith("ansible.builtin.") or name in ours for name in used), used
    assert used & ours == ours


def test_every_verb_of_ours_that_is_used_exists():
    found = commands()
    assert {each[0] for each in found} == {"doorunit", "doorunit-update"}
    for program, verb, *_ in found:
        assert verb in (updater.VERBS if program == "doorunit-update" else unit.VERBS), verb


def test_what_is_read_of_a_report_is_what_doctor_writes():
    told = doorunit_look.tell(SAID, None, to_json(Report((), 0.1)), {}, {}, NOW_S)
    assert told["causes"] == []


def test_a_unit_that_says_nothing_is_told_as_that_and_not_as_well(tmp_path: Path):
    told = doorunit_look.tell({}, None, {}, {}, {}, NOW_S)
    assert told["causes"] is None
    assert (told["slot"], told["version"], told["counter"], told["busy"]) == ("", "", 0, "")
    assert doorunit_look.read(tmp_path / "none") == ""


@pytest.mark.parametrize("text", ["", "[1]", "null", "no json", '{"a"', "[" * 100_000])
def test_what_is_no_json_object_counts_as_nothing_said(text: str):
    assert doorunit_look.parse(text) == {}


def test_a_program_that_is_missing_or_says_something_else_counts_as_nothing_said(tmp_path: Path):
    assert doorunit_look.ask((str(tmp_path / "none"),)) == {}
    assert doorunit_look.ask(("/bin/echo", "hello")) == {}


def test_a_unit_whose_door_is_open_or_whose_term_is_ending_is_busy():
    ending = json.loads(pack(Term(Phase.ENDING)))
    shut, opened = ({"pulse": {"door": door, "backlog": 3}} for door in ("shut", "open"))
    assert doorunit_look.tell(SAID, opened, {}, {}, {}, NOW_S)["busy"] == "its door is open"
    assert doorunit_look.tell(SAID, shut, {}, {}, ending, NOW_S)["busy"] == "its term is ending"
    assert doorunit_look.tell(SAID, shut, {}, {}, json.loads(pack(Term())), NOW_S)["busy"] == ""


@pytest.mark.parametrize(
    ("what", "version", "ago_s", "held_s"),
    [
        ("confirmed", "0.1.0", 60, 60),
        ("confirmed", "0.1.0", -60, 0),
        ("returned", "0.1.0", 60, None),
        ("confirmed", "0.0.9", 60, None),
    ],
)
def test_a_release_is_held_since_it_was_confirmed_by_the_units_own_clock(
    what: str, version: str, ago_s: int, held_s: int
):
    last = {"what": what, "version": version, "why": "", "at": NOW_S - ago_s}
    assert doorunit_look.tell({**SAID, "last": last}, None, {}, {}, {}, NOW_S)["held_s"] == held_s


def test_the_release_is_read_where_the_version_that_runs_lies(tmp_path: Path):
    for folder, counter in (("own", 1), ("slots/a", 2)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "release.json").write_text(json.dumps({"version": f"0.{counter}", "counter": counter}))
    for slot, counter in (("", 1), ("a", 2), ("../own", 1)):
        said = {doorunit_look.UPDATER: {**SAID, "slot": slot}}
        told = doorunit_look.look(
            tmp_path, tmp_path / "own", tmp_path / "slots", lambda command, said=said: said.get(command, {})
        )
        assert told["counter"] == counter
