"""Handshakes: who gets in, and what the others are answered, as OpenAI and Azure do it."""

from __future__ import annotations

import pytest

from rtcli.server.net.handshake import (
    Accept,
    AccessPolicy,
    RejectAfterUpgrade,
    RejectUpgrade,
    UpgradeRequest,
    after_upgrade,
    before_upgrade,
)

OPEN, LOCKED = AccessPolicy(), AccessPolicy(key="sk-right-0123456789")
URL = "/v1/realtime?model=gpt-realtime"


def bearer(key: str, target: str = URL) -> UpgradeRequest:
    return UpgradeRequest(target, {"authorization": f"Bearer {key}"})


@pytest.mark.parametrize("target", [URL, "/realtime?model=gpt-realtime-2.1", "/v1/realtime?model=gpt-audio-mini"])
def test_without_a_key_anybody_gets_in(target: str) -> None:
    """With any key or none."""
    assert isinstance(after_upgrade(UpgradeRequest(target, {}), OPEN), Accept)
    assert isinstance(after_upgrade(bearer("anything", target), OPEN), Accept)


def test_what_a_client_is_let_in_to() -> None:
    """A model's session, a transcription, or a call that runs."""
    assert after_upgrade(UpgradeRequest(URL, {}), OPEN) == Accept("realtime", "gpt-realtime")
    assert after_upgrade(UpgradeRequest("/v1/realtime?intent=transcription", {}), OPEN) == Accept("transcription")
    translation = UpgradeRequest("/v1/realtime/translations?model=gpt-realtime-translate", {})
    assert before_upgrade(translation, OPEN, ()) is None
    assert after_upgrade(translation, OPEN) == Accept("translation", "gpt-realtime-translate")
    joined = after_upgrade(UpgradeRequest("/v1/realtime?call_id=rtc_1", {}), OPEN)
    assert joined == Accept("realtime", call_id="rtc_1")


@pytest.mark.parametrize(
    ("request_", "code", "text", "close", "reason"),
    [
        (
            bearer("sk-wrong-key-abcd-wxyz"),
            "invalid_api_key",
            "Incorrect API key provided: sk-wrong**********wxyz. You can find your API key at",
            3000,
            "invalid_request_error.invalid_api_key",
        ),
        (
            UpgradeRequest(URL, {}),
            None,
            "Missing bearer or basic authentication in header",
            3000,
            "invalid_request_error",
        ),
        (
            bearer("sk-right-0123456789", "/v1/realtime?model=gpt-nope"),
            "invalid_model",
            'Model "gpt-nope" is not supported in realtime mode',
            4000,
            "invalid_request_error.invalid_model",
        ),
        (
            bearer("sk-right-0123456789", "/v1/realtime"),
            "missing_model",
            "You must provide a model parameter",
            4000,
            "invalid_request_error.missing_model",
        ),
        (
            UpgradeRequest(URL, {"authorization": "Bearer sk-right-0123456789", "openai-beta": "realtime=v1"}),
            "beta_api_shape_disabled",
            "The Realtime Beta API is no longer supported.",
            4000,
            "invalid_request_error.beta_api_shape_disabled",
        ),
    ],
)
def test_openai_refuses_after_the_upgrade(
    request_: UpgradeRequest, code: str | None, text: str, close: int, reason: str
) -> None:
    """An error event and a close frame; nothing before."""
    outcome = after_upgrade(request_, LOCKED)

    assert before_upgrade(request_, LOCKED, ()) is None
    assert isinstance(outcome, RejectAfterUpgrade)
    assert (outcome.error.code, outcome.code, outcome.reason) == (code, close, reason)
    assert outcome.error.message.startswith(text)


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "gpt-realtime-whisper", "gpt-realtime-translate"])
def test_transcribers_are_no_models_of_a_conversation(model: str) -> None:
    """Also those that are called realtime."""
    outcome = after_upgrade(UpgradeRequest(f"/v1/realtime?model={model}", {}), OPEN)

    assert isinstance(outcome, RejectAfterUpgrade)
    assert outcome.error.code == "invalid_model"


def test_a_short_key_is_hidden_whole() -> None:
    """Its first and last characters would be most of it."""
    outcome = after_upgrade(bearer("short"), LOCKED)

    assert isinstance(outcome, RejectAfterUpgrade)
    assert "short" not in outcome.error.message


def test_a_browser_presents_its_key_as_a_subprotocol() -> None:
    """And is checked like everybody."""
    right = UpgradeRequest(URL, {}, ("realtime", "openai-insecure-api-key.sk-right-0123456789"))
    wrong = UpgradeRequest(URL, {}, ("realtime", "openai-insecure-api-key.sk-wrong"))

    assert isinstance(after_upgrade(right, LOCKED), Accept)
    assert isinstance(after_upgrade(wrong, LOCKED), RejectAfterUpgrade)


@pytest.mark.parametrize(
    "request_",
    [
        UpgradeRequest("/openai/v1/realtime?model=my-deployment", {}),
        UpgradeRequest("/openai/v1/realtime?model=my-deployment", {"api-key": "wrong"}),
        UpgradeRequest(URL, {"api-key": "wrong"}),
    ],
)
def test_azure_refuses_before_the_upgrade(request_: UpgradeRequest) -> None:
    """A plain 401."""
    rejection = before_upgrade(request_, LOCKED, ())

    assert rejection is not None
    assert rejection.status == 401


@pytest.mark.parametrize(
    "request_",
    [
        UpgradeRequest("/openai/v1/realtime?model=my-deployment", {"api-key": "sk-right-0123456789"}),
        UpgradeRequest("/openai/v1/realtime?model=my-deployment&api-key=sk-right-0123456789", {}),
        UpgradeRequest("/openai/v1/realtime?model=my-deployment", {"authorization": "Bearer sk-right-0123456789"}),
        UpgradeRequest("/openai/realtime?deployment=my-deployment", {"api-key": "sk-right-0123456789"}),
    ],
)
def test_azure_takes_a_key_in_three_places_and_any_deployment(request_: UpgradeRequest) -> None:
    """Header, query, or a bearer token; deployments have any name."""
    assert before_upgrade(request_, LOCKED, ()) is None
    assert after_upgrade(request_, LOCKED) == Accept("realtime", "my-deployment")


def test_a_page_gets_in_only_where_its_origin_is_named() -> None:
    """Browsers send one; programs do not."""
    page = UpgradeRequest(URL, {"origin": "https://evil.example"})

    rejection = before_upgrade(page, OPEN, ())
    assert isinstance(rejection, RejectUpgrade)
    assert rejection.status == 403
    assert before_upgrade(page, AccessPolicy(origins=frozenset({"https://evil.example"})), ()) is None
    assert before_upgrade(page, AccessPolicy(origins=frozenset({"*"})), ()) is None


@pytest.mark.parametrize("target", ["/", "/v1/realtime/other", "/v1/chat/completions"])
def test_other_paths_are_not_found(target: str) -> None:
    """404."""
    rejection = before_upgrade(UpgradeRequest(target, {}), OPEN, ())

    assert rejection is not None
    assert rejection.status == 404


def test_a_call_that_does_not_run_is_not_found() -> None:
    """At the upgrade."""
    request_ = UpgradeRequest("/v1/realtime?call_id=rtc_1", {})

    rejection = before_upgrade(request_, OPEN, ("rtc_2",))
    assert rejection is not None
    assert rejection.status == 404
    assert before_upgrade(request_, OPEN, ("rtc_1",)) is None
