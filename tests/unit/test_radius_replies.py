"""Duplicates and batches: a request is settled once, one bad attempt silences nobody."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from watchword.clock import Clock
from watchword.domain.errors import StoreUnavailable
from watchword.domain.outcome import Denied, Granted, Outcome, Reason
from watchword.services.attempts import Attempt, OneShot
from watchword_radius import batches, replies
from watchword_radius.batches import Batches
from watchword_radius.replies import IN_WORK, Replies, RequestKey
from watchword_radius.server import MOST_COMPLAINTS, Complaints


def key(identifier: int) -> RequestKey:
    return RequestKey("192.0.2.1", 1, identifier, bytes(16))


def test_a_request_is_new_then_in_work_then_answered_then_new_again() -> None:
    seen = Replies()
    assert seen.find(key(1), 0.0) is None
    seen.begin(key(1), 0.0)
    assert seen.find(key(1), 1.0) is IN_WORK
    seen.finish(key(1), b"reply", 2.0)
    assert seen.find(key(1), 31.9) == b"reply"
    assert seen.find(key(1), 32.0) is None


def test_another_authenticator_or_client_is_another_request() -> None:
    seen = Replies()
    seen.begin(key(1), 0.0)
    assert seen.find(key(1)._replace(authenticator=bytes(15) + b"\1"), 0.0) is None
    assert seen.find(key(1)._replace(address="192.0.2.2"), 0.0) is None
    assert seen.find(key(1)._replace(code=12), 0.0) is None


def test_a_request_that_came_to_nothing_can_be_tried_again() -> None:
    seen = Replies()
    seen.begin(key(1), 0.0)
    seen.forget(key(1))
    assert seen.find(key(1), 0.0) is None


def test_a_flood_does_not_grow_the_memory_without_bound() -> None:
    seen = Replies()
    for number in range(replies.MOST_KEPT + 10):
        seen.begin(RequestKey("192.0.2.1", 1, 1, number.to_bytes(16, "big")), 0.0)
    assert len(seen._replies) == replies.MOST_KEPT


def attempts(count: int) -> list[Attempt]:
    return [Attempt(f"user{number}", OneShot("123456")) for number in range(count)]


def grant(batch: Sequence[Attempt]) -> list[Outcome]:
    return [Granted(attempt.account) for attempt in batch]


def batches_of(answer: Callable[[Sequence[Attempt]], list[Outcome]], monotonic: Clock = lambda: 0.0) -> Batches:
    return Batches(answer, refused="Refused.", monotonic=monotonic)


async def settle(gathered: Batches, attempt: Attempt) -> Outcome | None:
    told: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
    gathered.settle(attempt, told.set_result)
    return await told


async def settle_all(gathered: Batches, count: int) -> list[Outcome | None]:
    outcomes = await asyncio.gather(*(settle(gathered, attempt) for attempt in attempts(count)))
    gathered.close()
    return outcomes


def test_each_attempt_gets_its_own_outcome() -> None:
    outcomes = asyncio.run(settle_all(batches_of(grant), 300))
    assert outcomes == [Granted(f"user{number}") for number in range(300)]


def test_what_arrives_while_one_batch_is_settled_is_the_next_batch() -> None:
    sizes: list[int] = []
    begun = threading.Event()

    def slow(batch: Sequence[Attempt]) -> list[Outcome]:
        sizes.append(len(batch))
        begun.wait(0.2) if len(sizes) == 1 else None
        return grant(batch)

    async def run() -> None:
        gathered = batches_of(slow)
        first = asyncio.ensure_future(settle(gathered, attempts(1)[0]))
        await asyncio.sleep(0.05)
        later = [asyncio.ensure_future(settle(gathered, attempt)) for attempt in attempts(50)]
        await asyncio.sleep(0)
        begun.set()
        await asyncio.gather(first, *later)
        gathered.close()

    asyncio.run(run())
    assert sizes == [1, 50]


def test_a_batch_is_never_larger_than_the_largest() -> None:
    sizes: list[int] = []

    def count(batch: Sequence[Attempt]) -> list[Outcome]:
        sizes.append(len(batch))
        return grant(batch)

    asyncio.run(settle_all(batches_of(count), 1000))
    assert sum(sizes) == 1000
    assert max(sizes) <= batches.LARGEST_BATCH


def test_a_store_that_is_away_answers_nobody_and_recovers() -> None:
    away = True

    def answer(batch: Sequence[Attempt]) -> list[Outcome]:
        if away:
            raise StoreUnavailable("gone")
        return grant(batch)

    async def run() -> None:
        nonlocal away
        gathered = batches_of(answer)
        assert await settle(gathered, attempts(1)[0]) is None
        away = False
        assert await settle(gathered, attempts(1)[0]) == Granted("user0")
        gathered.close()

    asyncio.run(run())


def test_one_attempt_that_trips_the_service_is_refused_and_silences_nobody() -> None:
    def answer(batch: Sequence[Attempt]) -> list[Outcome]:
        if any(attempt.account == "user7" for attempt in batch):
            raise RuntimeError("a bug")
        return grant(batch)

    outcomes = asyncio.run(settle_all(batches_of(answer), 20))
    tripped = Denied("Refused.", Reason.TRIPPED)
    assert outcomes == [tripped if number == 7 else Granted(f"user{number}") for number in range(20)]


@pytest.mark.parametrize("fault", ["too few outcomes", "the end of the thread's work"])
def test_a_batch_that_comes_to_nothing_good_is_not_granted_and_the_next_has_its_turn(fault: str) -> None:
    well = False

    def answer(batch: Sequence[Attempt]) -> list[Outcome]:
        if well:
            return grant(batch)
        if fault == "too few outcomes":
            return []
        raise SystemExit

    async def run() -> tuple[list[Outcome | None], Outcome | None]:
        nonlocal well
        gathered = batches_of(answer)
        first = await asyncio.gather(*(settle(gathered, attempt) for attempt in attempts(3)))
        well = True
        later = await settle(gathered, attempts(1)[0])
        gathered.close()
        return first, later

    first, later = asyncio.run(asyncio.wait_for(run(), 20))
    refused = Denied("Refused.", Reason.TRIPPED) if fault == "too few outcomes" else None
    assert first == [refused] * 3
    assert later == Granted("user0")


def test_one_who_cannot_be_told_silences_nobody() -> None:
    async def run() -> Outcome | None:
        gathered = batches_of(grant)

        def fail(_: Outcome | None) -> None:
            raise RuntimeError("a bug")

        gathered.settle(attempts(1)[0], fail)
        await settle(gathered, attempts(2)[1])
        outcome = await settle(gathered, attempts(1)[0])
        gathered.close()
        return outcome

    assert asyncio.run(asyncio.wait_for(run(), 20)) == Granted("user0")


def test_beyond_the_most_that_may_wait_there_is_silence_at_once() -> None:
    outcomes = asyncio.run(settle_all(batches_of(grant), batches.MOST_WAITING // 2 + 100))
    assert outcomes.count(None) == 100


def test_a_client_that_asks_without_end_leaves_room_for_the_others() -> None:
    async def run() -> tuple[list[Outcome | None], list[Outcome | None]]:
        gathered = batches_of(grant)
        flood = [settle(gathered, attempt._replace(client="hostile")) for attempt in attempts(2 * batches.MOST_WAITING)]
        others = [settle(gathered, attempt._replace(client="login1")) for attempt in attempts(1000)]
        outcomes = await asyncio.gather(*flood, *others)
        # What was settled takes no room any more.
        again = await asyncio.gather(*(settle(gathered, attempt._replace(client="hostile")) for attempt in attempts(9)))
        gathered.close()
        return outcomes[len(flood) :], again

    for outcomes in asyncio.run(run()):
        assert None not in outcomes


def test_an_attempt_whose_client_has_long_turned_elsewhere_is_not_settled() -> None:
    now = 0.0
    settled: list[str] = []

    def slow(batch: Sequence[Attempt]) -> list[Outcome]:
        nonlocal now
        now += 11
        settled.extend(attempt.account for attempt in batch)
        return grant(batch)

    async def run() -> tuple[Outcome | None, Outcome | None]:
        gathered = batches_of(slow, lambda: now)
        first = asyncio.ensure_future(settle(gathered, attempts(1)[0]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        late = asyncio.ensure_future(settle(gathered, attempts(2)[1]))
        outcomes = await asyncio.gather(first, late)
        gathered.close()
        return outcomes

    outcomes = asyncio.run(run())
    assert outcomes[0] == Granted("user0")
    assert (outcomes[1] is None) == ("user1" not in settled)


def test_a_flood_from_many_senders_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    complaints = Complaints(lambda: now)
    for number in range(20_000):
        complaints.about(f"192.0.2.{number}", "no client has this address")
    assert len(caplog.records) == MOST_COMPLAINTS
    now = 11.0
    complaints.about("192.0.2.1", "no client has this address")
    assert len(caplog.records) == MOST_COMPLAINTS + 1
    assert "19980 more" in caplog.records[-1].getMessage()
