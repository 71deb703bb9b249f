"""Admins make and revoke keys of the API on a page; nobody else does."""

import os
import re

import pytest

from tests.web.world import PortalWorld
from watchword.services.api_keys import ApiKeys, Scope

HERE = "/operators/api-keys"
FORM = {
    "name": "account portal",
    "scope": "validate",
    "days": "30",
    "networks": "198.51.100.0/24",
    "why": "ticket 4711",
}


def key_on(page: str) -> str:
    (key,) = re.findall(r"ww_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", page)
    return str(key)


def test_a_key_is_made_shown_once_and_opens_the_api(portal: PortalWorld) -> None:
    admin = portal.signed_in("ada", proved=True)
    admin.get(HERE)
    key = key_on(admin.post(f"{HERE}/make", FORM))
    assert admin.headers["Cache-Control"] == "no-store"
    answer = portal.browser().client.get("/api/v1/key", headers={"Authorization": f"Bearer {key}"})
    assert answer.json()["scopes"] == ["validate"]
    assert key not in admin.get(HERE) and "account portal" in admin.page
    (made,) = [event for event in portal.events() if event[2] == "api key made"]
    assert made[3] == "ada" and made[4].endswith(": ticket 4711")


def test_a_revoked_key_opens_nothing_more(portal: PortalWorld) -> None:
    admin = portal.signed_in("ada", proved=True)
    admin.get(HERE)
    key = key_on(admin.post(f"{HERE}/make", FORM))
    key_id = key.split("_")[1]
    admin.get(f"{HERE}/revoke?key={key_id}")
    admin.post(f"{HERE}/revoke", {"why": "it got out"})
    assert admin.path == HERE and "revoked" in admin.page
    answer = portal.browser().client.get("/api/v1/key", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    assert ("api key revoked", "ada") in [event[2:4] for event in portal.events()]


def test_a_key_whose_maker_is_no_admin_any_more_is_marked_and_goes_on_working(portal: PortalWorld) -> None:
    admin = portal.signed_in("ada", proved=True)
    admin.get(HERE)
    key = key_on(admin.post(f"{HERE}/make", FORM))
    page = admin.get(HERE)
    assert "Made by" in page and "no admin now" not in page
    keys = ApiKeys(portal.desk.store, clock=portal.clock, random_octets=os.urandom, actor="gone")
    keys.add("<i>old", scopes=[Scope.VALIDATE], days=1)
    page = admin.get(HERE)
    assert page.count("no admin now") == 1 and "gone" in page.partition("no admin now")[0]
    answer = portal.browser().client.get("/api/v1/key", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"scope": ""},
        {"scope": "everything"},
        {"days": "0"},
        {"days": "x"},
        {"networks": "here"},
        {"why": ""},
    ],
)
def test_a_form_that_makes_no_sense_makes_no_key_and_keeps_what_was_typed(
    portal: PortalWorld, wrong: dict[str, str]
) -> None:
    admin = portal.signed_in("ada", proved=True)
    admin.get(HERE)
    page = admin.post(f"{HERE}/make", FORM | {"name": "<b>portal</b>"} | wrong)
    assert admin.status == 400 and "ww_" not in page
    assert "<b>portal" not in page and ("name" in wrong or "&lt;b&gt;portal" in page)
    assert [event for event in portal.events() if event[2] == "api key made"] == []


def test_a_key_is_not_revoked_without_a_reason_or_if_there_is_none(portal: PortalWorld) -> None:
    admin = portal.signed_in("ada", proved=True)
    admin.get(HERE)
    key_id = key_on(admin.post(f"{HERE}/make", FORM)).split("_")[1]
    admin.get(f"{HERE}/revoke?key={key_id}")
    admin.post(f"{HERE}/revoke", {"why": ""})
    assert admin.status == 400
    admin.get(f"{HERE}/revoke?key=000000000000")
    assert admin.status == 404


@pytest.mark.parametrize("role", ["hugo", "otto", "alice"])
def test_only_admins_see_keys(portal: PortalWorld, role: str) -> None:
    browser = portal.signed_in(role, proved=True)
    browser.get(HERE)
    assert browser.status == 403
    browser.get("/")
    token = re.findall(r'name="csrf_token" value="([^"]+)"', browser.page)[0]
    browser.post(f"{HERE}/make", FORM | {"csrf_token": token})
    assert browser.status == 403
