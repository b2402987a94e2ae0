"""A page of an hour and 100,000 events: how long it takes to make, how large it is, when a browser shows it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rtcli.recording.report.audio import AudioKind
from tests.benchmarks.rows import Row, row
from tests.kit.browser import chromium, missing
from tests.kit.long_session import LongSession
from tests.kit.pages import page_of
from tests.kit.recordings import records_of


async def _opened(file: Path) -> tuple[float, float]:
    """Seconds until the table of turns is there, and until everything is."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = await browser.new_page()
        begun = time.perf_counter()
        await page.goto(file.as_uri(), wait_until="commit")
        await page.wait_for_selector("#turns tbody tr")
        table = time.perf_counter() - begun
        await page.wait_for_selector("html[data-ready]")
        ready = time.perf_counter() - begun
        await browser.close()
    return table, ready


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "hour.ndjson"
        count = LongSession(3600, piece=0.06).write(recording)
        about = f"{count:,} events, a recording of {recording.stat().st_size / 1e6:.0f} MB"
        records = records_of(recording)
        for kind in (AudioKind.COMPACT, AudioKind.NONE):
            begun = time.perf_counter()
            html = page_of(records, kind)
            yield row(f"a page of an hour, audio {kind.value}: made in", time.perf_counter() - begun, "s", about)
            file = Path(folder) / "hour.html"
            file.write_text(html, encoding="utf-8")
            if reason := missing():
                yield Row("its page in Chromium", "", str(reason))
                continue
            size = f"{len(html) / 1e6:.1f} MB"
            table, ready = asyncio.run(_opened(file))
            yield row(f"a page of an hour, audio {kind.value}: Chromium shows the table after", table, "s", size)
            yield row(f"a page of an hour, audio {kind.value}: Chromium has everything after", ready, "s", size)
