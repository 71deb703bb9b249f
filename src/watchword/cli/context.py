"""What every command starts from: the settings, and who is at the keyboard."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from watchword.settings import Settings, read_settings
from watchword.wiring import Services, assemble


def config_file(context: typer.Context) -> Path:
    """Answer the file that --config names."""
    return Path(context.ensure_object(dict)["config"])


def settings_of(context: typer.Context) -> Settings:
    """Read the settings; raises SettingsError."""
    return read_settings(config_file(context))


@contextmanager
def services_of(context: typer.Context) -> Iterator[Services]:
    """Put the services together, and close them at the end."""
    services = assemble(settings_of(context), role="command-line", actor=operator())
    try:
        yield services
    finally:
        services.close()


def operator() -> str:
    """Name the person at the keyboard: behind sudo, who called it."""
    behind = os.environ.get("SUDO_USER", "") if os.geteuid() == 0 else ""
    if behind:
        return behind[:128]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
