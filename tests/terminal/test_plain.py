"""The writer for pipes."""

from __future__ import annotations

import io
import os

import pytest

from rtcli.terminal.plain import PlainWriter
from rtcli.terminal.sink import Sink
from rtcli.views import DisplaySettings, Json, Level, Notice, Quit, SpeechDelta, SpeechDone, Table, Text
from tests.render.frames import Wire


class Pipes:
    """A PlainWriter over two strings."""

    def __init__(self, events: str = "off") -> None:
        self._out, self._err = io.StringIO(), io.StringIO()
        display = DisplaySettings(events=events)
        self.writer = PlainWriter(Sink(self._out), Sink(self._err), display, width=lambda: 80)

    @property
    def out(self) -> str:
        return self._out.getvalue()

    @property
    def err(self) -> str:
        return self._err.getvalue()


def delta(text: str, item: str = "item_1") -> SpeechDelta:
    return SpeechDelta("assistant", item, 0, text)


def done(text: str, item: str = "item_1", heard: int | None = None) -> SpeechDone:
    return SpeechDone("assistant", item, 0, text, heard=heard)


def test_an_answer_streams_to_stdout_as_it_comes() -> None:
    """Word by word, one newline at its end, nothing else."""
    pipes = Pipes()
    for piece in ("Hel", "lo\nth"):
        pipes.writer.write(delta(piece))
    assert pipes.out == "Hello\nth"

    pipes.writer.write(done("Hello\nthere"))
    assert (pipes.out, pipes.err) == ("Hello\nthere\n", "")


def test_an_answer_that_comes_whole_is_a_line() -> None:
    """Without pieces; an empty one is none."""
    pipes = Pipes()
    pipes.writer.write(done("Hello"))
    pipes.writer.write(done("", "item_2"))

    assert pipes.out == "Hello\n"


def test_two_answers_do_not_run_into_each_other() -> None:
    """The open line ends before another item's text begins."""
    pipes = Pipes()
    pipes.writer.write(delta("one", "a"))
    pipes.writer.write(delta("two", "b"))
    pipes.writer.write(done("two", "b"))
    pipes.writer.write(done("one", "a"))

    assert pipes.out == "one\ntwo\n"


def test_what_is_for_people_goes_to_stderr() -> None:
    """Notices, what the user said, what was not heard, event rows."""
    pipes = Pipes(events="all")
    pipes.writer.write(Notice("lost", "the server closed", "/reconnect", Level.ERROR))
    pipes.writer.write(SpeechDelta("user", "u", 0, "hel"))
    pipes.writer.write(SpeechDone("user", "u", 0, "hello"))
    pipes.writer.write(done("I go on", heard=4))
    pipes.writer.write(Wire().frame("response.created", response={"id": "resp_1"}))

    assert pipes.out == "I go on\n"
    assert pipes.err.splitlines() == [
        "✗ lost: the server closed",
        "  → /reconnect",
        "user: hello",
        "not heard: on",
        "   1   +0.050s < response.created resp_1",
    ]


def test_what_a_command_answers_is_data() -> None:
    """Text, tables and JSON go to stdout, also in the middle of an answer."""
    pipes = Pipes()
    pipes.writer.write(delta("half"))
    pipes.writer.write(Text("a line"))
    pipes.writer.write(Table(("a",), (("b",),)))
    pipes.writer.write(Json({"c": 1}))

    assert pipes.out.split() == ["half", "a", "line", "a", "b", "{", '"c":', "1", "}"]


def test_no_escape_gets_through() -> None:
    """Also in a pipe: it may end in somebody's terminal."""
    pipes = Pipes()
    pipes.writer.write(delta("\x1b[2J"))
    pipes.writer.write(Notice("\x1b[2J"))

    assert "\x1b" not in pipes.out + pipes.err


def test_closing_ends_the_open_line_and_shows_what_was_left() -> None:
    """A connection that went away in the middle."""
    pipes = Pipes(events="summary")
    pipes.writer.write(delta("half"))
    pipes.writer.write(Wire().frame("response.output_text.delta", item_id="a", delta="x"))
    pipes.writer.write(Quit())
    pipes.writer.close()
    pipes.writer.close()

    assert pipes.out == "half\n"
    assert "response.output_text a ×1" in pipes.err


def test_a_reader_that_goes_away_ends_the_writing_quietly() -> None:
    """It is told once; what comes after is dropped; the stream can be closed without an error."""
    reader, writer = os.pipe()
    told: list[str] = []
    with os.fdopen(writer, "w") as stream:
        sink = Sink(stream, lambda problem: told.append(str(problem)))
        os.close(reader)
        for _ in range(3):
            sink.write("x" * 100_000)

        assert sink.gone
    assert told == ["None"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_an_encoding_that_lacks_a_character_is_no_failure(encoding: str) -> None:
    """A C locale shows a question mark."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Sink(stream).write("a→\ud800b\n")

    assert raw.getvalue().decode(encoding).startswith("a")
    assert raw.getvalue().endswith(b"b\n")


def test_a_sink_shows_its_stream_and_whether_its_reader_left() -> None:
    """For whoever prints one while looking for a fault."""
    stream = io.StringIO()
    sink = Sink(stream)
    assert repr(sink) == "<Sink ?>"

    stream.close()
    sink.write("nobody reads this")
    assert repr(sink) == "<Sink ? gone>"


def test_a_plain_writer_shows_what_it_is_in_the_middle_of() -> None:
    """Which answer's line is open, and how much waits because a secret may begin there."""
    pipes = Pipes()
    assert repr(pipes.writer) == "<PlainWriter between answers, 0 characters held>"

    pipes.writer.write(delta("Hello ", "item_7"))
    assert repr(pipes.writer) == "<PlainWriter streaming item_7, 0 characters held>"

    pipes.writer.write(done("Hello ", "item_7"))
    assert "between answers" in repr(pipes.writer)


def test_a_long_answer_is_written_once_and_not_kept() -> None:
    """Piece by piece; its end is known by its digest, however long it was."""
    out = io.StringIO()
    writer = PlainWriter(Sink(out), Sink(io.StringIO()), DisplaySettings(), width=lambda: 80)
    for _ in range(1000):
        writer.write(delta("0123456789"))
    writer.write(done("0123456789" * 1000 + "end"))

    assert out.getvalue() == "0123456789" * 1000 + "end\n"
