"""The portal as one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.formparsers import MultiPartParser
from starlette.routing import Route

from watchword.clock import monotonic_seconds
from watchword.portal import sign_in
from watchword.portal.api.app import mount_api, replays_of
from watchword.portal.assets import Assets
from watchword.portal.chores import Chore, Chores
from watchword.portal.cookies import Cookies
from watchword.portal.errors import add_handlers
from watchword.portal.guarded_app import HEALTH, GuardedApp
from watchword.portal.health import Health
from watchword.portal.operators import api_keys, charts, classes, do, imports, live, lookup
from watchword.portal.operators.tools import Tools
from watchword.portal.page_route import PageRoute
from watchword.portal.pages import Pages
from watchword.portal.people import history, home, lost, pair, sessions, unpair
from watchword.portal.uploads import LARGEST_UPLOAD_OCTETS, Uploads
from watchword.wiring.portal import Desk

ROUTERS = (
    sign_in.router,
    home.router,
    pair.router,
    unpair.router,
    lost.router,
    history.router,
    sessions.router,
    lookup.router,
    do.router,
    live.router,
    imports.router,
    classes.router,
    charts.router,
    api_keys.router,
)

# What is uploaded holds seeds: it stays in memory, and GuardedApp bounds it.
MultiPartParser.spool_max_size = LARGEST_UPLOAD_OCTETS + 1


def chores_of(desk: Desk) -> list[Chore]:
    """List what this portal does beside answering."""

    def drop_what_is_over() -> int:
        desk.sessions.prune()
        desk.throttle.prune()
        Tools(desk).importer.prune()
        replays_of(desk).prune()
        return 0

    def count_days() -> int:
        return charts.day_counter(desk).catch_up(most=charts.EVENTS_AT_ONCE).events

    errands = [Chore(errand.name, errand.every_seconds, errand.run) for errand in desk.people.errands]
    return [
        Chore("dropping what is over", 300, drop_what_is_over),
        Chore("counting the audit log by day", 60, count_days),
        *errands,
    ]


def create_app(desk: Desk) -> GuardedApp:
    """Make the application around services that are ready."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pages.compile()
        chores = Chores(chores_of(desk))
        chores.start()
        yield
        await run_in_threadpool(chores.stop)
        desk.close()

    assets = Assets()
    app = FastAPI(title="Watchword", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.desk = desk
    app.state.sign_in_turns = CapacityLimiter(sign_in.MOST_AT_ONCE)
    app.state.cookies = Cookies(desk.settings.portal)
    app.state.pages = Pages(desk.settings, assets)
    add_handlers(app)
    _add_pages(app)

    health = Health(desk.store.ping, monotonic=monotonic_seconds)
    app.router.routes.append(Route(HEALTH, health.respond))
    app.router.routes.append(Route("/static/{name}", assets.respond))
    app.router.routes.append(mount_api(desk))
    uploads = Uploads(app.state.cookies.session, lambda cookie: desk.sessions.find(cookie, is_used=False) is not None)
    return GuardedApp(app, desk.settings.portal, uploads)


def _add_pages(app: FastAPI) -> None:
    """Add every page to one list: in routers within routers, FastAPI looks for each of them several times."""
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)  # noqa: S101  (pages have no other routes)
            app.router.add_api_route(
                route.path,
                route.endpoint,
                methods=route.methods,
                dependencies=route.dependencies,
                name=route.name,
                route_class_override=PageRoute,
            )
