"""sshd's effective settings: whether it asks PAM, and about everybody."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from watchword.cli.doctor.findings import Area, Finding, Findings

AREA = Area("sshd")
DEFAULT_CONFIG = Path("/etc/ssh/sshd_config")
THEN = "as conf/sshd_config.d/00-watchword.conf has it; then `sshd -t`, and reload sshd"
RECOMMENDED = "AuthenticationMethods publickey,keyboard-interactive:pam keyboard-interactive:pam"
PROGRAM_SECONDS = 10
DEEPEST_INCLUDE = 16  # SERVCONF_MAX_DEPTH
OLDEST_THAT_TELLS = (7, 8)  # SSH_AUTH_INFO_0 with keyboard-interactive
LEAST_TRIES = 3
THROUGH_PAM = ("keyboard-interactive", "keyboard-interactive:pam")


class SshdSilent(Exception):
    """sshd did not tell its settings; the message says why."""


def effective_settings(config: Path | None) -> dict[str, str]:
    """Ask sshd for its settings outside of Match blocks; keywords are in lower case. Raises SshdSilent."""
    options = ["-T", *(["-f", str(config)] if config else [])]
    done = _run(*options)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SshdSilent(f"`sshd -T` fails: {last}")
    pairs = (line.partition(" ") for line in done.stdout.splitlines())
    return {keyword.lower(): value for keyword, _, value in pairs}


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    if program is None:
        raise SshdSilent("there is no sshd")
    try:
        return subprocess.run(  # noqa: S603 - a program of root's, and a path that the person gave
            [program, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROGRAM_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SshdSilent(f"sshd can't be run: {type(error).__name__}") from None


def key_is_certain(settings: Mapping[str, str]) -> bool:
    """Tell whether sshd lets nobody reach PAM who has not shown a key."""
    value = settings.get("authenticationmethods", "any")
    ways = [way.split(",") for way in value.split()]
    return value != "any" and all(way[0] == "publickey" for way in ways if any(method in THROUGH_PAM for method in way))


def check_sshd(settings: Mapping[str, str], config: Path | None, budget_seconds: float) -> Findings:
    """Check effective settings; `budget_seconds` is how long Watchword lets one login take."""
    yield from _check_version()
    yield from _check_switches(settings)
    yield from _check_methods(settings)
    yield from _check_limits(settings, budget_seconds)
    yield from _check_notes(settings)
    blocks = [place for place, line in _lines(config or DEFAULT_CONFIG) if line.lower().startswith("match ")]
    if blocks:
        yield AREA.warning(
            f"Match blocks were not looked at: {', '.join(blocks)}",
            "see what they come to: sshd -T -C user=NAME,addr=ADDRESS; none may switch off what is checked here",
        )


def _check_version() -> Iterator[Finding]:
    # Older ones don't know -V, and print their version all the same.
    done = _run("-V")
    found = re.search(r"OpenSSH_(\d+)\.(\d+)\S*", done.stderr + done.stdout)
    if found is None:
        yield AREA.warning("this sshd does not tell its version", "Watchword is tried with OpenSSH 7.8 and later")
    elif (int(found[1]), int(found[2])) < OLDEST_THAT_TELLS:
        yield AREA.warning(
            f"{found[0]} does not tell PAM about keys (7.8 and later do)",
            "give pubkey.py log=/var/log/auth.log, or log=journal; see docs/reference/pam.md",
        )
    else:
        yield AREA.ok(f"{found[0].rstrip(',')} tells PAM which keys it accepted")


def _check_switches(settings: Mapping[str, str]) -> Iterator[Finding]:
    interactive = settings.get("kbdinteractiveauthentication", settings.get("challengeresponseauthentication", "no"))
    wanted = [
        ("UsePAM", settings.get("usepam", "no"), "yes", "without PAM nobody is asked for a second factor"),
        ("KbdInteractiveAuthentication", interactive, "yes", "without it PAM can't ask for a code"),
        (
            "PasswordAuthentication",
            settings.get("passwordauthentication", "yes"),
            "no",
            "sshd would answer the question for the code with the password, by itself",
        ),
    ]
    for keyword, value, right, why in wanted:
        if value == right:
            yield AREA.ok(f"{keyword} {value}")
        else:
            yield AREA.problem(f"{keyword} is {value}: {why}", f"set {keyword} {right}, {THEN}")


def _check_methods(settings: Mapping[str, str]) -> Iterator[Finding]:
    value = settings.get("authenticationmethods", "any")
    wrong = list(_wrong_ways(value))
    yield from wrong
    if not wrong:
        yield AREA.ok(f"AuthenticationMethods {value}")


def _wrong_ways(value: str) -> Iterator[Finding]:
    if value == "any":
        yield AREA.problem(
            "AuthenticationMethods is any: a key alone gets in, and PAM asks for no second factor",
            f"set {RECOMMENDED}, {THEN}",
        )
        return
    for way in value.split():
        methods = way.split(",")
        places = [place for place, method in enumerate(methods) if method in THROUGH_PAM]
        if not places:
            yield AREA.problem(
                f"AuthenticationMethods has {way}: it gets in, and PAM asks for no second factor",
                f"set {RECOMMENDED}, {THEN}",
            )
        elif "publickey" in methods[places[0] :]:
            yield AREA.warning(
                f"AuthenticationMethods has {way}: PAM is asked before the key, and asks for the password as well",
                f"set {RECOMMENDED}",
            )


def _check_limits(settings: Mapping[str, str], budget_seconds: float) -> Iterator[Finding]:
    grace = _number(settings, "logingracetime", 120)
    if 0 < grace < budget_seconds:
        yield AREA.problem(
            f"LoginGraceTime is {grace} s: sshd hangs up while people still look for their code",
            f"set LoginGraceTime 120, or budget_seconds in pam.toml below {grace} (it is {budget_seconds:g})",
        )
    else:
        yield AREA.ok(f"LoginGraceTime {grace}: enough for the {budget_seconds:g} s that a login may take")
    tries = _number(settings, "maxauthtries", 6)
    if tries < LEAST_TRIES:
        yield AREA.warning(
            f"MaxAuthTries is {tries}: a key or two that sshd does not want, and nobody is asked for a code",
            "set MaxAuthTries 6",
        )


def _check_notes(settings: Mapping[str, str]) -> Iterator[Finding]:
    if settings.get("permitrootlogin") == "yes":
        yield AREA.warning("PermitRootLogin is yes", "let people log in as themselves; set PermitRootLogin no")
    if settings.get("usedns") == "yes":
        yield AREA.ok("UseDNS yes does no harm: exemptions look at the numeric address alone")


def _number(settings: Mapping[str, str], keyword: str, default: int) -> int:
    value = settings.get(keyword, "")
    return int(value) if value.isascii() and value.isdigit() else default


def _lines(path: Path, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield place and text of each line of sshd_config and what it includes; what can't be read is left out."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace("=", " ", 1).split()
        if not words or words[0].startswith("#"):
            continue
        yield f"{path}:{number}", " ".join(words)
        if words[0].lower() == "include" and depth < DEEPEST_INCLUDE:
            for pattern in words[1:]:
                # A relative name is below /etc/ssh, wherever the file is (sshd_config(5)).
                absolute = DEFAULT_CONFIG.parent / pattern.strip('"')
                for included in sorted(Path("/").glob(str(absolute).lstrip("/"))):
                    yield from _lines(included, depth + 1)
