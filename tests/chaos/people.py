"""People with phones, and what they try: mostly the right code, sometimes what must never let them in."""

import random
import secrets
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

PERIOD_SECONDS = 30
STEPS_BEFORE, STEPS_AFTER = 60, 120
NEIGHBOURS = 40
"""A server looks ten steps around its own clock; nobody's code may be another step's within this many."""


class Intent(StrEnum):
    """What somebody tries."""

    RIGHT = "right"
    WRONG = "wrong"
    ALTERED = "altered"
    """The right code with one digit changed."""
    SPENT = "spent"
    """The code that let them in last time."""
    OLD = "old"
    """The code of the step before the one that let them in last time."""
    UNPAIRED = "unpaired"
    HELD = "held"
    """The right code of an account that an operator holds."""


@dataclass(eq=False)
class Person:
    """Somebody with a phone. One login at a time, as the crowd sees to."""

    account: str
    secret: bytes = field(repr=False, default_factory=lambda: secrets.token_bytes(20))
    last_tried: int = 0
    last_granted: int = 0
    last_sent: int = 0

    @cached_property
    def _codes(self) -> dict[int, str]:
        """The codes of an hour and a half, by oathtool: ours never check ours."""
        first = now_step() - STEPS_BEFORE
        options = ["--totp", f"--now=@{first * PERIOD_SECONDS}", f"--window={STEPS_BEFORE + STEPS_AFTER}"]
        done = subprocess.run(
            ["oathtool", *options, "-"], input=self.secret.hex(), text=True, capture_output=True, check=True
        )
        return dict(enumerate(done.stdout.split(), first))

    def was_granted(self, tried: "Try") -> None:
        """Remember the code that let them in."""
        self.last_granted = max(self.last_granted, tried.step or 0)

    def was_unanswered(self, tried: "Try") -> None:
        """Type the same code again next time: nobody has said that it was no good."""
        if tried.intent is Intent.RIGHT and tried.step == self.last_tried:
            self.last_tried -= 1

    def code(self, step: int) -> str:
        """Return the code of a time step."""
        return self._codes[step]

    def is_clear(self, step: int) -> bool:
        """Whether the step's code is no other step's near it: then a code tells its step."""
        return self._near(step).count(self._codes[step]) == 1

    def is_far_from(self, code: str, step: int) -> bool:
        """Whether this is no step's code around here."""
        return code not in self._near(step)

    def _near(self, step: int) -> list[str]:
        return [self._codes[near] for near in range(step - NEIGHBOURS, step + NEIGHBOURS + 1)]


@dataclass(frozen=True)
class Try:
    """What a person is about to type. `step` is that of the code, if it is one."""

    person: Person
    intent: Intent
    code: str = field(repr=False)
    step: int | None = None


class Crowd:
    """Hands out who logs in next, each person once at a time, and knows who may not get in."""

    def __init__(self, people: Iterable[Person], held: Iterable[Person], chance: random.Random) -> None:
        self._waiting = deque(people)
        self._members = frozenset(self._waiting)
        self._held = list(held)
        self._chance = chance
        self._lock = threading.Lock()

    def next_try(self, reach_steps: int, bad_share: float) -> Try | None:
        """Choose a person and what they type; None if nobody has a code left just now.

        The right code is of the first step, within `reach_steps` of now, that this person has not tried: a server
        takes a later step after an earlier one, never the reverse.
        """
        with self._lock:
            for _ in range(len(self._waiting)):
                person = self._waiting.popleft()
                chosen = self._choose(person, reach_steps, bad_share)
                if chosen is not None:
                    return chosen
                self._waiting.append(person)
        return None

    def begin_anew(self) -> None:
        """Have nobody type again what was not answered so far: a server that was killed may have spent it."""
        with self._lock:
            for person in self._members:
                person.last_tried = max(person.last_tried, person.last_sent)

    def done(self, person: Person) -> None:
        """Put a person back in the queue."""
        with self._lock:
            if person in self._members:
                self._waiting.append(person)

    def take(self, count: int) -> list[Person]:
        """Take people out of the queue, for something of their own."""
        with self._lock:
            return [self._waiting.popleft() for _ in range(count)]

    def _choose(self, person: Person, reach_steps: int, bad_share: float) -> Try | None:
        now = now_step()
        if self._chance.random() < bad_share:
            bad = self._bad(person, now)
            if bad is not None:
                if bad.person is not person:
                    self._waiting.append(person)
                return bad
        step = max(person.last_tried + 1, now - reach_steps)
        while not person.is_clear(step):
            step += 1
        if step > now + reach_steps:
            return None
        person.last_tried = person.last_sent = step
        return Try(person, Intent.RIGHT, person.code(step), step)

    def _bad(self, person: Person, now: int) -> Try | None:
        """Choose what must be refused."""
        match self._chance.choice([intent for intent in Intent if intent is not Intent.RIGHT]):
            case Intent.WRONG:
                return self._wrong(person, now, f"{self._chance.randrange(10**6):06d}", Intent.WRONG)
            case Intent.ALTERED:
                code = person.code(max(person.last_tried + 1, now))
                place = self._chance.randrange(len(code))
                other = str((int(code[place]) + self._chance.randrange(1, 10)) % 10)
                return self._wrong(person, now, code[:place] + other + code[place + 1 :], Intent.ALTERED)
            case Intent.SPENT if person.last_granted:
                return Try(person, Intent.SPENT, person.code(person.last_granted), person.last_granted)
            case Intent.OLD if person.last_granted and person.is_clear(person.last_granted - 1):
                return Try(person, Intent.OLD, person.code(person.last_granted - 1), person.last_granted - 1)
            case Intent.UNPAIRED:
                return Try(Person(f"stranger{self._chance.randrange(50)}"), Intent.UNPAIRED, "123456")
            case Intent.HELD if self._held:
                held = self._chance.choice(self._held)
                return Try(held, Intent.HELD, held.code(now))
        return None

    @staticmethod
    def _wrong(person: Person, now: int, code: str, intent: Intent) -> Try | None:
        return Try(person, intent, code) if person.is_far_from(code, now) else None


def now_step() -> int:
    """Return the time step of this moment."""
    return int(time.time()) // PERIOD_SECONDS


def make_people(count: int, prefix: str = "person") -> list[Person]:
    """Make people whom no server knows yet."""
    return [Person(f"{prefix}{number}") for number in range(count)]
