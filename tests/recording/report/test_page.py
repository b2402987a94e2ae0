"""The page that `rtcli report` makes, looked at as text: what is in it, and what cannot get out of it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rtcli.dsp.adpcm import decode
from rtcli.masking import add_secret
from rtcli.protocol.filters import is_failure, item_ids, type_of
from rtcli.protocol.record import Device, Direction, End, Frame, Http, Mark
from rtcli.protocol.record_parsing import parse_record
from rtcli.recording.header import Header
from rtcli.recording.report import page as page_module
from rtcli.recording.report import turn_table
from rtcli.recording.report.audio import AudioKind
from rtcli.recording.report.blobs import json_element
from tests.kit.hostile import TEXTS, hostile_session
from tests.kit.pages import HEADER, data_of, page_of, texts_of
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption, tone
from tests.kit.waveforms import samples_of

ASSETS = Path(page_module.__file__).parent / "assets"
SESSION = spoken_turn_with_a_tool_and_an_interruption()


class Markup(HTMLParser):
    """The elements of a page with their attributes, the texts of those that a browser reads raw, the texts of cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.cells: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is not None:
            self.raw.append((self.cdata_elem, data))
        elif self.cells:
            self.cells[-1] += data


def sources(html: str, tag: str) -> list[str]:
    """What a browser would run, or apply."""
    return re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)


def test_a_page_asks_nobody_for_anything() -> None:
    """No address to load from; the policy allows these scripts and this style, by their hashes, and nothing else."""
    html = page_of(SESSION.records)
    (policy,) = (about["content"] for tag, about in Markup(html).elements if about.get("http-equiv"))

    assert policy is not None and policy.startswith("default-src 'none'; ")
    allowed = set(re.findall(r"'(sha256-[^']+)'", policy))
    ours = [*sources(html, "script"), *sources(html, "style")]
    assert allowed == {f"sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}" for one in ours}
    assert "unsafe" not in policy and "*" not in policy
    loading = [
        about for _, about in Markup(html).elements if "src" in about or about.get("href", "#") not in ("#", None)
    ]
    assert [one.get("href") for one in loading if not str(one.get("href")).startswith("#")] == ["data:,"]
    assert re.findall(r"https?://", html) == []


def test_no_text_of_a_session_is_markup() -> None:
    """The page of hostile texts has the elements and attributes of a harmless one."""

    def shape(html: str) -> set[tuple[str, tuple[str, ...]]]:
        return {(tag, tuple(about)) for tag, about in Markup(html).elements}

    texts = iter(TEXTS * 10)
    html = page_of(
        hostile_session().records,
        header=Header(HEADER.started, next(texts), next(texts), next(texts)),
        name=next(texts),
    )
    harmless = Told()
    harmless.types()
    harmless.begins("r1")
    harmless.calls("r1", "c1")
    harmless.ends("r1", "failed", status_details={"reason": "no"})

    assert shape(html) == shape(page_of(harmless.records))
    assert html.count("<script>") == len(sources(html, "script"))
    assert "<!--" not in html and "\0" not in html
    assert [element for element, text in Markup(html).raw if "\u2028" in text or "\u2029" in text] == []


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_back_as_it_was(text: str) -> None:
    """From JSON exactly; in a cell of the table but for characters that HTML does not have."""
    expected = text.encode("utf-8", "replace").decode()
    html = page_of(hostile_session().records)

    assert any(
        json.loads(line).get("delta", "").encode("utf-8", "replace").decode() == expected for line in texts_of(html)
    )
    cell = expected.replace("\0", "\N{REPLACEMENT CHARACTER}").replace("\r", "\n")
    assert cell in Markup(html).cells
    marks = [moment["text"] for moment in data_of(html, "session")["moments"]]
    assert text.encode("utf-8", "replace") in [mark.encode("utf-8", "replace") for mark in marks]


def test_a_data_element_has_a_name_of_ours() -> None:
    """Nothing of a session becomes the name of an element."""
    with pytest.raises(ValueError, match="not a name"):
        json_element('x" onclick="', {})


def test_secrets_are_masked_wherever_they_stand() -> None:
    """In what was said, in an event, under a key, in the words of a row, in a mark."""
    secret = "correct horse battery staple"
    add_secret(secret)
    told = Told()
    told.types(f"my password is {secret}")
    told.begins("r1")
    told.gets("response.output_text.done", response_id="r1", text=secret)
    told.calls("r1", "c1", name=secret)
    told.ends("r1", "failed", status_details={"reason": secret})
    told.sends("session.update", session={"tools": [{"headers": {"Authorization": "Bearer abcdefghijklmnop"}}]})
    told.gets("error", error={"message": secret})
    told.gets(secret, item_id=secret)
    told.records.append(Mark(told.now, secret))
    told.records.append(Http(told.now, "GET", f"/?token={secret}", 200))
    told.records.append(Device(told.now, secret, None, False))
    html = page_of(told.records, header=Header(HEADER.started, "chat", secret, secret), name=secret)

    session = json.dumps(data_of(html, "session"))
    everything = " ".join([html, session, data_of(html, "columns").decode(), *texts_of(html)])
    assert secret not in everything and "abcdefghijklmnop" not in everything
    assert everything.count("[masked]") > 10


def test_columns_say_what_filters_look_at() -> None:
    """As the program's own filter sees each event: type, direction, items, failure."""
    told = hostile_session()
    told.records += SESSION.records
    records = [parse_record(b'{"dir":"<","frame":"{not json","problem":"not JSON"}', 1), *told.records]
    columns = json.loads(data_of(page_of(records), "columns"))
    frames = [record for record in records if isinstance(record, Frame)]

    assert columns["dir"] == "".join(frame.direction for frame in frames)
    rows = [(columns["types"][type_], [columns["ids"][id_] for id_ in columns["items"].get(str(index), [])])
            for index, type_ in enumerate(columns["type"])]  # fmt: skip
    assert rows == [(type_of(frame), list(dict.fromkeys(item_ids(frame.event)))) for frame in frames]
    assert columns["failed"] == [index for index, frame in enumerate(frames) if is_failure(frame)]
    assert [back for back in columns["parent"] if back] != []
    for index, back in enumerate(columns["parent"]):
        assert (frames[index].number - back if back else None) == frames[index].parent


def test_audio_leaves_the_events() -> None:
    """Its size and duration stay."""
    texts = texts_of(page_of(SESSION.records))

    assert json.loads(texts[0]) == {"type": "input_audio_buffer.append", "audio": "<960 B audio, 20 ms>"}
    received = next(json.loads(text) for text in texts if "response.output_audio.delta" in text)
    assert received["item_id"] == "i2" and received["delta"] == "<96000 B audio, 2000 ms>"
    assert max(map(len, texts)) < 400


def test_compact_tracks_hold_what_was_said_and_heard() -> None:
    """16 kHz, 4 bits a sample, at the moments where the timeline has it."""
    html = page_of(SESSION.records)
    about = data_of(html, "session")["audio"]

    assert about["user"] | {"pieces": []} == {"rate": 16_000, "coding": "adpcm", "pieces": []}
    (start, count), *_ = about["model"]["pieces"]
    (part,) = SESSION.timeline.turns[0].parts
    assert (start, count / 16_000) == (pytest.approx(part.heard[0].start, abs=0.01), pytest.approx(0.6, abs=0.01))
    heard = samples_of(decode(data_of(html, "audio-model-0")))[:count]
    assert 7000 < abs(heard).max() < 9000


def test_full_tracks_are_the_samples_themselves() -> None:
    """24 kHz PCM16, bit for bit."""
    html = page_of(SESSION.records, AudioKind.FULL)

    assert data_of(html, "session")["audio"]["model"]["coding"] == "pcm"
    assert data_of(html, "audio-model-0") == tone(2.0)[: 24_000 * 2 * 6 // 10]


def test_a_page_without_audio_has_the_waveforms() -> None:
    """So that it is seen when somebody spoke."""
    html = page_of(SESSION.records, AudioKind.NONE)

    assert data_of(html, "session")["audio"] is None
    assert 'id="audio-' not in html
    levels = data_of(html, "levels-user")
    assert max(levels[:29]) == 0 and min(levels[31:128]) > 70


def test_silence_is_not_stored() -> None:
    """A muted microphone that sends zeros for a minute costs nothing."""
    told = Told()
    told.speaks(tone(60.0, level=0))

    assert data_of(page_of(told.records), "session")["audio"]["user"]["pieces"] == []


def test_pieces_are_ten_seconds_and_follow_on_each_other() -> None:
    """A player decodes one after the other, and none twice."""
    told = Told()
    told.speaks(tone(25.0))
    html = page_of(told.records)
    pieces = data_of(html, "session")["audio"]["user"]["pieces"]

    assert len(pieces) == 3 and sum(count for _, count in pieces) == pytest.approx(25 * 16_000, abs=100)
    for (start, count), (following, _) in itertools.pairwise(pieces):
        assert following == pytest.approx(start + count / 16_000, abs=0.001)


def test_stretches_with_a_gap_are_pieces_of_their_own() -> None:
    """Each begins with its own first sample, at its own moment; every piece has its element."""
    told = Told()
    for seconds in (0.31, 0.47, 0.23):
        told.speaks(tone(seconds))
        told.now += 5.0
    html = page_of(told.records, AudioKind.COMPACT)
    pieces = data_of(html, "session")["audio"]["user"]["pieces"]

    assert [start for start, _ in pieces] == pytest.approx([0.0, 5.31, 10.78], abs=0.03)
    assert [count / 16_000 for _, count in pieces] == pytest.approx([0.31, 0.47, 0.23], abs=0.001)
    for number, (_, count) in enumerate(pieces):
        samples = samples_of(decode(data_of(html, f"audio-user-{number}")))[:count]
        assert abs(samples[:4]).max() < 3000 < abs(samples).max()  # a sine from 0 on


def test_a_session_lasts_as_long_as_its_audio() -> None:
    """What was heard after the last record is still on the page."""
    told = Told()
    told.types()
    told.begins("r1")
    told.plays("r1", "i1", tone(7.0))

    assert data_of(page_of(told.records), "session")["length"] == pytest.approx(7.0)


def test_every_mark_leads_to_its_event() -> None:
    """The spans of the turns, each with the number of a frame that is there."""
    session = data_of(page_of(SESSION.records), "session")
    frames = sum(isinstance(record, Frame) for record in SESSION.records)

    kinds = {span["kind"] for span in session["spans"]}
    assert {
        "voice",
        "end of turn",
        "commit",
        "response",
        "tool call",
        "audio heard",
        "interruption",
    } <= kinds
    assert [span["kind"] for span in session["spans"] if not 0 < span["frame"] <= frames] == []


def test_spans_of_a_lane_that_overlap_are_in_rows_of_their_own() -> None:
    """Calls that run at the same time."""
    told = Told()
    told.types()
    told.begins("r1")
    for call in ("c1", "c2", "c3"):
        told.calls("r1", call)
        told.now += 0.1
    told.ends("r1")
    for call in ("c1", "c2", "c3"):
        told.now += 0.5
        told.answers(call)
    calls = [span for span in data_of(page_of(told.records), "session")["spans"] if span["kind"] == "tool call"]

    assert sorted(span["row"] for span in calls) == [0, 1, 2]
    assert [span["label"] for span in calls] == ["get_weather({})"] * 3


def test_an_error_of_no_turn_is_a_mark_as_well() -> None:
    """And one that belongs to a turn is one mark, not two."""
    told = Told()
    told.gets("error", error={"message": "too early"})
    told.types()
    told.gets("error", error={"message": "refused"})
    spans = data_of(page_of(told.records), "session")["spans"]

    assert sorted(span["frame"] for span in spans if span["kind"] == "error") == [1, 4]


def test_a_frame_that_is_no_event_is_shown_as_it_came() -> None:
    """Also one that is nested too deeply for anything to be made of it."""
    deep = b'{"dir":"<","event":{"type":"x","a":' + b"[" * 900 + b"]" * 900 + b"}}"
    html = page_of([parse_record(b'{"dir":"<","frame":"{oops","problem":"not JSON"}', 1), parse_record(deep, 2)])

    assert json.loads(texts_of(html)[0]) == {"problem": "not JSON", "frame": "{oops"}
    assert "[[[[" in json.loads(texts_of(html)[1])["frame"]


def test_a_session_without_anything_has_a_page() -> None:
    """Nothing to divide by."""
    html = page_of([End(0.0, 0)], header=None)

    assert "Nothing was said or asked in this session." in html
    assert data_of(html, "session")["length"] > 0


def test_plain_events_have_a_page_without_times() -> None:
    """All at 0, and no figure is made up."""
    events: list[dict[str, Any]] = [{"type": "response.create"}, {"type": "response.created", "response": {"id": "r1"}}]
    html = page_of(
        [Frame(n, 0.0, Direction("><"[n - 1]), event, 9) for n, event in enumerate(events, 1)],
        header=None,
        name="a.json",
    )

    assert '<td class="number">0 ms' not in html
    assert "a.json" in html


def test_columns_that_say_nothing_are_left_out_of_the_table() -> None:
    """A typed session has no voice and no tools."""
    told = Told()
    told.types("hello")
    told.begins("r1")
    told.now += 1
    told.ends("r1")
    table = turn_table.turn_table(told.timeline.turns)

    assert "tools" not in table and "voice to ear" not in table
    assert "done" in table and "hello" in table


def test_turns_that_were_forgotten_are_told_of() -> None:
    """A timeline keeps the newest thousand."""
    told = Told()
    for number in range(1003):
        told.types()
        told.begins(f"r{number}")
        told.ends(f"r{number}")

    assert "Turns 1 to 3 are not shown: the newest 1,000 are." in page_of(told.records)


@pytest.mark.parametrize("path", sorted(ASSETS.iterdir()), ids=lambda path: path.name)
def test_a_file_of_the_page_can_be_read(path: Path) -> None:
    """As our modules: at most 400 lines of 120 characters, and nothing that was packed."""
    lines = path.read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 400
    assert [line for line in lines if len(line) > 120] == []


def test_the_same_session_makes_the_same_page() -> None:
    """Byte for byte, so that pages can be compared."""
    assert page_of(SESSION.records) == page_of(SESSION.records)
