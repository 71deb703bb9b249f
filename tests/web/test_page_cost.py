"""What a page asks of the database: each question is one that somebody waits for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from tests.web.world import PortalWorld

QUESTIONS = {
    "/sign-in": 1,
    "/": 3,
    "/history": 3,
    "/sessions": 2,
    "/operators/?q=a": 4,
    "/operators/account?name=ada": 3,
    "/operators/live": 3,
}
"""The first of each is who asks."""


@contextmanager
def questions(portal: PortalWorld) -> Iterator[list[str]]:
    """Collect the statements that are sent meanwhile."""
    asked: list[str] = []

    def note(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    engine = portal.desk.store.database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def test_a_page_asks_the_database_no_more_often_than_it_has_to(portal: PortalWorld) -> None:
    browser = portal.signed_in("ada", proved=True)
    for path, most in QUESTIONS.items():
        with questions(portal) as asked:
            browser.client.get(path, follow_redirects=False)
        assert len(asked) == most, (path, asked)


def test_a_page_for_strangers_asks_nothing(portal: PortalWorld) -> None:
    with questions(portal) as asked:
        portal.browser().get("/sign-in")
    assert asked == []
