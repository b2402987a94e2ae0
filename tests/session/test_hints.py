"""What to do about errors, failures, close codes and old names."""

from __future__ import annotations

import pytest

from rtcli.protocol.beta_fields import RENAMED, advice
from rtcli.session import hints


@pytest.mark.parametrize(("old", "new"), sorted(RENAMED.items()))
def test_every_name_of_the_beta_session_leads_to_the_new_one(old: str, new: str) -> None:
    """Typed by hand or refused by the server, the hint names the GA path."""
    assert new in advice(old)
    assert new in hints.of_error({"code": "unknown_parameter", "param": f"session.{old}"})


def test_a_path_below_a_renamed_field_keeps_its_end() -> None:
    """turn_detection.threshold is found where it is now."""
    assert advice("turn_detection.threshold").endswith("audio.input.turn_detection.threshold")
    assert advice("audio.output.voice") == ""
    assert "temperature" in advice("temperature")


def test_an_error_is_known_by_code_or_else_by_type() -> None:
    """Some servers put the name into one field, some into the other."""
    by_code = hints.of_error({"code": "insufficient_quota", "type": "invalid_request_error"})

    assert by_code and by_code == hints.of_error({"code": None, "type": "insufficient_quota"})
    assert hints.of_error({"code": "brand_new"}) == ""


def test_a_failed_response_is_known_by_its_error_or_reason() -> None:
    """The hint follows status_details."""
    assert "max_output_tokens" in hints.of_response({"reason": "max_output_tokens"})
    assert "credit" in hints.of_response({"error": {"code": "insufficient_quota"}})
    assert hints.of_response({}) == ""


def test_every_end_of_a_connection_has_something_to_do() -> None:
    """A close without a frame, a known code and an unknown one."""
    assert all(hints.of_close(code) for code in (None, 1001, 3000, 4999))
    assert hints.of_close(None) == hints.of_close(1006)


def test_a_field_of_the_other_detection_names_its_own() -> None:
    """threshold is unknown to semantic_vad, eagerness to server_vad; a wrong value is another matter."""
    path = "session.audio.input.turn_detection"

    assert "/vad server threshold=" in hints.of_error({"code": "unknown_parameter", "param": f"{path}.threshold"})
    assert "/vad semantic eagerness=" in hints.of_error({"code": "unknown_parameter", "param": f"{path}.eagerness"})
    assert hints.of_error({"code": "invalid_value", "param": f"{path}.threshold"}) == ""
    assert hints.of_error({"code": "unknown_parameter", "param": f"{path}.bogus"}) == ""


def test_an_empty_account_is_not_connected_to_again() -> None:
    """Close code 1013 follows on the error: another connection would end the same way."""
    assert "/reconnect" in hints.of_close(1013)
    for code in ("insufficient_quota", "credit_balance_exhausted"):
        assert "billing page" in hints.of_close(1013, code)
        assert "/reconnect" not in hints.of_close(1013, code)
