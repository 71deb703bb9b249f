"""privacyIDEA from PyPI, with the versions that it was released with, behind gunicorn."""

import os
import secrets
import subprocess
from pathlib import Path

from tests.bench.peers.environment import environment, installed_version, pip_install, version_in
from tests.bench.peers.http_load import Endpoint, Web
from tests.bench.people import Crowd, seed_of, serial_of
from tests.bench.stage import Stage
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import running

TOKENS = 200
ADD_TOKENS = Path(__file__).with_name("privacyidea_tokens.py")

AS_DOCUMENTED = {
    "SUPERUSER_REALM": ["super"],
    "PI_LOGLEVEL": 20,
}
"""What its installation guide has one write. The audit log is on, its rows and the answers are signed."""

TUNED = {
    "PI_LOGLEVEL": 30,
    "PI_AUDIT_NO_PRIVATE_KEY_CHECK": True,
    "PI_RESPONSE_NO_PRIVATE_KEY_CHECK": True,
    "PI_ENGINE_REGISTRY_CLASS": "shared",
}
"""What its page on performance advises and keeps signatures on: no check of the key each time, connections pooled."""

NOTES = """\
- privacyIDEA: from PyPI, then `lib/privacyidea/requirements.txt` of its release; gunicorn with two workers, started
  as its Docker image does; the same MariaDB over PyMySQL; 200 TOTP tokens without PIN, asked for by serial (cheaper
  than by user, which needs a resolver); audit log on, rows and answers signed.
- "As documented" is the `pi.cfg` of its guide, at log level INFO. "Tuned" also follows its page on performance as far
  as signatures stay on: log level WARNING, `PI_AUDIT_NO_PRIVATE_KEY_CHECK`, `PI_RESPONSE_NO_PRIVATE_KEY_CHECK`,
  `PI_ENGINE_REGISTRY_CLASS = "shared"`.
"""


def start(stage: Stage) -> dict[str, Web]:
    """Start both configurations; raises NotHad."""
    stage.say("privacyIDEA: installing (kept for the next run), making its tokens")
    home = environment("privacyidea", _install)
    stage.versions["privacyIDEA"] = version_in(home)
    directory = stage.folder("privacyidea")
    common = AS_DOCUMENTED | _files(directory) | {"SQLALCHEMY_DATABASE_URI": stage.mariadb.create_database()}
    as_documented = _write(directory / "documented.cfg", common)
    tuned = _write(directory / "tuned.cfg", common | TUNED)
    for word in ("create_enckey", "create_audit_keys", "create_tables"):
        _do(as_documented, [home / "bin/pi-manage", "setup", word])
    _do(as_documented, [home / "bin/python", "-P", ADD_TOKENS], given=_tokens())
    crowd = Crowd(TOKENS)
    return {
        "privacyIDEA as documented": Web(_serve(stage, home, as_documented), crowd),
        "privacyIDEA tuned": Web(_serve(stage, home, tuned), crowd),
    }


def _install(home: Path) -> str:
    pip_install(home, "privacyidea")
    pip_install(home, "-r", home / "lib/privacyidea/requirements.txt")
    pip_install(home, "gunicorn")
    versions = [f"{package} {installed_version(home, package)}" for package in ("gunicorn", "SQLAlchemy", "PyMySQL")]
    return ", ".join([installed_version(home, "privacyidea"), *versions])


def _files(directory: Path) -> dict[str, object]:
    return {
        "SECRET_KEY": secrets.token_hex(24),
        "PI_PEPPER": secrets.token_hex(12),
        "PI_ENCFILE": str(directory / "enckey"),
        "PI_AUDIT_KEY_PRIVATE": str(directory / "private.pem"),
        "PI_AUDIT_KEY_PUBLIC": str(directory / "public.pem"),
        "PI_LOGFILE": str(directory / "privacyidea.log"),
        "PI_UUID_FILE": str(directory / "uuid.txt"),
    }


def _write(path: Path, settings: dict[str, object]) -> Path:
    path.write_text("".join(f"{key} = {value!r}\n" for key, value in settings.items()), encoding="utf-8")
    return path


def _environment(config: Path) -> dict[str, str]:
    return {"PRIVACYIDEA_CONFIGFILE": str(config)}


def _do(config: Path, argv: list[Path | str], given: str = "") -> None:
    done = subprocess.run(
        argv, input=given, env={**os.environ, **_environment(config)}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{argv[0]} failed:\n{done.stdout[-500:]}{done.stderr[-1500:]}")


def _tokens() -> str:
    return "".join(f"{serial_of(number)} {seed_of(number).hex()}\n" for number in range(TOKENS))


def _serve(stage: Stage, home: Path, config: Path) -> Endpoint:
    port = free_tcp_port()
    argv: list[str | Path] = [
        *(home / "bin/gunicorn", "--workers", "2", "--worker-tmp-dir", "/dev/shm"),
        *("--bind", f"{LOOPBACK}:{port}", "privacyidea.app:create_app('production')"),
    ]
    log = config.with_suffix(".log")
    server = stage.undo.enter_context(running(argv, log, _environment(config)))
    server.wait_until(lambda: server.log_text().count("Booting worker") == 2)
    return Endpoint(port, "/validate/check")
