"""What a stack must promise, held against every way through it.

Promise 1. Nobody gets in without a second factor, unless exempt.
Promise 2. Nobody gets in without a first factor, unless sshd itself demands a key of everybody.
Promise 3. Who has a first factor and a right code gets in; who has a key is not asked for a password.
Promise 4. Who is exempt is not asked for a code.
Promise 5. Who has no first factor never reaches the second.
Promise 6. sshd can set credentials (pam_setcred): where it can't, it ends every login.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.cli.doctor.pam_file import StackLine
from watchword.cli.doctor.pam_roles import ASKED_BY_THE_PERSON, Person, Role, role_of, when_credentials_are_set
from watchword.cli.doctor.pam_walk import SUCCESS, Step, Walk, jump_to, jumped_over, ways_through

AREA = Area("PAM stack")
SAMPLE = "hold it against conf/pam.d of Watchword; keep a root shell open while you edit"
LIKE_EXEMPTION = "make the line of exemption.py `sufficient`, after the password and before token.py"
KEY_SAMPLE = "let pubkey.py jump over the password: [success=1 default=ignore], see conf/pam.d of Watchword"
A_KEY = "a key"
LIKE_JUMP = "count the auth lines between it and exemption.py, included ones too, and jump over just these"


class Promises:
    """One stack, its auth lines, and what they promise."""

    def __init__(self, lines: Sequence[StackLine], service: str, *, key_is_certain: bool) -> None:
        """Take the auth lines; `key_is_certain` says that sshd lets nobody reach PAM without a key."""
        self._lines = lines
        self._key_is_certain = key_is_certain
        # Root's own programs ask for root; sshd always runs as root.
        self._root = service not in ASKED_BY_THE_PERSON
        self._roles = {role_of(line) for line in lines}
        self._passwords = [line for line in lines if role_of(line) is Role.PASSWORD]

    def check(self) -> Findings:
        """Check all of them."""
        findings = [
            *self._jumps(),
            *self._needs_second_factor(),
            *self._needs_first_factor(),
            *self._lets_in(),
            *self._spares_the_exempt(),
            *self._keeps_the_order(),
            *self._sets_credentials(),
            *self._unknown(),
        ]
        yield from dict.fromkeys(findings)
        if not findings:
            yield AREA.ok("in every way through the stack: a key or the password, then an exemption or a code")

    def _ways(self, **facts: Any) -> list[Walk]:
        person = Person(is_root=self._root, **facts)
        return list(ways_through(self._lines, person.returns, _mark))

    def _first_factors(self) -> Iterator[dict[str, Any]]:
        """Yield each first factor alone, and none."""
        yield {}
        yield {"key": True}
        for password in self._passwords:
            yield {"password": password}

    def _jumps(self) -> Iterator[Finding]:
        """Look where a jump from pubkey.py lands: behind the password, and no further than the second factor."""
        for index, line in enumerate(self._lines):
            action = line.action(SUCCESS)
            ahead = [i for i in range(index + 1, len(self._lines)) if role_of(self._lines[i]) in _SECOND]
            if role_of(line) is not Role.PUBKEY or not action.isdigit() or not ahead:
                continue
            skipped = jumped_over(self._lines, index, int(action))
            between = self._lines[index + 1 : ahead[0]]
            wrong = [f"skips {_named(other)}" for other in skipped if role_of(other) in _SECOND]
            wrong += [
                f"does not skip {_named(other)}"
                for other in between
                if role_of(other) is Role.PASSWORD and other not in skipped
            ]
            if wrong:
                right = jump_to(self._lines, index, ahead[0])
                yield AREA.problem(
                    f"the jump of {_named(line)} (success={action}) {' and '.join(wrong)}",
                    f"write success={right} there: it must skip the password alone" if right else SAMPLE,
                )

    def _unknown(self) -> Iterator[Finding]:
        unknown = [line for line in self._lines if role_of(line) is Role.UNKNOWN]
        if unknown:
            yield AREA.warning(
                f"Watchword does not know {', '.join(map(_named, unknown))}: it may ask for anything, or for nothing",
                "try each kind of login by hand: key, password, exempt, a wrong code",
            )

    def _needs_second_factor(self) -> Iterator[Finding]:
        ways = [walk for first in self._first_factors() for walk in self._ways(**first) if walk.is_granted]
        # A way that turns on some condition says nothing new if there is one that turns on none.
        for walk in [walk for walk in ways if not _conditions(walk)] or ways:
            yield _bypass(walk, self._lines)

    def _needs_first_factor(self) -> Iterator[Finding]:
        for exempt in () if self._key_is_certain else (False, True):
            for walk in self._ways(exempt=exempt, code=not exempt):
                if not walk.is_granted or _conditions(walk) or _may_have_asked(walk):
                    continue
                how = "an exemption" if exempt else "a token code"
                yield AREA.problem(
                    f"{how} alone lets people in, without a key or a password{_why_no_first(walk)}",
                    "put pubkey.py and then the password module, as `requisite`, before it",
                )

    def _lets_in(self) -> Iterator[Finding]:
        if not self._roles & {Role.TOKEN, Role.SOLARIS}:
            return
        for first in self._people():
            ways = self._ways(**first, code=True)
            granted = [walk for walk in ways if walk.is_granted]
            if not granted:
                yield _locked_out(_who(first), ways)
            elif "key" in first and all(_asked(walk, Role.PASSWORD) for walk in granted):
                yield AREA.warning("who has a key is asked for a password as well", SAMPLE)

    def _spares_the_exempt(self) -> Iterator[Finding]:
        if Role.EXEMPTION not in self._roles:
            return
        for first in self._people():
            with_code, exempt = self._ways(**first, code=True), self._ways(**first, exempt=True)
            if any(walk.is_granted for walk in with_code) and not any(walk.is_granted for walk in exempt):
                what = f"an exemption is of no use to who has {_who(first)}: a code is demanded all the same"
                yield AREA.warning(what, LIKE_EXEMPTION)

    def _people(self) -> Iterator[dict[str, Any]]:
        """Yield each first factor that this stack means to take."""
        takes_keys = bool(self._roles & {Role.PUBKEY, Role.SOLARIS})
        return (first for first in self._first_factors() if "password" in first or ("key" in first and takes_keys))

    def _keeps_the_order(self) -> Iterator[Finding]:
        if self._key_is_certain or not self._passwords:
            return
        for walk in self._ways():
            if _asked(walk, Role.TOKEN) and not _conditions(walk):
                yield AREA.warning(
                    "whose password is wrong is still asked for a code: a stranger can try codes, or have them sent",
                    "make the password module `requisite`, so that a wrong password ends the login",
                )

    def _sets_credentials(self) -> Iterator[Finding]:
        ways = ways_through(self._lines, when_credentials_are_set, lambda _step: None)
        if not any(walk.is_granted for walk in ways):
            yield AREA.problem(
                "no module says yes when sshd sets credentials: it would end every login",
                "leave out the jumps of pam_env.so, or see conf/pam.d of Watchword",
            )


_SECOND = (Role.EXEMPTION, Role.TOKEN)


def _mark(step: Step) -> Hashable | None:
    """Tell apart the steps that findings are about."""
    role = role_of(step.line)
    if role is Role.OTHER:
        return step.line.place if _decides(step) else None
    return step.line.place, _decides(step), step.returned == SUCCESS


def _decides(step: Step) -> bool:
    """Tell whether a module that is neither ours nor the password's took the login another way."""
    return role_of(step.line) in (Role.OTHER, Role.UNKNOWN) and (step.action.isdigit() or step.action == "done")


def _conditions(walk: Walk) -> list[StackLine]:
    return [step.line for step in walk.steps if _decides(step)]


def _may_have_asked(walk: Walk) -> bool:
    """Tell whether a module that we don't know said yes: it may be another kind of password."""
    return any(role_of(step.line) is Role.UNKNOWN and step.returned == SUCCESS for step in walk.steps)


def _asked(walk: Walk, role: Role) -> bool:
    return any(role_of(step.line) is role for step in walk.steps)


def _who(first: dict[str, Any]) -> str:
    return A_KEY if "key" in first else f"a password in {_named(first['password'])}"


def _locked_out(who: str, ways: Sequence[Walk]) -> Finding:
    """Say what refuses somebody with a first factor and a right code."""
    what = f"who has {who} and a right code is refused"
    for step in ways[0].steps:
        if role_of(step.line) is Role.EXEMPTION and step.action in ("bad", "die"):
            return AREA.problem(f"{what}: {_named(step.line)} is {step.line.control}", LIKE_EXEMPTION)
        if role_of(step.line) is Role.PUBKEY and step.action.isdigit():
            behind = ways[0].after(step)
            where = f"on {_named(behind)}" if behind else "beyond the end"
            return AREA.problem(f"{what}: the jump of {_named(step.line)} lands {where}", LIKE_JUMP)
        if role_of(step.line) is Role.PASSWORD and who == A_KEY:
            return AREA.problem(f"{what}: {_named(step.line)} wants the password as well", KEY_SAMPLE)
    return AREA.problem(what, SAMPLE)


def _named(line: StackLine | None) -> str:
    return f"{line.name} ({line.place})" if line else "no module"


def _why_no_first(walk: Walk) -> str:
    failed = [step.line for step in walk.steps if role_of(step.line) is Role.PASSWORD]
    if failed:
        return f": a wrong password in {_named(failed[0])} ({failed[0].control}) is not the end"
    return f": {_named(walk.ended_by)} comes before both" if walk.ended_by else ""


def _bypass(walk: Walk, lines: Sequence[StackLine]) -> Finding:
    """Say which line lets somebody in who is not exempt and has no right code."""
    conditions = _conditions(walk)
    if conditions:
        return AREA.warning(
            f"whoever meets the condition of {_named(conditions[0])} gets in without a second factor",
            "if that is not meant, let nothing before token.py be `sufficient`, `done` or a jump",
        )
    tokens = [step for step in walk.steps if role_of(step.line) is Role.TOKEN]
    jumps = [step for step in walk.steps if any(role_of(line) is Role.TOKEN for line in step.skipped)]
    last = walk.ended_by or walk.steps[-1].line
    if tokens:
        what = f"a refusal of {_named(tokens[0].line)} ({tokens[0].line.control}) is not the end"
        todo = "make the line of token.py `required` and the last one"
    elif jumps:
        what = f"the jump of {_named(jumps[0].line)} ({jumps[0].line.control}) skips token.py"
        todo = "let it jump to the line after the password and no further"
    elif any(role_of(line) in (Role.TOKEN, Role.SOLARIS) for line in lines):
        what = f"{_named(last)} ({last.control}) ends the stack before token.py"
        todo = "let nothing before token.py be `sufficient` or `done`, but for exemption.py"
    else:
        what = "no auth line runs token.py"
        todo = SAMPLE
    return AREA.problem(f"people get in without a second factor: {what}", todo)
