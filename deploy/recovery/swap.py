"""Turn off whatever would write memory to the card: a picture in clear must not get there by way of swap.

Compressed swap in RAM stays, unless it has a file behind it to which it writes what lies idle.
"""

import subprocess
import sys
from pathlib import Path

SWAPOFF_S = 60


def on_card(root: Path = Path("/")) -> list[str]:
    """The swaps of this machine that are not in RAM alone, as swapoff(8) takes them."""
    try:
        lines = (root / "proc/swaps").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:  # a kernel without swap
        return []
    return [name for name in (line.split()[0] for line in lines if line.split()) if not _in_ram(name, root)]


def _in_ram(name: str, root: Path) -> bool:
    device = name.removeprefix("/dev/")
    if not device.startswith("zram"):
        return False
    try:
        return (root / "sys/block" / device / "backing_dev").read_text(encoding="ascii").strip() == "none"
    except FileNotFoundError:  # a kernel without CONFIG_ZRAM_WRITEBACK
        return True


def main() -> int:
    """0: nothing is swapped to the card, now."""
    for name in on_card():
        sys.stderr.write(f"swap on {name} writes memory to the card; it is turned off\n")
        subprocess.run(["/sbin/swapoff", name], timeout=SWAPOFF_S, check=False)  # noqa: S603 - a name of the kernel's
    left = on_card()
    if left:
        sys.stderr.write(f"swap on {' '.join(left)} could not be turned off\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
