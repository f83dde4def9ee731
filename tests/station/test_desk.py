"""The keeper's side of enrolment: tokens, codes, revocation and reissue, and what is told of every unit."""

import base64
import stat
from pathlib import Path

import pytest

from edge.errors import ConfigError, PartError
from edge.onsite import bootfile, forms, keys
from edge.onsite.forms import Asking, Granted, Refused, Waiting
from edge.station import batch, labels
from edge.station.ca import DAY_NS
from edge.station.desk import RENEWALS_MAX, TOKEN_LIFE_NS, WAIT_S
from edge.station.labels import Label
from edge.station.roll import PENDING_MAX, RollFile
from tests.onsite.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def asking(unit: str = "door-1", token: str = "", key: bytes = b"", seed: bytes = b"") -> Asking:
    key, seed = key or keys.make_tls_key(), seed or keys.make_sign_seed()
    csr = keys.make_request(unit, key)
    verify_key = base64.b64encode(keys.verify_key_of(seed)).decode()
    proof = base64.b64encode(keys.sign(seed, csr)).decode()
    return Asking(unit=unit, csr=csr.decode(), verify_key=verify_key, proof=proof, token=token)


def states(town: Town) -> dict[str, str]:
    return {one.unit: one.state for one in town.desk.standing()}


def test_a_token_is_kept_as_its_hash_alone(town: Town):
    token = town.token()
    kept = (town.folder / "enrol" / "roll.json").read_text()
    assert (token in kept, forms.token_id(token) in kept) == (False, True)
    assert stat.S_IMODE((town.folder / "enrol" / "roll.json").stat().st_mode) == 0o600


def test_a_token_works_once_and_its_own_key_is_answered_again(town: Town):
    token, key = town.token(), keys.make_tls_key()
    first = town.desk.ask(asking(token=token, key=key))
    assert isinstance(first, Granted)
    assert town.desk.ask(asking(token=token, key=key)) == first
    other = town.desk.ask(asking(token=token))
    assert isinstance(other, Refused)
    assert other.error == "token.used"


def test_a_token_that_was_used_in_time_answers_its_key_also_when_it_has_expired(town: Town):
    token, key = town.token(), keys.make_tls_key()
    first = town.desk.ask(asking(token=token, key=key))
    town.clock.turn(TOKEN_LIFE_NS)
    assert town.desk.ask(asking(token=token, key=key)) == first
    late = town.desk.ask(asking("door-2", token=_expired(town)))
    assert isinstance(late, Refused)
    assert late.error == "token.expired"


def _expired(town: Town) -> str:
    token = town.token("door-2")
    town.clock.turn(TOKEN_LIFE_NS)
    return token


def test_a_new_token_for_a_unit_voids_the_one_before(town: Town):
    old = town.token()
    town.token()
    refused = town.desk.ask(asking(token=old))
    assert isinstance(refused, Refused)
    assert refused.error == "token.unknown"


def test_every_unit_is_told_with_how_far_it_is(town: Town):
    town.token("door-10")
    town.token("door-2")
    town.desk.ask(asking("door-1", token=town.token("door-1")))
    town.desk.ask(asking("door-3"))
    town.desk.ask(asking("door-4", token=town.token("door-4")))
    town.desk.revoke("door-4")
    assert list(states(town).items()) == [
        ("door-1", "enrolled"),
        ("door-2", "card"),
        ("door-3", "pending"),
        ("door-4", "revoked"),
        ("door-10", "card"),
    ]
    town.clock.turn(TOKEN_LIFE_NS)
    assert states(town)["door-2"] == "expired"


def test_ids_go_on_from_the_highest_that_was_ever_used(town: Town):
    assert town.desk.free("door-", 2) == ["door-1", "door-2"]
    town.token("door-7")
    town.desk.ask(asking("door-9", token=town.token("door-9")))
    town.desk.revoke("door-9")
    assert town.desk.free("door-", 2) == ["door-10", "door-11"]
    assert town.desk.free("gate-", 1) == ["gate-1"]


def test_a_unit_of_nobody_cannot_be_revoked_or_reissued(town: Town):
    for act in (town.desk.revoke, town.desk.reissue):
        with pytest.raises(ConfigError, match="found no such unit"):
            act("door-1")


def test_revoking_a_unit_whose_card_has_not_started_voids_its_token(town: Town):
    token = town.token()
    assert town.desk.revoke("door-1") == 0
    assert isinstance(town.desk.ask(asking(token=token)), Refused)


@pytest.mark.parametrize("unit", ["station-2", "Door", "../x", ""])
def test_nobody_is_accepted_under_a_name_that_means_more_than_a_name(town: Town, unit: str):
    waiting = town.desk.ask(asking(unit))
    assert waiting == Waiting(town.desk.standing()[0].code, WAIT_S)
    with pytest.raises(ConfigError, match="unit id"):
        town.desk.accept(waiting.code)


def test_a_code_that_nobody_waits_under_is_a_misuse(town: Town):
    with pytest.raises(ConfigError, match="found no unit that waits under it"):
        town.desk.accept("AAAA-AAAA")


def test_two_units_cannot_be_accepted_under_one_name(town: Town):
    first, second = (town.desk.ask(asking("door-1")) for _ in range(2))
    town.desk.accept(first.code)
    with pytest.raises(ConfigError, match="another unit that has this name"):
        town.desk.accept(second.code)


def test_a_crowd_of_waiting_units_has_an_end_and_tokens_still_work(town: Town):
    for key in [keys.make_tls_key()] * 3 + [keys.make_tls_key() for _ in range(PENDING_MAX - 1)]:
        assert isinstance(town.desk.ask(asking("x1", key=key)), Waiting)
    assert town.desk.ask(asking("x1")).error == "pending.full"
    assert isinstance(town.desk.ask(asking(token=town.token())), Granted)


def test_a_unit_that_asks_for_one_certificate_after_another_is_stopped(town: Town):
    town.desk.ask(asking(token=town.token()))
    answers = [town.desk.renew("door-1", asking()) for _ in range(RENEWALS_MAX + 2)]
    assert [isinstance(answer, Granted) for answer in answers] == [True] * RENEWALS_MAX + [False] * 2
    town.clock.turn(DAY_NS)
    assert isinstance(town.desk.renew("door-1", asking()), Granted)


def test_no_unit_renews_with_a_key_that_is_anothers(town: Town):
    key = keys.make_tls_key()
    for unit, mine in (("door-1", key), ("door-2", keys.make_tls_key())):
        town.desk.ask(asking(unit, token=town.token(unit), key=mine))
    assert town.desk.renew("door-2", asking("door-2", key=key)).error == "key.revoked"
    assert town.desk.renew("door-3", asking("door-3")).error == "unit.revoked"


def test_a_garbled_roll_is_named_and_not_written_over(town: Town):
    path = town.folder / "enrol" / "roll.json"
    path.write_bytes(b"[]")
    with pytest.raises(ConfigError, match=r"roll\.json: found something else"):
        town.token()
    assert path.read_bytes() == b"[]"


def test_a_folder_that_cannot_be_made_is_the_technicians_to_mend(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PartError, match="enrolment folder"):
        RollFile(tmp_path / "file" / "enrol")


# Cards and labels


def test_a_batch_is_a_card_for_each_unit_and_a_label_with_its_page_code(town: Town, tmp_path: Path):
    tokens = town.desk.tokens(town.desk.free("door-", 3))
    pdf = batch.write(
        tmp_path / "out", tokens, station="https://s:8444", ca="-----BEGIN CERTIFICATE-----", clock=town.clock
    )
    assert pdf.read_bytes().startswith(b"%PDF-")
    for unit, token in tokens.items():
        boot = bootfile.read(tmp_path / "out" / unit / bootfile.NAME)
        assert (boot.unit, boot.token.reveal().decode(), boot.made_ns) == (unit, token, town.clock.read().wall_ns)
        assert len(boot.page_code.reveal()) == 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*.toml")} == {0o600}


def test_cards_of_two_batches_are_never_mixed_in_one_folder(town: Town, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").touch()
    with pytest.raises(ConfigError, match="new or empty folder"):
        batch.write(tmp_path / "out", {}, station="https://s:8444", ca="", clock=town.clock)


def test_fifty_labels_are_three_pages_and_a_long_name_or_note_is_made_to_fit():
    many = [Label(f"door-{n}", "ABCD2345", "2026-12-08", "桂花里社区居民委员会防疫工作组第三小组") for n in range(49)]
    pdf = labels.sheet([*many, Label("a" * 32, "ABCD2345", "2026-12-08")])
    assert pdf.count(b"/Type /Page\n") == 3
    assert labels.qr_text(many[0]) == "doorunit:1:door-0:ABCD2345"
