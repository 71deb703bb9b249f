"""Clients have their turns: nobody waits behind another's flood, and nothing is lost, doubled or overtaken."""

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from watchword_radius.turns import Turns


def filled(most: int, waiting: dict[str, int]) -> Turns[tuple[str, int]]:
    turns: Turns[tuple[str, int]] = Turns(most)
    for client, count in waiting.items():
        for number in range(count):
            assert turns.put(client, (client, number))
    return turns


def test_whoever_asks_once_is_in_the_next_batch_whatever_others_ask() -> None:
    turns = filled(10_000, {"flood": 4000, "login1": 1, "login2": 1})
    batch = turns.take(128)
    assert len(batch) == 128
    assert {("login1", 0), ("login2", 0)} < set(batch)


def test_a_batch_is_shared_evenly_and_what_one_leaves_is_the_others() -> None:
    turns = filled(10_000, {"flood": 1000, "another flood": 1000, "login1": 10})
    shares = Counter(client for client, _ in turns.take(100))
    assert shares["login1"] == 10
    assert abs(shares["flood"] - shares["another flood"]) <= 1
    assert shares.total() == 100


def test_with_more_clients_than_a_batch_has_places_each_comes_in_its_turn() -> None:
    turns = filled(10_000, {f"node{number}": 3 for number in range(10)})
    first, second, third = (turns.take(4) for _ in range(3))
    assert len({client for client, _ in first + second}) == 8
    assert {f"node{number}" for number in range(10)} == {client for client, _ in first + second + third}


def test_one_client_may_have_half_of_all_and_leaves_room_for_others() -> None:
    turns = filled(100, {"flood": 50})
    assert not turns.put("flood", ("flood", 50))
    assert turns.put("login1", ("login1", 0))
    assert len(turns) == 51
    assert len(turns.take(100)) == 51
    assert turns.put("flood", ("flood", 50))


@given(st.lists(st.one_of(st.sampled_from("abc"), st.integers(1, 7)), max_size=60))
def test_nothing_is_lost_doubled_or_overtaken_by_its_own(steps: list[str | int]) -> None:
    turns: Turns[tuple[str, int]] = Turns(20)
    expected: dict[str, deque[tuple[str, int]]] = {client: deque() for client in "abc"}
    for number, step in enumerate(steps):
        if isinstance(step, str):
            room = len(expected[step]) < 20 - sum(map(len, expected.values()))
            assert turns.put(step, (step, number)) is room
            if room:
                expected[step].append((step, number))
        else:
            taken = turns.take(step)
            assert len(taken) == min(step, sum(map(len, expected.values())))
            for item in taken:
                assert item == expected[item[0]].popleft()
        assert len(turns) == sum(map(len, expected.values()))
