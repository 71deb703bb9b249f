"""Why can't alice log in? What was found out, as a list of what is wrong and what to do, in the order of a login.

Pure: everything that is looked up stands in `Facts` (diagnose_facts.py); diagnose_gather.py looks it up. The first
finding that blocks is the answer; those below it would be met next.
"""

from collections.abc import Sequence
from dataclasses import replace

from watchword.domain.enforcement import Mode
from watchword.services.diagnose_codes import (
    look_at_texts,
    look_at_the_clocks,
    look_at_the_last_code,
    look_at_tokens,
)
from watchword.services.diagnose_facts import Facts, Found, Weight
from watchword.services.diagnose_way_in import (
    look_at_exemptions,
    look_at_the_hold,
    look_at_the_lockout,
    look_at_the_mode,
    look_at_the_name,
)

_FOR_ALL = (look_at_the_name, look_at_exemptions, look_at_the_mode)
_FOR_WHO_IS_ASKED = (
    look_at_the_hold,
    look_at_the_lockout,
    look_at_tokens,
    look_at_the_last_code,
    look_at_texts,
    look_at_the_clocks,
)


def diagnose(facts: Facts) -> list[Found]:
    """List what was found, in the order in which a login meets it."""
    found = [one for look in _FOR_ALL for one in look(facts)]
    asked = [one for look in _FOR_WHO_IS_ASKED for one in look(facts)]
    return found + (asked if _is_asked(facts) else [_not_now(one) for one in asked])


def _is_asked(facts: Facts) -> bool:
    exempt = facts.exemption is not None and facts.exemption.exempt
    return not exempt and facts.mode is not Mode.OFF


def _not_now(found: Found) -> Found:
    """What would block a login that is asked for a code does not block this one."""
    return replace(found, weight=Weight.LOOK) if found.weight is Weight.BLOCKS else found


def verdict(found: Sequence[Found]) -> Found:
    """Answer the finding that matters most: the first that blocks, else the first that may be the reason."""
    for weight in (Weight.BLOCKS, Weight.LOOK):
        for one in found:
            if one.weight is weight:
                return one
    return Found(
        Weight.FINE,
        "Nothing here stands in the way.",
        "If they still can't log in, it is the password, the node, or the network: its syslog says more.",
    )
