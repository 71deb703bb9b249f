"""Check the stack of a PAM service: what its ways come to, and the files that it names."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from watchword.cli.doctor.findings import Finding, Findings
from watchword.cli.doctor.pam_file import Stack, StackLine, read_stack
from watchword.cli.doctor.pam_promises import AREA, SAMPLE, Promises
from watchword.cli.doctor.pam_roles import OURS, REFUSE_KEY, Role, role_of
from watchword.cli.doctor.trust import weaknesses

# What each of our modules takes, and whether the file must be there.
ARGUMENTS = {
    Role.PUBKEY: ("log",),
    Role.EXEMPTION: ("exemptions",),
    Role.TOKEN: ("config",),
    Role.SOLARIS: ("log", "exemptions", "config"),
}
MUST_EXIST = ("exemptions", "config")
LIBRARY = Path("lib/watchword_pam")
MODULE_DIRECTORIES = ("lib64/security", "usr/lib64/security", "lib/*-linux-gnu*/security", "usr/lib/security")


def check_stack(directory: Path, service: str, *, key_is_certain: bool) -> Findings:
    """Check a service's stack. `key_is_certain`: sshd lets nobody reach PAM who has not shown a key."""
    try:
        stack = read_stack(directory, service)
    except OSError as error:
        yield AREA.problem(
            f"{directory / service} can't be read: {error.strerror}", "name the service with --pam-service"
        )
        return
    lines = stack.of("auth")
    yield from _mistakes(stack)
    if not any(role_of(line) in OURS.values() for line in lines):
        yield AREA.problem(f"{directory / service} runs no module of Watchword: nobody is asked for a code", SAMPLE)
        return
    yield from Promises(lines, service, key_is_certain=key_is_certain).check()
    yield from _files_of(lines)
    for line in lines:
        yield from _arguments_of(line)


def argument(stack: Stack, name: str) -> str:
    """Answer what the first auth line of ours gives as NAME=…; empty if none does."""
    given = [
        word.partition("=")[2]
        for line in stack.of("auth")
        if name in ARGUMENTS.get(role_of(line), ())
        for word in line.arguments[1:]
        if word.startswith(f"{name}=")
    ]
    return given[0] if given else ""


def _mistakes(stack: Stack) -> Iterator[Finding]:
    for mistake in stack.mistakes:
        yield AREA.problem(f"{mistake.place}: {mistake.why}", "mend the line: PAM fails every login that reaches it")
    for line in stack.lines:
        if line.type != "auth" and role_of(line) in OURS.values():
            yield AREA.warning(f"{line.place}: {line.name} does nothing in {line.type}", "name it in auth lines alone")


def _files_of(lines: Sequence[StackLine]) -> Iterator[Finding]:
    """Check each file that runs as root, once."""
    named = [line for line in lines if line.runs_python]
    files = dict.fromkeys(Path(name) for line in named for name in (line.module, line.program))
    bad = 0
    for path in files:
        found = list(_runs_safely(_as_libpam_finds(path)))
        bad += len(found)
        yield from found
    for library in dict.fromkeys(Path(line.program).parent.parent / LIBRARY for line in named if _is_ours(line)):
        found = list(_runs_safely(library))
        bad += len(found)
        yield from found
    if not bad:
        yield AREA.ok("pam_python.so and our modules are there, and only root can change them")


def _as_libpam_finds(path: Path) -> Path:
    """Find a module that is named without its directory: libpam's own is another on each distribution."""
    if path.is_absolute():
        return path
    found = [place for pattern in MODULE_DIRECTORIES for place in Path("/").glob(f"{pattern}/{path}")]
    return found[0] if found else Path("/lib/*/security") / path


def _is_ours(line: StackLine) -> bool:
    return role_of(line) in OURS.values()


def _runs_safely(path: Path) -> Iterator[Finding]:
    try:
        weak = weaknesses(path)
    except FileNotFoundError:
        todo = "make install-node"
        if path.name == "pam_python.so":
            todo = "install libpam-python, and name its full path: on Debian /lib/security/pam_python.so"
        yield AREA.problem(f"{path} is not there: PAM fails every login that reaches it", todo)
        return
    for weakness in weak:
        yield AREA.problem(
            f"{weakness}: who can change it is root at the next login", "chown root and chmod go-w what is named"
        )


def _arguments_of(line: StackLine) -> Iterator[Finding]:
    if not _is_ours(line):
        return
    known = ARGUMENTS[role_of(line)]
    for word in line.arguments[1:]:
        key, equals, value = word.partition("=")
        if word == REFUSE_KEY and role_of(line) is Role.SOLARIS:
            continue
        if not equals or key not in known or not value:
            takes = ", ".join(f"{name}=FILE" for name in known)
            yield AREA.problem(f"{line.place}: {line.name} does not take {word!r}: it refuses", f"it takes {takes}")
        elif key in MUST_EXIST and not Path(value).exists():
            yield AREA.problem(f"{line.place}: {value} is not there", f"make it, or name another with {key}=")
