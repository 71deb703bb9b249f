"""watchword.toml: a frozen value, or one error that quotes no secret."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.domain.errors import SettingsError
from watchword.settings import Settings, read_settings, split_address


def read(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "watchword.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file)


def test_an_empty_file_is_enough(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert settings.database.url.get_secret_value() == "sqlite:////var/lib/watchword/watchword.db"
    assert (settings.lockout.failures, settings.soft.drift_seconds, settings.sms.code_minutes) == (20, 300, 10)


def test_the_shipped_file_can_be_read() -> None:
    settings = read_settings(Path(__file__).parents[2] / "conf" / "watchword.toml")
    assert settings.radius.client


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[databse]\n", "databse"),
        ("[radius]\nlisten = ['localhost:1812']\n", "radius.listen"),
        ("[radius]\nlisten = ['127.0.0.1']\n", "radius.listen"),
        ("[radius]\nlisten = []\n", "radius.listen"),
        ("[radius]\nworkers = 0\n", "radius.workers"),
        ("[lockout]\nfailures = 101\n", "lockout.failures"),
        ("[sms]\ncode_minutes = 11\n", "sms.code_minutes"),
        ("[sms]\ntext = 'no code'\n", "sms"),
        ("[sms]\ncarrier = 'twilio'\n", "sms"),
        ("[[radius.client]]\nname = 'x'\nnetwork = '127.0.0.0/8'\n", "radius.client.0"),
        ("[[radius.client]]\nname = 'x'\nnetwork = 'example.org'\nsecret = 'y'\n", "radius.client.0.network"),
        ("[[radius.client]]\nname = 'x'\nnetwork = '127.0.0.0/8'\nsecret = ''\n", "radius.client.0"),
        ("[soft]\nissuer = 'a:b'\n", "soft.issuer"),
        ("not toml", "not TOML"),
        ("[log]\nlevel = 'loud'\n", "log.level"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        read(tmp_path, text)


def test_a_missing_file_says_what_to_do() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(Path("/nonexistent/watchword.toml"))
    assert caught.value.hint


def test_a_secret_is_in_no_error_and_no_repr(tmp_path: Path) -> None:
    client = "[[radius.client]]\nname = 'x'\nnetwork = '127.0.0.0/8'\nsecret = 'sesame'\n"
    database = "[database]\nurl = 'mysql+pymysql://u:sesame@h/d'\n"
    assert "sesame" not in repr(read(tmp_path, client + database))
    for mistake in ("unknown = 1\n", "secret_file = '/x'\n"):
        with pytest.raises(SettingsError) as caught:
            read(tmp_path, client + mistake + database)
        assert "sesame" not in str(caught.value) + caught.value.hint


@given(st.text())
def test_an_address_is_a_number_and_a_port_or_an_error(text: str) -> None:
    try:
        host, port = split_address(text)
    except ValueError:
        return
    assert host
    assert 0 < port < 65536


def test_addresses_of_both_families() -> None:
    assert split_address("192.0.2.1:1812") == ("192.0.2.1", 1812)
    assert split_address("[2001:db8::1]:1812") == ("2001:db8::1", 1812)
