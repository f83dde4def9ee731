"""A unit comes to its identity once, by its own token or a person's word, whatever fails on the way."""

from pathlib import Path

import pytest

from edge import identity
from edge.clock import SECOND
from edge.errors import ConfigError, DistrustError, FullError, LinkError, RefusedError
from edge.onsite import bootfile, enrol, forms, keys
from edge.sim.time import SimClock
from edge.station.ca import DAY_NS
from edge.station.desk import TOKEN_LIFE_NS
from tests.onsite.town import Town, until_enrolled, warned
from tests.spool.card import Card


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def state_of(boot_path: Path) -> Path:
    return boot_path.parent.parent / "state"


def test_a_unit_with_a_token_has_its_whole_identity_after_one_question(town: Town):
    boot_path = town.card("a", token=town.token())
    who = town.unit(boot_path).attempt()
    assert who == identity.load(state_of(boot_path) / "identity")
    assert (who.unit, who.seal_key, who.command_key) == ("door-1", town.ca.seal_key, town.ca.command_key)
    assert who.ca_file.read_bytes() == town.ca.ca_file.read_bytes()
    assert keys.certifies(who.cert_file.read_bytes(), who.key_file.read_bytes(), "door-1")
    assert town.ca.known.verify_keys("door-1") == [keys.verify_key_of(who.sign_seed.reveal())]


def test_no_private_key_leaves_the_unit_and_none_is_left_beside_its_identity(town: Town):
    boot_path = town.card("a", token=town.token())
    who = town.unit(boot_path).attempt()
    assert who is not None
    (asking,) = town.way.asked
    assert "PRIVATE" not in asking.csr
    assert [path.name for path in state_of(boot_path).iterdir()] == ["identity"]


def test_the_token_is_gone_from_the_card_and_all_else_of_its_file_stays(town: Town):
    boot_path = town.card("a", token=town.token())
    before = bootfile.read(boot_path)
    town.unit(boot_path).attempt()
    after = bootfile.read(boot_path)
    assert (before.token is None, after.token is None) == (False, True)
    assert (after.page_code, after.station, after.ca) == (before.page_code, before.station, before.ca)
    assert enrol.due(state_of(boot_path), boot_path) is None


@pytest.mark.parametrize("where", ["there", "back"])
def test_a_link_lost_half_way_costs_a_pause_and_nothing_else(town: Town, where: str):
    boot_path = town.card("a", token=town.token())
    unit = town.unit(boot_path)
    town.way.lose = where
    with pytest.raises(LinkError):
        unit.attempt()
    assert not identity.exists(state_of(boot_path) / "identity")
    assert bootfile.read(boot_path).token is not None
    town.way.lose = ""
    again = town.unit(boot_path)  # a restart
    assert again.attempt() is not None
    assert len({asking.verify_key for asking in town.way.asked}) == 1
    assert len(town.ca.known.certificates("door-1")) == 1


def test_two_units_with_the_same_cards_image_are_two_and_the_second_waits_for_a_person(town: Town):
    token = town.token()
    first, second = (town.unit(town.card(name, token=token)) for name in ("a", "b"))
    assert first.attempt() is not None
    assert second.attempt() is None
    assert warned(second) == {"enrol.refused"}
    assert second.attempt() is None
    assert warned(second) == {"enrol.refused", "enrol.pending"}
    with pytest.raises(ConfigError, match="another unit that has this name"):
        town.desk.accept(second.code)
    assert town.desk.accept(second.code, "door-2") == "door-2"
    who = second.attempt()
    assert who is not None
    assert who.unit == "door-2"
    assert warned(second) == set()
    assert [len(town.ca.known.valid(unit)) for unit in ("door-1", "door-2")] == [1, 1]


def test_a_token_that_has_expired_leaves_the_unit_waiting_for_a_person(town: Town):
    boot_path = town.card("a", token=town.token())
    town.clock.turn(TOKEN_LIFE_NS)
    unit = town.unit(boot_path)
    assert unit.attempt() is None
    assert unit.attempt() is None
    assert unit.code
    assert town.ca.known.units() == {}


def test_a_label_without_its_token_opens_nothing(town: Town):
    """A stolen label: the id is on it, the token is not."""
    town.token("door-1")
    thief = town.unit(town.card("thief", unit="door-1"))
    assert thief.attempt() is None
    assert town.ca.known.units() == {}
    rightful = town.unit(town.card("a", token=town.token("door-1")))
    assert rightful.attempt() is not None
    with pytest.raises(ConfigError, match="another unit that has this name"):
        town.desk.accept(thief.code)


def test_a_token_for_another_unit_is_no_token(town: Town):
    unit = town.unit(town.card("a", token=town.token("door-2"), unit="door-1"))
    assert unit.attempt() is None
    assert warned(unit) == {"enrol.refused"}
    assert town.ca.known.units() == {}


def test_the_code_that_a_unit_shows_is_made_from_its_own_key_whatever_is_answered(town: Town):
    unit = town.unit(town.card("a"))
    town.way.instead = (202, b'{"code":"AAAA-AAAA","wait_s":999999}')
    assert unit.attempt() is None
    shown = unit.code
    assert (shown != "AAAA-AAAA", unit.wait_s) == (True, 300)
    town.way.instead = None
    assert unit.attempt() is None
    assert [one.code for one in town.desk.standing()] == [shown]


def test_a_unit_that_was_accepted_and_lost_the_answer_is_answered_again(town: Town):
    unit = town.unit(town.card("a"))
    unit.attempt()
    town.desk.accept(unit.code)
    town.way.lose = "back"
    with pytest.raises(LinkError):
        unit.attempt()
    town.way.lose = ""
    assert unit.attempt() is not None
    assert len(town.ca.known.certificates("door-1")) == 1


@pytest.mark.parametrize(
    "said",
    [(200, b"<html>Welcome</html>"), (302, b""), (204, b""), (200, b""), (200, b'{"unit":"door-1"}')],
)
def test_a_captive_portal_is_told_from_a_station(town: Town, said: tuple[int, bytes]):
    boot_path = town.card("a", token=town.token())
    town.way.instead = said
    with pytest.raises(DistrustError, match="captive portal"):
        town.unit(boot_path).attempt()
    assert bootfile.read(boot_path).token is not None


@pytest.mark.parametrize("status", [400, 404, 405, 413])
def test_a_station_that_does_not_know_this_enrolment_says_so(town: Town, status: int):
    town.way.instead = (status, b'{"error":"no"}')
    with pytest.raises(RefusedError, match="software version"):
        town.unit(town.card("a", token=town.token())).attempt()


def test_a_certificate_of_another_key_is_not_taken(town: Town):
    other = town.unit(town.card("other", token=town.token("door-1")))
    other.attempt()
    granted = town.desk.ask(town.way.asked[0])
    unit = town.unit(town.card("a", token=town.token("door-3"), unit="door-3"))
    town.way.instead = (200, forms.msgspec.json.encode(granted))
    with pytest.raises(RefusedError, match="certificate of another key"):
        unit.attempt()
    assert not identity.exists(town.folder / "a/state/identity")


def test_keys_that_are_none_in_an_answer_do_not_take_the_place_of_an_identity(town: Town):
    boot_path = town.card("a", token=town.token())
    unit = town.unit(boot_path)
    town.way.lose = "back"
    with pytest.raises(LinkError):
        unit.attempt()
    granted = forms.msgspec.structs.replace(town.desk.ask(town.way.asked[0]), seal_key="AAAA")
    town.way.lose, town.way.instead = "", (200, forms.msgspec.json.encode(granted))
    with pytest.raises(RefusedError, match="seal_key holds 3 bytes"):
        unit.attempt()
    assert bootfile.read(boot_path).token is not None


def test_pauses_grow_to_a_minute_and_a_signal_ends_them(town: Town):
    unit = town.unit(town.card("a", token=town.token()))
    town.way.lose = "there"
    who, pauses = until_enrolled(unit, town.clock, tries=12)
    assert who is None
    assert pauses[0] <= 2
    assert max(pauses) <= 60
    assert sum(pauses[-4:]) > 4 * 30
    assert warned(unit) == {"link.network"}
    town.way.lose = ""
    who, pauses = until_enrolled(unit, town.clock)
    assert (who is not None, pauses, warned(unit)) == (True, [], set())


def test_a_clock_in_1970_is_named_and_the_unit_enrols_all_the_same(town: Town):
    unit = town.unit(town.card("a", token=town.token()))
    today_ns = town.clock.read().wall_ns
    town.clock.step(-today_ns)
    town.ca._clock = town.desk._clock = SimClock(wall_ns=today_ns)  # the station's is right
    unit.attempt()
    assert "clock.floor" in warned(unit)
    detail = unit.health.shown(town.clock.now())[0].detail
    assert detail.startswith("it shows 1970-01-01, before 2026-05-28.")


def test_a_full_card_leaves_the_token_and_the_unit_enrols_once_there_is_room(town: Town, card: Card):
    boot_path = town.card("a", token=town.token())
    state = card.folder / "state"
    unit = town.unit(boot_path, state)
    town.way.lose = "there"
    with pytest.raises(LinkError):
        unit.attempt()  # its keys are made
    town.way.lose = ""
    card.fill()
    with pytest.raises(FullError):
        unit.attempt()
    assert bootfile.read(boot_path).token is not None
    card.free()
    assert town.unit(boot_path, state).attempt() is not None
    assert len(town.ca.known.certificates("door-1")) == 1


def test_a_read_only_boot_partition_is_warned_of_and_the_unit_is_enrolled(town: Town, card: Card):
    boot_path = card.folder / bootfile.NAME
    boot_path.write_text(town.card("a", token=town.token()).read_text())
    card.protect()
    unit = town.unit(boot_path, town.folder / "state")
    assert unit.attempt() is not None
    assert warned(unit) == {"enrol.token"}
    assert enrol.due(town.folder / "state", boot_path) is None  # at each start: it is not asked again
    copy = town.card("thief", token=bootfile.read(boot_path).token.reveal().decode())
    assert town.unit(copy).attempt() is None  # the station has spent it
    card.unprotect()
    assert enrol.due(town.folder / "state", boot_path) is None
    assert bootfile.read(boot_path).token is None


@pytest.mark.parametrize("left", [False, True], ids=["nothing left", "keys left"])
def test_an_enrolled_unit_whose_card_has_become_read_only_runs_and_clears_up_once_it_can(
    town: Town, card: Card, caplog: pytest.LogCaptureFixture, left: bool
):
    boot_path, state = town.card("a", token=town.token()), card.folder / "state"
    town.unit(boot_path, state).attempt()
    spare = state / "enrolling.json"
    if left:  # by a cut
        spare.write_text("{}")
    card.protect()
    assert enrol.due(state, boot_path) is None
    assert (f"{spare}: found read-only file system" in caplog.text) == left
    card.unprotect()
    assert enrol.due(state, boot_path) is None
    assert not spare.exists()


def test_a_unit_that_is_given_a_new_token_enrols_anew_with_new_keys(town: Town):
    boot_path = town.card("a", token=town.token())
    old = town.unit(boot_path).attempt()
    old_seed, old_key = old.sign_seed.reveal(), old.key_file.read_bytes()
    town.card("a", token=town.desk.reissue("door-1"))
    new = town.unit(boot_path).attempt()
    assert new.unit == "door-1"
    assert (new.sign_seed.reveal() != old_seed, new.key_file.read_bytes() != old_key) == (True, True)
    assert len(town.ca.known.valid("door-1")) == 1
    assert len(town.ca.known.verify_keys("door-1")) == 2  # pictures that wait are still taken in


def test_a_key_that_was_revoked_is_made_anew_and_the_token_still_counts(town: Town):
    boot_path = town.card("a", token=town.token())
    unit = town.unit(boot_path)
    town.way.lose = "back"
    with pytest.raises(LinkError):
        unit.attempt()
    town.way.lose = ""
    town.card("a", token=town.desk.reissue("door-1"))
    again = town.unit(boot_path)
    assert again.attempt() is None
    assert again.attempt() is not None


def test_a_garbled_boot_file_is_told_and_an_enrolled_unit_runs_without_it(town: Town):
    boot_path = town.card("a", token=town.token())
    town.unit(boot_path).attempt()
    boot_path.write_bytes(b"\x00half a file")
    assert enrol.due(state_of(boot_path), boot_path) is None
    with pytest.raises(ConfigError, match="no TOML"):
        enrol.due(town.folder / "other", boot_path)


def test_garbled_keys_of_an_enrolment_under_way_are_made_anew(town: Town):
    boot_path = town.card("a", token=town.token())
    unit = town.unit(boot_path)
    state_of(boot_path).mkdir(exist_ok=True)
    for garbage in (b"", b"{}", b'{"tls":"x","seed":"y"}', b"\xff"):
        (state_of(boot_path) / "enrolling.json").write_bytes(garbage)
        town.way.lose = "there"
        with pytest.raises(LinkError):
            unit.attempt()
    town.way.lose = ""
    assert unit.attempt() is not None


def test_a_garbled_identity_gives_way_to_a_new_token_and_to_nothing_else(town: Town):
    boot_path = town.card("a", token=town.token())
    town.unit(boot_path).attempt()
    (state_of(boot_path) / "identity" / "identity.json").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"identity\.json"):
        enrol.due(state_of(boot_path), boot_path)
    town.card("a", token=town.desk.reissue("door-1"))
    assert town.unit(boot_path).attempt() is not None


def test_a_pending_unit_is_forgotten_a_day_after_it_last_asked(town: Town):
    unit = town.unit(town.card("a"))
    unit.attempt()
    town.clock.turn(DAY_NS + SECOND)
    with pytest.raises(ConfigError, match="no unit that waits"):
        town.desk.accept(unit.code)
