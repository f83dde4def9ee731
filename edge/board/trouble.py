"""What gpiozero and lgpio raise, in the technician's words. Imports neither: it looks at what is loaded already."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import PartError

_NO_LGPIO = (
    "{err}",
    "gpiozero 2.0.1 and lgpio 0.2.2 or newer for the Python that runs doorunit",
    "On Raspberry Pi OS `sudo apt install python3-gpiozero python3-lgpio`, in a venv made with --system-site-packages;"
    " elsewhere `pip install 'doorunit[pi]'`.",
)
_KNOWN = {  # by the exception's class, or by lgpio's text (its errors carry nothing else)
    "GPIOPinInUse": (
        "{err}",
        "a pin of its own for each part",
        "Give door.contact_pin and camera.led_pin different numbers, or end the other part first.",
    ),
    "PinInvalidPin": ("{err}", "a GPIO of this board's header", "hardware/wiring.md shows the pins that are free."),
    "PinUnknownPi": (
        "a machine with {chips} that is not a Raspberry Pi",
        "a Raspberry Pi",
        "Elsewhere `make demo` runs a unit on simulated pins.",
    ),
    "no chip": (
        "{chips}",
        "a Raspberry Pi's /dev/gpiochip0 (Pi 5: also gpiochip4)",
        "Boot the image for this board; in a container, pass the device in. `make demo` needs no pins.",
    ),
    "can not open gpiochip": (
        "{chips} that user {user} may not open",
        "a chip that this user may read and write",
        "By hand: `sudo usermod -aG gpio $USER`, then log in anew. In the service: SupplementaryGroups=gpio.",
    ),
    "GPIO busy": (
        "a pin that another program or a kernel driver holds",
        "a pin that nobody else uses",
        "`gpioinfo` names who holds it (lg: another doorunit or gpiozero program). End that program, take its dtoverlay"
        " out of /boot/firmware/config.txt, or set another pin.",
    ),
    "lgpio's pipe": (
        "working directory {folder}, in which lgpio cannot make its pipe .lgd-nfy0",
        "a working directory that this user may write",
        "In the service: RuntimeDirectory=doorunit and WorkingDirectory=/run/doorunit; by hand: LG_WD=/tmp.",
    ),
    "ModuleNotFoundError": _NO_LGPIO,
    "ImportError": _NO_LGPIO,
}
_OTHER = (
    "{kind}: {err}",
    "a GPIO line that can be set up and read",
    "Restart the unit; if it comes again, check the wiring and another pin (hardware/wiring.md).",
)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Raise whatever gpiozero and the loaded back end raise as a PartError about `what`."""
    try:
        yield
    except _strangers() as err:
        found, wanted, remedy = _sentence(err)
        raise PartError(what, found=found, wanted=wanted, remedy=remedy) from err


def _strangers() -> tuple[type[Exception], ...]:
    """Looked up only once something was raised; lgpio is there only if a real factory was asked for."""
    kinds: list[type[Exception]] = [ImportError, OSError]
    for module, name in (("gpiozero.exc", "GPIOZeroError"), ("lgpio", "error")):
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None:
            kinds.append(kind)
    return tuple(kinds)


def _sentence(err: Exception) -> tuple[str, str, str]:
    """Found, wanted and remedy for what gpiozero or lgpio raised."""
    text = str(getattr(err, "value", err))  # str(lgpio.error) would be quoted
    kind = type(err).__name__
    chips = sorted(str(chip) for chip in Path("/dev").glob("gpiochip*"))
    if ".lgd-nfy" in text:
        text = "lgpio's pipe"
    elif text == "can not open gpiochip" and not chips:
        text = "no chip"
    found, wanted, remedy = _KNOWN.get(text) or _KNOWN.get(kind) or _OTHER
    words = {"err": text, "kind": kind, "folder": _folder(), "user": os.getuid()}
    return found.format_map({**words, "chips": ", ".join(chips) or "no /dev/gpiochip*"}), wanted, remedy


def _folder() -> str:
    try:
        return os.environ.get("LG_WD") or str(Path.cwd())
    except FileNotFoundError:
        return "that has been removed"
