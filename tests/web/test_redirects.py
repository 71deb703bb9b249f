"""Where the framework itself leads a browser: never out of TLS, though the proxy speaks plain HTTP to the portal."""

from starlette.testclient import TestClient

from tests.web.world import PUBLIC_URL, PortalWorld


def test_an_address_without_its_last_slash_leads_to_the_public_one(portal: PortalWorld) -> None:
    behind_the_proxy = PUBLIC_URL.replace("https:", "http:")
    client = TestClient(portal.app, base_url=behind_the_proxy, follow_redirects=False)
    answer = client.get("/operators")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"{PUBLIC_URL}/operators/"
