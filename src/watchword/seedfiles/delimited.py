"""Seeds as comma-, semicolon- or tab-separated lines: `serial,secret[,algorithm[,digits[,period]]]`.

A first line that names its columns may put them in any order. No error quotes a cell: in a file with swapped columns
the cell that should hold a serial holds a secret.
"""

import base64
import binascii
import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import Literal

from watchword.domain.errors import InvalidValue, SeedFileError
from watchword.domain.otp import Algorithm, OtpProfile
from watchword.domain.seeds import MOST_FOBS, SeedRow, parse_algorithm

SeedEncoding = Literal["hex", "base32"]
Cells = dict[str, str]

C200_PERIOD_SECONDS = 60
"""Feitian's c200, unless ordered otherwise: TOTP, SHA-1, six digits, a minute."""

LONGEST_LINE = 4096
"""Characters. A line of commas alone would else take thirty times its length of memory, and a minute."""

_COLUMNS_IN_ORDER = ["serial", "secret", "algorithm", "digits", "period"]
_SECRET_COLUMNS = {"secret", "secret_hex", "secret_base32"}
_COLUMNS = {*_COLUMNS_IN_ORDER, *_SECRET_COLUMNS, "issuer", "model"}
_NUMBER = re.compile(r"[0-9]{1,6}")


def read_delimited(
    content: bytes,
    *,
    period_seconds: int | None = None,
    seed_encoding: SeedEncoding = "hex",
) -> list[SeedRow]:
    """Read every line, or none.

    Raises SeedFileError naming the line.
    """
    period = C200_PERIOD_SECONDS if period_seconds is None else period_seconds
    fobs: list[SeedRow] = []
    lines_of_serials: dict[str, int] = {}
    for line, cells in _rows(_text(content)):
        if len(fobs) >= MOST_FOBS:
            raise SeedFileError(f"line {line}: more than {MOST_FOBS} fobs", hint="split the file")
        try:
            fob = _fob(cells, period, seed_encoding)
        except InvalidValue as error:
            raise SeedFileError(f"line {line}: {error}", hint=error.hint) from None
        # People read serials off a fob: two that differ in case alone would be mixed up.
        first_line = lines_of_serials.setdefault(fob.serial.casefold(), line)
        if first_line != line:
            raise SeedFileError(f"line {line}: the serial is that of line {first_line}")
        fobs.append(fob)
    if not fobs:
        raise SeedFileError("the file names no token")
    return fobs


def _text(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SeedFileError(f"line {line}: not UTF-8 text") from None


def _rows(text: str) -> Iterator[tuple[int, Cells]]:
    """Yield each line's number and its cells by column name; blank lines are left out."""
    delimiter = _delimiter(text)
    columns: list[str] = []
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        row = _cells(line, number, delimiter)
        if not any(row):
            continue
        if not columns:
            header = _header(row, number)
            columns = header or _COLUMNS_IN_ORDER
            if header:
                continue
        if len(row) > len(columns):
            raise SeedFileError(f"line {number}: {len(row)} columns, expected at most {len(columns)}")
        yield number, dict(zip(columns, row, strict=False))


def _cells(line: str, number: int, delimiter: str) -> list[str]:
    """Split one line: by itself, so that a quote which is never closed does not swallow the rest of the file."""
    if len(line) > LONGEST_LINE:
        raise SeedFileError(f"line {number}: longer than {LONGEST_LINE} characters")
    try:
        return [cell.strip() for row in csv.reader([line], delimiter=delimiter, strict=True) for cell in row]
    except csv.Error:
        raise SeedFileError(f"line {number}: a quoted cell does not end") from None


def _delimiter(text: str) -> str:
    first_line = text.lstrip().partition("\n")[0]
    found = [delimiter for delimiter in ",;\t" if delimiter in first_line]
    if len(found) != 1:
        raise SeedFileError(
            "line 1: the columns must be separated by commas, semicolons or tabs, one of them only",
            hint="a line is: serial,secret",
        )
    return found[0]


def _header(row: list[str], line: int) -> list[str]:
    """Return the columns' names, or nothing if this line is a fob's already."""
    names = [re.sub(r"[ -]+", "_", cell.lower()) for cell in row]
    if "serial" not in names:
        return []
    hint = f"columns are {', '.join(sorted(_COLUMNS))}"
    if len(set(names)) != len(names):
        raise SeedFileError(f"line {line}: a column appears twice", hint=hint)
    if not _COLUMNS.issuperset(names):
        # Passing over a column called "perod" would give every fob the wrong period.
        place = next(index for index, name in enumerate(names, 1) if name not in _COLUMNS)
        raise SeedFileError(f"line {line}: column {place} has a name that is not known", hint=hint)
    if len(_SECRET_COLUMNS.intersection(names)) != 1:
        raise SeedFileError(f"line {line}: there must be one column of secrets", hint=hint)
    return names


def _fob(cells: Cells, period_seconds: int, seed_encoding: SeedEncoding) -> SeedRow:
    """Make sense of one line; raises InvalidValue."""
    if any(not character.isprintable() for cell in cells.values() for character in cell):
        raise InvalidValue("a cell holds a control character")
    algorithm = cells.get("algorithm")
    return SeedRow(
        serial=cells.get("serial", ""),
        secret=_secret(cells, seed_encoding),
        profile=OtpProfile(
            digits=_number(cells, "digits", 6),
            period_seconds=_number(cells, "period", period_seconds),
            algorithm=parse_algorithm(algorithm) if algorithm else Algorithm.SHA1,
        ),
        issuer=cells.get("issuer", ""),
        model=cells.get("model", ""),
    )


def _secret(cells: Cells, seed_encoding: SeedEncoding) -> bytes:
    # Never guessed: many a string is good hex and good base32 as well.
    if "secret_base32" in cells or ("secret" in cells and seed_encoding == "base32"):
        return _from_base32(cells.get("secret_base32") or cells.get("secret", ""))
    try:
        return binascii.unhexlify(cells.get("secret_hex") or cells.get("secret", ""))
    except ValueError:
        raise InvalidValue("the secret is not hex", hint="name the column secret_base32 if it is base32") from None


def _from_base32(encoded: str) -> bytes:
    letters = encoded.upper().rstrip("=")
    try:
        return base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raise InvalidValue("the secret is not base32", hint="name the column secret_hex if it is hex") from None


def _number(cells: Cells, column: str, default: int) -> int:
    cell = cells.get(column)
    if not cell:
        return default
    if not _NUMBER.fullmatch(cell):
        raise InvalidValue(f"the {column} column is not a number")
    return int(cell)
