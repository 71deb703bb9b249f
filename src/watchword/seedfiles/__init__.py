"""Files of seeds, as the makers of hard tokens send them: CSV and PSKC (RFC 6030).

`read` is total: a list of fobs, or one SeedFileError that says where the mistake is and never quotes a secret.
"""

import codecs
from pathlib import Path
from typing import Literal

from watchword.domain.errors import SeedFileError
from watchword.domain.seeds import SeedRow
from watchword.seedfiles.delimited import SeedEncoding, read_delimited

Format = Literal["auto", "csv", "pskc"]

LARGEST_FILE_OCTETS = 64 * 2**20
"""Some 140,000 fobs of plain PSKC, 80,000 encrypted; as CSV, more than may stand in one file."""


def read(
    source: Path | bytes,
    format: Format = "auto",  # noqa: A002 - the command line's word for it, too
    *,
    key: bytes | None = None,
    password: str | None = None,
    period_seconds: int | None = None,
    seed_encoding: SeedEncoding = "hex",
) -> list[SeedRow]:
    """Read every fob of a file, or none.

    `key` and `password` open an encrypted PSKC file. `period_seconds` holds for fobs whose file names no period; else
    CSV means 60 (Feitian's c200), PSKC 30 (RFC 6238). `seed_encoding` is that of a CSV column named just `secret`.
    Raises SeedFileError.
    """
    content = _content(source)
    if (format == "auto" and _looks_like_xml(content)) or format == "pskc":
        # Imported here, since the cryptography behind it is slow to load and CSV needs none.
        from watchword.seedfiles.pskc import read_pskc  # noqa: PLC0415 - see above

        return read_pskc(content, key=key, password=password, period_seconds=period_seconds)
    if key is not None or password is not None:
        raise SeedFileError("a CSV file is not encrypted, so a key or password makes no sense with it")
    return read_delimited(content, period_seconds=period_seconds, seed_encoding=seed_encoding)


def read_key_file(path: Path) -> bytes:
    """Read a preshared key: 32, 48 or 64 hex digits, or as 16, 24 or 32 octets as they are.

    Raises SeedFileError.
    """
    content = _content(path)
    try:
        key = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        key = content
    if len(key) not in (16, 24, 32):
        raise SeedFileError("the key is not 16, 24 or 32 octets", hint="write it in hex: 32, 48 or 64 digits")
    return key


def read_password_file(path: Path) -> str:
    """Read a password: the file's text without its last line end.

    Raises SeedFileError.
    """
    try:
        text = _content(path).decode("utf-8")
    except UnicodeDecodeError:
        raise SeedFileError("the password file is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")


def _content(source: Path | bytes) -> bytes:
    content = source if isinstance(source, bytes) else _file_content(source)
    if len(content) > LARGEST_FILE_OCTETS:
        raise SeedFileError(f"the file is larger than {LARGEST_FILE_OCTETS // 2**20} MiB", hint="split it")
    return content


def _file_content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE_OCTETS + 1)
    except OSError as error:
        raise SeedFileError(f"cannot read {path}: {error.strerror}") from None


def _looks_like_xml(content: bytes) -> bool:
    start = content[:64].removeprefix(codecs.BOM_UTF8)
    # UTF-16 has a NUL beside each ASCII character.
    return start.strip(b"\xff\xfe\x00 \t\r\n").startswith(b"<")
