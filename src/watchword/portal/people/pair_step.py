"""How each step of a pairing looks."""

import base64

import segno
from fastapi import Request, Response
from markupsafe import Markup

from watchword.domain.errors import WatchwordError
from watchword.domain.phones import country_label, mask_phone
from watchword.domain.tokens import Kind
from watchword.portal.pages import render
from watchword.services.ports_flows import Flow, Stage
from watchword.services.throttle import TooMany
from watchword.wiring.portal import Desk

GROUP = 4


def render_step(
    request: Request,
    desk: Desk,
    flow: Flow,
    *,
    mistake: WatchwordError | None = None,
    typed: str = "",
    country: str = "",
) -> Response:
    """Show a step's form; after a mistake once more, with what was wrong and what had been typed."""
    template, shown = _describe(desk, flow)
    return render(
        request,
        template,
        status=_status(mistake),
        ticket=flow.ticket,
        error=_said(mistake) if mistake is not None else "",
        typed=typed,
        country=country,
        shown=shown,
    )


def _describe(desk: Desk, flow: Flow) -> tuple[str, dict[str, object]]:
    """Choose a step's template, and what it needs to know."""
    pairing = desk.people.pairing
    match flow.stage, flow.kind:
        case Stage.NUMBER, _:
            return "people/pair_number.html", {"countries": [(code, country_label(code)) for code in pairing.countries]}
        case Stage.SERIAL, _:
            return "people/pair_serial.html", {}
        case _, Kind.SOFT:
            otpauth = pairing.otpauth(flow)
            return "people/pair_soft.html", {"qr": draw(otpauth), "secret": in_groups(flow.secret), "otpauth": otpauth}
        case _, Kind.SMS:
            return "people/pair_text.html", {"where": mask_phone(flow.secret.decode("ascii"))}
        case _:
            return "people/pair_fob.html", {"serial": flow.serial}


def _status(mistake: WatchwordError | None) -> int:
    if mistake is None:
        return 200
    return 429 if isinstance(mistake, TooMany) else 422


def draw(otpauth: str) -> Markup:
    """Draw a QR code as a part of the page: as a picture of its own, its address would have to say what it shows."""
    qr = segno.make_qr(otpauth, error="m")
    # Black on white in dark mode, too: phones read nothing else.
    return Markup(qr.svg_inline(dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None))  # noqa: S704


def in_groups(secret: bytes) -> str:
    """Write a secret in base32 for those who type it: in groups of four."""
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def _said(mistake: WatchwordError) -> str:
    sentences = [text[:1].upper() + text[1:] for text in (str(mistake), mistake.hint) if text]
    return " ".join(text if text.endswith(".") else f"{text}." for text in sentences)
