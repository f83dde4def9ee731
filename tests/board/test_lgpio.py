"""The real back end on a machine without pins: what it says, and that lgpio is still what we rely on."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import edge
from edge.board.pins import real_factory
from edge.errors import PartError

ROOT = Path(edge.__file__).parents[1]


def run(code: str, **environment: str) -> str:
    """What a fresh Python prints; lgpio starts a thread and a pipe as it is imported, so not in this process."""
    folder = environment.pop("cwd")
    command = [sys.executable, "-W", "error", "-c", code]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])} | environment
    return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True, timeout=60).stdout


def test_importing_pins_does_not_import_gpiozero(tmp_path):
    assert run("import sys, edge.board.pins; print('gpiozero' in sys.modules)", cwd=str(tmp_path)) == "False\n"


def test_without_lgpio_the_real_factory_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with pytest.raises(PartError, match=r"GPIO chip: found .*lgpio.* apt install python3-gpiozero python3-lgpio"):
        real_factory()


OPEN = """
from edge.board.pins import real_factory
from edge.errors import PartError
try:
    print(type(real_factory()).__name__)
except PartError as err:
    print(err)
"""
# lgpio has no wheel for some machines and Pythons; there every real factory must say just that.
INSTALLED = importlib.util.find_spec("lgpio") is not None
ABSENT = "found No module named 'lgpio'; want gpiozero 2.0.1 and lgpio 0.2.2"


def test_a_machine_without_pins_is_told_so_and_no_other_back_end_is_tried(tmp_path):
    said = run(OPEN, cwd=str(tmp_path), GPIOZERO_PIN_FACTORY="mock")
    no_pins = "found a machine with no /dev/gpiochip* that is not a Raspberry Pi; want a Raspberry Pi"
    on_a_pi = "LGPIOFactory"
    assert (on_a_pi if any(Path("/dev").glob("gpiochip*")) else no_pins) in said if INSTALLED else ABSENT in said


def test_a_folder_that_lgpio_cannot_write_is_named_with_what_to_set(tmp_path):
    said = run(OPEN, cwd=str(tmp_path), LG_WD=str(tmp_path / "absent"))
    named = f"working directory {tmp_path / 'absent'}, in which lgpio cannot make its pipe"
    assert (named if INSTALLED else ABSENT) in said


def test_a_pipe_that_could_not_be_made_is_told_from_a_missing_lgpio(tmp_path, monkeypatch):
    (tmp_path / "lgpio.py").write_text("open('.lgd-nfy-3', 'rb')\n")  # all that lgpio's import does once it cannot
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lgpio", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LG_WD", raising=False)
    with pytest.raises(PartError, match="cannot make its pipe .* RuntimeDirectory=doorunit") as refused:
        real_factory()
    assert str(tmp_path) in refused.value.found


def test_an_installed_lgpio_has_the_calls_and_the_words_that_we_rely_on(tmp_path):
    code = """
import importlib.util, json, sys
if importlib.util.find_spec("lgpio") is None:
    sys.exit(print("absent"))
import lgpio
calls = "gpiochip_open gpiochip_close gpio_claim_input gpio_claim_alert gpio_claim_output gpio_free gpio_get_mode \
gpio_read gpio_write gpio_set_debounce_micros callback SET_PULL_UP SET_PULL_DOWN BOTH_EDGES".split()
print(json.dumps([[c for c in calls if not hasattr(lgpio, c)],
                  [lgpio.error_text(n) for n in (lgpio.GPIO_BUSY, lgpio.CANNOT_OPEN_CHIP)], lgpio.error("x").value]))
"""
    as_relied_on = [[], ["GPIO busy", "can not open gpiochip"], "x"]
    said = run(code, cwd=str(tmp_path)).strip()
    assert said == (json.dumps(as_relied_on) if INSTALLED else "absent")
