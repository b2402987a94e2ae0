"""What the tests of several commands begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.kit.sessions import Live, live_session


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    """A session in which something was said."""
    async with live_session() as running:
        await running.run("hello")
        await running.idle()
        yield running
