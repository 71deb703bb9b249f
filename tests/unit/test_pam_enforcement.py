"""What a login is asked for, in each mode."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.domain.enforcement import (
    Acknowledgement,
    Mode,
    Nothing,
    Pairing,
    TokenCode,
    current_mode,
    demand,
    pairing_matters,
)

TODAY = date(2026, 11, 22)
DEADLINE = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("mode", "pairing", "wanted"),
    [
        (Mode.OFF, Pairing.PAIRED, Nothing()),
        (Mode.OFF, Pairing.UNPAIRED, Nothing()),
        (Mode.OFF, Pairing.UNKNOWN, Nothing()),
        (Mode.PAIRED, Pairing.PAIRED, TokenCode()),
        (Mode.PAIRED, Pairing.UNPAIRED, Nothing()),
        (Mode.PAIRED, Pairing.UNKNOWN, TokenCode()),
        (Mode.COUNTDOWN, Pairing.PAIRED, TokenCode()),
        (Mode.COUNTDOWN, Pairing.UNPAIRED, Acknowledgement(9)),
        (Mode.COUNTDOWN, Pairing.UNKNOWN, TokenCode()),
        (Mode.FULL, Pairing.PAIRED, TokenCode()),
        (Mode.FULL, Pairing.UNPAIRED, TokenCode()),
        (Mode.FULL, Pairing.UNKNOWN, TokenCode()),
    ],
)
def test_each_mode_demands_what_the_design_says(mode: Mode, pairing: Pairing, wanted: object) -> None:
    assert demand(mode, pairing, DEADLINE, TODAY) == wanted


def test_the_day_of_the_deadline_still_counts_down_and_the_next_is_full() -> None:
    assert demand(Mode.COUNTDOWN, Pairing.UNPAIRED, DEADLINE, DEADLINE) == Acknowledgement(0)
    assert demand(Mode.COUNTDOWN, Pairing.UNPAIRED, DEADLINE, DEADLINE + timedelta(days=1)) == TokenCode()


def test_a_countdown_without_a_deadline_is_full() -> None:
    assert demand(Mode.COUNTDOWN, Pairing.UNPAIRED, None, TODAY) == TokenCode()


@given(st.sampled_from(Mode), st.sampled_from(Pairing), st.none() | st.dates(), st.dates())
def test_only_off_or_an_unpaired_account_passes_without_a_code(
    mode: Mode, pairing: Pairing, deadline: date | None, today: date
) -> None:
    wanted = demand(mode, pairing, deadline, today)
    if wanted != TokenCode():
        assert mode is Mode.OFF or (pairing is Pairing.UNPAIRED and mode is not Mode.FULL)
    if isinstance(wanted, Acknowledgement):
        assert deadline is not None
        assert today + timedelta(days=wanted.days_left) == deadline


@given(st.sampled_from(Mode), st.none() | st.dates(), st.dates())
def test_where_pairing_does_not_matter_it_changes_nothing(mode: Mode, deadline: date | None, today: date) -> None:
    current = current_mode(mode, deadline, today)
    demands = {demand(mode, pairing, deadline, today) for pairing in Pairing}
    assert (len(demands) == 1) is not pairing_matters(current)


@pytest.mark.parametrize("wanted", [Nothing(), TokenCode(), Acknowledgement(3)])
def test_a_demand_has_no_truth_value(wanted: object) -> None:
    with pytest.raises(TypeError):
        bool(wanted)
