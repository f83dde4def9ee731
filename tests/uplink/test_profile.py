"""Profiles: ours are whole, and a user's own that is not says what is wrong with it and where."""

from pathlib import Path

import msgspec
import pytest

from edge.clock import SECOND
from edge.cloud import Cloud
from edge.errors import ConfigError
from edge.secret import Secret
from edge.sim.hub import HUBS, Misspoken
from edge.sim.time import SimClock
from edge.uplink import profile
from edge.uplink.cloud import hub
from edge.uplink.profile import Login, Value

GOOD = """
name = "Mine"
receipt = "reply"

[login]
client_id = "{unit}"

[[message]]
kinds = ["event"]
topic = "mine/{unit}"
payload = '{"id": "{id}", "door": "{door}", "at": "{time|s}"}'

[[reply]]
topic = "mine/{unit}/reply"
id = "id"
"""
BAD = {
    'kinds = ["event"]': ('kinds = ["opening"]', "message 1, kinds", "'opening'"),
    '"{door}"': ('"{dor}"', "message 1, payload", "{dor}"),
    "{time|s}": ("{time|fortnights}", "message 1, payload", "'fortnights'"),
    '"at"': ("at", "message 1, payload", "double quotes"),
    '"{id}"': ('"{seq}"', "message 1, payload", "no {id}"),
    '"mine/{unit}"': ('"mine/#"', "message 1, topic", "'mine/#'"),
    'client_id = "{unit}"': ('client_id = "{unit}-{pid}"', "login", "{pid}"),
    '[[reply]]\ntopic = "mine/{unit}/reply"\nid = "id"': ("", "receipt", "no [[reply]]"),
    'id = "id"': ('id = "id"\nrefuses = true', "receipt", "no [[reply]]"),
    'name = "Mine"': ('nam = "Mine"', "profile", "nam"),
    'receipt = "reply"': ('receipt = "perhaps"', "profile", "perhaps"),
    "[login]": ("[login", "profile", "line"),
    '"mine/{unit}/reply"': ('"mine/{seq}/reply"', "reply", "{seq}"),
}
CLOUD = Cloud(host="hub.example", device_id="door-17", product_id="a1B2c3D4e5F", secret=Secret(b"s3cr3t"))


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_profile_of_ones_own_needs_no_code(tmp_path: Path):
    assert profile.load(written(tmp_path, GOOD)).name == "Mine"


@pytest.mark.parametrize("part", BAD)
def test_a_profile_that_is_wrong_says_what_where_and_what_is_wanted(tmp_path: Path, part: str):
    wrong, where, found = BAD[part]
    assert part in GOOD
    path = written(tmp_path, GOOD.replace(part, wrong))
    with pytest.raises(ConfigError) as caught:
        profile.load(path)
    assert path in caught.value.what
    assert where in caught.value.what
    assert found in str(caught.value.found)
    assert caught.value.wanted


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a = [" + b"[" * 5000, b"#" * 70_000, b"", b"x = " + b"9" * 5000])
def test_a_file_that_is_no_profile_is_an_error_like_any_other(tmp_path: Path, raw: bytes):
    (tmp_path / "mine.toml").write_bytes(raw)
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        profile.load(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize("name", ["nowhere", "./nowhere.toml", "/"])
def test_a_profile_that_is_not_there_is_named(name: str):
    with pytest.raises(ConfigError):
        profile.load(name)


@pytest.mark.parametrize("name", HUBS)
def test_each_hub_lets_in_whom_its_profile_makes(name: str):
    made, now_ns = HUBS[name](), SimClock().read().wall_ns
    device = {"unit": "door-1", "device_id": made.device, "product_id": made.product, "secret": made.secret}
    values = {**device, "now": now_ns, "expires": now_ns + 3600 * SECOND}
    made.login(*profile.logged_in(profile.load(name).login, values), now_ns)
    wrong = {**values, "secret": "c29tZXRoaW5nIGVsc2U="}
    with pytest.raises(Misspoken):
        made.login(*profile.logged_in(profile.load(name).login, wrong), now_ns)


def test_a_signature_is_as_the_hubs_own_example_has_it():
    """The worked example of help.aliyun.com/document_detail/73742."""
    value = Value("sign", "hmac-sha1", "clientId{unit}deviceName{d}productKey{p}timestamp{t}", "{secret}")
    values = {"unit": "12345", "d": "device", "p": "pk", "t": "789", "secret": "secret"}
    assert profile.signed(value, values).upper() == "FAFD82A3D602B37FB0FA8B7892F24A477F851A14"
    login = Login(client_id="{unit}|{sign}|", password="{sign}", value=(value,))
    assert profile.logged_in(login, values)[0].startswith("12345|fafd")


@pytest.mark.parametrize("need", ["host", "device_id", "product_id", "secret"])
def test_a_setting_that_the_profile_needs_is_asked_for(need: str):
    with pytest.raises(ConfigError, match=f"cloud.{need}: "):
        hub(msgspec.structs.replace(CLOUD, profile="aliyun-iot", **{need: None}), "door-1", SimClock(), print)


def test_a_key_that_is_no_base64_is_an_error_that_does_not_repeat_it():
    with pytest.raises(ConfigError) as caught:
        hub(msgspec.structs.replace(CLOUD, profile="onenet", secret=Secret(b"no*base64")), "door-1", SimClock(), print)
    assert "no*base64" not in str(caught.value)


@pytest.mark.parametrize(("wants", "wrong"), [("event, doors", "doors"), ("event, frames", "frames")])
def test_kinds_that_nobody_tells_are_named(wants: str, wrong: str):
    cloud = msgspec.structs.replace(CLOUD, profile="home-assistant", wants=wants)
    with pytest.raises(ConfigError) as caught:
        hub(cloud, "door-1", SimClock(), print)
    assert (caught.value.what, caught.value.found) == ("cloud.wants", repr(wrong))
