"""The station's authority: certificates that open exactly the doors they should, remembered across restarts."""

import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from nacl.public import PrivateKey

from edge.clock import FLOOR_NS, Quality, Stamp
from edge.errors import ConfigError, PartError, WireError
from edge.identity import certificate_life, load
from edge.onsite.keys import make_sign_seed, make_tls_key, public_of, verify_key_of
from edge.spool.seal import Sealer, open_sealed
from edge.station.ca import DAY_NS, Authority

NOW_NS = FLOOR_NS + 100 * DAY_NS


class Clock:
    """A clock that stands where it was put."""

    def __init__(self, wall_ns: int = NOW_NS) -> None:
        self.wall_ns = wall_ns

    def now(self) -> int:
        return 0

    def read(self) -> Stamp:
        return Stamp("boot", 0, self.wall_ns, Quality.SYNCED, 1)


def shake_hands(server: tuple[Path, Path, Path], client: tuple[Path, Path, Path], name: str = "localhost") -> str:
    """A TLS handshake in memory, as strict as Python 3.13 is by default; the client's CN. Raises ssl.SSLError."""
    contexts = []
    for purpose, (cert, key, ca) in ((ssl.Purpose.CLIENT_AUTH, server), (ssl.Purpose.SERVER_AUTH, client)):
        context = ssl.create_default_context(purpose, cafile=str(ca))
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_cert_chain(cert, key)
        contexts.append(context)
    contexts[1].check_hostname = bool(name)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        contexts[0].wrap_bio(up, down, server_side=True),
        contexts[1].wrap_bio(down, up, server_hostname=name or None),
    ]
    for end in [ends[1], ends[0]] * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    peer = ends[0].getpeercert()
    assert peer is not None
    return next(value for ((field, value),) in peer["subject"] if field == "commonName")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "ca")


def trio(authority: Authority, files: tuple[Path, Path]) -> tuple[Path, Path, Path]:
    return (*files, authority.ca_file)


def test_a_unit_and_the_station_recognise_each_other(authority: Authority, tmp_path: Path) -> None:
    unit = authority.issue("door-7", tmp_path / "identity")
    server = trio(authority, authority.server_files())
    client = (unit.cert_file, unit.key_file, unit.ca_file)
    assert shake_hands(server, client) == "door-7"
    assert shake_hands(server, client, "127.0.0.1") == "door-7"
    assert shake_hands(server, trio(authority, authority.client_files())) == "station"
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(server, client, "elsewhere.example")


def test_a_units_certificate_cannot_serve_and_the_servers_cannot_speak_for_a_unit(
    authority: Authority, tmp_path: Path
) -> None:
    unit = authority.issue("door-7", tmp_path / "identity")
    server = trio(authority, authority.server_files())
    client = (unit.cert_file, unit.key_file, unit.ca_file)
    for as_server, as_client in ((client, client), (server, server)):
        with pytest.raises(ssl.SSLError, match="(?i)unsuitable certificate purpose|unsupported certificate purpose"):
            shake_hands(as_server, as_client, name="")


def test_another_authoritys_unit_is_a_stranger(authority: Authority, tmp_path: Path) -> None:
    other = Authority.open(tmp_path / "other")
    unit = other.issue("door-7", tmp_path / "identity")
    with pytest.raises(ssl.SSLError, match="(?i)verify failed"):
        shake_hands(trio(authority, authority.server_files()), (unit.cert_file, unit.key_file, authority.ca_file))


def test_a_certificate_before_and_after_its_time_is_refused(authority: Authority, tmp_path: Path) -> None:
    server = trio(authority, authority.server_files())
    now_ns = certificate_life(authority.issue("door-1", tmp_path / "1").cert_file)[0] + DAY_NS
    early = authority.issue("door-2", tmp_path / "2", not_before_ns=now_ns + DAY_NS)
    late = authority.issue("door-3", tmp_path / "3", not_after_ns=now_ns - 1_000_000_000)
    for unit in (early, late):
        with pytest.raises(ssl.SSLError, match="(?i)verify failed"):
            shake_hands(server, (unit.cert_file, unit.key_file, unit.ca_file))


def test_the_authority_is_the_same_when_it_is_opened_again(authority: Authority, tmp_path: Path) -> None:
    authority.issue("door-7", tmp_path / "identity")
    again = Authority.open(tmp_path / "ca")
    assert again.ca_file.read_bytes() == authority.ca_file.read_bytes()
    assert (again.seal_key, again.seal_key_id) == (authority.seal_key, authority.seal_key_id)
    assert again.private_key() == authority.private_key()
    assert again.known.verify_keys("door-7")[0] == authority.known.verify_keys("door-7")[0]


def test_a_cut_while_it_is_made_leaves_nothing_that_is_in_the_way(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca" / "ca.crt").unlink()  # it is written last
    again = Authority.open(tmp_path / "ca")
    unit = again.issue("door-7", tmp_path / "identity")
    server = trio(again, again.server_files())
    assert shake_hands(server, (unit.cert_file, unit.key_file, unit.ca_file)) == "door-7"


def test_all_that_is_secret_can_be_read_by_its_user_alone(authority: Authority, tmp_path: Path) -> None:
    authority.issue("door-7", tmp_path / "identity")
    authority.server_files()
    authority.client_files()
    readable = {p.name for p in (tmp_path / "ca").iterdir() if stat.S_IMODE(p.stat().st_mode) != 0o600}
    assert readable == {"ca.crt", "server.crt", "station.crt"}
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700


def test_what_a_unit_seals_with_its_identity_the_authority_opens(authority: Authority, tmp_path: Path) -> None:
    unit = authority.issue("door-7", tmp_path / "identity")
    sealer = Sealer(unit.unit, unit.seal_key, unit.seal_key_id, unit.sign_seed.reveal())
    sealed = sealer.seal(b"picture", epoch="e", event=1, at=Clock().read())
    header, jpeg = open_sealed(sealed, authority.private_key(), authority.known.verify_keys("door-7")[0])
    assert (header.unit, header.key, jpeg) == ("door-7", authority.seal_key_id, b"picture")
    assert bytes(PrivateKey(authority.private_key()).public_key) == authority.seal_key
    with pytest.raises(WireError, match="seal that the given private key does not open"):
        open_sealed(sealed, Authority.open(tmp_path / "other").private_key(), authority.known.verify_keys("door-7")[0])


def test_an_issued_identity_is_whole_and_remembered(authority: Authority, tmp_path: Path) -> None:
    unit = authority.issue("door-7", tmp_path / "identity")
    assert load(tmp_path / "identity") == unit
    known = authority.known.units()["door-7"]
    certificate = x509.load_pem_x509_certificate(unit.cert_file.read_bytes())
    assert known.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()
    assert authority.known.verify_keys("door-7")[0] == verify_key_of(unit.sign_seed.reveal())
    assert known.issued.endswith("Z")


def test_a_unit_issued_anew_is_known_by_its_new_key_first_and_by_its_old_one_still(
    authority: Authority, tmp_path: Path
) -> None:
    old = authority.issue("door-7", tmp_path / "identity")
    new = authority.issue("door-7", tmp_path / "identity")
    keys = [verify_key_of(who.sign_seed.reveal()) for who in (new, old)]
    assert authority.known.verify_keys("door-7") == keys
    assert len(set(keys)) == 2


def test_keys_made_elsewhere_are_certified_without_being_seen(authority: Authority) -> None:
    key_pem, seed = make_tls_key(), make_sign_seed()
    cert_pem = authority.certify("door-7", public_of(key_pem), verify_key_of(seed))
    certificate = x509.load_pem_x509_certificate(cert_pem)
    assert certificate.subject.rfc4514_string() == "CN=door-7"
    assert authority.known.verify_keys("door-7")[0] == verify_key_of(seed)


@pytest.mark.parametrize("pem", [b"", b"\xff", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_not_certified(authority: Authority, pem: bytes) -> None:
    with pytest.raises(WireError, match="public key of 'door-7'"):
        authority.certify("door-7", pem, bytes(32))
    assert authority.known.units() == {}


def test_a_unit_whose_clock_was_never_set_still_believes_the_station(authority: Authority) -> None:
    for path in (authority.ca_file, authority.server_files()[0]):
        assert certificate_life(path)[0] == 0  # not even 1970 is too early


def test_an_unknown_unit_is_refused(authority: Authority) -> None:
    with pytest.raises(WireError, match=r"unit 'door-9': found no such unit in units\.json"):
        authority.known.verify_keys("door-9")


@pytest.mark.parametrize("unit", ["station", "station-2", "Door", "a/b", "+", ""])
def test_no_unit_is_given_a_receivers_name_or_one_that_means_more_than_a_name(
    authority: Authority, tmp_path: Path, unit: str
) -> None:
    with pytest.raises(ConfigError, match="unit id"):
        authority.issue(unit, tmp_path / "identity")
    assert authority.known.units() == {}


def test_no_receiver_is_given_a_units_name(authority: Authority) -> None:
    with pytest.raises(ConfigError, match="name that begins with station"):
        authority.client_files("door-7")


def test_units_enrolled_at_the_same_time_are_all_remembered(tmp_path: Path) -> None:
    names = [f"door-{n}" for n in range(12)]

    def enrol(name: str) -> None:
        Authority.open(tmp_path / "ca").issue(name, tmp_path / name)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enrol, names))
    assert sorted(Authority.open(tmp_path / "ca").known.units()) == sorted(names)


def test_lives_are_ten_years_two_years_and_one_year(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path / "ca", Clock())
    assert certificate_life(authority.ca_file) == (0, NOW_NS + 3650 * DAY_NS)
    assert certificate_life(authority.server_files()[0]) == (0, NOW_NS + 730 * DAY_NS)
    unit = authority.issue("door-7", tmp_path / "identity")
    assert certificate_life(unit.cert_file) == (NOW_NS - DAY_NS, NOW_NS + 365 * DAY_NS)


def test_the_server_certificate_is_kept_until_its_names_change_or_half_a_year_is_left(tmp_path: Path) -> None:
    clock = Clock()
    authority = Authority.open(tmp_path / "ca", clock)
    cert, key = authority.server_files()
    first, first_key = cert.read_bytes(), key.read_bytes()
    clock.wall_ns += 500 * DAY_NS
    assert authority.server_files()[0].read_bytes() == first
    assert authority.server_files(("localhost", "10.0.0.5"))[0].read_bytes() != first
    renamed = cert.read_bytes()
    clock.wall_ns += 560 * DAY_NS
    assert authority.server_files(("localhost", "10.0.0.5"))[0].read_bytes() != renamed
    assert key.read_bytes() == first_key  # so that a cut between two files cannot part a key from its certificate


def test_nothing_outlives_the_authority_and_its_last_year_is_not_one_of_endless_renewal(tmp_path: Path) -> None:
    clock = Clock()
    authority = Authority.open(tmp_path / "ca", clock)
    clock.wall_ns += 3600 * DAY_NS
    last_ns = certificate_life(authority.ca_file)[1]
    cert, _ = authority.server_files()
    assert certificate_life(cert)[1] == last_ns
    assert certificate_life(authority.issue("door-7", tmp_path / "identity").cert_file)[1] == last_ns
    before = cert.read_bytes()
    assert authority.server_files()[0].read_bytes() == before


def test_a_garbled_server_certificate_is_made_anew(authority: Authority) -> None:
    cert, _ = authority.server_files()
    cert.write_bytes(b"half a certif")
    assert b"BEGIN CERTIFICATE" in authority.server_files()[0].read_bytes()


@pytest.mark.parametrize("name", ["ca.crt", "ca.key", "seal.key"])
@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe", b"AAAA"])
def test_a_garbled_authority_is_not_replaced_but_named(
    authority: Authority, tmp_path: Path, name: str, garbage: bytes
) -> None:
    (tmp_path / "ca" / name).write_bytes(garbage)
    with pytest.raises(ConfigError, match=f"{name}: found something else.*backup"):
        Authority.open(tmp_path / "ca")


def test_a_missing_key_is_not_replaced_but_named(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca" / "seal.key").unlink()
    with pytest.raises(ConfigError, match=r"seal\.key: found no such file"):
        Authority.open(tmp_path / "ca")


def test_a_garbled_list_of_units_is_named_and_not_written_over(authority: Authority, tmp_path: Path) -> None:
    units = tmp_path / "ca" / "units.json"
    units.write_bytes(msgspec.json.encode({"door-1": 7}))
    with pytest.raises(ConfigError, match=r"units\.json"):
        authority.issue("door-7", tmp_path / "identity")
    assert units.read_bytes() == b'{"door-1":7}'


def test_a_clock_that_was_never_set_certifies_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this machine's clock: found 1970"):
        Authority.open(tmp_path / "ca", Clock(5 * DAY_NS))


def test_a_folder_that_cannot_be_made_is_the_technicians_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PartError, match="authority folder"):
        Authority.open(tmp_path / "file" / "ca")
