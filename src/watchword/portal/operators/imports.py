"""Bring in a file of seeds: upload it, look at what is in it, confirm. For admins."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from watchword.domain.errors import Conflict, InvalidValue, SeedFileError, WatchwordError
from watchword.domain.seeds import SeedRow
from watchword.portal.guards import Admin
from watchword.portal.operators.page import in_words, page
from watchword.portal.operators.tools import AtTools, actor_of
from watchword.portal.pages import go_to
from watchword.seedfiles import read
from watchword.services.import_fobs import FobImporter
from watchword.services.throttle import Limit

UPLOADS = Limit("seed-files", 20, 3600)
STAGING = "staging a file of seeds"
LOOK_SECONDS = 1.0
LOOKS_OF_A_STREAM = 300

Id = Annotated[str, Query(pattern="^[0-9a-f]{32}$")]
Short = Annotated[str, Form(max_length=300)]

log = logging.getLogger(__name__)
router = APIRouter(prefix="/operators/import")

_one_file_at_a_time = threading.Lock()
"""A large one takes a hundred megabytes while it is read, and one processor."""


@router.get("")
def ask(request: Request, _operator: Admin, fobs: Annotated[int | None, Query(ge=0, le=10**6)] = None) -> Response:
    """Ask for a file."""
    return page(request, "import.html", error="", fobs=fobs)


@router.post("")
def upload(
    request: Request,
    operator: Admin,
    tools: AtTools,
    file: Annotated[UploadFile, File()],
    password: Short = "",
    key: Short = "",
    period: Short = "",
) -> Response:
    """Read a file, and begin to put its fobs into the store; on any mistake nothing of it is kept."""
    tools.desk.throttle.take(UPLOADS, operator.account)
    if not _one_file_at_a_time.acquire(blocking=False):
        return _again(request, Conflict("another file is just being read", hint="try again in a minute"), 409)
    try:
        seeds = read(
            file.file.read(),
            key=_octets(key),
            password=password or None,
            period_seconds=_seconds(period),
        )
        importer = tools.importer
        begun = importer.begin(operator.account, file.filename or "", len(seeds))
        threading.Thread(name=STAGING, target=_stage, args=(importer, begun.import_id, seeds), daemon=True).start()
    except (SeedFileError, InvalidValue) as error:
        _one_file_at_a_time.release()
        return _again(request, error, 400)
    except BaseException:
        _one_file_at_a_time.release()
        raise
    return go_to(f"/operators/import/file?id={begun.import_id}")


def _stage(importer: FobImporter, import_id: str, seeds: Sequence[SeedRow]) -> None:
    """Put fobs into the store, beside the answer; what fails is never complete, and goes by itself."""
    try:
        importer.stage(import_id, seeds)
    except WatchwordError as error:
        log.error("a file of seeds could not be staged: %s", error)
    finally:
        _one_file_at_a_time.release()


def _octets(key: str) -> bytes | None:
    if not key.strip():
        return None
    try:
        octets = bytes.fromhex(key)
    except ValueError:
        raise InvalidValue("the key is not hex") from None
    if len(octets) not in (16, 24, 32):
        raise InvalidValue("the key is not 32, 48 or 64 hex digits")
    return octets


def _seconds(period: str) -> int | None:
    if not period.strip():
        return None
    if not (period.isascii() and period.isdigit() and len(period) < 5):
        raise InvalidValue("the period is a number of seconds, such as 60")
    return int(period)


def _again(request: Request, error: WatchwordError, status: int) -> Response:
    return page(request, "import.html", status=status, error=in_words(error), fobs=None)


@router.get("/file")
def show(request: Request, operator: Admin, tools: AtTools, id: Id) -> Response:
    """Show what is in a file, once it is in the store."""
    return page(request, "import_file.html", preview=tools.importer.preview(id, operator.account), error="", why="")


@router.get("/events")
async def progress(request: Request, operator: Admin, tools: AtTools, id: Id) -> Response:
    """Tell when more of a file is in the store, as server-sent events."""
    preview = await run_in_threadpool(tools.importer.preview, id, operator.account)
    if preview.is_complete:
        return Response(status_code=204)  # the browser does not come again, and the page asks for itself once more
    return StreamingResponse(_progress(request, tools.importer, id, operator.account), media_type="text/event-stream")


async def _progress(request: Request, importer: FobImporter, import_id: str, account: str) -> AsyncIterator[str]:
    for _ in range(LOOKS_OF_A_STREAM):
        await asyncio.sleep(LOOK_SECONDS)
        if await request.is_disconnected():
            return
        try:
            preview = await run_in_threadpool(importer.preview, import_id, account)
        except WatchwordError:
            return
        yield f"data: {preview.waiting.staged}\n\n"
        if preview.is_complete:
            return


@router.post("/confirm")
def confirm(
    request: Request,
    operator: Admin,
    tools: AtTools,
    id: Annotated[str, Form(pattern="^[0-9a-f]{32}$")],
    why: Short = "",
) -> Response:
    """Bring the fobs in, all or none."""
    try:
        count = tools.importer.confirm(id, actor_of(request, operator, why))
    except (InvalidValue, Conflict) as error:
        preview = tools.importer.preview(id, operator.account)
        status = 400 if isinstance(error, InvalidValue) else 409
        return page(request, "import_file.html", status=status, preview=preview, error=in_words(error), why=why)
    return go_to(f"/operators/import?fobs={count}")


@router.post("/discard")
def discard(
    operator: Admin,
    tools: AtTools,
    id: Annotated[str, Form(pattern="^[0-9a-f]{32}$")],
) -> Response:
    """Forget a file."""
    tools.importer.discard(id, operator.account)
    return go_to("/operators/import")
