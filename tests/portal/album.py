"""`python -m tests.portal.album`: docs/portal from the screenshots that the browser tests left there."""

import sys
from pathlib import Path

from PIL import Image

from tests.harness.browser import SCHEMES, SCREENS

FOLDER = Path(__file__).parents[2] / "docs/portal"

INTRODUCTION = """\
# The portal's pages

What people and operators see, as a browser shows it: on a desk and on a phone, by day and by night. `make screenshots`
makes this page anew, from the tests that walk each flow in Chromium against a portal on MariaDB.
[How to set one up](../how-to/portal.md).

Everything works without JavaScript; with it, forms are sent once, a secret can be copied, and operators' pages keep
themselves up to date. The pages follow the browser's wish for light or dark, and for less motion. axe-core finds
nothing on any of them, and none is wider than a phone.
"""

# In the order of a person's way through them: heading of a part, or name of a picture and what it shows.
PAGES: tuple[tuple[str, str], ...] = (
    ("", "Sign in"),
    ("sign-in", "The password of the cluster."),
    ("splash", "Whoever has no token reads why, and how long is left; it can be put off until the next sign-in."),
    ("prove", "A paired person gives a code before anything can be changed. This one was wrong."),
    ("", "Pair a device"),
    ("pair", "An app, text messages or a fob."),
    ("pair-app", "The QR code; below it the secret, for those who can't scan."),
    ("pair-app-refused", "The code was not right; the pairing counts only after one that is."),
    ("pair-number", "Text messages: the number, in the countries that the centre has set."),
    ("pair-text", "The code that was texted."),
    ("pair-serial", "A fob: what is printed on its back."),
    ("pair-fob", "A code of the fob."),
    ("pair-done", "Paired; used over ssh a moment later."),
    ("", "See and unpair"),
    ("home", "What is paired, when it was last used, the last logins."),
    ("home-unpaired", "The same of somebody who has put it off."),
    ("history", "All that happened with the account, each with a way to say that it wasn't me."),
    ("not-me", "What that does: the account is held, sessions end, the operators are told."),
    ("reported", "Done; the person is signed out."),
    ("sessions", "Where one is signed in."),
    ("unpair", "Unpair, with a current code."),
    ("unpaired", "Done; over ssh the codes are good no more."),
    ("unpair-fob", "A fob goes back to the help desk."),
    ("", "A lost phone"),
    ("lost", "Ask for a link by mail."),
    ("lost-sent", "The same for everybody, whether or not a mail leaves."),
    ("lost-link", "What the link shows; only the button changes anything."),
    ("lost-done", "Unpaired, and told so by mail."),
    ("lost-unusable", "The link once more."),
    ("", "Operators"),
    ("operators-find", "Find an account or a serial by how it begins."),
    ("operators-account", "An account: pairing, failures, lockout, and its story in plain words."),
    ("operators-why", "Why can't she log in? What is wrong, in the order of a login, and what to do."),
    ("operators-act", "Each act asks why; the audit log keeps it."),
    ("operators-now", "What happens now, live."),
    ("operators-locked", "Locked accounts."),
    ("operators-charts", "The move to a second factor."),
    ("operators-import", "Bring in fobs: upload."),
    ("operators-import-file", "What is in the file, before it counts."),
    ("operators-class", "A training class."),
    ("operators-api-keys", "Keys for the REST API."),
    ("operators-class-codes", "Its codes, shown once, to be printed."),
)


def main() -> int:
    """Shrink the pictures, drop those that are in no list, write the page; fails if one is missing."""
    wanted = [name for name, _ in PAGES if name]
    missing = [picture.name for name in wanted for picture in pictures(name) if not picture.exists()]
    if missing:
        print(f"album: not there: {', '.join(missing)}", file=sys.stderr)
        return 1
    kept = {picture for name in wanted for picture in pictures(name)}
    for picture in FOLDER.glob("*.png"):
        if picture in kept:
            _shrink(picture)
        else:
            picture.unlink()
    parts = [INTRODUCTION, *(_page(name, text) if name else f"## {text}\n" for name, text in PAGES)]
    (FOLDER / "README.md").write_text("\n".join(parts), encoding="utf-8")
    return 0


def pictures(name: str) -> list[Path]:
    """Return where the pictures of a page are."""
    return [FOLDER / f"{name}.{screen.name}.{scheme}.png" for scheme in SCHEMES for screen in SCREENS]


def _page(name: str, text: str) -> str:
    cells = [f"![{name}, {' '.join(picture.name.split('.')[1:3])}]({picture.name})" for picture in pictures(name)]
    headings = [f"{screen.name}, {scheme}" for scheme in SCHEMES for screen in SCREENS]
    return f"{text}\n\n| {' | '.join(headings)} |\n| --- | --- | --- | --- |\n| {' | '.join(cells)} |\n"


def _shrink(picture: Path) -> None:
    """Write a picture with a palette: a third of its size, and no difference to the eye."""
    with Image.open(picture) as image:
        if image.mode != "P":
            image.convert("RGB").quantize(colors=128).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
