"""A headless Chromium for a test: its pages, what their consoles complain about, and what they look like."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--no-sandbox",  # the tests may run as root, in a container
    "--autoplay-policy=no-user-gesture-required",
    # A microphone that beeps each second, and that nobody has to allow.
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-features=WebRtcHideLocalIpsWithMdns",  # nobody answers for a .local name here
)
_COMPLAINTS = ("error", "warning")

Scheme = Literal["light", "dark"]


def chromium() -> str | None:
    """The program; None where it is not installed."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def missing() -> str:
    """Why nothing here can open a page; "" where something can."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed (make test-slow installs it)"
    return "" if chromium() else "chromium is not installed (apt-get install chromium)"


class Chromium:
    """One running browser. `problems` is what went wrong in any page: complaints on the console, exceptions, requests
    that failed. A test that leaves some there fails; one that provokes them takes them out."""

    def __init__(self, browser: Browser, shots: Path) -> None:
        self.problems: list[str] = []
        self._browser = browser
        self._shots = shots

    async def page(
        self, width: int = 1280, height: int = 800, scheme: Scheme = "light", *, reduced_motion: bool = False
    ) -> Page:
        """A window of its own, with nothing in it; `scheme` is what its user prefers."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce" if reduced_motion else "no-preference",
        )
        page = await context.new_page()
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("requestfailed", lambda request: self.problems.append(f"request failed: {request.url[:200]}"))
        return page

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in _COMPLAINTS:
            self.problems.append(f"{message.type}: {message.text}")

    async def shot(self, page: Page, name: str, *, full: bool = False) -> Path:
        """A picture of the window, or of the whole page, as NAME.png; the variable SHOTS names a folder to keep it."""
        path = self._shots / f"{name}.png"
        await page.screenshot(path=path, full_page=full)
        return path


@pytest.fixture
async def browser(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Chromium]:
    """A browser of the test's own. Skips where none is installed; fails where a page complained.

    More of Chromium's flags: `@pytest.mark.parametrize("browser", [("--flag",)], indirect=True)`.
    """
    if reason := missing():
        pytest.skip(reason)
    from playwright.async_api import async_playwright

    wanted: tuple[str, ...] = getattr(request, "param", ())
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium(), args=[*_FLAGS, *wanted])
        opened = Chromium(launched, Path(os.environ.get("SHOTS", tmp_path)))
        try:
            yield opened
        finally:
            await launched.close()
    assert opened.problems == [], "\n".join(opened.problems)
