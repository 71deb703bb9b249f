"""The modules inside libpam, as a login program meets them: pamtester, pam_python, an installed node."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.node import installed_modules
from tests.pam_layout import PAM_PYTHON, PamLayout
from tests.radius_peer import RadiusPeer, TokenServer, accept, challenge, refusing_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FULL = 'mode = "full"\ninfo_url = "https://portal.example.org/mfa"'
PASSWORD = "correct horse"
CODE = "123456"
CONNECTION = {"SSH_CONNECTION": "192.0.2.7 40000 192.0.2.1 22"}
KEY = {**CONNECTION, "SSH_AUTH_INFO_0": "publickey ssh-ed25519 AAAA"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed_modules(tmp_path_factory.mktemp("node"))


@pytest.fixture
def layout(node: Path, tmp_path: Path) -> Iterator[PamLayout]:
    layout = PamLayout(node, tmp_path)
    yield layout
    layout.close()


@pytest.fixture
def peer() -> Iterator[RadiusPeer]:
    with RadiusPeer(TokenServer({"alice": ("soft", CODE)})) as peer:
        yield peer


def write_shipped_stack(layout: PamLayout, shipped: str, service: str) -> None:
    """Install the auth lines of a stack in conf/, with the paths of this layout."""
    lines = [line for line in (ROOT / "conf" / shipped).read_text("utf-8").splitlines() if line[:1] not in {"#", ""}]
    lines = [line.removeprefix("sshd-kbdint").strip() for line in lines]
    auth = [line for line in lines if line.split()[0] == "auth" and "pam_authtok_get" not in line]
    arguments = {
        "pubkey": "",
        "exemption": f" exemptions={layout.exemptions}",
        "token": f" config={layout.config}",
        "solaris": f" exemptions={layout.exemptions} config={layout.config}",
    }
    text = (
        "\n".join(auth)
        .replace("pam_unix_auth.so.1", "pam_unix.so")
        .replace("pam_unix.so", "pam_unix.so nodelay")
        .replace("/lib/security/pam_python.so", "pam_python.so")
    )
    text = text.replace("pam_python.so", PAM_PYTHON)
    for module, argument in arguments.items():
        text = text.replace(f"/usr/lib/watchword/pam/{module}.py", f"{layout.modules}/{module}.py{argument}")
    layout.write_service(service, text)


def test_credentials_are_set_without_our_modules_so_that_no_python_starts(layout: PamLayout) -> None:
    """sshd sets them in another process than the login's, which a start of Python would cost 30 ms."""
    write_shipped_stack(layout, "pam.d/sshd", "sshd-like")
    stack = layout.services / "sshd-like"
    without = stack.read_text().replace(f"{layout.modules}/", "/nonexistent/")
    layout.write_service("no-modules", without)
    assert layout.run("no-modules", "root", operations=["setcred(PAM_ESTABLISH_CRED)"]).granted
    assert not layout.run("no-modules", "root", operations=["authenticate"]).granted


@pytest.mark.parametrize("shipped", ["pam.d/sshd", "pam.conf.solaris"])
def test_each_row_of_the_truth_table_holds_for_the_shipped_stack(
    layout: PamLayout, peer: RadiusPeer, shipped: str
) -> None:
    write_shipped_stack(layout, shipped, "ww")
    layout.add_account("alice", PASSWORD)
    layout.write_config(FULL, peer.table())
    for key, password, exempt, code in itertools.product([True, False], repeat=4):
        row = f"key={key} password={password} exempt={exempt} code={code}"
        layout.exemptions.write_text("+ : alice : 192.0.2.0/24\n" if exempt else "# nobody\n")
        peer.requests.clear()
        typed = [] if key else [PASSWORD if password else "wrong"]
        if (key or password) and not exempt:
            typed.append(CODE if code else "000000")
        run = layout.run("ww", "alice", *typed, pam_env=KEY if key else {**CONNECTION, "SSH_AUTH_INFO_0": ""})
        assert run.granted is ((key or password) and (exempt or code)), f"{row}: {run}"
        assert ("Password: " in run.output) is not key, row
        assert ("Token code: " in run.output) is ((key or password) and not exempt), row
        assert bool(peer.requests) is ((key or password) and not exempt), row


def test_the_shipped_stacks_for_su_and_sudo_ask_for_both_factors(layout: PamLayout, peer: RadiusPeer) -> None:
    layout.add_account("alice", PASSWORD)
    layout.write_config(FULL, peer.table())
    layout.exemptions.write_text("# nobody\n")
    write_shipped_stack(layout, "pam.d/sudo", "ww")
    assert layout.run("ww", "alice", PASSWORD, CODE).granted
    assert not layout.run("ww", "alice", PASSWORD, "000000").granted
    assert not layout.run("ww", "alice", "wrong", CODE).granted
    write_shipped_stack(layout, "pam.d/su", "ww")
    assert "pam_rootok.so" in (layout.services / "ww").read_text()


@pytest.mark.parametrize(
    ("config", "account", "typed", "granted", "shown"),
    [
        ('mode = "off"', "alice", [], True, ""),
        ('mode = "paired"', "alice", [CODE], True, "Token code: "),  # not on this node: counts as paired
        ('mode = "paired"', "alice", ["000000"], False, "Access refused."),
        ('mode = "paired"', "nobody", [], True, ""),
        ('mode = "countdown"\ndeadline = 2199-12-31', "nobody", [""], True, "Press return to continue: "),
        ('mode = "countdown"\ndeadline = 2199-12-31', "nobody", [], False, "Press return to continue: "),
        ('mode = "countdown"\ndeadline = 2020-12-31', "nobody", [CODE], False, "Access refused."),
        ('mode = "full"', "nobody", [CODE], False, "Access refused."),
        ('mode = "full"', "alice", [b"12\xff"] * 3, False, "Access refused."),
        ('mode = "ful"', "alice", [CODE], True, "Token code: "),
        ('mode = "off', "alice", [CODE], False, "can't be reached now"),
    ],
)
def test_token_in_each_mode(
    layout: PamLayout,
    peer: RadiusPeer,
    config: str,
    account: str,
    typed: list[str | bytes],
    granted: bool,
    shown: str,
) -> None:
    layout.write_service("ww", layout.token())
    layout.write_config(config, 'info_url = "https://portal.example.org/mfa"', peer.table())
    run = layout.run("ww", account, *typed, rhost="192.0.2.7")
    assert run.granted is granted, run
    assert shown in run.output
    assert "Traceback" not in run.output
    last = run.log[-1]
    assert f"token: {'granted' if granted else 'refused'} account={account} from=192.0.2.7 reason=" in last
    assert CODE not in "".join(run.log)


@pytest.mark.parametrize("mode", ['mode = "paired"', 'mode = "countdown"\ndeadline = 2199-12-31'])
@pytest.mark.parametrize("module", ["token", "solaris"])
def test_a_name_that_the_node_does_not_know_never_counts_as_unpaired(
    layout: PamLayout, peer: RadiusPeer, mode: str, module: str
) -> None:
    arguments = [f"config={layout.config}", f"exemptions={layout.exemptions}"]
    layout.exemptions.write_text("# nobody\n")
    layout.write_service("ww", layout.line(module, "required", *arguments[: 1 if module == "token" else 2]))
    layout.write_config(mode, 'info_url = "https://portal.example.org/mfa"', peer.table())
    layout.add_account("bob", PASSWORD)
    assert layout.run("ww", "bob", "", pam_env=KEY).granted
    assert peer.kinds == ["pairing query"]
    peer.requests.clear()
    run = layout.run("ww", "Bob", CODE, pam_env=KEY)
    assert not run.granted
    assert peer.kinds == ["begin", "answer"]
    assert "token: refused account=Bob from=192.0.2.7 reason=rejected" in run.log[-1]


def test_an_exemption_file_that_was_cut_off_exempts_nobody_by_its_last_line(layout: PamLayout) -> None:
    layout.write_service("ww", layout.exemption("required"))
    layout.exemptions.write_text("+ : alice : 192.0.2.7/3")
    run = layout.run("ww", "alice", pam_env=CONNECTION)
    assert not run.granted
    assert f"{layout.exemptions}:1: the last line has no end: was the file cut off?" in run.log[0]


def test_the_mode_is_read_at_each_login(layout: PamLayout, peer: RadiusPeer) -> None:
    layout.write_service("ww", layout.token())
    layout.write_config('mode = "off"')
    assert layout.run("ww", "alice").granted
    layout.write_config(FULL, peer.table())
    assert not layout.run("ww", "alice").granted


def test_a_mistake_in_the_configuration_is_one_line_that_names_file_and_key(
    layout: PamLayout, peer: RadiusPeer
) -> None:
    layout.write_service("ww", layout.token())
    layout.write_config(FULL, "tokens = 3", peer.table())
    mistake, granted = layout.run("ww", "alice", CODE).log
    assert f"settings: mistakes in {layout.config}, so the mode is full: tokens is no setting" in mistake
    assert "token: granted" in granted
    layout.write_config(FULL, peer.table(), mode=0o644)
    assert "anyone can read the secrets" in layout.run("ww", "alice", CODE).log[0]


def test_an_outage_that_lets_in_is_an_alert(layout: PamLayout) -> None:
    layout.write_service("ww", layout.token())
    server = f'[[server]]\nhost = "127.0.0.1"\nport = {refusing_port()}\nsecret = "x"\n'
    layout.write_config(FULL, 'on_outage = "allow"', server)
    run = layout.run("ww", "alice")
    assert run.granted
    assert "token: granted account=alice from=- reason=on-outage" in run.log[-1]
    assert run.raw[-1].startswith("<81>")  # authpriv.alert
    layout.write_config(FULL, 'on_outage = "allow"', "typo = 1", server)
    assert not layout.run("ww", "alice").granted


def test_logins_take_turns_and_one_waits_for_a_dead_server(layout: PamLayout, peer: RadiusPeer) -> None:
    layout.write_service("ww", layout.token())
    with RadiusPeer(peer.script) as second, RadiusPeer(lambda _: []) as dead:
        layout.write_config(FULL, peer.table(), dead.table(0.3), second.table())
        runs = [layout.run("ww", "alice", CODE) for _ in range(6)]
        assert all(run.granted for run in runs)
        assert len(dead.kinds) == 1
        assert abs(len(peer.kinds) - len(second.kinds)) <= 2
    assert sum("no answer" in line for run in runs for line in run.log) == 1


def test_an_exemption_is_read_at_each_login_and_logged_with_its_line(layout: PamLayout) -> None:
    layout.write_service("ww", layout.exemption("required"))
    layout.exemptions.write_text("# first\n+ : alice : 192.0.2.0/24\n")
    run = layout.run("ww", "alice", pam_env=CONNECTION)
    assert run.granted
    [line] = run.log
    assert "alice" in line
    assert f"{layout.exemptions}:2" in line
    layout.exemptions.write_text("- : alice : ALL\n")
    assert not layout.run("ww", "alice", pam_env=CONNECTION).granted


@pytest.mark.parametrize("rhost", ["login.example.org", "UNKNOWN", "fe80::1%eth0"])
def test_a_login_over_the_network_is_not_local_even_without_a_numeric_address(layout: PamLayout, rhost: str) -> None:
    layout.write_service("ww", layout.exemption("required"))
    layout.exemptions.write_text("+ : alice : LOCAL\n")
    assert not layout.run("ww", "alice", rhost=rhost).granted
    assert not layout.run("ww", "alice", rhost=rhost, pam_env={"SSH_CONNECTION": f"{rhost} 1 x 22"}).granted
    assert layout.run("ww", "alice").granted


def test_a_callers_clock_zone_stretches_no_date(layout: PamLayout) -> None:
    layout.write_service("ww", layout.exemption("required"))
    yesterday = time.strftime("%Y-%m-%d", time.localtime(time.time() - 86400))
    layout.exemptions.write_text(f"+ : alice : ALL : {yesterday}\n")
    assert not layout.run("ww", "alice", environment={"TZ": "XXX+24"}).granted


@pytest.fixture
def poisoned(tmp_path: Path) -> Path:
    """Return a directory full of modules that, once imported, leave a mark and end the process."""
    evil = tmp_path / "evil"
    poison = f"open({str(tmp_path / 'marker')!r}, 'w').close()\nraise SystemExit(0)\n"
    site = evil / ".local" / "lib" / "python3.11" / "site-packages"
    for directory in (evil, evil / "lib", site):
        for package in ("watchword_pam", "watchword", "pyrad", "tomllib", "entry"):
            (directory / package).mkdir(parents=True)
            (directory / package / "__init__.py").write_text(poison)
        for module in ("sitecustomize", "usercustomize", "token", "syslog", "gc"):
            (directory / f"{module}.py").write_text(poison)
    (site / "evil.pth").write_text(f"import sys; exec({poison!r})\n")
    (evil / "startup.py").write_text(poison)
    return evil


@pytest.mark.parametrize("program", ["pamtester", "su"])
def test_nothing_of_a_callers_reaches_an_import(
    layout: PamLayout, peer: RadiusPeer, poisoned: Path, program: str
) -> None:
    modules = (layout.line("pubkey", "optional"), layout.exemption("optional"), layout.token())
    layout.write_service("su", *modules, "session required pam_permit.so")
    layout.add_account("alice", PASSWORD)
    layout.write_config(FULL, peer.table())
    layout.exemptions.write_text("# nobody\n")
    environment = {
        "HOME": str(poisoned),
        "PYTHONPATH": str(poisoned),
        "PYTHONHOME": str(poisoned),
        "PYTHONSTARTUP": str(poisoned / "startup.py"),
        "PYTHONUSERBASE": str(poisoned / ".local"),
        "PYTHONINSPECT": "1",
        "PYTHONPLATLIBDIR": "evil",
        "PYTHONPYCACHEPREFIX": str(poisoned),
        "PYTHONWARNINGS": "error",
        "LD_LIBRARY_PATH": str(poisoned),
    }
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "su", "alice", "-c", "echo in"]
    run = layout.run(
        "su", "alice", CODE, environment=environment, cwd=poisoned, program=as_nobody if program == "su" else None
    )
    assert run.granted, run
    assert peer.kinds == ["begin", "answer"]
    assert not (poisoned.parent / "marker").exists()


def test_our_library_comes_before_everything_else(layout: PamLayout, node: Path) -> None:
    probe = node / "probe.py"
    raising = "raise type(sys.path[0], (Exception,), {})"
    probe.write_text((node / "token.py").read_text().replace("return getattr(entry, MODULE)(pamh, argv)", raising))
    layout.write_service("ww", f"auth required {PAM_PYTHON} {probe}")
    [line] = layout.run("ww", "alice").log
    assert f"type={probe.resolve().parents[1]}/lib" in line


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        ("gone", "FileNotFoundError"),
        ("empty", "ModuleNotFoundError"),
        ("writable", "PermissionError"),
        ("another owner's", "PermissionError"),
    ],
)
def test_a_damaged_installation_refuses_with_one_line_of_the_errors_type(
    layout: PamLayout, tmp_path: Path, damage: str, error: str
) -> None:
    broken = tmp_path / "broken"
    library = broken / "lib"
    shutil.copytree(layout.modules, broken / "pam")
    if damage == "empty":
        library.mkdir()
    elif damage != "gone":
        shutil.copytree(layout.modules.parent / "lib", library)
    if damage == "writable":
        library.chmod(0o777)
    if damage == "another owner's":
        shutil.chown(library, user=65534)
    layout.write_config('mode = "off"')
    for module in ("pubkey", "exemption", "token", "solaris"):
        argument = f"config={layout.config}" if module == "token" else ""
        layout.write_service("ww", f"auth required {PAM_PYTHON} {broken}/pam/{module}.py {argument}")
        run = layout.run("ww", "alice", CODE, CODE)
        assert not run.granted
        [line] = run.log
        assert f"{module}: refused reason=error type={error}" in line
        assert "Traceback" not in run.output


@pytest.mark.parametrize(
    "argument", ["confg=/etc/watchword/pam.toml", "config", "exemptions=/dev/null", "refuse_key", "debug"]
)
def test_an_argument_that_the_module_does_not_know_refuses(layout: PamLayout, peer: RadiusPeer, argument: str) -> None:
    layout.write_config('mode = "off"')
    layout.write_service("ww", f"{layout.token()} {argument}")
    run = layout.run("ww", "alice", CODE)
    assert not run.granted
    assert "type=WrongArguments" in run.log[-1]


@pytest.mark.parametrize("module", ["pubkey", "exemption", "token", "solaris"])
def test_a_module_in_the_wrong_place_grants_nothing_and_setcred_succeeds(layout: PamLayout, module: str) -> None:
    path = f"{PAM_PYTHON} {layout.modules}/{module}.py"
    lines = [f"{kind} sufficient {path}" for kind in ("account", "session", "password")]
    (layout.services / "ww").write_text("\n".join([f"auth required {path}", *lines, ""]))
    assert layout.run("ww", "alice", operations=["setcred"]).granted
    for operation in ("acct_mgmt", "open_session", "close_session", "chauthtok"):
        assert not layout.run("ww", "alice", operations=[operation]).granted


def test_a_client_that_hangs_up_is_refused(layout: PamLayout, peer: RadiusPeer) -> None:
    layout.write_service("ww", layout.token())
    layout.write_config(FULL, peer.table())
    run = layout.run("ww", "alice")
    assert not run.granted
    assert "reason=conversation-ended" in run.log[-1]


def test_an_account_name_forges_no_field_of_the_log(layout: PamLayout) -> None:
    layout.write_service("ww", layout.token())
    layout.write_config('mode = "off"')
    run = layout.run("ww", "al ice reason=accepted\u2028x")
    assert "account=al?ice?reason?accepted?x " in run.log[-1] or "account=- " in run.log[-1]


def test_a_text_message_and_what_follows_it_need_nothing_on_the_node(layout: PamLayout) -> None:
    steps = iter([challenge("A code went to XXX-XXX-1234\nToken code: "), challenge("Allow? (y/n) ", b"2"), accept()])
    layout.write_service("ww", layout.token())
    with RadiusPeer(lambda _: next(steps)) as peer:
        layout.write_config(FULL, peer.table())
        run = layout.run("ww", "sam", "push", "y")
    assert run.granted
    assert "A code went to XXX-XXX-1234\nToken code: " in run.output
    assert [request.password for request in peer.requests] == [b"", b"push", b"y"]


def test_a_key_is_found_in_a_real_journal(layout: PamLayout, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.mkdir()
    layout.write_service("ww", layout.line("pubkey", "required", f"log=journal:{journal}"))
    # pamtester runs PAM itself, so that its parent is whom sshd's monitor would be.
    entry = "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2: ED25519 SHA256:x"
    for uid, identifier, granted in (
        (0, "sshd", True),
        (0, "sshd-session", True),
        (1000, "sshd", False),
        (0, "su", False),
    ):
        for old in journal.iterdir():
            old.unlink()
        script = write_journal_then_login(tmp_path, journal, entry, uid, identifier)
        run = layout.run("ww", "alice", program=["sh", str(script)])
        assert run.granted is granted, (uid, identifier, run)


def write_journal_then_login(tmp_path: Path, journal: Path, message: str, uid: int, identifier: str) -> Path:
    """Return a script that writes a journal with its own pid as sshd's, and then logs in as its child."""
    stamp = int(time.time() * 1e6)
    export = f"__REALTIME_TIMESTAMP={stamp}\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID={'1' * 32}\n_MACHINE_ID={'2' * 32}\n"
    export += f"_UID={uid}\n_TRANSPORT=syslog\nSYSLOG_IDENTIFIER={identifier}\nMESSAGE={message}\n"
    script = tmp_path / "login.sh"
    script.write_text(
        f"printf '%s_PID=%s\\n\\n' '{export}' $$ | /usr/lib/systemd/systemd-journal-remote -o {journal}/x.journal -\n"
        "pamtester -E 'SSH_CONNECTION=192.0.2.7 40000 192.0.2.1 22' ww alice authenticate\nexit $?\n"
    )
    return script


def test_without_journalctl_there_is_no_key(layout: PamLayout, tmp_path: Path) -> None:
    layout.write_service("ww", layout.line("pubkey", "required", f"log=journal:{tmp_path}/none"))
    run = layout.run("ww", "alice", pam_env=CONNECTION)
    assert not run.granted
    assert subprocess.run(["ls", "/usr/bin/journalctl"], check=False, capture_output=True).returncode == 0
