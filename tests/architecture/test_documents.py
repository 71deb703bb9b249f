"""The documents say what the code does: nothing is missing, nothing is left over, and no link leads nowhere."""

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tests.architecture.repository import ROOT, files
from watchword.cli.app import app
from watchword.domain.audit import EventKind, Result
from watchword.domain.outcome import Reason
from watchword.settings import Settings
from watchword_pam import settings as node_settings

REFERENCE = ROOT / "docs" / "reference"
DOCUMENTS = files("*.md")

HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
TOML = re.compile(r"^ *```toml\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
ROW = re.compile(r"^\| (`[^|]+) \|.*$", re.MULTILINE)


def sections(page: str) -> dict[str, str]:
    """Cut a page of the reference at its headings; each section ends where the next begins."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    # Comments of the shell in blocks of code look like headings.
    bare = FENCED.sub(lambda block: " " * len(block[0]), text)
    found = [(match.start(), match.group(2)) for match in HEADING.finditer(bare)]
    ends = [start for start, _ in found[1:]] + [len(text)]
    return {heading: text[start:end] for (start, heading), end in zip(found, ends, strict=True)}


def rows(section: str) -> dict[str, str]:
    """Find a section's table rows by what their first cell has in backticks."""
    return {key: row[0] for row in ROW.finditer(section) for key in re.findall(r"`([^`]+)`", row[1])}


# watchword.toml

Keys = dict[str, FieldInfo]


def tables(model: type[BaseModel], path: str = "", *, repeated: bool = False) -> Iterator[tuple[str, Keys]]:
    """Yield each table of watchword.toml by its heading, with its keys."""
    keys = {}
    for key, field in model.model_fields.items():
        inner = section_model(field.annotation)
        if inner is None:
            keys[key] = field
        else:
            yield from tables(inner, f"{path}.{key}".lstrip("."), repeated="tuple" in str(field.annotation))
    if keys:
        yield (f"[[{path}]]" if repeated else f"[{path}]"), keys


def section_model(annotation: Any) -> type[BaseModel] | None:
    """Find the model within an annotation such as tuple[ClientSettings, ...] or LdapSection | None."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((model for inner in getattr(annotation, "__args__", ()) if (model := section_model(inner))), None)


def written(default: object) -> str:
    """Write a default as TOML would have it; empty for one that says nothing."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, Enum):
        default = default.value
    return "" if default is None or default == "" else json.dumps(default, default=str)


TABLES = dict(tables(Settings))
DEFAULTS = [
    (table, key, literal)
    for table, keys in TABLES.items()
    for key, field in keys.items()
    if not field.is_required() and (literal := written(field.default))
]


def test_every_table_of_watchword_toml_is_found_by_this_test() -> None:
    assert {"[database]", "[radius]", "[[radius.client]]", "[ldap]", "[audit]"} <= set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_each_key_of_watchword_toml_is_in_the_reference_and_no_other(table: str) -> None:
    assert set(rows(sections("watchword-toml.md")[table])) == set(TABLES[table])


@pytest.mark.parametrize(("table", "key", "default"), DEFAULTS)
def test_each_default_of_watchword_toml_is_the_one_in_the_reference(table: str, key: str, default: str) -> None:
    assert default in rows(sections("watchword-toml.md")[table])[key]


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what documents show of watchword.toml, with the document's name; pam.md's [ldap] is a node's."""
    for document in DOCUMENTS:
        for block in TOML.findall(document.read_text(encoding="utf-8")):
            example = tomllib.loads(textwrap.dedent(block))
            if set(example) <= set(Settings.model_fields) and document.name != "pam.md":
                yield document.name, example


EXAMPLES = list(examples())


def test_the_examples_of_watchword_toml_are_found_by_this_test() -> None:
    assert {"sms.md", "radius.md"} <= {document for document, _ in EXAMPLES}


@pytest.mark.parametrize(("document", "example"), EXAMPLES)
def test_each_example_of_watchword_toml_can_be_used(document: str, example: dict[str, Any]) -> None:
    Settings.model_validate(example)


# pam.toml

NODE_TABLES = {
    "pam.toml": node_settings._TOP,
    "[[server]]": node_settings._SERVER,
    "[ldap]": node_settings._LDAP,
}


@pytest.mark.parametrize("table", NODE_TABLES)
def test_each_key_of_pam_toml_is_in_the_reference(table: str) -> None:
    described = {key.strip("[]") for key in rows(sections("pam.md")[table])}
    assert set(NODE_TABLES[table]) - described == set()


# commands


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield each command with its options, such as `token add` and `--kind`."""
    for name, command in getattr(typer.main.get_command(app), "commands", {}).items():
        family = getattr(command, "commands", None)
        for word, one in family.items() if family else [("", command)]:
            options = [option for param in one.params if param.param_type_name == "option" for option in param.opts]
            yield f"{name} {word}".strip(), [option for option in options if option not in ("--help", "-h")]


COMMANDS = dict(commands())


def test_the_reference_has_each_command_and_no_other() -> None:
    described = {
        heading.removeprefix("watchword ") for heading in sections("commands.md") if heading.startswith("watch")
    }
    assert described == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_of_a_command_is_in_the_reference(command: str) -> None:
    page = sections("commands.md")
    # What all commands of a family take is said once, above them.
    text = page[f"watchword {command}"] + page.get(command.split(maxsplit=1)[0].capitalize(), "")
    missing = [option for option in COMMANDS[command] if not re.search(rf"`{option}\b", text)]
    assert missing == []


# the audit log


@pytest.mark.parametrize(("heading", "values"), [("Kinds", EventKind), ("Results", Result), ("Reasons", Reason)])
def test_each_word_of_the_audit_log_is_explained_and_no_other(heading: str, values: type[StrEnum]) -> None:
    assert set(rows(sections("audit.md")[heading])) == {value.value for value in values}


# all documents


def anchors(document: Path) -> set[str]:
    """Name the places of a document that a link may point to, as forges do."""
    prose = FENCED.sub("", document.read_text(encoding="utf-8"))
    titles = (match.group(2).lower() for match in HEADING.finditer(prose))
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in titles}


def leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    prose = FENCED.sub("", document.read_text(encoding="utf-8"))
    relative = [link for link in LINK.findall(prose) if not re.match(r"[a-z]+:", link)]
    assert [link for link in relative if not leads_somewhere(document, link)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_names_a_directory_of_the_machine_it_was_written_on(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.:~/])/(?:work|tmp|root|home)/[\w.-]+", text) == []


def test_every_document_can_be_reached_from_the_map() -> None:
    documents = ROOT / "docs"
    linked = {
        (documents / link.partition("#")[0]).resolve() for link in LINK.findall((documents / "README.md").read_text())
    }
    assert [path for path in files("docs/*.md") if path not in linked and path != documents / "README.md"] == []
