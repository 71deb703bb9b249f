"""Settle login attempts, many in one transaction.

Rule 1. A code is spent in the database, by a statement that succeeds once. Nothing is granted that was not spent: what
        is decided here on rows that were read is undone, all of it, if that statement finds one of the codes spent.
Rule 2. Attempts on one account are settled one after the other: its row is locked, so guesses made at the same moment
        at several servers are counted, each of them, before the next is looked at.
Rule 3. What a person reads does not depend on why they are refused, and the same work is done for an account that is
        unknown, unpaired or locked as for one whose code is wrong.
Rule 4. Every attempt leaves a line in the audit log, in the transaction that settles it.
"""

import hmac
from collections.abc import Callable, Sequence

from watchword.domain.accounts import is_account_name
from watchword.domain.lockout import Standing
from watchword.domain.otp import SECRET_OCTETS, OtpProfile, find_step, normalise_code
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing, Reason
from watchword.domain.phones import mask_phone
from watchword.domain.tokens import Kind, Token
from watchword.services.attempts import Answer, Attempt, Begin, OneShot, PairingQuery
from watchword.services.handles import Handles
from watchword.services.login_events import login_event
from watchword.services.policy import LoginPolicy
from watchword.services.ports import NOBODY, Holder, Seal, SentCode, StepClaim, Work
from watchword.services.text_codes import compose_message, draw_code

UNKNOWN = Standing()
"""How an account stands that has no row."""


class Settlement:
    """One transaction's attempts. What is learnt of an account holds for the next attempt on it."""

    def __init__(
        self,
        work: Work,
        seal: Seal,
        policy: LoginPolicy,
        now_seconds: float,
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._work = work
        self._handles = Handles(seal, policy.challenge_seconds)
        self._policy = policy
        self._now = now_seconds
        self._random_octets = random_octets
        self._decoy = random_octets(SECRET_OCTETS)
        self._holders: dict[str, Holder] = {}
        self._tokens: dict[str, list[Token]] = {}
        self._standings: dict[str, Standing] = {}
        self._sent: dict[str, SentCode] = {}
        self._refused: set[str] = set()
        self._claims: dict[str, StepClaim] = {}
        self._touched: set[str] = set()

    def settle(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        """Answer an outcome for each attempt, in their order."""
        self._load({attempt.account for attempt in attempts if is_account_name(attempt.account)})
        outcomes = []
        events = []
        for attempt in attempts:
            outcome, reason, serial = self._settle_one(attempt)
            outcomes.append(outcome)
            standing = self._standings.get(attempt.account, UNKNOWN)
            events.append(
                login_event(attempt, outcome, reason, serial, failures=standing.failures, now_seconds=self._now)
            )
        self._work.logins.spend_steps(list(self._claims.values()), int(self._now))
        self._work.logins.touch(self._touched, int(self._now))
        self._work.logins.set_standings(self._changed_standings())
        self._work.audit.record(events)
        return outcomes

    def _changed_standings(self) -> dict[int, Standing]:
        """Collect what changed; and, for whoever was refused, what did not, or has no row (Rule 3)."""
        changed = {}
        for name, holder in self._holders.items():
            standing = self._standings[name]
            if name in self._refused or standing != holder.account.standing:
                changed[holder.account.account_id] = standing
        if self._refused - self._holders.keys():
            changed[NOBODY] = UNKNOWN
        return changed

    def _load(self, names: set[str]) -> None:
        self._holders = self._work.logins.lock(names)
        for name, holder in self._holders.items():
            self._tokens[name] = [token for token in holder.tokens if token.enabled]
            self._standings[name] = holder.account.standing.at(self._now)
        texted = [token.serial for tokens in self._tokens.values() for token in tokens if token.kind is Kind.SMS]
        # Who is texted can be told from the prompt already; all others are spared the question.
        self._sent = dict(self._work.sent_codes.of_tokens(texted)) if texted else {}

    def _settle_one(self, attempt: Attempt) -> tuple[Outcome, Reason, str]:
        tokens = self._tokens.get(attempt.account, [])
        match attempt.request:
            case PairingQuery():
                return self._look_up(attempt.account)
            case Begin():
                return self._challenge(attempt.account, tokens[0] if tokens else None, self._policy.tries)
            case OneShot(typed):
                return self._judge(attempt.account, typed)
            case Answer(typed, handle):
                return self._continue(attempt.account, typed, handle)

    def _look_up(self, name: str) -> tuple[Outcome, Reason, str]:
        """Say how an account is paired; "not at all" lets it in without a code where pairing is voluntary.

        So a token that is disabled, or that cannot be opened, is still a pairing, and so is an operator's lock.
        """
        all_tokens = self._holders[name].tokens if name in self._holders else []
        first = next(iter([*self._tokens.get(name, ()), *all_tokens]), None)
        if first is not None:
            return Pairing(first.kind), Reason.LOOKED_UP, first.serial
        if name in self._standings and self._standings[name].held:
            return Pairing(Kind.SOFT), Reason.HELD, ""
        return Pairing(None), Reason.LOOKED_UP, ""

    def _continue(self, name: str, typed: str, handle: bytes) -> tuple[Outcome, Reason, str]:
        tries_left = self._handles.tries_left(name, handle, self._now)
        if tries_left is None:
            return self._denied(Reason.STALE_STATE)
        outcome: Outcome
        if not typed.strip():
            outcome, reason, serial = self._denied(Reason.ASKED_AGAIN)
        elif (asked_for := self._choice(name, typed)) is not None:
            return (
                self._challenge(name, asked_for, tries_left - 1) if tries_left > 1 else self._denied(Reason.ASKED_AGAIN)
            )
        else:
            outcome, reason, serial = self._judge(name, typed)
        if isinstance(outcome, Denied) and tries_left > 1:
            again = Challenge(
                f"That was not accepted.\n{self._policy.prompt}", self._handles.make(name, tries_left - 1, self._now)
            )
            return again, reason, serial
        return outcome, reason, serial

    def _choice(self, name: str, typed: str) -> Token | None:
        """Find the token that a person asks for by typing `sms` where a code is expected."""
        if typed.strip().casefold() != Kind.SMS:
            return None
        return next((token for token in self._tokens.get(name, ()) if token.kind is Kind.SMS), None)

    def _challenge(self, name: str, token: Token | None, tries: int) -> tuple[Outcome, Reason, str]:
        lines = []
        reason = Reason.ASKED
        if token is not None and token.kind is Kind.SMS:
            where = mask_phone(token.secret.decode("ascii"))
            reason = self._text(name, token)
            lines.append(
                f"A code was sent to {where}."
                if reason is Reason.TEXT_SENT
                else f"The code sent to {where} is still good; no new one was sent."
            )
        elif any(other.kind is Kind.SMS for other in self._tokens.get(name, ())):
            lines.append("Type a code, or sms to have one sent.")
        if token is None:
            reason = Reason.UNPAIRED if name in self._holders else Reason.UNKNOWN
        text = "\n".join([*lines, self._policy.prompt])
        challenge = Challenge(
            text, self._handles.make(name, tries, self._now), message_waits=reason is Reason.TEXT_SENT
        )
        return challenge, reason, token.serial if token else ""

    def _text(self, name: str, token: Token) -> Reason:
        """Have a code sent, unless the last one is still good.

        A locked account reads the same words, but no message leaves: whoever asks could not use it.
        """
        last = self._sent.get(token.serial)
        if last is not None and self._now < last.expires_at:
            return Reason.TEXT_STILL_GOOD
        good_seconds = self._policy.sent_code_seconds
        if self._standings[name].is_locked_out(self._now):
            # When the lockout ends, the next one asked for must be sent. (An operator's unlock takes the code away.)
            good_seconds = min(good_seconds, self._standings[name].locked_until - int(self._now))
        sent = draw_code(token.serial, self._random_octets, int(self._now), good_seconds)
        self._work.sent_codes.issue(sent)
        self._sent[token.serial] = sent
        if not self._is_locked(name):
            phone = token.secret.decode("ascii")
            self._work.outbox.put(compose_message(sent, name, phone, self._policy.sent_code_text))
        return Reason.TEXT_SENT

    def _is_locked(self, name: str) -> bool:
        standing = self._standings[name]
        return standing.held or standing.is_locked_out(self._now)

    def _judge(self, name: str, typed: str) -> tuple[Outcome, Reason, str]:
        """Say whether this code opens this account now, and count it if it does not."""
        code = normalise_code(typed)
        self._refused.add(name)
        standing = self._standings.get(name)
        tokens = self._tokens.get(name, [])
        if standing is None or not tokens or self._is_locked(name):
            self._search_decoy(code)
            return self._denied(self._why_closed(standing))
        opened_by, reason = self._find_opener(tokens, code)
        if opened_by is None:
            if reason is not Reason.SPENT_CODE:
                # Who brings a code that was good once has not guessed it: a packet that somebody on the way sends
                # again and again must not lock its owner out.
                self._standings[name] = standing.after_failure(self._policy.lockout, self._now)
            return self._denied(reason)
        self._standings[name] = standing.after_success()
        self._refused.discard(name)
        return Granted(opened_by.serial), Reason.RIGHT_CODE, opened_by.serial

    def _why_closed(self, standing: Standing | None) -> Reason:
        if standing is None:
            return Reason.UNKNOWN
        if standing.held:
            return Reason.HELD
        return Reason.LOCKED if standing.is_locked_out(self._now) else Reason.UNPAIRED

    def _find_opener(self, tokens: Sequence[Token], code: str) -> tuple[Token | None, Reason]:
        """Find the token that this code is good for, and spend the code."""
        reason, searched = Reason.WRONG_CODE, False
        for token in tokens:
            match token.kind:
                case Kind.SOFT | Kind.HARD:
                    found, searched = self._spend_time_based(token, code), True
                case Kind.SMS:
                    found = self._spend_sent(token, code)
                case Kind.STATIC:
                    found = self._use_static(token, code)
            if found is Reason.RIGHT_CODE:
                return token, found
            if found is Reason.SPENT_CODE:
                reason = found
        if not searched:
            self._search_decoy(code)
        return None, reason

    def _spend_time_based(self, token: Token, code: str) -> Reason:
        now_step = token.profile.step_at(self._now)
        steps = self._policy.steps_around(now_step + token.base_drift_steps, token.profile)
        step = find_step(token.secret, code, token.profile, start=now_step + token.drift_steps, steps=steps)
        if step is None:
            return Reason.WRONG_CODE
        earlier = self._claims.get(token.serial)
        if step <= (earlier.step if earlier is not None else token.last_step):
            return Reason.SPENT_CODE
        first = earlier.first_step if earlier is not None else step
        self._claims[token.serial] = StepClaim(token.serial, first, step, step - now_step)
        return Reason.RIGHT_CODE

    def _spend_sent(self, token: Token, code: str) -> Reason:
        sent = self._sent.get(token.serial)
        if sent is None or self._now >= sent.expires_at or not _same(sent.code, code):
            return Reason.WRONG_CODE
        del self._sent[token.serial]
        if not self._work.sent_codes.spend(token.serial, sent.issue):
            return Reason.SPENT_CODE
        self._touched.add(token.serial)
        return Reason.RIGHT_CODE

    def _use_static(self, token: Token, code: str) -> Reason:
        if not _same(token.secret.decode("ascii"), code):
            return Reason.WRONG_CODE
        self._touched.add(token.serial)
        return Reason.RIGHT_CODE

    def _search_decoy(self, code: str) -> None:
        """Take as long as a search that finds nothing."""
        profile = OtpProfile()
        now_step = profile.step_at(self._now)
        find_step(self._decoy, code + " ", profile, start=now_step, steps=self._policy.steps_around(now_step, profile))

    def _denied(self, reason: Reason) -> tuple[Denied, Reason, str]:
        return Denied(self._policy.refused, reason), reason, ""


def _same(expected: str, typed: str) -> bool:
    return hmac.compare_digest(expected.encode("utf-8"), typed.encode("utf-8"))
