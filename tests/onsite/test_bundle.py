"""A bundle holds what helps, is small, and of over fifty planted secrets not one, in whatever form it was written."""

import base64
import io
import json
import random
import secrets
import string
import tarfile
from pathlib import Path
from urllib.parse import quote

import pytest

from edge import config, identity
from edge.onsite import bundle, scrub
from edge.onsite.bootfile import BootFile
from edge.onsite.scene import look
from edge.secret import Secret

SETTINGS = {
    "wecom": ("key",),
    "dingtalk": ("token", "secret"),
    "feishu": ("token", "secret"),
    "ntfy": ("topic", "token"),
    "apprise": ("url",),
    "cloud": ("secret",),
    "gb28181": ("password",),
}  # and not viid's: where there is none, the bundle says so


class Planted:
    """A state folder, settings and a log that are full of secrets; `all`: each by where it lies."""

    def __init__(self, folder: Path) -> None:
        self.dice = random.Random(7)
        self.all: dict[str, str] = {}
        self.folder = folder
        self.log: list[str] = []
        self.config = folder / "doorunit.toml"
        self.boot = folder / "doorunit-enrol.toml"
        lines = [f'[unit]\nstate_dir = "{folder / "state"}"\nenrol_file = "{self.boot}"']
        for section, keys in SETTINGS.items():
            lines.append(f"[{section}]")
            for key in keys:
                secret = self.plant(f"{section}.{key}", "bark://" if section == "apprise" else "")
                lines.append(f'{key} = "{secret}"')
        self.config.write_text("\n".join(lines), encoding="utf-8")
        self._identity()
        ca = "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"
        token, code = self.plant("enrol.token"), self.plant("page_code")
        self.boot.write_text(
            f'schema = 1\nstation = "https://s:1"\nca = "{ca}"\nunit = "door-1"\n'
            f'token = "{token}"\npage_code = "{code}"\n',
            encoding="utf-8",
        )
        self._log()

    def plant(self, where: str, before: str = "") -> str:
        self.all[where] = "".join(self.dice.choices(string.ascii_letters + string.digits, k=24))
        return before + self.all[where]

    def _identity(self) -> None:
        seed = bytes(self.dice.randrange(256) for _ in range(32))
        key_lines = [base64.b64encode(self.dice.randbytes(48)).decode() for _ in range(3)]
        pem = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(key_lines) + "\n-----END PRIVATE KEY-----\n"
        cert = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        public = {"seal_key": bytes(32), "seal_key_id": "k1", "command_key": bytes(32), "sign_seed": seed}
        identity.save(
            self.folder / "state" / "identity",
            unit="door-1",
            key_pem=pem.encode(),
            cert_pem=cert,
            ca_pem=cert,
            **public,
        )
        self.all |= {f"unit.key line {n}": line for n, line in enumerate(key_lines)}
        self.all["seed"] = base64.b64encode(seed).decode()
        self.log.append(f"the seed's own bytes are {seed.hex()}")
        self.seed_hex = seed.hex()

    def _log(self) -> None:
        for where, secret in list(self.all.items()):  # what is known, in each form in which a log may have it
            forms = {
                "": secret,
                " in base64": base64.b64encode(secret.encode()).decode(),
                " in hex": secret.encode().hex(),
                " quoted": quote(secret, safe=""),
                " in JSON": json.dumps(secret)[1:-1],
            }
            for how, form in forms.items():
                self.all[where + how] = form
                self.log.append(f"10:40:00 DEBUG x: {where}{how} is <{form}>, as it says")
        unknown = {  # what only has the form of a secret
            "webhook": "posting to https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={}",
            "hook": "POST https://open.feishu.cn/open-apis/bot/v2/hook/{} 200",
            "user": "https://wang:{}@example.org",
            "bearer": "Authorization: Bearer {}",
            "password": "wifi password={} was wrong",
            "psk": 'psk="{}"',
            "access_token": '{{"access_token": "{}"}}',
            "api key": "api_key: {}",
        }
        for where, line in unknown.items():
            self.log.append(line.format(self.plant(where)))
        other = base64.b64encode(self.dice.randbytes(48)).decode()
        self.all["another key"] = other
        self.log += ["-----BEGIN EC PRIVATE KEY-----", other, "-----END EC PRIVATE KEY-----"]
        self.all["long"] = secrets.token_urlsafe(48)
        self.log += [f"somebody pasted {self.all['long']} here", "the door's own words stay"]
        (self.folder / "unit.log").write_text("\n".join(self.log), encoding="utf-8")

    def gather(self) -> bundle.Files:
        return bundle.gather(look(self.config), self.config, self.folder / "unit.log")


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Planted:
    return Planted(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def files(planted: Planted) -> bundle.Files:
    return planted.gather()


def unpacked(packed: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return "".join(tar.extractfile(member).read().decode() for member in tar.getmembers())


def test_of_over_fifty_planted_secrets_none_is_found(planted: Planted, files: bundle.Files):
    text = unpacked(bundle.pack(files))
    assert len(planted.all) > 50
    assert [where for where, secret in planted.all.items() if secret in text] == []
    assert all(secret in "\n".join(planted.log) for secret in planted.all.values())  # they were there
    assert planted.seed_hex not in text


def test_what_helps_is_there(files: bundle.Files):
    told = {name: json.loads(data) for name, data in files.items() if name.endswith(".json")}
    assert told["about.json"]["unit"] == "door-1"
    assert told["config.json"]["wecom"]["key"] == scrub.HIDDEN
    assert told["config.json"]["ntfy"]["url"]
    assert told["config.json"]["gb28181"]["password"] == scrub.HIDDEN
    assert told["config.json"]["viid"]["password"] is None
    assert told["config.json"]["uplink"]["host"] == "localhost"
    assert told["doctor.json"]["causes"]
    assert told["versions.json"]["packages"]["msgspec"]
    assert "the door's own words stay" in files["log.txt"].decode()
    assert "https://qyapi.weixin.qq.com/***" in files["log.txt"].decode()


def test_of_settings_that_are_no_toml_the_secrets_are_hidden_all_the_same(tmp_path: Path):
    planted = Planted(tmp_path)
    planted.config.write_text(planted.config.read_text(encoding="utf-8") + "\n[[[", encoding="utf-8")
    text = b"".join(planted.gather().values()).decode()
    inside = [where for where in planted.all if where.partition(".")[0] in SETTINGS]
    assert [where for where in inside if planted.all[where] in text] == []


def test_a_log_that_is_too_long_begins_later(files: bundle.Files):
    noise = random.Random(1).randbytes(4_000_000).hex().encode()
    packed = bundle.pack({**files, "log.txt": noise + b"\nthe end\n"})
    assert 1_000_000 < len(packed) <= bundle.MAX_BYTES
    assert unpacked(packed).endswith("the end\n")


def test_what_is_too_short_to_be_a_secret_hides_nothing():
    assert scrub.Scrub([b"on", b""]).clean("the camera is on") == "the camera is on"


def test_settings_without_secrets_say_so():
    told = scrub.redacted(config.Config())
    assert told["wecom"]["key"] is None
    assert scrub.HIDDEN not in json.dumps(told)


def test_the_enrolment_files_secrets_are_among_those_that_are_known(planted: Planted):
    known = list(scrub.known(config.load(planted.config), planted.config))
    assert planted.all["enrol.token"].encode() in known
    assert planted.all["page_code"].encode() in known
    assert isinstance(BootFile(station="https://s:1", ca="").token, Secret | None)
