"""How far out a camera over the door sees, so that the neighbour's door stays out of the picture. Geometry only."""

import tomllib
from math import inf, radians, tan
from pathlib import Path

import msgspec

from hardware.pins import HERE


class Aim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of aim.toml."""

    fov_across_deg: float
    fov_down_deg: float
    heights_m: tuple[float, ...]
    tilts_deg: tuple[int, ...]
    hood_deg: float
    face_m: tuple[float, float]


def load(path: Path = HERE / "aim.toml") -> Aim:
    """Raises msgspec.ValidationError."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Aim)


def reach_m(height_m: float, tilt_deg: float, up_deg: float) -> float:
    """Distance from the wall at which the highest ray meets a plane height_m below the lens; inf where none."""
    below = tilt_deg - up_deg
    return height_m / tan(radians(below)) if below > 0 else inf


def near_m(height_m: float, tilt_deg: float, down_deg: float) -> float:
    """Distance at which the lowest ray meets that plane; 0 where it comes back to the wall."""
    below = tilt_deg + down_deg
    return height_m / tan(radians(below)) if below < 90 else 0.0


def report(aim: Aim) -> str:
    """aim.md: for each height and tilt, what is in view."""
    low, high = aim.face_m
    half = aim.fov_down_deg / 2
    rows = [
        "The lens sits above the middle of the door, on the door's own wall, so the inside of the flat is behind it.",
        "Choose the smallest tilt whose *sees the floor to* is less than the distance to the opposite door.",
        "",
        f"| lens height | tilt | sees the floor to | faces at {high} m | faces at {low} m |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for height in aim.heights_m:
        for tilt in aim.tilts_deg:
            floor = reach_m(height, tilt, aim.hood_deg)
            spans = [
                f"{near_m(height - face, tilt, half):.2f}-{reach_m(height - face, tilt, aim.hood_deg):.2f} m"
                for face in (high, low)
            ]
            rows.append(f"| {height} m | {tilt} deg | {floor:.1f} m | {spans[0]} | {spans[1]} |")
    rows += [
        "",
        "Distances are from the wall. A face is in the picture on its way through the span for its height. A picture",
        "that reaches the opposite wall's foot shows no more than the foot of that door: mask it (`camera.mask`).",
    ]
    return "\n".join(rows)
