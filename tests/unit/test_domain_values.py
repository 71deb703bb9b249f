"""Values of the domain: names, serials, standings, outcomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.domain.accounts import check_account_name, is_account_name
from watchword.domain.errors import InvalidValue
from watchword.domain.lockout import FOREVER, LockoutPolicy, Standing
from watchword.domain.otp import OtpProfile
from watchword.domain.outcome import Challenge, Denied, Granted, Pairing, Reason
from watchword.domain.tokens import Kind, Token, check_label, check_serial, check_static_code, make_serial


@pytest.mark.parametrize("outcome", [Granted("S"), Denied("no", Reason.WRONG_CODE), Challenge("?", b""), Pairing(None)])
def test_an_outcome_has_no_truth_value(outcome: object) -> None:
    with pytest.raises(TypeError):
        bool(outcome)


@pytest.mark.parametrize("name", ["alice", "a", "x" * 128, "jürgen", "user.name", "svc_1$", "DOMAIN\\alice", "a@b"])
def test_names_of_accounts_are_accepted(name: str) -> None:
    assert check_account_name(name) == name


NOT_NAMES = ["", " ", "a b", "a\n", "a\0", "-x", "x" * 129, "ü" * 65, "a\u200b", "a\u202eb", "\ud800"]


@pytest.mark.parametrize("name", NOT_NAMES)
def test_what_cannot_be_an_account_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        check_account_name(name)


@given(st.text())
def test_any_text_is_a_name_or_is_not(text: str) -> None:
    assert is_account_name(text) in (True, False)


def test_serials_are_composed_of_kind_and_random_octets() -> None:
    assert make_serial(Kind.SOFT, bytes.fromhex("7f3a19c2")) == "SOFT-7F3A19C2"


@pytest.mark.parametrize("serial", ["", "a b", "x" * 65, "é", "a\n"])
def test_what_cannot_be_a_serial_is_refused(serial: str) -> None:
    with pytest.raises(InvalidValue):
        check_serial(serial)


@pytest.mark.parametrize("code", ["12345", "123456789", "abcdef", "", "١٢٣٤٥٦"])
def test_what_cannot_be_a_static_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidValue):
        check_static_code(code)


def test_a_label_has_sixty_printable_characters_at_most() -> None:
    assert check_label("my phone") == "my phone"
    for label in ("x" * 61, "a\x1b[31m"):
        with pytest.raises(InvalidValue):
            check_label(label)


def test_a_tokens_secret_is_in_no_repr() -> None:
    assert "sesame" not in repr(Token("S", Kind.SOFT, b"sesame", OtpProfile()))


def test_the_twentieth_failure_locks_until_the_release() -> None:
    policy = LockoutPolicy(20, 1800)
    standing = Standing()
    for _ in range(19):
        standing = standing.after_failure(policy, 1000)
    assert not standing.is_locked_out(1000)
    standing = standing.after_failure(policy, 1000)
    assert standing.is_locked_out(2799)
    assert not standing.is_locked_out(2800)
    assert standing.at(2800) == Standing()


def test_a_lockout_without_release_lasts_for_ever() -> None:
    standing = Standing(failures=2).after_failure(LockoutPolicy(3, 0), 1000)
    assert standing.locked_until == FOREVER


@given(failures=st.integers(0, 100), until=st.integers(0, 10_000), now=st.integers(0, 10_000), held=st.booleans())
def test_time_never_ends_an_operators_hold(failures: int, until: int, now: int, held: bool) -> None:
    assert Standing(failures, until, held).at(now).held is held
