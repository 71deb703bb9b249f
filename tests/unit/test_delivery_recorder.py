"""The carrier that keeps what it is given."""

import json
import stat
from pathlib import Path

import pytest

from watchword.delivery.recorder import RecordedMessage, Recorder
from watchword.domain.errors import DeliveryFailed


def test_messages_are_kept_in_order_and_each_has_a_name() -> None:
    recorder = Recorder()

    assert recorder.send("+15125551234", "one") != recorder.send("+15125551234", "two")
    assert recorder.messages == [RecordedMessage("+15125551234", "one"), RecordedMessage("+15125551234", "two")]


def test_messages_are_added_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "messages"
    Recorder(file).send("+15125551234", "one\ntwo")
    Recorder(file).send("+15125551235", "thrée")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] == [
        {"phone": "+15125551234", "text": "one\ntwo"},
        {"phone": "+15125551235", "text": "thrée"},
    ]


def test_failures_come_in_the_order_they_were_put() -> None:
    recorder = Recorder(failures=[DeliveryFailed("busy"), DeliveryFailed("no such number", final=True)])

    with pytest.raises(DeliveryFailed, match="busy"):
        recorder.send("+15125551234", "one")
    with pytest.raises(DeliveryFailed, match="no such number"):
        recorder.send("+15125551234", "one")
    recorder.send("+15125551234", "one")
    assert len(recorder.messages) == 1


def test_a_file_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    for file in (tmp_path / "none" / "messages", tmp_path / "link", tmp_path):
        with pytest.raises(DeliveryFailed):
            Recorder(file).send("+15125551234", "one")


def test_numbers_and_texts_are_not_in_a_repr() -> None:
    recorder = Recorder()
    recorder.send("+15125551234", "code 493817")

    assert "1234" not in repr(recorder)
    assert "493817" not in repr(recorder)
