"""The short form: the same damaged inputs at each run. `make fuzz` is the long one."""

import pytest

from tests.fuzz.mutation import Mutator
from tests.fuzz.targets import BY_NAME

INPUTS = {"exemptions": 600, "large exemptions": 100, "pskc": 800}
"""Those that take longer."""

OTHERS = 2500


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_valid_is_read(name: str) -> None:
    target = BY_NAME[name]
    for octets in target.seeds:
        target.check(octets)


@pytest.mark.parametrize("name", BY_NAME)
def test_damaged_input_is_a_value_or_the_one_error(name: str) -> None:
    target = BY_NAME[name]
    for turn, octets in enumerate(Mutator(target.seeds, target.words, number=1).inputs(INPUTS.get(name, OTHERS))):
        try:
            target.check(octets)
        except Exception as error:
            raise AssertionError(f"input {turn} of {name}: {octets[:1000]!r}") from error
