"""Player: the whole unit as `doorunit run --simulate` builds it, its wire moved from a thread of this process."""

import sys
import threading
from pathlib import Path

from beat import play

from edge import config
from edge.assemble import Assembly
from edge.cli import log_to_stderr
from edge.uplink import mqtt


def main(settings_file: str, alias: str = "alias") -> None:
    """Run until the bench has closed the pipe; `no-alias`: every message names its topic."""
    if alias == "no-alias":
        mqtt._ALIASES.update(dict.fromkeys(mqtt._ALIASES, 1 << 16))  # beyond what any broker takes
    settings = config.load(Path(settings_file))
    log_to_stderr(settings.log.level)
    assembly = Assembly(settings, simulate=True)

    def rests(is_open: bool) -> bool:
        return assembly.unit._c.doorkeeper.state == ("open" if is_open else "shut")

    def drive() -> None:
        # The wire itself, not Door.move: that one starts a thread a movement, which would count as the unit's.
        play(lambda is_open: assembly.door._wire.set(not is_open), rests)
        assembly.stop()

    threading.Thread(target=drive, daemon=True).start()
    assembly.run()


main(*sys.argv[1:])
