"""What is made of something else is fresh; and the arithmetic behind the tables."""

import re
from math import inf
from pathlib import Path

import msgspec
import pytest

from hardware import aim, bom, carrier, diagram, make, pins, power

PINS = pins.load()
BOARD = carrier.load(PINS)
POWER = power.load()
GUIDES = ("README.md", "assembly.md", "mounting.md", "bench-test.md", "failures.md")


def test_everything_that_is_made_is_as_it_would_be_made_now():
    assert make.stale() == []


def test_check_names_what_is_stale_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(make, "HERE", tmp_path)
    (tmp_path / "enclosure.scad").write_text("cube(1);", encoding="utf-8")
    assert make.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert all(f"hardware/{name} is stale" in said for name in (*make.texts(), *make.sources()))
    assert not (tmp_path / "wiring.md").exists()


def test_making_twice_makes_the_same_bytes():
    assert make.texts() == make.texts()
    assert not [name for name, text in make.texts().items() if re.search(r"\b20\d\d-\d\d-\d\dT|WireViz 0", text)]


def test_wireviz_draws_every_wire_and_label_of_the_harness(tmp_path: Path):
    runs = diagram.load()
    diagram.draw(diagram.to_yaml(runs, BOARD, PINS), tmp_path, "wiring")
    drawn = (tmp_path / "wiring.svg").read_text(encoding="utf-8")
    for words in ("CONTACT_IN (GPIO 17, header 11)", "LAMP_K (GPIO 18, header 12)", "SDA (GPIO 2, header 3)"):
        assert words in drawn
    assert all(run.device in drawn and run.terminal in drawn for run in runs)
    assert (tmp_path / "wiring.png").stat().st_size > 10_000


def test_every_terminal_of_the_carrier_has_a_run_of_cable():
    assert {run.terminal for run in diagram.load()} == {ref for ref in BOARD.part if re.fullmatch(r"J[2-9]", ref)}


def test_a_run_with_too_few_wires_is_refused():
    (first, *_) = diagram.load()
    with pytest.raises(ValueError, match="J2 has 2 pins; want as many"):
        diagram.to_yaml((msgspec.structs.replace(first, colours=("RD",)),), BOARD, PINS)


def test_the_draw_is_the_board_and_what_is_on_in_that_state():
    board = power.Board("x", idle_ma=100, idle_source="rpi", typical_ma=300, typical_source="rpi", psu_a=2.5)
    loads = (power.Load("chips", 5, "always", "rpi"), power.Load("camera", 250, "camera", "rpi"))
    made = msgspec.structs.replace(POWER, load=loads)
    assert [power.draw_ma(made, board, state) for state in power.STATES] == [105, 305, 555]


def test_battery_time_is_what_the_cells_hold_over_what_is_drawn():
    ups = power.Ups("x", cell_mah=10_000, cell_v=3.7, efficiency=0.5, usable=1.0, source="estimate")
    made = msgspec.structs.replace(POWER, volts=5.0, ups=ups)
    assert power.hours(made, 1000) == pytest.approx(18.5 / 5)


def test_volts_at_the_pi_fall_with_the_current_and_stay_above_under_voltage():
    made = msgspec.structs.replace(POWER, volts=5.0, path=power.Way(lead_mohm=60, fuse_mohm=20, shunt_mohm=20))
    assert power.at_pi_v(made, 1000) == pytest.approx(4.9)
    for board in POWER.board.values():
        most = power.draw_ma(POWER, board, "camera")
        assert power.at_pi_v(POWER, most) > POWER.undervoltage_v * 1.05  # the detector's own tolerance
        assert most * 1.5 < board.psu_a * 1000


def test_a_figure_without_its_source_is_refused(tmp_path: Path):
    text = (power.HERE / "power.toml").read_text(encoding="utf-8")
    (tmp_path / "power.toml").write_text(
        text.replace('idle_source = "cnx"', 'idle_source = "hearsay"'), encoding="utf-8"
    )
    with pytest.raises(KeyError, match="hearsay"):
        power.load(tmp_path / "power.toml")


def test_the_shunt_of_the_power_budget_is_the_one_that_is_wired():
    assert {POWER.path.shunt_mohm} == {chip.shunt_mohm for chip in PINS.chip if chip.shunt_mohm}


def test_the_camera_sees_the_floor_up_to_where_its_highest_ray_lands():
    assert aim.reach_m(2.0, 65, 20) == pytest.approx(2.0)  # 45 degrees
    assert aim.reach_m(2.0, 20, 20) == inf
    assert aim.near_m(2.0, 25, 20) == pytest.approx(2.0)
    assert aim.near_m(2.0, 75, 20.5) == 0.0


def test_the_hood_of_the_aim_table_is_the_one_of_the_enclosure():
    model = (aim.HERE / "enclosure.scad").read_text(encoding="utf-8")
    assert f"hood_up = {aim.load().hood_deg};" in model
    (tilt,) = re.findall(r"^tilt = (\d+);", model, re.MULTILINE)
    assert int(tilt) in aim.load().tilts_deg


def test_a_price_that_is_no_estimate_names_its_source():
    bill = bom.load()
    assert all(item.source for item in bill.item if item.kind == "list")
    assert all(item.mpn and item.second for item in bill.item)
    head = bom.to_csv(bill).splitlines()[0]
    assert f"price {bill.currency} {bill.as_of}" in head


@pytest.mark.parametrize("name", GUIDES)
def test_links_of_the_guides_lead_to_files(name: str):
    text = (make.HERE / name).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert targets
    assert [target for target in targets if not (make.HERE / target).is_file()] == []


def test_the_index_leads_to_every_file_that_a_workshop_opens():
    index = (make.HERE / "README.md").read_text(encoding="utf-8")
    opened = [p.name for p in make.HERE.iterdir() if p.suffix in {".md", ".csv", ".net", ".scad", ".toml"}]
    assert [name for name in opened if name != "README.md" and name not in index] == []
