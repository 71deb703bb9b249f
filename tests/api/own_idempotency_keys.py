"""For schemathesis: each request has an Idempotency-Key of its own, as no description can say."""

import uuid
from typing import Any

import schemathesis

KEY = "Idempotency-Key"


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, object]) -> None:
    """Replace a key that was drawn, if it could be one."""
    if case.headers and len(str(case.headers.get(KEY, ""))) > 0:
        case.headers[KEY] = str(uuid.uuid4())
