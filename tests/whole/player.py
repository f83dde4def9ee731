"""A unit as `doorunit run --simulate` builds it, which opens its door as often as it is told on standard input.

    python tests/whole/player.py SETTINGS.toml [--old]     # --old: begin with MQTT 3.1.1

A line with a number: open and shut the door that often, as fast as it settles; answered with a line "done".
"""

import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from paho.mqtt.enums import MQTTProtocolVersion

from edge import config
from edge.assemble import Assembly
from edge.cli import log_to_stderr


def main(settings_file: str, *options: str) -> None:
    """Run until standard input is closed."""
    log_to_stderr("info")
    assembly = Assembly(config.load(Path(settings_file)), simulate=True)
    if "--old" in options:
        assembly.unit._c.link._version = MQTTProtocolVersion.MQTTv311

    def rest(state: str) -> None:
        while assembly.unit._c.doorkeeper.state != state:
            time.sleep(0.0005)

    def drive() -> None:
        rest("shut")
        print("ready", flush=True)
        for line in sys.stdin:
            for _ in range(int(line)):
                for state in ("open", "shut"):
                    assembly.door._wire.set(state == "shut")
                    rest(state)
            print("done", flush=True)
        assembly.stop()

    threading.Thread(target=drive, daemon=True).start()
    assembly.run()


main(*sys.argv[1:])
