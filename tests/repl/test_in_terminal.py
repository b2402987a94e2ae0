"""The prompt in a real pseudo terminal: what is typed, what is said, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.kit.prompt_program import END_OF_TALK
from tests.kit.terminal import Terminal

pytestmark = pytest.mark.terminal

TYPED = "hello world, this is being typed"


@contextmanager
def prompt(*options: str, columns: int = 100, lines: int = 24, **environ: str) -> Iterator[Terminal]:
    """The test program, connected."""
    argv = [sys.executable, "-m", "tests.kit.prompt_program", *options]
    with Terminal(argv, columns=columns, lines=lines, environ=environ) as terminal:
        terminal.wait_for("✓ ready")
        yield terminal


def words(terminal: Terminal) -> list[str]:
    """Every word that was said, as the terminal has it."""
    return re.findall(r"w\d{5}", terminal.text())


def input_line(terminal: Terminal) -> str:
    """What stands behind the prompt's sign on the screen."""
    return next((row[1:].strip() for row in reversed(terminal.shown()) if row.startswith("›")), "")


def narrow(terminal: Terminal) -> bool:
    """What streams is wrapped for 50 columns: a new row follows a full one."""
    spoken = [row for row in terminal.shown() if re.search(r"w\d{5}", row)]
    return len(spoken) > 1 and 40 < len(spoken[-2]) <= 50


def wide(terminal: Terminal) -> bool:
    """The program has written a row for more than 100 columns."""
    return any(len(row) > 100 and re.search(r"w\d{5}", row) for row in terminal.shown())


def is_clean(terminal: Terminal) -> bool:
    """No escape code became text."""
    return not re.search(r"\?\[|\x1b|\[0m|\[38;|\[\d+[A-K]|;1R", terminal.text())


def type_slowly(terminal: Terminal, text: str) -> None:
    """Key by key, each after something more was written."""
    for key in text:
        before = len(terminal.raw)
        terminal.send(key)
        terminal.wait_for(lambda: len(terminal.raw) > before)  # noqa: B023  # used before the next turn


@pytest.mark.parametrize("rate", [50, 500])
def test_typed_text_is_intact_while_text_streams(rate: int) -> None:
    """At 50 and 500 words a second: every word arrives once and in order, the typed line stays whole."""
    with prompt("--rate", str(rate), "--words", "100000") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00005")
        type_slowly(terminal, TYPED)
        terminal.wait_for(lambda: input_line(terminal) == TYPED)
        terminal.kill(END_OF_TALK)
        terminal.wait_for("said it all")
        terminal.wait_for(lambda: input_line(terminal) == TYPED)
        said = words(terminal)

        assert said == [f"w{number:05}" for number in range(len(said))]
        assert is_clean(terminal)
        terminal.send("\r")
        terminal.wait_for(f"got '{TYPED}'")


def test_events_at_500_a_second_leave_the_typed_text_alone() -> None:
    """Each event a row, the text among them: nothing is lost."""
    with prompt("--rate", "500", "--words", "600", "--events", "all", columns=140) as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00005")
        type_slowly(terminal, TYPED)
        terminal.wait_for("said it all")
        terminal.wait_for(lambda: input_line(terminal) == TYPED)
        rows = [row for row in terminal.rows() if "< response.output_text.delta" in row]
        said = [word for row in terminal.rows() if row not in rows for word in re.findall(r"w\d{5}", row)]

        assert said == [f"w{number:05}" for number in range(600)]
        assert [int(row.split()[0]) for row in rows] == list(range(1, 601))
        assert is_clean(terminal)


def test_a_summary_counts_in_place() -> None:
    """Six hundred deltas, one row."""
    with prompt("--rate", "500", "--words", "300", "--events", "summary", columns=140) as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("said it all")
        terminal.send("\x04")
        terminal.wait_exit()

        (row,) = [row for row in terminal.rows() if "response.output_text" in row]
        assert "×300" in row


def test_resizing_while_text_streams_loses_nothing() -> None:
    """100 -> 50 -> 110 columns: the words, the typed line and the prompt survive; no stray row is left."""
    with prompt("--rate", "300", "--words", "100000") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00020")
        type_slowly(terminal, "typed")
        for columns, fits in ((50, narrow), (110, wide)):
            terminal.resize(columns)
            terminal.wait_for(lambda: fits(terminal))  # noqa: B023  used before the next turn
            redrawn = words(terminal)[-1]
            enough = f"w{int(redrawn[1:]) + 150:05}"
            terminal.wait_for(lambda: words(terminal)[-1] > enough)  # noqa: B023
        terminal.kill(END_OF_TALK)
        terminal.wait_for("said it all")
        terminal.wait_for(lambda: input_line(terminal) == "typed")

        found = words(terminal)
        later = found[found.index(redrawn) :]
        assert later == [f"w{number:05}" for number in range(int(redrawn[1:]), int(later[-1][1:]) + 1)]
        assert len(later) > 100
        assert [row for row in terminal.rows() if "model-under-test" in row] == [terminal.shown()[-1]]
        assert is_clean(terminal)


@pytest.mark.parametrize("columns", [30, 12])
def test_a_narrow_terminal_still_works(columns: int) -> None:
    """Rows wrap, the toolbar shrinks to what matters, a sent line leaves no menu behind."""
    with prompt("--rate", "500", "--words", "20", columns=columns) as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00019")
        terminal.send("hey\r")
        terminal.wait_for("got 'hey'")
        terminal.wait_for(lambda: len(terminal.shown()[-1]) < columns and terminal.shown()[-2] == "›")

        assert words(terminal) == [f"w{number:05}" for number in range(20)]


def test_a_lone_escape_interrupts() -> None:
    """Without another key after it, and while a line is half typed."""
    with prompt("--words", "100000") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00003")
        terminal.send("half")
        terminal.wait_for(lambda: input_line(terminal) == "half")
        terminal.send("\x1b")
        terminal.wait_for("interrupted here")

        assert input_line(terminal) == "half"


def test_escape_and_enter_in_one_go_are_a_new_line() -> None:
    """Alt+Enter does not interrupt and does not send."""
    with prompt("--words", "100000") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00003")
        terminal.send("one\x1b\rtwo\r")
        terminal.wait_for(r"got 'one\ntwo'")

        assert "interrupted" not in terminal.text()


def test_ctrl_c_gives_up_what_is_nearest() -> None:
    """The typed line, then the command at work, then the answer, then (said once, pressed twice) the program."""
    with prompt("--words", "100000") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00003")
        terminal.send("/slow\r")
        terminal.wait_for("› /slow")
        terminal.send("half")
        terminal.wait_for(lambda: input_line(terminal) == "half")
        terminal.send("\x03")
        terminal.wait_for(lambda: input_line(terminal) == "")
        assert "command cancelled" not in terminal.text()
        terminal.send("\x03")
        terminal.wait_for("command cancelled")
        assert "interrupted here" not in terminal.text()
        terminal.send("\x03")
        terminal.wait_for("interrupted here")
        terminal.send("\x03")
        terminal.wait_for("Ctrl+C again")
        terminal.send("\x03")

        assert terminal.wait_exit() == 130
        assert terminal.echoes()


def test_ctrl_c_in_a_history_search_ends_the_search() -> None:
    """And nothing else."""
    with prompt() as terminal:
        terminal.send("remember me\r")
        terminal.wait_for("got 'remember me'")
        terminal.send("\x12reme")
        terminal.wait_for("I-search")
        terminal.send("\x03")
        terminal.wait_for(lambda: "I-search" not in "\n".join(terminal.shown()))
        terminal.send("\x04\x03\x04")

        assert terminal.wait_exit() in (0, 130)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=str,
)
def test_a_signal_restores_the_terminal(number: signal.Signals, code: int) -> None:
    """While text streams and a line is half typed: what was said is there, the terminal echoes again."""
    with prompt("--words", "100000") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00010")
        terminal.send("half")
        terminal.wait_for(lambda: input_line(terminal) == "half")
        terminal.kill(number)

        assert terminal.wait_exit() == code
        assert terminal.echoes()
        assert bytes(terminal.raw).rfind(b"\x1b[?2004l") > bytes(terminal.raw).rfind(b"\x1b[?2004h")
        assert terminal.shown()[-1].lstrip("● ").startswith("w")
        assert is_clean(terminal)


def test_a_terminal_that_is_closed_ends_the_program() -> None:
    """As a hang-up, and without anybody to read what it writes."""
    with prompt("--words", "100000", "--rate", "200") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00010")
        terminal.hang_up()

        assert terminal.wait_exit() == 129


def test_ctrl_d_leaves_on_an_empty_line_only() -> None:
    """On a line with text it deletes, as ever."""
    with prompt() as terminal:
        terminal.send("ab\x01\x04")
        terminal.wait_for(lambda: input_line(terminal) == "b")
        terminal.send("\x0b\x04")

        assert terminal.wait_exit() == 0
        assert "model-under-test" not in terminal.text()


def test_quit_gives_its_code() -> None:
    """What the command says is what the process ends with."""
    with prompt() as terminal:
        terminal.send("/quit 4\r")

        assert terminal.wait_exit() == 4


def test_a_first_connection_that_fails_ends_with_its_code() -> None:
    """The error and what to do stay on the screen; the terminal is restored; no traceback."""
    argv = [sys.executable, "-m", "tests.kit.prompt_program", "--refuse"]
    with Terminal(argv) as terminal:
        assert terminal.wait_exit() == 3

        assert "✗ cannot connect: refused" in terminal.text()
        assert "→ start the server" in terminal.text()
        assert "Traceback" not in terminal.text()
        assert terminal.echoes()


def test_lines_are_there_in_the_next_run(tmp_path: Path) -> None:
    """Up and Ctrl+R find them."""
    file = str(tmp_path / "history")
    with prompt("--history", file) as terminal:
        terminal.send("the first line\r")
        terminal.wait_for("got 'the first line'")
        terminal.send("another one\r")
        terminal.wait_for("got 'another one'")
        terminal.send("\x04")
        terminal.wait_exit()
    with prompt("--history", file) as terminal:
        terminal.send("\x1b[A")
        terminal.wait_for(lambda: input_line(terminal) == "another one")
        terminal.send("\x0b\x15\x12first")
        terminal.wait_for(lambda: "the first line" in "\n".join(terminal.shown()))
        terminal.send("\r\r")
        terminal.wait_for("got 'the first line'")


def test_pasted_json_is_one_line_to_send() -> None:
    """Newlines of a bracketed paste do not send; Enter does, once it is whole."""
    with prompt() as terminal:
        terminal.send('\x1b[200~{"type":\r\n "response.create"\x1b[201~')
        terminal.wait_for('"response.create"')
        terminal.send("\r}\r")
        terminal.wait_for("got '")

        assert r"""got '{"type":\n "response.create"\n}'""" in terminal.text()


def test_a_long_text_leaves_the_conversation_in_sight() -> None:
    """Sixty rows of JSON take half of the screen; every one of them is sent."""
    with prompt("--words", "40") as terminal:
        terminal.send('\x1b[200~{"a": [' + ",\n".join(f'"i{number:02}"' for number in range(60)) + "]}\x1b[201~")
        terminal.wait_for('"i59"]}')
        assert sum('"i' in row for row in terminal.shown()) == 12
        assert "✓ ready" in "\n".join(terminal.shown())
        terminal.send("\r")
        terminal.wait_for("""i59"]}'""")

        assert {f'  "i{number:02}",' for number in range(1, 59)} <= set(terminal.rows())


def test_tab_completes_and_shows_what_it_means() -> None:
    """The menu stands under the line and goes away again."""
    with prompt() as terminal:
        terminal.send("/tr")
        terminal.wait_for("the command /trouble")
        terminal.send("\t\r")
        terminal.wait_for("this went wrong: on purpose")

        assert "the command /trouble" not in "\n".join(terminal.shown())


@pytest.mark.parametrize("lines", [9, 4, 2, 1])
def test_the_menu_takes_only_the_rows_that_there_are(lines: int) -> None:
    """In a terminal with fewer rows than the menu has, the typed line stays in sight while it is typed and sent."""
    with prompt(lines=lines) as terminal:
        terminal.send("/")
        terminal.wait_for(lambda: input_line(terminal) == "/")
        if lines >= 4:
            terminal.wait_for("the command /interrupt")
        type_slowly(terminal, "mu")
        terminal.wait_for(lambda: input_line(terminal).startswith("/mu"))
        terminal.send("\r")
        terminal.wait_for("got '/mu")


@pytest.mark.parametrize("tabs", [1, 2])
def test_tab_in_one_go_with_the_letters_inserts_the_only_candidate(tabs: int) -> None:
    """However fast it comes; a second one changes nothing, and Enter right behind it sends the whole word."""
    with prompt() as terminal:
        terminal.send("/tr" + "\t" * tabs + "\r")
        terminal.wait_for("this went wrong: on purpose")

        assert "› /trouble" in terminal.text()


def test_tab_with_several_candidates_inserts_what_they_share_and_goes_through_them() -> None:
    """The same at every speed: /mute is one, /talk and /trouble begin alike."""
    with prompt() as terminal:
        terminal.send("/t\t\t\r")
        terminal.wait_for("this went wrong")
    with prompt() as terminal:
        terminal.send("/t")
        terminal.wait_for("the command /trouble")
        terminal.send("\t\t\r")
        terminal.wait_for("this went wrong")


def test_a_large_paste_is_a_few_words_at_the_prompt_and_not_in_the_history(tmp_path: Path) -> None:
    """It is sent as it is; the line before it is what Up brings back."""
    history = tmp_path / "history"
    pasted = "\r\n".join(f"row {number:04}" for number in range(2000))
    with prompt("--history", str(history)) as terminal:
        terminal.send("the line before\r")
        terminal.wait_for("got 'the line before'")
        terminal.send(f"what is this: \x1b[200~{pasted}\x1b[201~")
        terminal.wait_for("› what is this: [pasted 18 kB, 2,000 lines]")
        terminal.send("\r")
        terminal.wait_for("1999'")
        assert r"got 'what is this: row 0000\nrow 0001" in terminal.text()
        assert "\n  row 0001" not in terminal.text()
        terminal.send("\x1b[A")
        terminal.wait_for(lambda: input_line(terminal) == "the line before")
        terminal.send("\x15\x04")
        terminal.wait_exit()

    assert "row" not in history.read_text()


def test_a_large_paste_is_deleted_in_one_step_and_edited_as_text() -> None:
    """Backspace takes it away; the editor gets all of it."""
    pasted = "x" * 5000
    with prompt(EDITOR="sed -i s/xxxx*/short/") as terminal:
        terminal.send(f"a\x1b[200~{pasted}\x1b[201~b")
        terminal.wait_for("› a[pasted 5,000 bytes]b")
        terminal.send("\x7f\x7f")
        terminal.wait_for(lambda: input_line(terminal) == "a")
        terminal.send(f"\x1b[200~{pasted}\x1b[201~\x18\x05")
        terminal.wait_for(lambda: input_line(terminal) == "ashort")


@pytest.mark.parametrize("sequence", ["\x1b\r", "\n", "\x1b[13;2u", "\x1b[27;2;13~", "\x1b[13;3u", "\x1bOM"])
def test_a_new_line_as_terminals_send_it(sequence: str) -> None:
    """Alt+Enter, Ctrl+J; Shift+Enter of kitty, modifyOtherKeys and Konsole; the focus comes and goes meanwhile."""
    with prompt() as terminal:
        terminal.send(f"\x1b[Ione{sequence}\x1b[Otwo\x1b[I\r")
        terminal.wait_for(r"got 'one\ntwo'")


def test_what_was_typed_before_the_prompt_is_sent() -> None:
    """The terminal makes a line feed of Enter then, which later is Ctrl+J."""
    argv = [sys.executable, "-m", "tests.kit.prompt_program"]
    with Terminal(argv) as terminal:
        terminal.send("early\r")
        terminal.wait_for("got 'early'")
        terminal.send("one\ntwo\r")
        terminal.wait_for(r"got 'one\ntwo'")


def test_a_question_mark_on_an_empty_line_asks_for_help() -> None:
    """In a text it is one."""
    with prompt() as terminal:
        terminal.send("?")
        terminal.wait_for("got '/help'")
        terminal.send("why?\r")
        terminal.wait_for("got 'why?'")
        terminal.send("?!\r")
        terminal.wait_for("got '?!'")


def test_a_line_is_edited_as_in_vi() -> None:
    """Where the settings say so: Esc leaves insert mode, a second one stops the answer, Enter begins in insert mode."""
    with prompt("--vi", "--words", "100000") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00003")
        terminal.send("wrong words")
        terminal.wait_for(lambda: input_line(terminal) == "wrong words")
        terminal.send("\x1b")
        terminal.wait_for(lambda: b"\x1b[2 q" in bytes(terminal.raw))  # a block: normal mode
        terminal.send("0cwright \r")
        terminal.wait_for("got 'right words'")
        assert "interrupted" not in terminal.text()
        terminal.send("typed")
        terminal.wait_for(lambda: input_line(terminal) == "typed")
        blocks = bytes(terminal.raw).count(b"\x1b[2 q")
        terminal.send("\x1b")
        terminal.wait_for(lambda: bytes(terminal.raw).count(b"\x1b[2 q") > blocks)
        terminal.send("\x1b")
        terminal.wait_for("interrupted here")


def test_the_image_of_the_clipboard_is_pasted(tmp_path: Path) -> None:
    """As a few words in the line; what is sent names a file of ours, which is gone at the end."""
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    tool = tmp_path / "wl-paste"
    tool.write_text(f"#!/bin/sh\ncat {tmp_path / 'red.png'}\n")
    tool.chmod(0o700)
    with prompt(PATH=f"{tmp_path}:{os.environ['PATH']}", WAYLAND_DISPLAY="w", TMPDIR=str(tmp_path)) as terminal:
        terminal.send("what is this:\x16")
        terminal.wait_for("› what is this: [image 1: PNG 64x48]")
        (file,) = tmp_path.glob("rtcli-*/*.png")
        with Image.open(file) as image:
            assert image.size == (64, 48)
        terminal.send("\r")
        terminal.wait_for(lambda: f"got'whatisthis:@\"{file}\"'" in "".join(terminal.text().split()))
        terminal.send("\x04")
        assert terminal.wait_exit() == 0
    assert not file.exists()


def test_a_clipboard_without_a_tool_says_what_is_missing(tmp_path: Path) -> None:
    """In one line, and the draft stays."""
    with prompt(PATH=str(tmp_path)) as terminal:
        terminal.send("draft\x16")
        terminal.wait_for("install wl-clipboard or xclip")
        terminal.wait_for(lambda: input_line(terminal) == "draft")


def test_what_others_write_does_not_disturb_the_prompt() -> None:
    """Prints, log records, warnings and errors are rows like any other."""
    with prompt() as terminal:
        terminal.send("/trouble\r")
        terminal.wait_for("UserWarning: a warning")

        text = terminal.text()
        assert "a tool printed this" in text
        assert "! some.library: a log record" in text
        assert "✗ this went wrong: on purpose" in text
        assert input_line(terminal) == ""


def test_the_editor_gets_the_line_and_gives_it_back() -> None:
    """Ctrl+X Ctrl+E; what streams meanwhile comes afterwards, whole."""
    with prompt("--rate", "200", "--words", "300", EDITOR="sed -i s/draft/final/") as terminal:
        terminal.send("/talk\r")
        terminal.wait_for("w00003")
        terminal.send("my draft\x18\x05")
        terminal.wait_for(lambda: input_line(terminal) == "my final")
        terminal.wait_for("said it all")

        assert words(terminal) == [f"w{number:05}" for number in range(300)]


def test_a_command_can_have_a_text_edited() -> None:
    """And hears when the editor cannot be had."""
    with prompt(EDITOR="sed -i s/old/new/") as terminal:
        terminal.send("/edit the old one\r")
        terminal.wait_for("edited 'the new one'")
        terminal.send("/edit nothing\r")
        terminal.wait_for("edited None")
    for editor, message in (("false", "the editor 'false' failed: exit code 1"), ("/no/such", "cannot be started")):
        with prompt(EDITOR=editor) as terminal:
            terminal.send("/edit x\r")
            terminal.wait_for(message)


def test_f3_changes_what_is_shown_of_the_wire() -> None:
    """Off, summary, all, off; the toolbar says which."""
    with prompt("--words", "100000") as terminal:
        terminal.send("\x1bOR")
        terminal.wait_for("events summary")
        terminal.send("\x1bOR")
        terminal.wait_for("events all")
        terminal.send("/talk\r")
        terminal.wait_for("< response.output_text.delta")
        terminal.send("\x1bOR")
        terminal.wait_for(lambda: "events all" not in terminal.shown()[-1])
