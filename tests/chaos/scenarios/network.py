"""The network between nodes and servers loses, doubles, delays and cuts, or somebody on it forges."""

import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tests.chaos.centre import Centre, Story
from tests.harness.udp_proxy import Address, Delivery, Mischief, udp_proxies
from tests.radius_peer import accept, encode_answer, forged

ACCESS_ACCEPT = 2


def bad(centre: Centre) -> Story:
    """Packets are lost, doubled, delayed, reordered and cut, both ways."""
    with udp_proxies(centre.ports, bad_network(random.Random(1), centre.pace.timeout)) as proxies:
        with centre.load(ports=[proxy.port for proxy in proxies]) as load:
            time.sleep(centre.pace.harm)
        return Story(load.attempts)


def late(centre: Centre) -> Story:
    """What one server answers arrives after the client gave up."""

    def dawdle(data: bytes, from_client: bool, _client: Address) -> Iterable[Delivery]:
        return [Delivery(data, not from_client, 0.0 if from_client else centre.pace.timeout * 1.1)]

    with udp_proxies(centre.ports) as proxies:
        proxies[0].mischief = dawdle
        # Nobody passes the late one over for long: it is to be asked again and again.
        with centre.load(ports=[proxy.port for proxy in proxies], dead_seconds=1) as load:
            time.sleep(centre.pace.harm)
        return Story(load.attempts)


def forgeries(centre: Centre) -> Story:
    """Before each answer comes an Accept of somebody else's: forged, replayed, without Message-Authenticator."""
    forger = Forger(centre.settings.secret.encode(), random.Random(2))
    with udp_proxies(centre.ports, forger) as proxies:
        with centre.load(ports=[proxy.port for proxy in proxies], bad_share=0.5) as load:
            time.sleep(centre.pace.harm)
        return Story(load.attempts)


def bad_network(chance: random.Random, timeout_seconds: float) -> Mischief:
    """Return a network on which one packet in two has an accident."""

    def mischief(data: bytes, from_client: bool, _client: Address) -> Iterator[Delivery]:
        whole = Delivery(data, to_client=not from_client)
        match chance.choices(("well", "lost", "doubled", "delayed", "cut"), (50, 15, 15, 15, 5)):
            case ["well"]:
                yield whole
            case ["doubled"]:
                yield whole
                yield whole._replace(after_seconds=chance.uniform(0, timeout_seconds))
            case ["delayed"]:
                yield whole._replace(after_seconds=chance.uniform(0, 1.5 * timeout_seconds))
            case ["cut"]:
                yield whole._replace(data=data[: chance.randrange(len(data))])

    return mischief


class Forger:
    """Answers faster than the server. Nobody could sign two of these without the secret: so it is given to them."""

    def __init__(self, secret: bytes, chance: random.Random) -> None:
        self._secret = secret
        self._chance = chance
        self._last_accept = b""

    def __call__(self, data: bytes, from_client: bool, _client: Address) -> Iterator[Delivery]:
        """Pass a request on, with forged answers to it; keep every fifth true answer back."""
        if from_client:
            for forgery in self._forgeries(data):
                yield Delivery(forgery, to_client=True)
            yield Delivery(data, to_client=False)
            return
        if data[0] == ACCESS_ACCEPT:
            self._last_accept = data
        if self._chance.random() > 0.2:
            yield Delivery(data, to_client=True)

    def _forgeries(self, request: bytes) -> Iterator[bytes]:
        answers = [
            forged(accept()),
            replace(accept(), signature="absent"),
            replace(accept(), signature="wrong"),
            replace(accept(), signature="last", response_authenticator=False),
        ]
        yield from (encode_answer(answer, request, self._secret) for answer in answers)
        if self._last_accept:
            yield self._last_accept[:1] + request[1:2] + self._last_accept[2:]
