"""`watchword token add`: pair an account with a new token."""

from typing import Annotated

import typer

from watchword.cli.context import services_of, settings_of
from watchword.cli.line_input import given_or_asked
from watchword.cli.output import AsJson, say, say_json
from watchword.domain.errors import InvalidValue, WatchwordError
from watchword.domain.otp import Algorithm, OtpProfile
from watchword.domain.tokens import Kind, check_label
from watchword.services.pair import NewToken
from watchword.wiring import Services

_CLOCKWORK = {"secret_hex", "digits", "period", "algorithm"}
OPTIONS_OF = {
    Kind.SOFT: _CLOCKWORK,
    Kind.SMS: {"phone"},
    Kind.HARD: {"serial", *_CLOCKWORK},
    Kind.STATIC: {"code"},
}
"""The options that say something about one kind and nothing about another."""

NEEDED = {Kind.SMS: {"phone"}, Kind.HARD: {"serial"}}


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The account.")],
    kind: Annotated[Kind, typer.Option(help="What kind of token.")],
    phone: Annotated[str, typer.Option(help="sms: the number, such as +15125551234.")] = "",
    code: Annotated[str, typer.Option(help="static: the code; drawn if not given. `-` asks for it.")] = "",
    serial: Annotated[str, typer.Option(help="hard: what is printed on the fob.")] = "",
    secret_hex: Annotated[
        str, typer.Option(help="soft, hard: the seed; drawn, or the drawer's, if not given. `-` asks for it.")
    ] = "",
    digits: Annotated[int, typer.Option(min=6, max=8, help="soft, hard: digits of a code.")] = 6,
    period: Annotated[int, typer.Option(min=10, max=300, help="soft, hard: seconds of a code.")] = 30,
    algorithm: Annotated[Algorithm, typer.Option(help="soft, hard: the hash.")] = Algorithm.SHA1,
    label: Annotated[str, typer.Option(help="The owner's name for it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Pair an account with a new token.

    Examples: watchword token add alice --kind soft; watchword token add bob --kind sms --phone +15125551234;
    watchword token add carol --kind hard --serial 2600123456789; watchword token add train01 --kind static
    """
    _check_options(context, kind)
    check_label(label)
    profile = OtpProfile(digits, period, algorithm)
    # What was given and is empty is a script's mistake, and no wish for one drawn by chance.
    own_code = given_or_asked(code, "code") if _is_given(context, "code") else None
    secret = _octets(given_or_asked(secret_hex, "seed")) if _is_given(context, "secret_hex") else None
    with services_of(context) as services:
        match kind:
            case Kind.SOFT:
                new = services.pairer.add_soft(name, profile=profile, secret=secret, label=label)
            case Kind.SMS:
                country = settings_of(context).sms.country_code
                new = services.pairer.add_sms(name, phone, country_code=country, label=label)
            case Kind.HARD:
                new = services.pairer.add_hard(name, serial, secret=secret, profile=profile, label=label)
                if label and secret is None:  # one from the drawer comes as it was
                    services.administrator.rename(serial, label)
            case Kind.STATIC:
                new = services.pairer.add_static(name, code=own_code, label=label)
        known = _is_known(services, name)
        can_send = services.postman is not None
    if as_json:
        say_json({"account": name, "serial": new.serial, "otpauth": new.otpauth or None, "code": new.code or None})
    else:
        _show_new(name, new)
    if not known:
        typer.echo(f"watchword: note that nobody is called {name} in the directory", err=True)
    if kind is Kind.SMS and not can_send:
        typer.echo("watchword: note that [sms] carrier is none: no message will leave", err=True)


def _check_options(context: typer.Context, kind: Kind) -> None:
    """Refuse what says nothing about this kind, and what would be passed over; raises InvalidValue."""
    given = {name for names in OPTIONS_OF.values() for name in names if _is_given(context, name)}
    if wrong := given - OPTIONS_OF[kind]:
        hint = f"--kind {kind} takes {_options(OPTIONS_OF[kind])}, --label"
        raise InvalidValue(f"{_options(wrong)}: not for a token of kind {kind}", hint=hint)
    if missing := NEEDED.get(kind, set()) - given:
        raise InvalidValue(f"--kind {kind} needs {_options(missing)}", hint="watchword token add --help has examples")
    if kind is Kind.HARD and "secret_hex" not in given and (wrong := given & _CLOCKWORK):
        raise InvalidValue(
            f"{_options(wrong)}: a fob from the drawer keeps what it was imported with",
            hint="give --secret-hex as well, for a fob that was not imported",
        )


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _options(names: set[str]) -> str:
    return ", ".join("--" + name.replace("_", "-") for name in sorted(names))


def _octets(secret_hex: str) -> bytes:
    try:
        octets = bytes.fromhex(secret_hex)
    except ValueError:
        raise InvalidValue("--secret-hex is not hexadecimal") from None
    if not 16 <= len(octets) <= 128:
        raise InvalidValue("a seed has 16 to 128 octets (RFC 4226, section 4)")
    return octets


def _is_known(services: Services, name: str) -> bool:
    try:
        return services.directory.find(name) is not None
    except WatchwordError:
        return True  # a directory that does not answer has not said no


def _show_new(name: str, new: NewToken) -> None:
    say(f"{name} is paired with {new.serial}")
    if new.otpauth:
        import segno  # noqa: PLC0415 - only here is a picture needed

        say("Scan this with the phone's app. It is shown only now:")
        segno.make(new.otpauth, error="m").terminal(compact=True)
        say(new.otpauth)
    if new.code:
        say(f"code: {new.code}")
