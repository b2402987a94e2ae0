"""One place says how a connection ended and what to do about it."""

from __future__ import annotations

import pytest

from rtcli.protocol.close_codes import FINAL, advice_for_close, describe_close


@pytest.mark.parametrize(
    ("code", "reason", "said", "words"),
    [
        (1011, "out of luck", "", "close code 1011, out of luck"),
        (1000, "", "", "close code 1000"),
        (None, "", "", "no close frame"),
        (
            3000,
            "invalid_request_error",
            "Incorrect API key.",
            "Incorrect API key. (close code 3000, invalid_request_error)",
        ),
        (None, "", "The server is going down.", "The server is going down. (no close frame)"),
    ],
)
def test_the_servers_own_words_come_first(code: int | None, reason: str, said: str, words: str) -> None:
    """Then code and reason, as far as there are any."""
    assert describe_close(code, reason, said) == words


def test_no_close_frame_is_a_broken_connection() -> None:
    """1006 is never sent: it is what the absence of a frame is called."""
    assert advice_for_close(None) == advice_for_close(1006) != ""


def test_there_is_advice_where_the_code_tells_something() -> None:
    """Nothing is made up for a code of the server's own."""
    assert advice_for_close(4321) == ""
    assert all(advice_for_close(code) for code in FINAL)


def test_a_server_that_takes_no_more_points_to_the_account() -> None:
    """OpenAI closes with 1013 after a quota error."""
    assert "billing" in advice_for_close(1013)
