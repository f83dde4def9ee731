"""There is a page exactly while the unit is not commissioned and its boot file holds a code; else nothing is opened."""

import shutil
import ssl
from contextlib import closing
from pathlib import Path

import pytest

from edge import config
from edge.cli import main
from edge.config import Config
from edge.onsite import bootfile, commission, install
from edge.onsite.keys import make_page_certificate
from tests.onsite.phone import Phone
from tests.onsite.town import Town
from tests.whole.flat import free_port


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def settings(town: Town, boot_path: Path) -> Config:
    state = boot_path.parent.parent / "state"
    unit = {"state_dir": str(state), "enrol_file": str(boot_path)}
    return config.parse({"unit": unit, "install": {"port": free_port()}})


def test_the_page_is_served_before_enrolment_and_its_certificate_stays_the_same_over_a_restart(town: Town):
    wish = settings(town, town.card("a"))
    prints = []
    for _ in range(2):
        site = install.begin(wish, town.clock)
        assert site is not None
        with closing(site):
            prints.append(site.fingerprint)
            assert Phone(site.port).enter("PAGECODE")[0] == 200
    assert prints[0] == prints[1]
    assert len(prints[0].split(":")) == 32


def test_a_commissioned_unit_has_no_page_until_it_is_handed_over(town: Town, tmp_path: Path):
    wish = settings(town, town.card("a"))
    state = Path(wish.unit.state_dir)
    commission.keep_mask(state, (commission.EVERYTHING,))
    commission.mark(state, "2026-11-24T10:00:00Z", b"{}")
    assert install.begin(wish, town.clock) is None
    path = tmp_path / "doorunit.toml"
    path.write_text(f'[unit]\nstate_dir = "{state}"\n')
    assert main(["handover", "--yes", "--json", "--config", str(path)]) == 0
    assert not [path.name for path in state.iterdir() if path.name.startswith(("commissioned", "installation"))]
    site = install.begin(wish, town.clock)
    assert site is not None
    site.close()


def test_without_a_code_or_a_file_that_can_be_read_there_is_no_page_and_the_unit_runs(
    town: Town, caplog: pytest.LogCaptureFixture
):
    boot_path = town.card("a")
    boot_path.write_text(bootfile.text(bootfile.read(boot_path)).replace('page_code = "PAGECODE"\n', ""))
    assert install.begin(settings(town, boot_path), town.clock) is None
    assert "holds no page code" in caplog.text
    for text in ("", "{", "schema = 2\n"):
        boot_path.write_text(text)
        assert install.begin(settings(town, boot_path), town.clock) is None
    boot_path.unlink()
    assert install.begin(settings(town, boot_path), town.clock) is None


def test_a_port_that_is_taken_costs_the_page_and_not_the_unit(town: Town, caplog: pytest.LogCaptureFixture):
    wish = settings(town, town.card("a"))
    site = install.begin(wish, town.clock)
    assert site is not None
    with closing(site):
        assert install.begin(wish, town.clock) is None
    assert "install.port" in caplog.text


def test_the_page_s_key_is_its_own_and_gone_after_sign_off(town: Town):
    wish = settings(town, town.card("a"))
    state = Path(wish.unit.state_dir)
    site = install.begin(wish, town.clock)
    assert site is not None
    site.close()
    path = state / commission.PAGE
    assert path.stat().st_mode & 0o777 == 0o600
    commission.mark(state, "now")
    assert not path.exists()
    shutil.rmtree(state)
    commission.mark(state, "now")  # also where nothing was
    assert commission.is_commissioned(state)


def test_the_page_s_certificate_is_one_that_tls_takes_whatever_the_clock(tmp_path: Path):
    pem = tmp_path / "page.pem"
    pem.write_bytes(make_page_certificate("door-1"))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pem)
