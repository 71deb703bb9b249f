"""Seeds of fobs, and codes of training classes: what operators bring in and hand out by the dozen."""

import base64
import binascii
import os
from typing import Annotated, Literal

from pydantic import Field

from watchword.domain.errors import Conflict, InvalidValue, SeedFileError
from watchword.domain.seeds import SeedRow
from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Calling
from watchword.portal.api.fields import Body, PeriodSeconds, Reason, Text
from watchword.portal.uploads import LARGEST_UPLOAD_OCTETS
from watchword.seedfiles import read
from watchword.services.api_keys import Scope
from watchword.services.import_fobs import CLASHES_SHOWN, FIRST_FOBS, FobImporter
from watchword.services.ports_imports import StagedFob

router = ApiRouter("seeds")

Base64 = Annotated[
    str,
    Field(
        pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        min_length=4,
        max_length=LARGEST_UPLOAD_OCTETS,
        description="The whole file, in base64 (RFC 4648).",
        examples=["c2VyaWFsLHNlY3JldAoyNjAwMTIzNDU2Nzg5LDMxMzIzMzM0MzUzNjM3MzgzOTMwMzEzMjMzMzQzNTM2MzczODM5MzAK"],
    ),
]


class SeedFile(Body):
    """A file of seeds."""

    content: Base64
    format: Annotated[Literal["auto", "csv", "pskc"], Field(examples=["auto"])] = "auto"
    password: Annotated[
        Text | None, Field(max_length=200, description="What opens an encrypted PSKC file.", examples=[None])
    ] = None
    key_hex: Annotated[
        str | None,
        Field(
            pattern=r"^([0-9a-f]{32}|[0-9a-f]{48}|[0-9a-f]{64})$",
            description="The same, as a preshared key.",
            examples=[None],
        ),
    ] = None
    period_seconds: Annotated[
        PeriodSeconds | None, Field(description="For fobs whose file names no period.", examples=[60])
    ] = None


class SeedImport(SeedFile, Reason):
    """A file of seeds to bring in."""


class Fob(Body):
    """A fob of a file, without its seed."""

    serial: Annotated[str, Field(examples=["2600123456789"])]
    digits: Annotated[int, Field(examples=[6])]
    period_seconds: Annotated[int, Field(examples=[60])]
    algorithm: Annotated[str, Field(examples=["sha1"])]


class SeedPreview(Body):
    """What a file holds."""

    fobs: Annotated[int, Field(description="How many.", examples=[1])]
    first: Annotated[list[Fob], Field(description=f"The first {FIRST_FOBS}, by serial.")]
    taken: Annotated[
        list[str], Field(description=f"Serials that are there already, {CLASHES_SHOWN} of them at most.", examples=[[]])
    ]
    taken_count: Annotated[int, Field(description="How many of them there are.", examples=[0])]


class Imported(Body):
    """What was brought in."""

    fobs: Annotated[int, Field(examples=[1])]


@router.ask("/seeds/preview", Scope.SEEDS_IMPORT, fails=(409,))
def preview_seeds(call: Calling, file: SeedFile) -> SeedPreview:
    """Look into a file of seeds.

    Nothing is kept of it.
    """
    rows = _read(file)
    importer, operator = FobImporter(call.store, clock=call.desk.clock, random_octets=os.urandom), call.caller.actor
    staged = importer.begin(operator, "preview", len(rows)).import_id
    try:
        importer.stage(staged, rows)
        preview = importer.preview(staged, operator)
    finally:
        importer.discard(staged, operator)
    return SeedPreview(
        fobs=len(rows),
        first=[_describe(fob) for fob in preview.first],
        taken=preview.clashes,
        taken_count=preview.clash_count,
    )


@router.write("/seeds/import", Scope.SEEDS_IMPORT, status=201)
def import_seeds(call: Calling, file: SeedImport) -> Imported:
    """Put the fobs of a file in the drawer.

    All of them, or none if one can't be read or its serial is there already.
    """
    return Imported(fobs=call.administrator(file.why).import_seeds(_read(file)))


def _read(file: SeedFile) -> list[SeedRow]:
    """Read every fob; raises Conflict for what is well-formed as a request and no file of seeds."""
    try:
        content = base64.b64decode(file.content, validate=True)
        key = bytes.fromhex(file.key_hex) if file.key_hex else None
        return read(content, file.format, key=key, password=file.password or None, period_seconds=file.period_seconds)
    except binascii.Error:
        raise InvalidValue("the content is not base64") from None
    except SeedFileError as error:
        raise Conflict(str(error), hint=error.hint) from None


def _describe(fob: StagedFob) -> Fob:
    return Fob(
        serial=fob.serial,
        digits=fob.profile.digits,
        period_seconds=fob.profile.period_seconds,
        algorithm=fob.profile.algorithm.value,
    )
