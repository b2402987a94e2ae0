"""The browser that tests open pages with."""

from __future__ import annotations

from pathlib import Path

from tests.kit.browser import Chromium
from tests.kit.waiting import until


async def test_a_page_that_complains_is_known(browser: Chromium, tmp_path: Path) -> None:
    """On the console, by an exception, by something that it cannot load."""
    file = tmp_path / "page.html"
    file.write_text("<script>console.error('broken'); setTimeout(() => { throw Error('lost') })</script><img src=none>")
    page = await browser.page()
    await page.goto(file.as_uri())

    wanted = ("error: broken", "exception: lost", "request failed: file:")
    await until(lambda: all(word in " | ".join(browser.problems) for word in wanted), "each complaint")
    browser.problems.clear()


async def test_a_page_looks_as_its_user_prefers(browser: Chromium) -> None:
    """Light and dark, and a picture of it."""
    page = await browser.page(300, 200, "dark")
    await page.set_content("<style>:root { color-scheme: light dark }</style>")

    assert await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (await browser.shot(page, "dark")).read_bytes().startswith(b"\x89PNG")
