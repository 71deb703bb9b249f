"""The MAC of an event: over the same octets as ever, whatever its words."""

import hashlib
import hmac
import json

from hypothesis import given
from hypothesis import strategies as any_

from watchword.domain.audit import AuditEvent, EventKind, Result, link

TEXT = any_.text(max_size=40)


@given(
    any_.binary(min_size=1, max_size=100),
    TEXT,
    any_.integers(0, 2**63),
    any_.binary(min_size=32, max_size=32),
    any_.data(),
)
def test_an_events_mac_covers_its_writer_place_and_fields_written_as_json(
    key: bytes, writer: str, sequence: int, previous: bytes, data: any_.DataObject
) -> None:
    kind, result = data.draw(any_.sampled_from(EventKind)), data.draw(any_.sampled_from(Result))
    event = AuditEvent(data.draw(any_.integers(0, 2**53)), kind, result, *data.draw(any_.tuples(*[TEXT] * 7)))
    written = previous + json.dumps([writer, sequence, *event]).encode("ascii")
    assert link(key, writer, sequence, previous, event) == hmac.new(key, written, hashlib.sha256).digest()
