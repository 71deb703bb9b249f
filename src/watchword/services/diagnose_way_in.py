"""Before a code is judged: the name, exemptions, the mode, locks."""

from collections.abc import Iterator

from watchword.domain.accounts import is_account_name
from watchword.domain.audit import EventKind
from watchword.domain.enforcement import Mode, current_mode
from watchword.domain.lockout import FOREVER
from watchword.services.diagnose_facts import Facts, Found, Presence, Remedy, Weight
from watchword.services.tell_story import local_time


def look_at_the_name(facts: Facts) -> Iterator[Found]:
    """Say whether this can be an account, and the directory has it."""
    if not is_account_name(facts.account):
        yield Found(Weight.BLOCKS, "This cannot be an account's name.", "Ask for it letter by letter.")
        return
    match facts.presence:
        case Presence.THERE:
            yield Found(Weight.FINE, "The account is in the directory.")
        case Presence.ABSENT:
            alike = f" Did they mean {', '.join(facts.similar)}?" if facts.similar else ""
            yield Found(
                Weight.BLOCKS,
                "The directory has no such account.",
                f"A misspelling, or an account that has ended.{alike}",
            )
        case Presence.UNKNOWN:
            yield Found(
                Weight.LOOK,
                "The directory does not answer.",
                "Login nodes that ask the same directory may let nobody in. Tell whoever runs it.",
            )


def look_at_exemptions(facts: Facts) -> Iterator[Found]:
    """Say whether a code is asked for at all, from that address."""
    if facts.exemption_trouble:
        yield Found(
            Weight.LOOK, f"The list of exemptions can't be used: {facts.exemption_trouble}.", "Nobody is exempt."
        )
        return
    finding = facts.exemption
    if finding is None:
        return
    if finding.exempt:
        until = f", until {finding.expires}" if finding.expires and finding.expires != "ALL" else ""
        yield Found(
            Weight.FINE,
            f"From {facts.address} no code is asked for: line {finding.line} of the list exempts them{until}.",
            "If they are asked all the same, that node has another list.",
        )
    elif finding.bad_line:
        yield Found(
            Weight.LOOK,
            f"Line {finding.bad_line} of the list of exemptions does not parse: nothing below it counts.",
            f"Mend it: {finding.bad_reason}.",
        )
    else:
        yield Found(Weight.FINE, f"From {facts.address} they are not exempt: {finding.reason}.")


def look_at_the_mode(facts: Facts) -> Iterator[Found]:
    """Say what the mode asks of them."""
    paired = bool(facts.tokens)
    match current_mode(facts.mode, facts.deadline, facts.today):
        case Mode.OFF:
            yield Found(Weight.FINE, "Mode off: nobody is asked for a code.", "So it is the password, or the node.")
        case Mode.FULL if not paired:
            over = " since the deadline" if facts.mode is Mode.COUNTDOWN else ""
            yield Found(
                Weight.BLOCKS,
                f"They have no token, and everybody needs one{over}.",
                "Let them sign in to this portal and pair a phone, or give them a fob.",
                Remedy.ASSIGN,
            )
        case Mode.FULL:
            yield Found(Weight.FINE, "Mode full: everybody is asked for a code.")
        case Mode.COUNTDOWN if not paired and facts.deadline is not None:
            yield Found(
                Weight.FINE,
                f"They have no token yet: until {facts.deadline} they read a notice, press return, and are in.",
                "A program that can't press return does not get through: pair a phone.",
            )
        case Mode.PAIRED if not paired:
            yield Found(Weight.FINE, "They have no token, and are let in without a code.")
        case mode:
            yield Found(Weight.FINE, f"Mode {mode.value}: who has a token is asked for a code.")


def look_at_the_hold(facts: Facts) -> Iterator[Found]:
    """Say whether, and by whom, the account was locked."""
    if facts.standing is None or not facts.standing.held:
        return
    reported = facts.newest(EventKind.REPORTED)
    locked = next((event for event in facts.events if event.reason in ("locked", "held")), None)
    if reported is not None and (locked is None or reported.at_milliseconds >= locked.at_milliseconds):
        yield Found(
            Weight.BLOCKS,
            "They reported a login that wasn't theirs, which locked the account.",
            "Make sure who is calling, have the password changed, then unlock.",
            Remedy.UNLOCK,
        )
        return
    who = f" by {locked.actor}" if locked is not None and locked.actor else ""
    why = f": {locked.detail}" if locked is not None and locked.detail else ""
    yield Found(Weight.BLOCKS, f"The account is locked{who}{why}.", "Ask whoever locked it first.", Remedy.UNLOCK)


def look_at_the_lockout(facts: Facts) -> Iterator[Found]:
    """Say whether there were too many wrong codes."""
    standing = facts.standing
    if standing is None or not standing.is_locked_out(facts.now_seconds):
        if standing is not None and (failures := standing.at(facts.now_seconds).failures):
            yield Found(Weight.LOOK, f"{failures} wrong {'code' if failures == 1 else 'codes'} in a row.")
        return
    addresses = sorted({event.address for event in facts.wrong_codes() if event.address})
    whence = f" They came from {', '.join(addresses[:5])}." if addresses else ""
    until = "until somebody clears it"
    if standing.locked_until < FOREVER:
        until = f"until {local_time(standing.locked_until):%H:%M %z}"
    yield Found(
        Weight.BLOCKS,
        f"Locked out {until}: {standing.failures} wrong codes in a row.{whence}",
        "If an address is not theirs, somebody has their password: have it changed before you clear anything.",
        Remedy.CLEAR_FAILURES,
    )
