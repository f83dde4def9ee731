"""The bench test: its steps are names that doctor can take over, and the guide shows each of them."""

import re

import msgspec

from hardware import bench
from hardware.make import HERE

BENCH = bench.load()
OWED = {"power", "reed", "tamper", "camera", "clock", "supply", "enclosure-heat", "network", "receipt"}


def test_steps_are_names_that_a_command_line_can_take_and_none_comes_twice():
    names = [step.check for step in BENCH.step]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
    assert set(names) >= OWED


def test_power_comes_before_the_pi_is_at_risk_and_the_receipt_last():
    assert (BENCH.step[0].check, BENCH.step[-1].check) == ("power", "receipt")


def test_every_step_says_what_to_do_what_to_see_and_what_to_mend():
    for step in BENCH.step:
        assert all(len(words) > 10 for words in (step.do, step.want, step.cure))


def test_failures_name_only_checks_that_the_bench_test_has():
    text = (HERE / "failures.md").read_text(encoding="utf-8")
    named = {name for row in re.findall(r"^\|.*\| `([a-z-]+)` \|$", text, re.MULTILINE) for name in [row]}
    assert named
    assert named <= {step.check for step in BENCH.step}


def test_the_table_has_a_row_for_every_step():
    table = bench.table(msgspec.structs.replace(BENCH, step=BENCH.step[:2]))
    assert [line.split("|")[2].strip() for line in table.splitlines()[2:]] == ["`power`", "`boot`"]
