"""LinOTP 4 from its public repository, with the versions that it is locked to, behind gunicorn."""

import http.client
import os
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from tests.bench.peers.environment import NotHad, environment, installed_version, pip_install, run, version_in
from tests.bench.peers.http_load import FORM, Endpoint, Web
from tests.bench.people import Crowd, seed_of, serial_of
from tests.bench.stage import CACHE, Stage
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import running

REPOSITORY = "https://github.com/LinOTP/LinOTP"
SOURCE = "LINOTP_SOURCE"
"""The variable that names a checkout of it; without one, it is cloned."""

TOKENS = 200
ADMIN, PASSWORD = "admin", "a password of the bench"

GUNICORN = {
    "LinOTP as its image starts it": ("--workers=1", "--threads=5", "--worker-class=gthread"),
    "LinOTP, two workers": ("--workers=2",),
}
"""Its image says that it does not support several workers yet, and takes twice the cores plus one threads."""

NOTES = """\
- LinOTP: its repository's newest state, dependencies as its `uv.lock` has them; mysqlclient (C) to the same MariaDB;
  settings as shipped (log level WARNING, audit log on and signed); 200 TOTP tokens without PIN, by serial. Measured
  as its container starts it (one worker, five threads), and with two workers, which its makers do not support yet
  because of the logins of its web pages.
"""


def start(stage: Stage) -> dict[str, Web]:
    """Start it both ways; raises NotHad."""
    stage.say("LinOTP: installing (kept for the next run), making its tokens")
    home = environment("linotp", _install)
    stage.versions["LinOTP"] = version_in(home)
    directory = stage.folder("linotp")
    settings = _settings(stage, directory)
    for words in (
        ["init", "all"],
        ["local-admins", "add", ADMIN],
        ["local-admins", "password", "--password", PASSWORD, ADMIN],
    ):
        _do([home / "bin/linotp", *words], settings)
    endpoints = {name: _serve(stage, home, options, settings, directory) for name, options in GUNICORN.items()}
    _add_tokens(next(iter(endpoints.values())).port)
    crowd = Crowd(TOKENS)
    return {name: Web(endpoint, crowd) for name, endpoint in endpoints.items()}


def _install(home: Path) -> str:
    source = Path(os.environ[SOURCE]) if SOURCE in os.environ else _clone()
    locked = home / "locked.txt"
    pip_install(home, "uv")
    run([home / "bin/uv", "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", "-o", locked], cwd=source)
    pip_install(home, "-r", locked)
    pip_install(home, "--no-deps", source)
    commit = run(["git", "-C", source, "rev-parse", "--short", "HEAD"]).strip()
    gunicorn = installed_version(home, "gunicorn")
    return f"{installed_version(home, 'linotp')} (commit {commit}), gunicorn {gunicorn}"


def _clone() -> Path:
    source = CACHE / "linotp"
    if not source.exists():
        try:
            run(["timeout", "120", "git", "clone", "--quiet", "--depth", "1", REPOSITORY, source])
        except NotHad:
            raise NotHad(f"{REPOSITORY} could not be cloned, and {SOURCE} names no checkout of it") from None
    return source


def _settings(stage: Stage, directory: Path) -> dict[str, str]:
    for name in ("cache", "logs", "backup"):
        (directory / name).mkdir()
    return {
        "LINOTP_CFG": "",
        "LINOTP_CONFIG": "production",
        "LINOTP_ROOT_DIR": str(directory),
        # Its own driver: mysqlclient, in C.
        "LINOTP_DATABASE_URI": stage.mariadb.create_database().replace("mysql+pymysql", "mysql"),
    }


def _do(argv: list[Path | str], settings: dict[str, str]) -> None:
    done = subprocess.run(argv, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{argv[0]} failed:\n{done.stdout[-500:]}{done.stderr[-1500:]}")


def _serve(stage: Stage, home: Path, options: tuple[str, ...], settings: dict[str, str], directory: Path) -> Endpoint:
    port = free_tcp_port()
    bind = ["--worker-tmp-dir=/dev/shm", f"--bind={LOOPBACK}:{port}"]
    argv: list[str | Path] = [home / "bin/gunicorn", *bind, *options, "linotp.app:create_app('production')"]
    server = stage.undo.enter_context(running(argv, directory / f"gunicorn-{port}.log", settings))
    server.wait_until(lambda: "Booting worker" in server.log_text())
    return Endpoint(port, "/validate/check_s")


def _add_tokens(port: int) -> None:
    """Give it its tokens as an administrator does, over its API."""
    connection = http.client.HTTPConnection(LOOPBACK, port)
    login = _ask(connection, "/admin/login", {"username": ADMIN, "password": PASSWORD}, {})
    cookies = dict(value.split(";")[0].split("=", 1) for name, value in login if name.lower() == "set-cookie")
    session = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRF-TOKEN": cookies["csrf_access_token"],
    }
    for number in range(TOKENS):
        token = {"type": "totp", "serial": serial_of(number), "otpkey": seed_of(number).hex(), "timeStep": "30"}
        _ask(connection, "/admin/init", token, session)
    connection.close()


def _ask(
    connection: http.client.HTTPConnection, path: str, form: dict[str, str], headers: dict[str, str]
) -> list[tuple[str, str]]:
    connection.request("POST", path, urlencode(form), {"Content-Type": FORM, **headers})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200 or b'"status": true' not in body:
        raise AssertionError(f"LinOTP {path} answered {answer.status}: {body[:500]!r}")
    return answer.getheaders()
