"""enclosure.scad, rendered by OpenSCAD to models that can be printed, and to pictures of them."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from edge.errors import PartError
from hardware.pins import HERE

PARTS = ("body", "lid", "plate")
PICTURES = (*PARTS, "assembled")
LONGEST_S = 120  # three parts take 6 s on two cores
COLOURS = {"body": (196, 200, 204), "lid": (150, 170, 190), "plate": (205, 190, 160)}
WORDS = {
    "body": "body: camera window and hood, lamp holes, standoffs, cable ties, lid switch (front above, front below)",
    "lid": "lid: lip, boss of the lid switch, screws from outside (front, back)",
    "plate": "wall plate: hooks, pockets for magnets, screw holes for masonry (front, back)",
    "assembled": "assembled: from the front above, from the front below",
}


def render(folder: Path, **settings: str | float) -> dict[str, Any]:
    """Write body.stl, lid.stl and plate.stl into folder, in parallel; their triangles. `settings` override the file's.

    Raises PartError where OpenSCAD is missing, takes too long, or says anything at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = [f"-D{key}={_scad(value)}" for key, value in settings.items()]
    with ThreadPoolExecutor(len(PARTS)) as pool:
        return dict(zip(PARTS, pool.map(lambda part: _render(part, folder, given), PARTS), strict=True))


def picture(solids: dict[str, Any], name: str, path: Path) -> None:
    """Draw one part, or all of them where they belong."""
    from hardware import solid

    shown = PARTS if name == "assembled" else (name,)
    sides = solid.BACK if name in {"lid", "plate"} else solid.FRONT
    solid.draw([(solids[part], COLOURS[part]) for part in shown], path, WORDS[name], sides)


def _render(part: str, folder: Path, given: list[str]) -> Any:
    from hardware import solid

    command = ["openscad", "-q", "--hardwarnings", "-o", f"{part}.stl", f'-Dpart="{part}"', *given]
    try:
        done = subprocess.run(  # noqa: S603  (fixed program; the arguments are ours)
            [*command, str(HERE / "enclosure.scad")],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as err:
        wanted = f"OpenSCAD 2021.01, done within {LONGEST_S} s"
        raise PartError(f"openscad, {part}", found=err, wanted=wanted, remedy="apt-get install openscad") from err
    if done.returncode or done.stderr.strip():
        found = done.stderr.strip() or f"exit {done.returncode} without a word"
        raise PartError(f"openscad, {part}", found=found, wanted="silence", remedy="Mend hardware/enclosure.scad.")
    return solid.read(folder / f"{part}.stl")


def _scad(value: str | float) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
