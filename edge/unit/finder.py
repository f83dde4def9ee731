"""The command that shows which unit is meant: lamp and buzzer, for a while."""

from collections.abc import Mapping
from typing import Any

from edge.board.indicator import Panel
from edge.errors import PartError, WireError

FOR_S, MOST_S = 30, 300


def identify(panel: Panel | None, args: Mapping[str, Any]) -> str:
    """Blink and beep for args["for_s"] seconds, or FOR_S. Raises WireError (another number), PartError (no lamp)."""
    for_s = args.get("for_s", FOR_S)
    if type(for_s) is not int or not 1 <= for_s <= MOST_S:  # True is an int too
        raise WireError(
            "identify",
            found=repr(for_s)[:40],
            wanted=f"for_s, a whole number 1 to {MOST_S}",
            remedy=f"Leave it out for {FOR_S} s.",
        )
    if panel is None:
        raise PartError(
            "indicator",
            found="neither lamp nor buzzer",
            wanted="indicator.led_pin or indicator.buzzer_pin",
            remedy="hardware/wiring.md shows how both are wired.",
        )
    panel.identify(for_s)
    return f"shown for {for_s} s"
