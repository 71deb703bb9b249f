"""The command: which machine this is, what is examined, and the exit status."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from watchword.cli.context import config_file
from watchword.cli.doctor.findings import Area, Finding, is_healthy
from watchword.cli.doctor.machine import NodeFiles, examine_node, examine_rights, examine_server
from watchword.cli.doctor.report import print_json, print_report
from watchword.cli.doctor.trust import is_there
from watchword.cli.output import AsJson

FILE_HELP = "What the PAM stack names, else below /etc/watchword."


def doctor(
    context: typer.Context,
    node: Annotated[bool, typer.Option("--node", help="Examine a login node, whatever is installed.")] = False,
    server: Annotated[bool, typer.Option("--server", help="Examine a RADIUS server, whatever is installed.")] = False,
    pam_service: Annotated[str, typer.Option(help="The PAM service to look at.")] = "sshd",
    pam_config: Annotated[Path | None, typer.Option(help=f"pam.toml. {FILE_HELP}", show_default=False)] = None,
    exemptions: Annotated[Path | None, typer.Option(help=f"exemptions.conf. {FILE_HELP}", show_default=False)] = None,
    pam_d: Annotated[Path, typer.Option(help="Where PAM's stacks are.")] = Path("/etc/pam.d"),
    sshd_config: Annotated[Path | None, typer.Option(help="sshd's file, if not the usual one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether this node, or this server, is right, and if not, what to do. Changes nothing.

    A machine with a pam.toml is a node, one with a watchword.toml a server, one with both is both. Status 1 if there
    is a problem.

    Examples: watchword doctor; watchword doctor --pam-service sudo; watchword doctor --server --json
    """
    # What the store would log about a row is said as a finding.
    logging.getLogger("watchword").addHandler(logging.NullHandler())
    files = NodeFiles(pam_service, pam_d, pam_config, exemptions, sshd_config)
    findings = examine_rights() + _examine(files, config_file(context), node=node, server=server)
    (print_json if as_json else print_report)(findings)
    if not is_healthy(findings):
        raise typer.Exit(1)


def _examine(files: NodeFiles, config: Path, *, node: bool, server: bool) -> list[Finding]:
    insisted = node or server
    pam_config = files.settled()[0]
    is_node = node if insisted else is_there(pam_config)
    is_server = server if insisted else is_there(config)
    if not (is_node or is_server):
        return [
            Area("This machine").problem(
                f"neither {pam_config} nor {config} is here: it is no node and no server",
                "make install-node or make install-server; or name the files with --pam-config and --config",
            )
        ]
    return [*(examine_node(files) if is_node else []), *(examine_server(config) if is_server else [])]
