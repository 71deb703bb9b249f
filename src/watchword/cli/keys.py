"""`watchword keys …`: the keys that seal secrets."""

from typing import Annotated

import typer

from watchword.cli.context import services_of, settings_of
from watchword.cli.output import AsJson, bar, say, say_json, say_table, when
from watchword.clock import now_seconds
from watchword.domain.errors import SealError
from watchword.store.keyring import KeyState, change_keys, new_key, promote, read_keys

app = typer.Typer(help="List and rotate the keys that seal secrets.", no_args_is_help=True)


@app.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys, never their secrets. Example: watchword keys list."""
    keys = read_keys(settings_of(context).keyring.file)
    if as_json:
        say_json([{"id": key.key_id, "state": key.state.value, "created_at": key.created_at} for key in keys])
    else:
        say_table(["key", "state", "made"], [[key.key_id, key.state, when(key.created_at)] for key in keys])


@app.command()
def rotate(
    context: typer.Context,
    stage: Annotated[
        bool, typer.Option("--stage", help="Only add the next key, so that it can be copied to every server first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Seal every secret with a new key, while logins go on.

    On one server: `watchword keys rotate`. On several: `keys rotate --stage` on one, copy the keyring to the others,
    `keys rotate` on the first, copy the keyring again. No daemon is restarted; retired keys stay, for the audit log.
    """
    path = settings_of(context).keyring.file
    now = int(now_seconds())
    if stage:
        staged = new_key(KeyState.STANDBY, now)
        change_keys(path, lambda keys: [*keys, staged])
        say_json({"staged": staged.key_id}) if as_json else say(
            f"key {staged.key_id} stands by: copy {path} to every server"
        )
        return
    change_keys(path, lambda keys: promote(keys, now))
    _reseal(context, as_json=as_json)


@app.command()
def reseal(context: typer.Context, as_json: AsJson = False) -> None:
    """Seal with the primary key what older keys sealed: the end of a rotation that was interrupted.

    Example: watchword keys reseal
    """
    _reseal(context, as_json=as_json)


def _reseal(context: typer.Context, *, as_json: bool) -> None:
    with services_of(context) as services, bar("sealing", "secrets", hidden=as_json) as advance:
        primary = services.keyring.primary.key_id
        resealed = services.rotator.reseal(primary, advance)
    if as_json:
        say_json({"primary": primary, "resealed": resealed.changed, "damaged": resealed.damaged})
    else:
        say(f"key {primary} seals from now on; secrets sealed anew: {resealed.changed}")
    if resealed.damaged:
        raise SealError(
            f"{len(resealed.damaged)} secrets cannot be opened: {', '.join(resealed.damaged[:10])}",
            hint="is the keyring complete? If it is, remove these tokens and pair their owners anew; revoke these keys",
        )
