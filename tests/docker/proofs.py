"""What the centre must show: a function for each, which says in a line what it saw, or raises AssertionError."""

import re
import subprocess
import time
from pathlib import Path

from tests.docker.centre import LOGIN, Centre
from tests.docker.person import Person
from tests.docker.visitor import visiting

RADIUS = ("radius1", "radius2")
WITHOUT_ROOT = ("database", *RADIUS, "keeper", "portal", "proxy", "directory", "mail")
PASSWORD_OF_NOBODY = "not-the-password"
CODE_OF_NOBODY = "123456"

MAIL_SECONDS = 60
PYTHON = "/usr/lib/watchword/venv/bin/python"
READ_SEED = (
    "from pathlib import Path; import sqlalchemy; from watchword.settings import read_settings\n"
    "url = read_settings(Path('/run/watchword/watchword.toml')).database.url.get_secret_value()\n"
    "try: sqlalchemy.create_engine(url).connect().execute(sqlalchemy.text('SELECT sealed_secret FROM tokens'))\n"
    "except sqlalchemy.exc.SQLAlchemyError as error: print(error.orig)\n"
)
CONNECT = "timeout 3 bash -c 'exec 3<>/dev/tcp/{address}/{port}' && echo reached || echo not reached"
SEND_MAIL = (
    "import smtplib; "
    "smtplib.SMTP('mail', 2525, timeout=10).sendmail('a@example.org', ['alice@example.org'], 'Subject: hello alice')"
)


def every_check_says_healthy(centre: Centre) -> str:
    """The database, the directory, the mail catcher, the RADIUS servers, the portal with its keeper and proxy, sshd."""
    health = centre.wait_until_healthy()
    assert set(health) == {*WITHOUT_ROOT, LOGIN}, health
    return ", ".join(sorted(health))


def doctor_finds_no_problem(centre: Centre) -> str:
    """On a RADIUS server and on the login node; it would end with status 1, and `inside` raise."""
    last = {service: centre.inside(service, "watchword", "doctor").splitlines()[-1] for service in (*RADIUS, LOGIN)}
    return "; ".join(f"{service}: {line.rstrip('.')}" for service, line in last.items())


def containers_may_do_little(centre: Centre) -> str:
    """No root but in the login node; no capability, no way to gain one, no file system to write to."""
    for service, one in centre.containers().items():
        host = one["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"], service
        assert bool(host["CapAdd"]) == (service == LOGIN), service
        assert (one["Config"]["User"] in ("", "root", "0")) == (service == LOGIN), service
    return f"root in {LOGIN} alone; elsewhere no capabilities; file systems read-only, no new privileges"


def only_ssh_and_https_are_published(centre: Centre) -> str:
    """On loopback."""
    ports = {service: one["NetworkSettings"]["Ports"] for service, one in centre.containers().items()}
    published = {service: mapped for service, mapped in ports.items() if any(mapped.values())}
    assert published == {
        LOGIN: {"22/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(centre.port)}]},
        "proxy": {"8443/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(centre.https_port)}]},
    }, published
    return f"127.0.0.1:{centre.port} and 127.0.0.1:{centre.https_port}"


def login_node_reaches_neither_the_database_nor_the_portal(centre: Centre) -> str:
    """By the means by which it reaches the directory."""
    networks = centre.containers()["database"]["NetworkSettings"]["Networks"]
    (database,) = [network["IPAddress"] for network in networks.values()]
    places = (("directory", "directory", 1636), ("database", database, 3306), ("portal", "portal", 8080))
    reached = {
        name: centre.inside(LOGIN, "sh", "-c", CONNECT.format(address=where, port=port)).strip()
        for name, where, port in places
    }
    assert reached == {"directory": "reached", "database": "not reached", "portal": "not reached"}
    return str(reached)


def portal_cannot_read_a_seed(centre: Centre) -> str:
    """As the database user that it is, by the means by which it does its work."""
    said = centre.inside("portal", PYTHON, "-c", READ_SEED)
    assert "SELECT command denied" in said, said
    return said.strip().splitlines()[-1]


def people_pair_in_the_portal_and_log_in_with_it(centre: Centre) -> str:
    """Over https, through the proxy; and the ssh login asks for the code from then on."""
    bob = Person(centre, "bob")
    bob.enters_without_code()
    with visiting(centre, "bob") as visitor:
        assert visitor.sign_in(PASSWORD_OF_NOBODY) and visitor.path == "/sign-in"
        visitor.sign_in(centre.password("bob"))
        bob.hold(visitor.pair_app())
    bob.is_refused(CODE_OF_NOBODY)
    bob.enters()
    wait_for_mail(centre, "To: bob@example.org")
    return "bob: in without a code; paired in the portal; refused with a wrong code, in with the app's; told by mail"


def operators_see_the_portals_own_pages(centre: Centre) -> str:
    """With a token that the command paired, since a password alone gets an operator none."""
    with visiting(centre, "olga") as visitor:
        visitor.sign_in(centre.password("olga"))
        assert "Not allowed" in visitor.open("/operators/charts"), visitor.page
        phone = centre.pair("olga")
        visitor.open("/operators/charts")
        assert visitor.path == "/prove", visitor.page
        visitor.send("/prove", code=phone.fresh_code())
        charts = visitor.open("/operators/charts")
    assert visitor.path == "/operators/charts" and "2 accounts paired." in charts, charts
    return "olga: nothing with a password alone; with a token, charts, which tell of 2 accounts that are paired"


def wait_for_mail(centre: Centre, line: str) -> None:
    """Wait until a mail with this line was caught."""
    deadline = time.monotonic() + MAIL_SECONDS
    while line not in centre.run("logs", "mail"):
        assert time.monotonic() < deadline, f"no mail {line}"
        time.sleep(1)


def mode_can_be_changed_live(centre: Centre) -> str:
    """Who is not paired needs no code in mode paired, and is refused in mode full."""
    carol = Person(centre, "carol")
    carol.enters_without_code()
    set_mode(centre, "full")
    carol.is_refused(CODE_OF_NOBODY)
    set_mode(centre, "paired")
    carol.enters_without_code()
    return "carol, not paired: in with a password; refused in mode full; in again in mode paired"


def set_mode(centre: Centre, mode: str) -> None:
    """Edit the login node's pam.toml, as docker/README.md says."""
    centre.inside(LOGIN, "sed", "-i", f's/^mode .*/mode = "{mode}"/', "/etc/watchword/pam.toml")


def password_and_code(_: Centre, alice: Person) -> str:
    """In, and the same code is good once."""
    code = alice.token.fresh_code()
    alice.enters(code)
    alice.is_refused(code)
    return "alice: in; with the same code again, refused"


def key_and_code(centre: Centre, alice: Person) -> str:
    """A key takes the place of the password, not of the code."""
    key = centre.checkout / "alice-key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = Path(f"{key}.pub").read_text(encoding="utf-8").strip()
    alice.enters(command=f"umask 077; mkdir -p .ssh; echo '{public}' >.ssh/authorized_keys")
    alice.enters(key=key)
    alice.is_refused(wrong_code(alice), key=key)
    return "alice: in with a key that she put there, and a code; with the key and a wrong code, refused"


def wrong_code_is_refused(_: Centre, alice: Person) -> str:
    """And a wrong password before any code is asked for."""
    alice.is_refused(wrong_code(alice))
    alice.is_refused_at_once(PASSWORD_OF_NOBODY)
    return "alice: refused; with a wrong password, refused and not asked for a code"


def wrong_code(person: Person) -> str:
    """Return a code that is long past."""
    return person.token.code_of_step(1)


def radius_server_stopped(centre: Centre, alice: Person) -> str:
    """Either of them; the other one does."""
    for stopped in RADIUS:
        centre.run("stop", stopped)
        alice.enters()
        centre.run("start", stopped)
        centre.wait_until_healthy()
    return "alice: in while radius1 was stopped; in while radius2 was"


def database_restarted(centre: Centre, alice: Person) -> str:
    """The RADIUS servers, which stay up, find it again."""
    before = started(centre)
    centre.run("restart", "database")
    centre.wait_until_healthy()
    alice.enters()
    assert started(centre) == before
    return "alice: in; the RADIUS servers were not restarted"


def started(centre: Centre) -> dict[str, str]:
    """Return since when each RADIUS server runs."""
    containers = centre.containers()
    return {service: containers[service]["State"]["StartedAt"] for service in RADIUS}


def database_stopped(centre: Centre, alice: Person) -> str:
    """Nobody who is paired comes in without it."""
    centre.run("stop", "database")
    alice.stays_out(alice.token.fresh_code())
    centre.run("start", "database")
    centre.wait_until_healthy()
    alice.enters()
    return "alice: refused; in when it was back"


def mail_is_caught(centre: Centre) -> str:
    """From where the portal will be."""
    centre.inside(RADIUS[0], "python3", "-c", SEND_MAIL)
    assert "Subject: hello alice" in centre.run("logs", "mail")
    return "a mail from radius1 is in the log of the mail catcher"


def audit_log_has_every_login(centre: Centre, alice: Person) -> str:
    """And its chains are whole."""
    verified = centre.operator("audit", "verify")
    assert verified["whole"], verified
    events = centre.operator("audit", "list", "--limit", "1000")
    hers = [event for event in events if event["account"] == alice.account]
    granted = [event for event in hers if (event["kind"], event["result"]) == ("login", "granted")]
    assert len(granted) == alice.granted, granted
    return f"{alice.granted} logins were granted with a code, {len(granted)} are in the log, which is whole"


def logs_hold_no_secret(centre: Centre, _: Person) -> str:
    """Nor does what the engine knows: arguments, environments."""
    said = centre.run("logs") + str(centre.containers())
    users = [f"database_{user}" for user in ("owner", "radius", "operator", "portal", "keeper")]
    names = (*users, "radius", "directory_reader", "people")
    words = [word for name in names for word in centre.secret(name).split()]
    secrets = [word for word in words if re.fullmatch(r"[0-9a-f]{10,}", word)]
    assert len(secrets) == 11
    assert not any(secret in said for secret in secrets)
    return f"none of {len(secrets)}"


FRESH = (
    every_check_says_healthy,
    doctor_finds_no_problem,
    containers_may_do_little,
    only_ssh_and_https_are_published,
    login_node_reaches_neither_the_database_nor_the_portal,
    portal_cannot_read_a_seed,
    mode_can_be_changed_live,
    people_pair_in_the_portal_and_log_in_with_it,
    operators_see_the_portals_own_pages,
    mail_is_caught,
)
"""What a centre that just came up shows."""

PAIRED = (
    password_and_code,
    key_and_code,
    wrong_code_is_refused,
    radius_server_stopped,
    database_restarted,
    database_stopped,
    audit_log_has_every_login,
    logs_hold_no_secret,
)
"""What it shows with somebody paired, in this order."""
