"""Every step's failure is told by a code, and every code has its words and its cure in both languages."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from edge.clock import Quality
from edge.door.contact import Rest
from edge.errors import LinkError, PartError, WireError
from edge.onsite import aim, board, commission, site, walktest
from edge.onsite.visit import Visit
from edge.sim.landing import Landing
from edge.sim.time import SimClock
from tests.onsite.phone import StillHands, nobody, visit

WORDS = json.loads((site.PAGE / "words.json").read_text(encoding="utf-8"))
HOUSE = Path(board.__file__).parent


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def hands(clock: SimClock) -> StillHands:
    return StillHands(clock)


@pytest.fixture
def at_door(tmp_path: Path, clock: SimClock, hands: StillHands) -> Visit:
    """A visit whose checks are looked at one by one."""
    made = visit(tmp_path, clock, width=320, height=184)
    made.check = lambda: None
    made.meet(hands, nobody(tmp_path))
    return made


def said(of: Visit, name: str) -> tuple[str, str]:
    step = of.board.step(name)
    return step.state, step.code


def rest(closed: bool | None, settle_us: int = 2000) -> Rest:
    return Rest(closed, 1_000_000_000, 1_000_000_000 + settle_us * 1000, 3, False, False)


def codes() -> set[str]:
    """Everything that looks like a code in what makes them, and the warnings that may stand in a step."""
    sources = [HOUSE / name for name in ("visit.py", "aim.py", "walktest.py", "layers.py", "site.py", "enrol.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in (*sources, HOUSE.parent / "unit" / "hands.py"))
    kinds = "enrol|power|net|link|clock|walk|contact|tamper|aim|camera|receipt|picture|sign|gate|page|unit|spool"
    found = set(re.findall(rf'"((?:{kinds})\.[a-z-]+)"', text))
    found |= {f"aim.{verdict}" for verdict in ("covered", "dark", "bright", "blurred")}
    found |= {f"gate.{verdict}" for verdict in ("wrong", "often", "busy")}
    return found - set(board.STEPS) - {"tamper.lid"} | {"net.address"}


def test_every_code_says_what_is_wrong_and_what_helps_in_both_languages():
    assert len(codes()) > 35
    for code in sorted(codes()):
        for kind in ("said", "cure"):
            english, chinese = WORDS[f"{kind}.{code}"]
            assert len(english) > 10
            assert re.search(r"[一-鿿]", chinese), code


def test_every_step_has_a_name_and_what_is_wanted_in_both_languages():
    for name in board.STEPS:
        assert all(WORDS[f"step.{name}"])
        assert all(WORDS[f"wanted.{name}"])


def test_every_word_that_the_page_uses_is_in_the_table():
    page = "".join((site.PAGE / n).read_text(encoding="utf-8") for n in ("index.html", "app.js", "aim.js", "report.js"))
    used = set(re.findall(r'(?:word\(|data-word=|data-label=)"([\w.]+)"', page))
    assert len(used) > 40
    assert used <= WORDS.keys()


# What needs nobody


@pytest.mark.parametrize(
    ("low", "state", "code"), [(False, "well", ""), (True, "wrong", "power.low"), (None, "skipped", "power.unknown")]
)
def test_a_low_supply_is_told_and_a_machine_that_does_not_say_is_passed_over(
    at_door: Visit, hands: StillHands, low: bool | None, state: str, code: str
):
    hands.low = low
    at_door._power(hands)
    assert said(at_door, "power") == (state, code)


@pytest.mark.parametrize("quality", [Quality.UNSYNCED, Quality.RESTORED, Quality.RTC])
def test_a_clock_that_the_network_has_not_set_is_told(at_door: Visit, hands: StillHands, quality: Quality):
    hands.quality = quality
    at_door._look_at_clock(hands)
    assert said(at_door, "clock") == ("wrong", "clock.unsynced")


def test_a_clock_that_differs_from_the_phone_s_is_told(at_door: Visit, hands: StillHands):
    at_door.entered("Li Wei", 3_600_000.0)
    at_door._look_at_clock(hands)
    assert said(at_door, "clock") == ("wrong", "clock.apart")
    at_door.entered("Li Wei", 1500.0)
    assert said(at_door, "clock") == ("well", "")


# The lid


def test_a_lid_that_is_fitted_must_come_off_and_on_again(tmp_path: Path, clock: SimClock, hands: StillHands):
    made = visit(tmp_path, clock, lid=True)
    made.check = lambda: None
    made.meet(hands, nobody(tmp_path))
    assert said(made, "tamper") == ("open", "tamper.lid-off")
    assert "tamper" in made.board.missing()
    for off, state, code in ((True, "running", "tamper.lid-on"), (False, "well", "")):
        hands.lid_off = off
        hands.on_health()
        assert said(made, "tamper") == (state, code)


def test_the_unit_shows_itself_when_it_is_asked_to(at_door: Visit, hands: StillHands):
    assert at_door.do("blink", {}) == {}
    assert hands.blinked == 1


# The walk test


def test_four_movements_in_order_pass_and_each_waits_for_its_receipt(
    at_door: Visit, hands: StillHands, clock: SimClock
):
    assert at_door.do("walk", {}) == {}
    for closed in (True, False, True, False, True):
        hands.told(rest(closed)) if hands.told else None
    assert [audit.detail["to"] for audit in hands.audits] == ["open", "shut", "open", "shut"]
    assert hands.told is None  # the contact was let go
    assert said(at_door, "walk") == ("running", "")
    for audit in hands.audits:
        at_door._walk.receipt_came((audit.epoch, audit.seq), 1_250_000_000)
    assert said(at_door, "walk") == ("well", "")
    assert [move["receipt_ms"] for move in at_door.board.step("walk").found["moves"]] == [250.0] * 4


def test_a_walk_test_whose_receipts_do_not_come_is_told_and_mends_when_they_do(at_door: Visit, hands: StillHands):
    at_door.do("walk", {})
    tell = hands.told
    for closed in (True, False, True, False, True):
        tell(rest(closed))
    for late in hands.timers:
        late()
    assert said(at_door, "walk") == ("wrong", "walk.receipt")
    for audit in hands.audits:
        at_door._walk.receipt_came((audit.epoch, audit.seq), 2_000_000_000)
    assert said(at_door, "walk") == ("well", "")


@pytest.mark.parametrize(
    ("told", "state", "code"),
    [
        ([rest(False)], "running", "walk.shut-first"),
        ([rest(True), rest(None)], "wrong", "contact.chatter"),
        ([PartError("GPIO17", found="busy", wanted="free", remedy="See.")], "wrong", "contact.unreadable"),
    ],
)
def test_a_contact_that_does_not_do_its_work_is_told(
    at_door: Visit, hands: StillHands, told: list[object], state: str, code: str
):
    at_door.do("walk", {})
    for what in told:
        hands.told(what)
    assert said(at_door, "walk") == (state, code)


def test_a_door_that_nobody_moves_gets_its_cure_and_a_loose_magnet_a_hint(at_door: Visit, hands: StillHands):
    at_door.do("walk", {})
    tell = hands.told
    tell(rest(True))
    hands.timers[0]()
    assert said(at_door, "walk") == ("running", "walk.nothing")
    for closed in (False, True, False, True):
        tell(rest(closed, settle_us=int(walktest.LOOSE_MS * 1000) + 1000))
    for audit in hands.audits:
        at_door._walk.receipt_came((audit.epoch, audit.seq), 2_000_000_000)
    assert said(at_door, "walk") == ("well", "walk.loose")


def test_within_a_term_the_door_is_the_doorkeeper_s(at_door: Visit, hands: StillHands):
    hands.refuse = "walk.term"
    assert at_door.do("walk", {}) == {"refused": "walk.term"}


# The camera


LANDING = Landing(320, 184).draw(0.5)


def lit(times: float, more: int = 0) -> Image.Image:
    """The landing in another light."""
    return LANDING.point([min(255, int(v * times) + more) for v in range(256)] * 3)


@pytest.mark.parametrize(
    ("lens", "code"),
    [
        (Image.new("RGB", (320, 184), (90, 90, 90)), "aim.covered"),
        (lit(0.05), "aim.covered"),
        (lit(0.2), "aim.dark"),
        (lit(0.2, 225), "aim.bright"),
        (LANDING.filter(ImageFilter.GaussianBlur(2)), "aim.blurred"),
    ],
)
def test_a_view_that_cannot_serve_is_told_and_cannot_be_confirmed(
    at_door: Visit, hands: StillHands, lens: Image.Image, code: str
):
    hands.lens.append(lens)
    at_door.do("aim", {"on": True})
    hands.show()
    assert said(at_door, "aim") == ("wrong", code)
    assert at_door.do("confirm", {}) == {"refused": code}
    hands.lens.clear()
    hands.show()
    assert said(at_door, "aim") == ("running", "")


def test_a_unit_without_its_camera_is_told_so(at_door: Visit, hands: StillHands):
    hands.camera.fault = "absent"
    at_door.do("aim", {"on": True})
    assert at_door.do("confirm", {}) == {"refused": "aim.no-picture"}
    hands.show()
    assert said(at_door, "aim") == ("wrong", "camera.failed")
    assert at_door.view(masked=False) is None


def test_the_camera_is_on_only_while_the_step_is_open_and_somebody_looks(
    at_door: Visit, hands: StillHands, clock: SimClock
):
    at_door.do("aim", {"on": True})
    assert hands.looking
    at_door.do("aim", {"on": False})
    assert not hands.looking
    at_door.do("aim", {"on": True})
    clock.turn(aim.LEFT_NS + 1)
    hands.show()
    assert not hands.looking
    assert said(at_door, "aim") == ("open", "aim.left")


def test_a_picture_that_is_measured_when_the_step_ends_does_not_begin_it_again(at_door: Visit, hands: StillHands):
    class Late(Image.Image):
        def convert(self, *args: object) -> Image.Image:
            assert self.mode != "RGB" or args != ("L",) or at_door.do("confirm", {}) == {}  # while it is being measured
            return super().convert(*args)

    at_door.do("aim", {"on": True})
    hands.show()
    (late := LANDING.copy()).__class__ = Late
    at_door._aim._seen(late)
    assert said(at_door, "aim") == ("well", "")


def test_the_mask_that_is_drawn_is_on_the_card_and_on_the_picture_that_is_sent(
    at_door: Visit, hands: StillHands, tmp_path: Path
):
    half = [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]
    at_door.do("aim", {"on": True})
    hands.show()
    assert at_door.do("mask", {"polygons": half}) == {}
    assert commission.mask(tmp_path / "state", ()) == hands.worn == (((0, 0), (0.5, 0), (0.5, 1), (0, 1)),)
    assert at_door.do("confirm", {}) == {}
    assert at_door.do("test", {}) == {}
    assert said(at_door, "picture") == ("well", "")
    (sent,) = hands.delivered
    assert sent.crop((0, 0, 160, 184)).getbbox() is None
    assert sent.crop((200, 0, 320, 184)).getbbox() is not None


# The test's message and picture


def test_a_platform_that_confirms_nothing_or_cannot_open_the_picture_is_found(at_door: Visit, hands: StillHands):
    hands.receipts = False
    assert at_door.do("test", {}) == {"refused": "receipt.none"}
    assert said(at_door, "event") == ("wrong", "receipt.none")
    hands.receipts = True
    assert at_door.do("test", {}) == {"refused": "picture.aim-first"}
    at_door.do("aim", {"on": True})
    hands.show()
    at_door.do("confirm", {})
    hands.trouble = WireError("sealed frame", found="a seal it does not open", wanted="its own", remedy="Enrol.")
    assert at_door.do("test", {}) == {"refused": "picture.unopened"}
    hands.trouble = LinkError("platform", found="gone", wanted="a link", remedy="Wait.")
    assert at_door.do("test", {}) == {"refused": "link.network"}
    assert said(at_door, "picture") == ("wrong", "link.network")


# The mask's file


@pytest.mark.parametrize("raw", [b"", b"{", b"[[[2,0],[0,0],[0,1]]]", b"[" * 100_000, b"\xff"])
def test_a_mask_that_cannot_be_read_hides_everything(tmp_path: Path, raw: bytes):
    (tmp_path / commission.MASK).write_bytes(raw)
    assert commission.mask(tmp_path, ()) == (commission.EVERYTHING,)


def test_without_a_drawn_mask_that_of_the_settings_holds_and_one_drawn_empty_counts(tmp_path: Path):
    assert commission.mask(tmp_path, (commission.EVERYTHING,)) == (commission.EVERYTHING,)
    commission.keep_mask(tmp_path, ())
    assert commission.mask(tmp_path, (commission.EVERYTHING,)) == ()


@pytest.mark.parametrize("wish", [None, "x", [[[0, 0], [1, 1]]], [[[0, 0], [2, 0], [0, 1]]], [[[0, 0]] * 300]])
def test_a_mask_that_makes_no_sense_is_refused(at_door: Visit, wish: object):
    with pytest.raises(ValueError, match="Expected|more than"):
        at_door.do("mask", {"polygons": wish})


def test_a_wish_that_nobody_knows_is_refused(at_door: Visit):
    assert at_door.do("format", {}) == {"refused": "page.unknown"}
