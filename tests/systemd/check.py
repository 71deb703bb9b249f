"""Called by prove.sh where systemd runs: set Watchword up as docs/how-to say, and see what its units do.

Needs nothing but Python. Ends with a status other than 0 at the first promise that is not kept.
"""

import http.client
import os
import pwd
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

CHECKOUT = Path(__file__).resolve().parents[2]
ETC = Path("/etc/watchword")
DROP_IN = Path("/etc/systemd/system/watchword-portal.service.d/password.conf")
UNITS = ("watchword-keeper", "watchword-portal", "watchword-radius")
HOST = "mfa.example.org"
PORT = 8080
SECRET, NEW_SECRET = "0123456789abcdef" * 2, "fedcba9876543210" * 2
PASSWORD = "correct horse"
WAIT_SECONDS = 60
WORST_EXPOSURE = 15
"""Tenths, as `systemd-analyze security` counts: 15 is 1.5 of 10."""

READ_ONLY = ("/usr", "/etc", "/etc/watchword", "/var/lib", "/var/log")


def say(what: str) -> None:
    """Tell a person."""
    print(f"systemd: {what}", flush=True)


def must(truth: bool, promise: str) -> None:
    """Hold to a promise."""
    if not truth:
        raise SystemExit(f"systemd: NOT SO: {promise}")
    say(f"ok: {promise}")


def run(*words: str, given: str = "", check: bool = True) -> str:
    """Run a command; return what it prints."""
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        said = f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}{journal('--lines=60')}"
        raise SystemExit(f"systemd: {said}")
    return done.stdout + done.stderr


def journal(*more: str) -> str:
    """Return what our units have logged."""
    # Some of it may still be under way.
    subprocess.run(["journalctl", "--sync"], capture_output=True, check=False)
    argv = ["journalctl", "--no-pager", "--output", "cat", *[f"--unit={unit}" for unit in UNITS], *more]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def systemctl(*words: str) -> str:
    """Run systemctl."""
    return run("systemctl", "--no-pager", *words)


def watchword(user: str, *words: str) -> str:
    """Run the command with the configuration of an operator, or of the schema's owner."""
    return run("watchword", "--config", str(ETC / f"{user}.toml"), *words)


def wait_for(ready: Callable[[], bool], what: str) -> None:
    """Wait until something answers true."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit(f"systemd: {what} did not come:\n{journal('--lines=60')}")
        time.sleep(0.1)


def set_up() -> None:
    """Set up MariaDB, its users, the configuration, the keyring: docs/how-to/mariadb.md and portal.md."""
    owner = "CREATE DATABASE watchword CHARACTER SET utf8mb4; CREATE USER watchword_owner IDENTIFIED BY 'owner';"
    run("mariadb", "--execute", f"{owner} GRANT ALL ON watchword.* TO watchword_owner")
    plain = (ETC / "watchword.toml").read_text(encoding="utf-8")
    for user in ("owner", "operator"):
        put(ETC / f"{user}.toml", plain, 0o600)
    for name, user in (("watchword", "radius"), ("portal", "portal"), ("keeper", "keeper")):
        set_key(ETC / f"{name}.toml", "url", database_url(user, f"change me: {user}"))
    set_key(ETC / "owner.toml", "url", database_url("owner", "owner"))
    set_key(ETC / "operator.toml", "url", database_url("operator", "change me: operator"))
    set_key(ETC / "watchword.toml", "secret", SECRET)
    watchword("owner", "init")
    run("mariadb", "watchword", given=(CHECKOUT / "conf/mariadb/grants.sql").read_text(encoding="utf-8"))
    put(Path("/etc/pam.d/watchword-portal"), (CHECKOUT / "conf/pam.d/watchword-portal").read_text(encoding="utf-8"))
    # Passwords of this very machine, as docs/how-to/portal.md has it.
    DROP_IN.parent.mkdir(parents=True)
    put(DROP_IN, "[Service]\nSupplementaryGroups=shadow\n")
    run("useradd", "--create-home", "alice")
    run("chpasswd", given=f"alice:{PASSWORD}\n")


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that has a mode, whatever the umask."""
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def database_url(user: str, password: str) -> str:
    """Return the URL of the database for one of its users."""
    escaped = password.replace(":", "%3A").replace(" ", "%20")
    return f"mysql+pymysql://watchword_{user}:{escaped}@127.0.0.1/watchword"


def set_key(file: Path, key: str, value: str) -> None:
    """Change the first line of a key; owner and mode stay."""
    text = re.sub(
        rf"^{key} *= .*$", f'{key} = "{value}"', file.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE
    )
    file.write_text(text, encoding="utf-8")


def main_pid(unit: str) -> int:
    """Return a unit's process."""
    return int(systemctl("show", "--property", "MainPID", "--value", unit))


def check_confinement(unit: str) -> None:
    """See that what the unit says of confinement holds for its process."""
    pid = main_pid(unit)
    status = dict(re.findall(r"^(\w+):\t(.*)$", Path(f"/proc/{pid}/status").read_text(encoding="ascii"), re.MULTILINE))
    owner = pwd.getpwuid(int(status["Uid"].split()[0])).pw_name
    expected = "watchword" if unit == "watchword-radius" else unit
    must(owner == expected, f"{unit} runs as {expected}")
    must(
        status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", f"{unit} gains no rights, and its calls are filtered"
    )
    must(int(status["CapBnd"], 16) == 0, f"{unit} has no capability, nor can it get one")
    written = [place for place in READ_ONLY if can_write(pid, place)]
    must(not written, f"{unit} sees {', '.join(READ_ONLY)} as read-only, even for root")
    seen = run("nsenter", "--target", str(pid), "--mount", "ls", "--almost-all", "/home", "/root", check=False)
    must("alice" not in seen and "watchword" not in seen, f"{unit} sees nobody's home")
    threshold = f"--threshold={WORST_EXPOSURE}"
    last = run("systemd-analyze", "security", "--no-pager", threshold, f"{unit}.service").strip().splitlines()[-1]
    say(f"ok: {last.removeprefix('→ ')}")


def can_write(pid: int, place: str) -> bool:
    """Tell whether root could make a file in a directory as a process sees it."""
    probe = f"{place}/written-by-the-proof"
    argv = ["nsenter", "--target", str(pid), "--mount", "touch", probe]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def log_in(code: str, secret: str) -> str:
    """Send a code over RADIUS; return the reply's name."""
    request = f"Message-Authenticator = 0x00\nUser-Name = alice\nUser-Password = {code}\nNAS-Identifier = login1\n"
    said = run("radclient", "-r", "1", "127.0.0.1:1812", "auth", secret, given=request, check=False)
    found = re.search(r"Received (\S+)", said)
    return found[1] if found else "silence"


class Browser:
    """Somebody at the portal; the proxy that speaks TLS is left out."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}
        self._page = ""

    def ask(self, method: str, path: str, **form: str) -> tuple[int, str]:
        """Send a request; return its status, and where it leads."""
        headers = {"Host": HOST, "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        body = None
        if method == "POST":
            found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', self._page)
            body = urlencode({"csrf_token": found[1] if found else "", **form})
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://{HOST}"}
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=WAIT_SECONDS)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        self._page = answer.read().decode("utf-8")
        for cookie in answer.headers.get_all("set-cookie", []):
            name, _, rest = cookie.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        connection.close()
        return answer.status, answer.getheader("location", "")


def is_well() -> bool:
    """Tell whether the portal says that it is."""
    try:
        return Browser().ask("GET", "/health")[0] == 200
    except OSError:
        return False


def code_of(secret: str, *, steps_ahead: int = 0) -> str:
    """Return a token code: now's, or one of the next."""
    return run("oathtool", "--totp", "--base32", f"--now=@{int(time.time()) + 30 * steps_ahead}", secret).strip()


def check_use() -> None:
    """Pair, log in over RADIUS, sign in to the portal, and prove a code there, which the keeper checks."""
    added = watchword("operator", "token", "add", "alice", "--kind", "soft", "--json")
    found = re.search(r"secret=([A-Z2-7]+)", added)
    assert found
    code = code_of(found[1])
    must(log_in(code, SECRET) == "Access-Accept", "a code opens a login")
    must(log_in(code, SECRET) == "Access-Reject", "the same code opens no second one")
    browser = Browser()
    must(browser.ask("GET", "/sign-in")[0] == 200, "the portal asks who it is")
    must(browser.ask("POST", "/sign-in", account="alice", password="wrong")[0] == 403, "a wrong password is refused")
    must(
        browser.ask("POST", "/sign-in", account="alice", password=PASSWORD)[0] == 303, "the machine's password signs in"
    )
    browser.ask("GET", "/prove")
    must(
        browser.ask("POST", "/prove", code=code)[0] == 403, "a code that was spent at ssh proves nothing in the portal"
    )
    proved = browser.ask("POST", "/prove", code=code_of(found[1], steps_ahead=1))
    must(proved == (303, "/"), "a fresh one does: the keeper has checked it")
    must(browser.ask("GET", "/history")[0] == 200, "the page of last logins is there")


def check_reload() -> None:
    """Change a client's secret while the server runs."""
    before = main_pid("watchword-radius")
    set_key(ETC / "watchword.toml", "secret", NEW_SECRET)
    systemctl("reload", "watchword-radius")
    wait_for(lambda: log_in("000000", NEW_SECRET) == "Access-Reject", "an answer to the new secret")
    must(log_in("000000", SECRET) == "silence", "after a reload the new secret holds, and the old one no longer")
    must(main_pid("watchword-radius") == before, "it is the same process")


def check_kill() -> None:
    """Kill every daemon; systemd starts them again."""
    before = {unit: main_pid(unit) for unit in UNITS}
    for pid in before.values():
        os.kill(pid, 9)
    wait_for(lambda: all(main_pid(unit) not in {0, before[unit]} for unit in UNITS), "a new process")
    wait_for(is_well, "the portal")
    wait_for(lambda: log_in("000000", NEW_SECRET) == "Access-Reject", "the RADIUS server")
    say("ok: what was killed is back")


def check_stop() -> None:
    """Stop everything, in good order; and read what was logged."""
    systemctl("stop", *UNITS)
    results = {unit: systemctl("show", "--property", "Result", "--value", unit).strip() for unit in UNITS}
    must(set(results.values()) == {"success"}, "each unit stops when it is told to")
    must(not systemctl("list-units", "--failed", "--no-legend").strip(), "no unit has failed")
    must("Traceback" not in journal(), "the journal has no traceback")


def main() -> None:
    """Check everything."""
    set_up()
    systemctl("daemon-reload")
    systemctl("enable", "--now", *UNITS)
    wait_for(is_well, "the portal")
    for unit in UNITS:
        check_confinement(unit)
    check_use()
    check_reload()
    check_kill()
    check_stop()


if __name__ == "__main__":
    main()
