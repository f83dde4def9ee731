"""The command line: exit 0, 1 or 2, a misuse ends in what to try, and every verb answers in JSON too."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edge import VERSION, config, declare
from edge.cli import MISUSED, UNWELL, VERBS, WELL, main
from edge.cli.run import CONFIG
from edge.config import Config
from edge.door import term
from edge.door.machine import IGNORED, TABLE, diagram

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60  # to start an interpreter on a busy machine


class Answer:
    """What one command answered."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> object:
        """What it wrote, where that is one JSON document on one line and nothing went to stderr."""
        assert self.err == ""
        assert self.out.count("\n") == 1
        return json.loads(self.out)


@pytest.fixture
def doorunit(capsys) -> Callable[..., Answer]:
    """Run one command in this process."""

    def run(*words: object) -> Answer:
        code = main([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    return run


def started(*words: object) -> Answer:
    """Run one command as a process of its own, as systemd and a shell do."""
    command = [sys.executable, "-m", "edge.cli", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file; its unit has no identity."""
    path = tmp_path / "doorunit.toml"
    path.write_text(f"[unit]\nstate_dir = '{tmp_path / 'state'}'\n[door]\nsettle_ms = 80\n", encoding="utf-8")
    return path


# The verbs


def test_scripts_tell_well_unwell_and_misused_apart_by_these_codes():
    assert (WELL, UNWELL, MISUSED) == (0, 1, 2)


def test_without_a_verb_the_help_is_shown_and_that_is_a_misuse(doorunit):
    answer = doorunit()
    assert (answer.code, answer.err) == (MISUSED, "")
    assert answer.out == doorunit("--help").out


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_the_help_names_every_verb_and_what_it_is_for(doorunit, word: str):
    answer = doorunit(word)
    assert (answer.code, answer.err) == (WELL, "")
    for verb, what in VERBS.items():
        assert any(line.split() == [verb, *what.split()] for line in answer.out.splitlines())


def test_every_file_of_a_verb_is_a_verb_and_every_verb_has_its_file():
    stems = [path.stem for path in (ROOT / "edge/cli").glob("*.py") if not path.stem.startswith("__")]
    assert {stem for stem in stems if "_" not in stem} == set(VERBS)
    assert {stem.partition("_")[0] for stem in stems if "_" in stem} <= set(VERBS), "a part is named after its verb"


def test_the_version_is_the_packages_own(doorunit):
    answer = doorunit("--version")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert (answer.code, answer.out) == (WELL, f"doorunit {VERSION}\n")
    assert declared == VERSION


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_own_help_which_offers_json(doorunit, verb: str):
    answer = doorunit(verb, "--help")
    assert (answer.code, answer.err) == (WELL, "")
    assert answer.out.startswith(f"usage: doorunit {verb} ")
    assert "--json" in answer.out
    assert "answer in JSON" in answer.out


NAMED = {"config": ["machine"], "mark": ["a note"], "wire": ["asyncapi"]}  # what a verb does not go without


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("word", ["--nonsense", "--js"])
def test_an_option_no_verb_has_is_a_misuse_that_ends_in_what_to_try(doorunit, verb: str, word: str):
    answer = doorunit(verb, *NAMED.get(verb, []), word)
    assert (answer.code, answer.out) == (MISUSED, "")
    assert word in answer.err
    assert answer.err.endswith(f"Try: doorunit {verb} --help\n")


def test_an_unknown_verb_is_a_misuse_that_names_those_there_are(doorunit):
    answer = doorunit("dance")
    assert (answer.code, answer.out) == (MISUSED, "")
    assert answer.err == (f"doorunit: doorunit: found dance; want one of {', '.join(VERBS)}. Try: doorunit --help\n")


def test_a_misuse_is_told_in_json_where_json_is_asked_for(doorunit):
    answer = doorunit("dance", "--json")
    assert answer.code == MISUSED
    told = answer.json["error"]
    assert (told["what"], told["found"], told["remedy"]) == ("doorunit", "dance", "Try: doorunit --help")


def test_what_is_told_in_json_is_readable_in_chinese_too(doorunit):
    assert '"found": "开门"' in doorunit("开门", "--json").out


def test_the_module_is_the_command():
    answer = started("--version")
    assert (answer.code, answer.out, answer.err) == (WELL, f"doorunit {VERSION}\n", "")
    assert started("dance").code == MISUSED


# config check


def test_a_settings_file_that_is_well_is_said_to_be(doorunit, file: Path):
    answer = doorunit("config", "check", file)
    assert (answer.code, answer.err) == (WELL, "")
    assert answer.out == f"{file}: well, all settings are as declared\n"


def test_a_settings_file_that_is_well_is_told_in_json_with_every_setting_in_force(doorunit, file: Path):
    answer = doorunit("config", "check", "--json", file)
    assert answer.code == WELL
    assert (answer.json["file"], answer.json["well"]) == (str(file), True)
    assert msgspec.convert(answer.json["settings"], Config) == config.load(file)


def test_an_unknown_setting_is_told_with_what_where_found_wanted_and_next(doorunit, file: Path):
    file.write_text("[door]\nsettel_ms = 50\n", encoding="utf-8")
    answer = doorunit("config", "check", file)
    assert (answer.code, answer.out) == (MISUSED, "")
    assert answer.err == (
        f"doorunit: door.settel_ms in {file}: found no such setting; want door.settle_ms? "
        "`doorunit config defaults` prints them all.\n"
    )


def test_a_setting_that_does_not_fit_is_told_with_its_bounds_and_unit(doorunit, file: Path):
    file.write_text("[door]\nsettle_ms = 2\n", encoding="utf-8")
    answer = doorunit("config", "check", file, "--json")
    assert answer.code == MISUSED
    error = {
        "what": "door.settle_ms",
        "where": str(file),
        "found": "2",
        "wanted": "a whole number 5 to 1000, in ms",
        "remedy": "`doorunit config explain door.settle_ms` tells what it is for.",
    }
    assert answer.json == {"error": error, "errors": [error]}


def test_a_missing_file_is_told_by_its_name(doorunit, tmp_path: Path):
    answer = doorunit("config", "check", tmp_path / "gone.toml")
    assert (answer.code, answer.out) == (MISUSED, "")
    assert f"config file {tmp_path / 'gone.toml'}: found No such file or directory; want" in answer.err


def test_garbled_toml_is_told_with_the_line_it_stands_on(doorunit, file: Path):
    file.write_text("[door]\nsettle_ms = = 5\n", encoding="utf-8")
    answer = doorunit("config", "check", file, "--json")
    assert answer.code == MISUSED
    assert answer.json["error"]["what"] == f"config file {file}"
    assert "line 2" in answer.json["error"]["found"]


def test_without_a_name_it_is_the_units_own_file_that_is_checked(doorunit):
    answer = doorunit("config", "check")
    assert str(CONFIG) in answer.out + answer.err


# config explain, defaults, machine


@pytest.mark.parametrize("setting", list(config.settings()), ids=lambda setting: setting.name)
def test_every_setting_is_explained_by_its_name(doorunit, setting: config.Setting):
    answer = doorunit("config", "explain", setting.name)
    first, *rest = answer.out.splitlines()
    assert (answer.code, answer.err) == (WELL, "")
    assert first == f"{setting.name} = {declare.toml(setting.default) or '(left out)'}"
    assert rest == [f"    {setting.help}", f"    want {setting.wanted}"]


def test_a_section_is_explained_by_its_name_and_everything_by_none(doorunit):
    names = [s.name for s in config.settings()]
    assert [s["name"] for s in doorunit("config", "explain", "--json").json] == names
    spool = [s["name"] for s in doorunit("config", "explain", "spool", "--json").json]
    assert spool == [name for name in names if name.startswith("spool.")]


def test_an_explanation_in_json_has_all_that_is_declared(doorunit):
    (told,) = doorunit("config", "explain", "door.closed_level", "--json").json
    assert set(told) == {"name", "wanted", "default", "help", "secret"}
    assert (told["default"], told["wanted"], told["secret"]) == ("low", "one of low, high", False)


def test_what_cannot_be_explained_offers_the_nearest_name(doorunit):
    answer = doorunit("config", "explain", "door.setle_ms")
    assert (answer.code, answer.out) == (MISUSED, "")
    assert "want door.settle_ms?" in answer.err


def test_the_defaults_make_a_file_that_is_well(doorunit, tmp_path: Path):
    path = tmp_path / "defaults.toml"
    path.write_text(doorunit("config", "defaults").out, encoding="utf-8")
    assert config.load(path) == Config()
    assert doorunit("config", "check", path).code == WELL


def test_the_defaults_in_json_are_the_defaults(doorunit):
    assert msgspec.convert(doorunit("config", "defaults", "--json").json, Config) == Config()


def test_the_machine_draws_itself(doorunit):
    answer = doorunit("config", "machine")
    assert (answer.code, answer.out) == (WELL, diagram() + "\n")


def test_the_machine_in_json_is_the_whole_table_and_what_it_ignores(doorunit):
    told = doorunit("config", "machine", "--json").json
    assert {(row["state"], row["signal"]): (row["to"], row["effects"]) for row in told["rows"]} == {
        pair: (move.to, list(move.effects)) for pair, move in TABLE.items()
    }
    assert {tuple(pair) for pair in told["ignored"]} == IGNORED


def test_the_term_is_drawn_and_written_from_its_own_table(doorunit):
    assert doorunit("config", "machine", "term").out == term.diagram() + "\n"
    told = doorunit("config", "machine", "term", "--json").json
    assert {(row["state"], row["signal"]) for row in told["rows"]} == term.TABLE.keys()


@pytest.mark.parametrize(("what", "wanted"), [("defaults", "nothing more"), ("machine", "door or term")])
def test_a_name_that_means_nothing_here_is_refused(doorunit, what: str, wanted: str):
    answer = doorunit("config", what, "window")
    assert (answer.code, answer.out) == (MISUSED, "")
    assert answer.err.startswith(f"doorunit: doorunit config {what}: found window; want {wanted}.")


def test_a_config_whose_hub_cannot_be_spoken_to_is_not_well(doorunit, tmp_path: Path):
    profile, settings = tmp_path / "mine.toml", tmp_path / "doorunit.toml"
    profile.write_text('name = "Mine"\n[login]\nclient_id = "{unit}"\n[[message]]\ntopic = "t"\npayload = "{dor}"\n')
    settings.write_text(f'[cloud]\nprofile = "{profile}"\nhost = "hub.example"\n')
    answer = doorunit("config", "check", settings)
    assert answer.code == MISUSED
    assert f"profile {profile}, message 1, payload: found {{dor}}" in answer.err
    settings.write_text('[cloud]\nprofile = "thingsboard"\nhost = "hub.example"\nsecret = "token"\n')
    assert doorunit("config", "check", settings).code == WELL


@pytest.mark.parametrize("words", [[], ["dance"], ["check", "a", "b"]])
def test_a_config_that_is_asked_for_something_else_says_what_to_try(doorunit, words: list[str]):
    answer = doorunit("config", *words)
    assert (answer.code, answer.out) == (MISUSED, "")
    assert answer.err.endswith("Try: doorunit config --help\n")


# run, station


@pytest.mark.parametrize("more", [[], ["--simulate"]])
def test_a_unit_without_an_identity_says_so_in_its_own_sentence_and_does_not_run(file: Path, more: list[str]):
    answer = started("run", "--config", file, *more)
    assert (answer.code, answer.out) == (MISUSED, "")
    folder = file.parent / "state" / "identity"
    assert answer.err == (
        f"doorunit: identity folder {folder}: found no such folder; want the identity this unit was enrolled with. "
        "Enrol this unit; unit.state_dir says where the folder is looked for.\n"
    )


def test_a_unit_without_an_identity_says_so_in_json(file: Path):
    answer = started("run", "--json", "--config", file)
    assert answer.code == MISUSED
    assert answer.json["error"]["what"] == f"identity folder {file.parent / 'state' / 'identity'}"


def test_a_unit_without_settings_does_not_run_on_defaults(doorunit, tmp_path: Path):
    answer = doorunit("run", "--config", tmp_path / "gone.toml", "--json")
    assert answer.code == MISUSED
    assert answer.json["error"]["found"] == "No such file or directory"


def test_an_enrolment_without_a_unit_or_a_folder_is_a_misuse(doorunit):
    for words in (["enrol"], ["enrol", "u-1"]):
        answer = doorunit("station", *words)
        assert (answer.code, answer.out) == (MISUSED, "")
        assert "want enrol UNIT --out FOLDER" in answer.err


def test_a_part_that_does_not_do_its_work_is_unwell_and_no_misuse(doorunit, tmp_path: Path):
    (tmp_path / "station").write_text("a file where the folder should be", encoding="utf-8")
    answer = doorunit("station", "enrol", "u-1", "--dir", tmp_path / "station", "--out", tmp_path / "out", "--json")
    assert answer.code == UNWELL
    assert set(answer.json["error"]) == {"what", "where", "found", "wanted", "remedy"}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["batch"], "batch N --out FOLDER, N from 1 to 500"),
        (["batch", "0", "--out", "x"], "N from 1 to 500"),
        (["batch", "many", "--out", "x"], "N from 1 to 500"),
        (["batch", "5"], "batch N --out FOLDER"),
        (["reissue", "door-1"], "reissue UNIT --out FOLDER"),
        (["accept"], "accept CODE"),
        (["revoke"], "revoke UNIT"),
    ],
)
def test_a_station_that_is_told_half_says_what_is_missing(doorunit, tmp_path: Path, words: list[str], wanted: str):
    answer = doorunit("station", *words, "--dir", tmp_path / "station")
    assert (answer.code, answer.out) == (MISUSED, "")
    assert wanted in answer.err


def test_a_batch_and_its_units_are_told_in_words_and_in_json(doorunit, tmp_path: Path):
    place = ("--dir", tmp_path / "station")
    told = doorunit("station", "batch", "2", "--out", tmp_path / "out", "--name", "s.example", *place, "--json").json
    assert told["units"] == ["door-1", "door-2"]
    assert told["station"] == "https://s.example:8444"
    lines = doorunit("station", "units", *place).out.splitlines()
    assert [line.split()[0] for line in lines] == ["door-1", "door-2"]
    assert "waits for its card to start" in lines[0]
    assert doorunit("station", "revoke", "door-1", *place).out == "door-1: revoked, certificates: 0\n"
    assert doorunit("station", "accept", "AAAA-AAAA", *place).code == MISUSED


# enrol


def test_a_unit_without_a_boot_file_is_told_where_it_comes_from(file: Path):
    answer = started("enrol", "--config", file, "--boot-file", file.parent / "gone.toml")
    assert (answer.code, answer.out) == (MISUSED, "")
    assert "gone.toml: found no such file" in answer.err
    assert "`doorunit station batch`" in answer.err


@pytest.mark.parametrize("verb", ["run", "enrol"])
def test_a_unit_with_a_boot_file_of_another_schema_does_not_run(file: Path, verb: str):
    newer = file.parent / "doorunit-enrol.toml"
    newer.write_text("schema = 9", encoding="utf-8")
    text = file.read_text(encoding="utf-8").replace("[door]", f"enrol_file = '{newer}'\n[door]")
    file.write_text(text, encoding="utf-8")
    answer = started(verb, "--config", file)
    assert (answer.code, answer.out) == (MISUSED, "")
    assert "doorunit-enrol.toml: found schema 9; want schema 1." in answer.err
