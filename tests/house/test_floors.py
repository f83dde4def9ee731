"""The house is read downhill."""

import pytest

from tests.house import plan, walls
from tests.house.plan import Source

UPHILL = {
    ("edge/clock.py", "import edge.loop"): "which is above it",
    ("edge/clock.py", "from edge import loop"): "which is above it",
    ("edge/clock.py", "from . import loop"): "which is above it",
    ("edge/door/machine.py", "from ..unit import Unit"): "which is above it",
    ("edge/loop.py", "def late():\n    from edge.parts import Fact"): "which is above it",
    ("edge/loop.py", "if TYPE_CHECKING:\n    from edge.parts import Fact"): "which is above it",
    ("edge/loop.py", "x = importlib.import_module('edge.unit')"): "which is above it",
    ("edge/door/machine.py", "from edge.spool.store import Disk"): "never import one another",
    ("edge/wire.py", "import edge.config"): "never import one another",
    ("edge/unit.py", "from tests.house import plan"): "edge/ is what they stand on",
    ("edge/misc.py", ""): "is on no floor",
    ("drivers/reed.py", "from edge import clock"): "stands without edge",
    ("drivers/reed.py", "if TYPE_CHECKING:\n    import edge.parts"): "stands without edge",
    ("deploy/ota/swap.py", "import edge.errors"): "stands without edge",
}
DOWNHILL = {
    ("edge/loop.py", "from edge.clock import SECOND"),
    ("edge/door/machine.py", "from edge.door.contact import Contact"),
    ("edge/door/machine.py", "from . import contact"),
    ("edge/door/machine.py", "from ..clock import SECOND"),
    ("edge/door/contact.py", "from drivers.reed import Reed"),
    ("edge/cli/__init__.py", "from edge import __version__, assemble"),
    ("edge/__init__.py", ""),
    ("drivers/examples/reed_pico.py", "from drivers.reed import Reed"),
    ("tests/house/plan.py", "import edge.cli"),
}


def test_every_file_imports_only_from_floors_below():
    found = [line for source in plan.read("edge", "drivers", "deploy") for line in walls.floors(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("planted", "why"), UPHILL.items())
def test_an_import_that_climbs_is_found(planted: tuple[str, str], why: str):
    path, text = planted
    (found,) = walls.floors(Source(path, text))
    assert found.startswith(f"{path}:")
    assert why in found


@pytest.mark.parametrize(("path", "text"), sorted(DOWNHILL))
def test_an_import_that_descends_is_left_alone(path: str, text: str):
    assert walls.floors(Source(path, text)) == []


def test_a_finding_names_the_line_it_stands_on():
    (found,) = walls.floors(Source("edge/clock.py", '"""Doc."""\n\nimport edge.unit\n'))
    assert found == "edge/clock.py:3: imports edge.unit, which is above it"
