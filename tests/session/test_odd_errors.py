"""An error that does not say what it is about is shown, and ends the wait for what it can only be about."""

from __future__ import annotations

import pytest

from rtcli.errors import ExitCode
from tests.kit.fake_server import fake_server
from tests.kit.odd_errors import ODD, refusing
from tests.kit.sessions import session_on


@pytest.mark.parametrize("how", ODD)
async def test_a_turn_ends_with_an_error_that_names_nothing(how: str) -> None:
    """It is said in the server's words, where it has any."""
    error, said = ODD[how]
    async with fake_server(refusing(error)) as server, session_on(server.url) as live:
        await live.run("hello")
        await live.idle()

        assert any(said in notice for notice in live.notices), live.notices
        assert live.session.exit_code is ExitCode.SERVER_ERROR
        assert not live.session.status.waits
        assert not live.session.state.log.last("response.created")
