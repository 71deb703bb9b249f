"""The key that asks."""

from typing import Annotated

from pydantic import Field

from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Calling
from watchword.portal.api.fields import Body
from watchword.services.api_keys import Scope

router = ApiRouter("key")


class KeyAnswer(Body):
    """A key, as it sees itself."""

    id: Annotated[str, Field(examples=["5e0c1f6a9b32"])]
    name: Annotated[str, Field(examples=["account portal"])]
    scopes: Annotated[list[Scope], Field(examples=[["tokens:read", "validate"]])]
    expires_at: Annotated[int, Field(examples=[1831536000])]


@router.read("/key", None)
def show_own_key(call: Calling) -> KeyAnswer:
    """Show the key that asks."""
    who = call.caller
    return KeyAnswer(id=who.key_id, name=who.name, scopes=sorted(who.scopes), expires_at=who.expires_at)
