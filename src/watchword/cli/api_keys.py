"""`watchword api-key …`: what opens the REST API."""

import os
from typing import Annotated, Any

import typer

from watchword.cli.context import operator, services_of
from watchword.cli.output import AsJson, say, say_done, say_json, say_table, when
from watchword.clock import now_seconds
from watchword.services.api_keys import LONGEST_DAYS, ApiKey, ApiKeys, Scope
from watchword.wiring import Services

app = typer.Typer(help="Make, list and revoke keys of the REST API.", no_args_is_help=True)


def _keys(services: Services) -> ApiKeys:
    return ApiKeys(services.store, clock=now_seconds, random_octets=os.urandom, actor=operator())


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What uses it, such as 'account portal'.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be given several times.")],
    days: Annotated[int, typer.Option(min=1, max=LONGEST_DAYS, help="How long it is good.")] = 365,
    network: Annotated[
        list[str] | None, typer.Option(help="Where it may be used, such as 192.0.2.0/24; else anywhere.")
    ] = None,
    digest: Annotated[bool, typer.Option("--digest", help="For HTTP Digest as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key, and show it: this once.

    Example: watchword api-key add 'account portal' --scope validate --scope tokens:write --network 192.0.2.0/24
    """
    with services_of(context) as services:
        new = _keys(services).add(name, scopes=set(scope), days=days, networks=network or [], for_digest=digest)
    if as_json:
        say_json(_describe(new.facts) | {"key": new.key})
        return
    say(f"{name} may {', '.join(sorted(new.facts.scopes))} until {when(new.facts.expires_at)}")
    say("The key. It is shown only now:")
    say(new.key)
    if digest:
        say(f"For HTTP Digest, it is the password of the user {new.facts.key_id}")


@app.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys, never what opens the API. Example: watchword api-key list."""
    with services_of(context) as services:
        found = _keys(services).list_all()
    if as_json:
        say_json([_describe(key) for key in found])
        return
    say_table(
        ["id", "name", "scopes", "from", "made by", "state", "last used"],
        [
            [
                key.key_id,
                key.name,
                " ".join(sorted(key.scopes)),
                " ".join(str(network) for network in key.networks) or "anywhere",
                key.created_by,
                _state(key),
                when(key.last_used_at),
            ]
            for key in found
        ],
    )


@app.command()
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id: what stands between its underscores.")],
    as_json: AsJson = False,
) -> None:
    """End a key for good, from the next request on. Example: watchword api-key revoke 5e0c1f6a9b32."""
    with services_of(context) as services:
        key = _keys(services).revoke(key_id)
    say_done(f"{key.name} ({key_id}) is revoked", as_json=as_json, id=key_id, name=key.name, revoked_at=key.revoked_at)


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {when(key.revoked_at)}"
    verb = "good until" if key.is_live(now_seconds()) else "expired"
    return f"{verb} {when(key.expires_at)}"


def _describe(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "networks": [str(network) for network in key.networks],
        "digest": key.for_digest,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
