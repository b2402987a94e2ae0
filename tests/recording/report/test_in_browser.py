"""The report page in a browser: what a user sees, hears, clicks and types; that no text of a session runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rtcli.dsp.adpcm import decode, encode
from rtcli.errors import UsageError
from rtcli.protocol.filters import is_failure, item_ids, parse_filter, type_of
from rtcli.protocol.record import Connected, Connection, End, Frame, Mark, Record
from rtcli.recording.report.audio import AudioKind
from tests.kit.browser import Chromium, Scheme
from tests.kit.filter_vectors import REFUSED, VECTORS, frame
from tests.kit.hostile import TEXTS, hostile_session
from tests.kit.long_session import LongSession
from tests.kit.pages import page_of
from tests.kit.recordings import records_of
from tests.kit.told import spoken_turn_with_a_tool_and_an_interruption
from tests.kit.waiting import DEADLINE
from tests.kit.waveforms import noise, samples_of

if TYPE_CHECKING:
    from playwright.async_api import Page

SESSION = spoken_turn_with_a_tool_and_an_interruption()

Open = Callable[..., Awaitable["Page"]]


@pytest.fixture
def open_page(browser: Chromium, tmp_path: Path) -> Open:
    """Opens a page of HTML as a file, and waits until it is ready."""

    async def opened(
        html: str | None = None, *, fragment: str = "", width: int = 1280, height: int = 900, scheme: Scheme = "light"
    ) -> Page:
        file = tmp_path / "page.html"
        file.write_text(page_of(SESSION.records) if html is None else html, encoding="utf-8")
        page = await browser.page(width, height, scheme)
        await page.goto(file.as_uri() + fragment)
        await page.wait_for_selector("html[data-ready]")
        return page

    return opened


async def state(page: Page, expression: str) -> Any:
    """A value in the page."""
    return await page.evaluate(expression)


async def until_true(page: Page, expression: str) -> None:
    """Wait until an expression holds in the page."""
    async with asyncio.timeout(DEADLINE):  # the page's policy forbids what wait_for_function does
        while not await page.evaluate(expression):  # noqa: ASYNC110  what is in another process wakes nobody
            await asyncio.sleep(0.01)


def row_of(record: Frame) -> dict[str, Any]:
    """What the page's filter sees of a frame."""
    return {
        "type": type_of(record),
        "direction": record.direction.value,
        "items": list(item_ids(record.event)),
        "failed": is_failure(record),
    }


# -- the filter ----------------------------------------------------------------------------------


async def test_the_filter_understands_the_terms_of_the_program(open_page: Open) -> None:
    """The same vectors: what passes, and what is refused, with the words of the program."""
    page = await open_page()
    given = [[expression, row_of(record)] for expression, record, _ in VECTORS]
    passed = await page.evaluate("given => given.map(([expression, row]) => parseFilter(expression)(row))", given)
    refused = await page.evaluate(
        "given => given.map((one) => { try { parseFilter(one); return '' } catch (error) { return error.message } })",
        REFUSED,
    )

    assert [(one[0], got) for one, got in zip(given, passed, strict=True)] == [(one, row) for one, _, row in VECTORS]
    for expression, message in zip(REFUSED, refused, strict=True):
        with pytest.raises(UsageError) as error:
            parse_filter(expression)
        assert message == f"{error.value} ({error.value.hint})".replace(f"{expression!r}", f"'{expression}'")


async def test_globs_that_nobody_thought_of_match_the_same(open_page: Open) -> None:
    """Any glob of these characters, against types that it nearly fits."""
    dice = random.Random(11)
    given = []
    for _ in range(20_000):
        glob = "".join(dice.choice("ab-.*?[]!") for _ in range(dice.randint(1, 7)))
        given.append((glob, "".join(dice.choice("abc-.[]!") for _ in range(dice.randint(0, 5)))))
    expected: list[bool | None] = []
    for glob, type_ in given:
        try:
            expected.append(parse_filter(glob).matches(frame(type_)))
        except UsageError:
            expected.append(None)
    got = await (await open_page()).evaluate(
        """given => given.map(([glob, type]) => {
            try { return parseFilter(glob)({ type, direction: "<", items: [], failed: false }) } catch { return null }
        })""",
        given,
    )

    differing = [(one, theirs, ours) for one, theirs, ours in zip(given, expected, got, strict=True) if theirs != ours]
    assert differing == []
    assert expected.count(True) > 500


async def test_events_are_filtered_as_one_types(open_page: Open) -> None:
    """The number that is left is said; a term that cannot be read is told, and changes nothing."""
    page = await open_page()
    await page.fill("#filter", "response.* -*.delta")
    assert await page.text_content("#count") == f"6 of {_frames()} events"
    types = await page.locator(".grid-row > span:nth-child(4)").all_text_contents()
    await page.fill("#filter", "response.* item=")
    problem = await page.text_content("#filter-problem")
    await page.fill("#filter", "nothing.is.called.so")
    await page.focus("#grid")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    assert await page.locator(".grid-row").count() == 0
    await page.fill("#filter", "response.* -*.delta")

    assert len(types) == 6 and all(one.startswith("response.") for one in types)
    assert problem is not None and "unknown filter term" in problem
    assert await page.locator(".grid-row").count() == 6
    await page.fill("#filter", "")
    assert await page.text_content("#count") == f"{_frames()} events"


def _frames() -> int:
    return sum(isinstance(record, Frame) for record in SESSION.records)


# -- what happened, and why ----------------------------------------------------------------------


async def test_a_click_on_a_mark_shows_its_event_and_what_caused_it(open_page: Open) -> None:
    """The tool call: its span, the event that ends it, the chain back to the speech."""
    page = await open_page()
    place = await page.evaluate(
        """() => {
            const timeline = window.rtcliReport.timeline;
            const mark = timeline.marks.find((one) => one.kind === "tool call");
            const { top, bottom } = markBox(mark, timeline.layout);
            return [timeline.view.x((mark.start + mark.end) / 2), (top + bottom) / 2, mark.frame];
        }"""
    )
    await page.locator("#lanes").click(position={"x": place[0], "y": place[1]})
    await page.wait_for_selector(".json .key")
    details = await page.inner_text("aside")

    assert "tool call at 0:02.000, 700 ms, turn 1" in details
    assert "get_weather({})" in details and f"Event #{place[2]}" in details
    assert '"type": "function_call_output"' in details
    assert "Caused by" in details and "input_audio_buffer.speech_stopped" in details
    assert await page.locator('.grid-row[aria-selected="true"]').count() == 1


async def test_links_lead_from_cause_to_cause(open_page: Open) -> None:
    """Back and forth, also by the browser's own way back; the address names the event."""
    page = await open_page(fragment="#event-96")
    heading = "document.getElementById('details-heading').textContent"
    await until_true(page, f"{heading} === 'Event #96'")
    link = page.locator("ol.links a").first
    number = (await link.inner_text()).partition(" ")[0]
    await link.click()
    await until_true(page, f"{heading} === 'Event {number}'")
    address = page.url
    await page.go_back()
    await until_true(page, f"{heading} === 'Event #96'")

    assert address.endswith(f"#event-{number.removeprefix('#')}") and number != "#96"


@pytest.mark.parametrize(
    "fragment", ["#event-0", "#event-99999", "#event-x", "#javascript:window.hacked=1", "#<img src=x>"]
)
async def test_an_address_that_names_nothing_is_passed_over(open_page: Open, fragment: str) -> None:
    """The page opens as it does without."""
    page = await open_page(fragment=fragment)

    assert await page.inner_text("#details-heading") == "Event"


async def test_causes_and_effects_are_those_of_the_recording(open_page: Open) -> None:
    """For every event: the one that it answers, and those that it led to."""
    page = await open_page()
    frames = [record for record in SESSION.records if isinstance(record, Frame)]
    numbers = [one.number for one in frames]
    parents = await page.evaluate("all => all.map((one) => window.rtcliReport.events.parent(one))", numbers)
    children = await page.evaluate("all => all.map((one) => window.rtcliReport.events.children(one))", numbers)

    assert parents == [one.parent or 0 for one in frames] and any(parents)
    assert children == [[one.number for one in frames if one.parent == number] for number in numbers]


async def test_a_turn_of_the_table_is_shown_in_the_timeline(open_page: Open) -> None:
    """The window is the turn, the cursor at its begin."""
    page = await open_page()
    await page.get_by_role("button", name="turn 1", exact=True).click()
    start, end, position = await page.evaluate(
        "() => { const { view, position } = window.rtcliReport.timeline; return [view.start, view.end, position] }"
    )
    turn = SESSION.timeline.turns[0]

    assert start <= turn.start < end and position == pytest.approx(turn.start, abs=0.001)
    assert await page.locator("#turns [aria-current]").count() == 1


# -- keys and pointer ----------------------------------------------------------------------------


async def test_the_timeline_can_be_used_with_keys_alone(open_page: Open) -> None:
    """Zoom, move, everything; from mark to mark, each told; Enter goes to its event."""
    page = await open_page()
    window = "(({ start, seconds }) => [start, seconds])(window.rtcliReport.timeline.view)"
    await page.focus("#lanes")
    whole = await state(page, window)
    await page.keyboard.press("+")
    zoomed = await state(page, window)
    await page.keyboard.press("ArrowRight")
    moved = await state(page, window)
    await page.keyboard.press("End")
    end = await state(page, window)
    await page.keyboard.press("0")
    assert await state(page, window) == whole
    said = []
    for _ in range(4):
        await page.keyboard.press("n")
        said.append(await page.text_content("#said"))
    await page.keyboard.press("p")
    back = await page.text_content("#said")
    await page.keyboard.press("Enter")

    assert zoomed[1] < whole[1] and moved[0] > zoomed[0] and moved[1] == zoomed[1]
    assert sum(end) == pytest.approx(whole[1])
    assert said[0] is not None and said[0].startswith("turn 1, voice at 0:00.300, 1.0")
    assert len(set(said)) == 4 and back == said[2]
    assert await state(page, "document.activeElement.id") == "details-heading"


async def test_dragging_moves_and_the_wheel_zooms(open_page: Open) -> None:
    """What is under the pointer stays under it."""
    page = await open_page()
    view = "window.rtcliReport.timeline.view"
    box = await page.locator("#lanes").bounding_box()
    assert box is not None
    x, y = box["x"] + 250, box["y"] + 150
    await page.mouse.move(x, y)
    before = await state(page, f"{view}.time(250)")
    await page.keyboard.down("Control")
    await page.mouse.wheel(0, -600)
    await page.keyboard.up("Control")
    await until_true(page, f"{view}.seconds < {view}.length / 2")
    assert await state(page, f"{view}.time(250)") == pytest.approx(before, abs=0.02)

    await page.mouse.down()
    await page.mouse.move(x + 150, y, steps=4)
    await page.mouse.up()
    assert await state(page, f"{view}.time(400)") == pytest.approx(before, abs=0.02)


async def test_events_can_be_walked_with_keys(open_page: Open) -> None:
    """The active row is told to a screen reader by its id, and is in the page; Enter shows it."""
    page = await open_page()
    await page.focus("#grid")
    for key in ("End", "ArrowUp", "Enter"):
        await page.keyboard.press(key)
    active = await page.get_attribute("#grid", "aria-activedescendant")
    row = page.locator(f"#{active}")

    assert await row.get_attribute("aria-selected") == "true"
    assert await page.inner_text("#details-heading") == f"Event #{_frames() - 1}"
    await page.keyboard.press("Home")
    assert await page.get_attribute("#grid", "aria-activedescendant") == "row-0"


# -- audio ---------------------------------------------------------------------------------------


async def test_the_page_decodes_what_the_program_encodes(open_page: Open) -> None:
    """Sample for sample."""
    coded = encode(noise(1))
    got = await (await open_page()).evaluate("bytes => Array.from(decodeAdpcm(new Uint8Array(bytes)))", list(coded))

    assert got == samples_of(decode(coded)).tolist()


@pytest.mark.parametrize("kind", [AudioKind.COMPACT, AudioKind.FULL])
@pytest.mark.parametrize("begin", [0.0, 1.0])
async def test_both_tracks_are_heard_in_time(open_page: Open, kind: AudioKind, begin: float) -> None:
    """As samples: the voice from 0.3 s to 1.3 s, the answer where the player told, from wherever one begins."""
    page = await open_page(page_of(SESSION.records, kind))
    rendered = await page.evaluate(
        """async (begin) => {
            const context = new OfflineAudioContext(1, 24000 * 4, 24000);
            for (const [name, about] of Object.entries(jsonOf("session").audio)) {
                const track = new TrackPlayer(name, about);
                track.begin(context, begin);
                track.schedule(context, -begin, 10);
            }
            const samples = (await context.startRendering()).getChannelData(0);
            const peaks = [];
            for (let at = 0; at < samples.length; at += 240) peaks.push(Math.max(...samples.subarray(at, at + 240)));
            return peaks;
        }""",
        begin,
    )
    loud = np.flatnonzero(np.array(rendered) > 0.1) / 100 + begin
    (part,) = SESSION.timeline.turns[0].parts
    gap = int(np.argmax(np.diff(loud)))

    assert loud[0] == pytest.approx(max(0.3, begin), abs=0.03)
    assert loud[gap] == pytest.approx(1.3, abs=0.03)
    assert loud[gap + 1] == pytest.approx(part.heard[0].start, abs=0.03)
    assert loud[-1] == pytest.approx(part.heard[0].start + 0.59, abs=0.012)


async def test_the_cursor_moves_while_it_plays(open_page: Open) -> None:
    """Play, pause, from where it was; a track can be muted meanwhile."""
    page = await open_page()
    await page.click("#play")
    await until_true(page, "window.rtcliReport.player.position > 0.2")
    await page.uncheck("#hear-model")
    await page.click("#play")
    stopped = await state(page, "window.rtcliReport.player.position")
    moved = await page.evaluate("new DOMMatrix(document.getElementById('cursor').style.transform).e")

    assert await page.text_content("#play") == "Play"
    assert await page.text_content("#clock") != "0:00.000"
    assert moved == pytest.approx(await state(page, f"window.rtcliReport.timeline.view.x({stopped})"), abs=0.2)
    assert await state(page, "window.rtcliReport.player.tracks.model.muted")
    await page.click("#play")
    await until_true(page, f"window.rtcliReport.player.position > {stopped}")


async def test_playing_ends_where_the_session_ends(open_page: Open) -> None:
    """And begins again from there at the start."""
    page = await open_page()
    await page.evaluate("window.rtcliReport.player.seek(window.rtcliReport.player.length - 0.2)")
    await page.click("#play")
    await until_true(page, "!window.rtcliReport.player.playing")

    assert await state(page, "window.rtcliReport.player.position === window.rtcliReport.player.length")


async def test_playing_goes_on_from_where_the_cursor_is_set(open_page: Open) -> None:
    """Also while it plays; what was scheduled from the old place is heard no more."""
    page = await open_page()
    await page.click("#play")
    await until_true(page, "window.rtcliReport.player.position > 0.1")
    await page.evaluate("window.rtcliReport.player.seek(2)")
    await until_true(page, "window.rtcliReport.player.position > 2.1")

    player = "window.rtcliReport.player"
    assert await state(page, f"{player}.playing")
    assert await state(page, f"{player}.tracks.user._sources.size + {player}.tracks.model._sources.size") <= 2


async def test_a_page_without_audio_cannot_play(open_page: Open) -> None:
    """And says so; the waveforms are there."""
    page = await open_page(page_of(SESSION.records, AudioKind.NONE))

    assert await page.is_disabled("#play") and await page.is_disabled("#hear-user")
    assert await page.get_attribute("#play", "title") == "This page holds no audio"
    assert await page.evaluate("window.rtcliReport.timeline.waves.user.peak(0.3, 1.3)") > 70


# -- nothing runs --------------------------------------------------------------------------------


async def test_no_text_of_a_session_runs(open_page: Open) -> None:
    """Every mark, event, turn and link of the hostile session is looked at; nothing of it was more than text."""
    page = await open_page(page_of(hostile_session().records))
    scripts = await page.locator("script").count()
    await page.focus("#lanes")
    marks = await state(page, "window.rtcliReport.timeline.marks.length")
    for _ in range(marks):
        await page.keyboard.press("n")
    for number in range(1, await state(page, "window.rtcliReport.events.count") + 1):
        await page.evaluate(f"location.hash = '#event-{number}'")
        await until_true(page, f"document.getElementById('details-heading').textContent === 'Event #{number}'")
    for row in await page.locator("#turns tbody tr").all():
        await row.click()
    for text in TEXTS:
        await page.fill("#filter", text)
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    assert await state(page, "typeof window.hacked") == "undefined"
    assert await page.locator("script").count() == scripts
    assert await page.locator("main img, main svg, aside img, aside svg, [onmouseover], [onerror]").count() == 0


async def test_a_script_that_got_in_would_not_run(open_page: Open, browser: Chromium) -> None:
    """The policy refuses it, whatever way it came."""
    html = page_of(SESSION.records).replace(
        "</footer>", "</footer><script>window.hacked = 1</script><b onclick='window.hacked = 2'>b</b>"
    )
    page = await open_page(html)
    await page.locator("b", has_text="b").last.click()

    assert await state(page, "typeof window.hacked") == "undefined"
    assert len(browser.problems) >= 2 and all("Content Security Policy" in problem for problem in browser.problems)
    browser.problems.clear()


async def test_the_page_asks_for_nothing(open_page: Open, browser: Chromium) -> None:
    """Not one request beside the file itself."""
    asked: list[str] = []
    page = await browser.page()
    page.on("request", lambda request: asked.append(request.url))
    first = await open_page()
    await page.goto(first.url)
    await page.wait_for_selector("html[data-ready]")
    await page.keyboard.press("Tab")

    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1


# -- how it looks, and to whom -------------------------------------------------------------------


async def test_a_screen_reader_finds_its_way(open_page: Open) -> None:
    """Headings, a table of turns, a grid of events, a timeline with keys, buttons with names."""
    page = await open_page()

    for heading in ("Session with gpt-realtime-2.1", "Timeline", "Turns", "Events", "Event"):
        assert await page.get_by_role("heading", name=heading, exact=True).count() == 1
    assert await page.get_by_role("application", name="Lanes of the session").count() == 1
    assert await page.get_by_role("grid", name="Events").count() == 1
    assert await page.get_by_role("searchbox", name="Filter").count() == 1
    assert await page.get_by_role("table").first.get_by_role("columnheader").count() > 8
    nameless = await page.evaluate(
        """() => [...document.querySelectorAll("button, input, [tabindex]")].filter((one) => !(one.innerText
            || one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.labels?.length))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_can_be_told_from_their_ground(open_page: Open, scheme: Scheme) -> None:
    """A contrast of 4.5 at least (WCAG AA), in both colors."""
    page = await open_page(scheme=scheme)
    colors = await page.evaluate("paletteOf(document.getElementById('lanes'))")
    pairs = [*((name, "ground") for name in ("ink", "quiet", "user", "model", "cut", "error", "accent"))]
    pairs += [("response-ink", "response"), ("tool-ink", "tool"), ("quiet", "band"), ("ground", "error")]

    assert {
        pair: round(ratio, 1) for pair in pairs if (ratio := contrast(colors[pair[0]], colors[pair[1]])) < 4.5
    } == {}
    assert (luminance(colors["ground"]) > 0.5) is (scheme == "light")


def luminance(color: str) -> float:
    """Of `rgb(r, g, b)`, as WCAG defines it."""
    channels = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


async def test_colors_can_be_chosen(open_page: Open) -> None:
    """For this page, whatever the system has."""
    page = await open_page(scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = await state(page, ground)
    await page.click("#theme")
    light = await state(page, ground)

    assert await page.text_content("#theme") == "Colors: light"
    assert luminance(dark) < 0.1 and luminance(light) > 0.9


async def test_paper_has_the_turns_and_the_events(open_page: Open) -> None:
    """Nothing that is clicked, the whole table, the events that the filter shows as a plain table."""
    page = await open_page()
    await page.fill("#filter", "response.created")
    await page.emulate_media(media="print")
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    assert await page.locator("#printed tr").count() == 2
    assert await page.locator("#printed").is_visible() and await page.locator("#stage").is_visible()
    assert not await page.locator("#play").is_visible() and not await page.locator("#grid").is_visible()
    assert (await page.pdf(format="A4")).startswith(b"%PDF")


async def test_a_narrow_window_shows_all_of_it(open_page: Open) -> None:
    """Nothing sticks out of a telephone; an event lies over the rest until it is closed."""
    page = await open_page(width=390, height=800)
    aside = page.locator("aside")

    assert await state(page, "document.documentElement.scrollWidth <= 390")
    assert not await aside.is_visible()
    await page.focus("#lanes")
    await page.keyboard.press("n")
    assert await aside.is_visible()
    await page.get_by_role("button", name="Close the event").click()
    assert not await aside.is_visible()


@pytest.mark.parametrize(
    "records",
    [
        (),
        (End(0.0, 0),),
        (Mark(5.0, "alone"), Connection(6.0, Connected.LOST, code=1006)),
        (frame("response.created", response={"id": "r"}),),
        tuple(frame("response.created", response={"id": "r"}) for _ in range(3)),
    ],
    ids=["nothing", "an end", "moments", "an event without a time", "events without a time"],
)
async def test_a_session_of_next_to_nothing_opens(open_page: Open, records: tuple[Record, ...]) -> None:
    """Without times, without events, without turns: every key does something or nothing."""
    page = await open_page(page_of(records, header=None))
    await page.focus("#lanes")
    for key in ("+", "-", "End", "Home", "n", "p", "Enter", "0", " "):
        await page.keyboard.press(key)
    await page.focus("#grid")
    for key in ("ArrowDown", "Enter", "End", "PageUp"):
        await page.keyboard.press(key)
    await page.fill("#filter", "error")

    assert (await page.text_content("#count") or "").startswith("0")


# -- an hour -------------------------------------------------------------------------------------


async def test_an_hour_with_a_hundred_thousand_events_fits_and_opens(browser: Chromium, tmp_path: Path) -> None:
    """100 MB with audio, 20 MB without; the table of turns, the filter and the last events can be used."""
    recording = tmp_path / "hour.ndjson"
    assert LongSession(3600, piece=0.06).write(recording) >= 100_000
    records = records_of(recording)
    assert len(page_of(records, AudioKind.NONE)) < 20e6
    html = page_of(records)
    assert len(html) < 100e6
    file = tmp_path / "hour.html"
    file.write_text(html, encoding="utf-8")

    page = await browser.page(1440, 1000)
    await page.goto(file.as_uri(), wait_until="commit")
    await page.wait_for_selector("#turns tbody tr", timeout=60_000)
    await page.wait_for_selector("html[data-ready]", timeout=60_000)
    await page.fill("#filter", "error")
    await page.evaluate("location.hash = '#event-90000'")
    await page.wait_for_selector(".json .key")
    await browser.shot(page, "hour")

    assert await page.locator("#turns tbody tr").count() > 300
    found = await page.text_content("#count")
    assert found is not None and not found.startswith("0 of")
