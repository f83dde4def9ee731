"""A whole unit beside a simulated image library: pictures arrive masked, and none lies on the card in clear."""

import io
from contextlib import closing
from pathlib import Path

from PIL import Image

from edge.sim.viidhall import ViidHall
from tests.whole.conftest import until
from tests.whole.flat import Flat, InProcess

MASK = [[[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]]


def test_an_opening_puts_masked_pictures_into_the_library_and_none_in_clear_on_the_card(tmp_path: Path) -> None:
    camera = {"width": 160, "height": 120, "fps": 4, "after_s": 1, "mask": MASK}
    with closing(ViidHall()) as hall, closing(Flat(tmp_path)) as flat:
        with InProcess(flat, camera=camera, viid=hall.settings(pictures=2)) as unit:
            crew = unit.unit.crew
            until(lambda: crew.photographer.can_snap and crew.doorkeeper.state == "shut")
            unit.move("open")
            until(lambda: len(hall.held) == 2)
            until(lambda: len(crew.album) > 2)
        for info, jpeg in hall.held:
            with Image.open(io.BytesIO(jpeg)) as picture:
                assert (picture.width, picture.height) == (info["Width"], info["Height"]) == (160, 120)
                assert max(picture.convert("L").getpixel((x, 60)) for x in range(0, 70, 10)) < 16, "painted over"
        assert hall.wrong == []
        assert hall.said[-1] == "UnRegister"
        kept = [path for path in flat.state.rglob("*") if path.is_file()]
        assert any(path.parent.name == "frames" for path in kept)
        assert not [path for path in kept if b"\xff\xd8\xff" in path.read_bytes()]
