"""What a visitor of the demo does: every opening arrives once, in order, with its true time and its pictures."""

import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path

from tests.whole.conftest import Demo, until


def _seconds(time_: str) -> float:
    return datetime.fromisoformat(time_.replace("Z", "+00:00")).timestamp()


def test_eleven_openings_through_a_cut_network_and_a_kill_arrive_once_in_order_with_true_times(demo: Demo):
    assert demo.told["broker"] == "mosquitto"
    until(lambda: demo.events("found"))
    truth = [time.time()]
    demo.bench("door", to="open", wave="bounce")
    first = until(lambda: demo.events("opened"))
    assert time.time() - truth[0] < 5
    until(lambda: demo.events("opened")[0]["frames"])
    demo.bench("door", to="shut", wave="clean")
    until(lambda: demo.events("shut"))

    demo.bench("network", on=False)
    for number in range(10):
        truth.append(time.time())
        demo.bench("door", to="open", wave=("bounce", "rattle")[number % 2])
        time.sleep(0.9)  # a door is a physical thing: the rattle takes 250 ms, the settling 50
        demo.bench("door", to="shut", wave="clean")
        time.sleep(0.5)
    assert [e["n"] for e in demo.events("opened")] == [e["n"] for e in first], "nothing passes a cut network"
    demo.bench("power", on=False)
    demo.bench("power", on=True)
    demo.bench("network", on=True)

    opened = until(lambda: (found := demo.events("opened")) and len(found) >= 11 and found)
    assert len(opened) == 11
    assert [e["seq"] for e in opened] == sorted({e["seq"] for e in opened})
    assert [e["time"] for e in opened] == sorted(e["time"] for e in opened)
    for event, moved in zip(opened, truth, strict=True):
        assert event["clock"] == "synced"
        assert abs(_seconds(event["time"]) - moved) < 0.5, "true time, not time of arrival"
    assert len(demo.events("shut")) == 11
    assert all(e["delay_ms"] > 500 for e in opened[1:]), "these came late, and say so"
    boots = until(lambda: (found := [e for e in demo.events() if e["kind"] == "boot"]) and len(found) == 2 and found)
    assert [b["detail"]["clean"] for b in boots] == [True, False]
    until(lambda: demo.door()["pulse"]["backlog"] == 0 and demo.door()["pulse"]["frames_waiting"] == 0)
    assert demo.door()["gaps"] == []
    assert all(len(e["frames"]) > 0 for e in demo.events("opened"))


def test_an_opening_while_the_unit_is_off_is_reported_with_its_interval(demo: Demo):
    until(lambda: demo.events("found"))
    demo.bench("power", on=False)
    demo.bench("door", to="open", wave="clean")
    demo.bench("power", on=True)
    (opened,) = until(lambda: demo.events("opened"))
    low, high = (_seconds(t) for t in opened["interval"])
    assert low < high
    assert abs(_seconds(opened["time"]) - high) < 0.01
    until(lambda: demo.door()["door"] == "open")


def test_a_second_demo_goes_on_where_the_first_ended(tmp_path: Path):
    first = Demo(tmp_path / "demo")
    until(lambda: first.events("found"))
    assert first.end() == 0
    second = Demo(tmp_path / "demo")
    until(lambda: len([e for e in second.events() if e["kind"] == "boot"]) == 2)
    assert all(b["detail"]["clean"] for b in second.events() if b["kind"] == "boot")
    assert second.end() == 0


def test_without_mosquitto_the_demo_runs_on_the_embedded_broker(tmp_path: Path):
    demo = Demo(tmp_path / "demo", "--embedded")
    try:
        assert demo.told["broker"] == "amqtt"
        until(lambda: demo.events("found"))
        demo.bench("door", to="open", wave="bounce")
        (opened,) = until(lambda: demo.events("opened"))
        until(lambda: demo.events("opened")[0]["frames"])
        assert demo.door()["pulse"]["link"] == "3.1.1"
        assert opened["delay_ms"] < 2000
    finally:
        assert demo.end() == 0


def test_nothing_of_the_demo_is_left_running_after_ctrl_c(tmp_path: Path):
    demo = Demo(tmp_path / "demo")
    until(lambda: demo.events("found"))
    assert demo.end() == 0
    ps = shutil.which("ps")
    assert ps is not None
    left = subprocess.run([ps, "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in left
