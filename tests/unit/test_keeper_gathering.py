"""Attempts of many threads are settled together, and one that fails does not fail the others."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from watchword.domain.errors import StoreUnavailable
from watchword.domain.outcome import Granted, Outcome
from watchword.keeper.gathering import LARGEST_BATCH, Gathering
from watchword.services.attempts import Attempt, Begin


def attempt(number: int) -> Attempt:
    return Attempt(f"user{number}", Begin())


def test_what_comes_while_a_batch_runs_is_the_next_batch() -> None:
    begun, go_on, sizes = threading.Event(), threading.Event(), []

    def answer(attempts: Sequence[Attempt]) -> list[Outcome]:
        sizes.append(len(attempts))
        begun.set()
        assert go_on.wait(10)
        return [Granted(each.account) for each in attempts]

    gathering = Gathering(answer)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(gathering.answer, [attempt(0)])
        assert begun.wait(10)
        others = [threads.submit(gathering.answer, [attempt(number)]) for number in range(1, 9)]
        while len(gathering._waiting) < 8:
            assert not first.done()
        go_on.set()
        answers = [one.result() for one in (first, *others)]
    assert answers == [[Granted(f"user{number}")] for number in range(9)]
    assert sizes == [1, 8]


def test_many_attempts_of_one_thread_keep_their_order() -> None:
    gathering = Gathering(lambda attempts: [Granted(each.account) for each in attempts])
    count = LARGEST_BATCH * 2 + 1
    assert gathering.answer([attempt(n) for n in range(count)]) == [Granted(f"user{n}") for n in range(count)]
    assert gathering.answer([]) == []


def test_an_attempt_that_trips_the_server_fails_alone() -> None:
    def answer(attempts: Sequence[Attempt]) -> list[Outcome]:
        if any(each.account == "user1" for each in attempts):
            raise ZeroDivisionError
        return [Granted(each.account) for each in attempts]

    gathering = Gathering(answer)
    with pytest.raises(ZeroDivisionError):
        gathering.answer([attempt(0), attempt(1)])
    assert gathering.answer([attempt(2)]) == [Granted("user2")]


def test_a_store_that_does_not_answer_fails_the_batch() -> None:
    def answer(attempts: Sequence[Attempt]) -> list[Outcome]:
        raise StoreUnavailable("no")

    with pytest.raises(StoreUnavailable):
        Gathering(answer).answer([attempt(0), attempt(1)])
