"""The one place that knows this process's secret values."""

from __future__ import annotations

import base64
import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import quote, quote_plus

import pytest

from rtcli import masking
from rtcli.commands.frame_tables import Matches
from rtcli.errors import ConnectError, ConnectionLostError, ServerError
from rtcli.masking import masked, masked_start
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.ids import short_id
from rtcli.protocol.patterns import compile_pattern
from rtcli.render.summary import quote as quote_in_row
from rtcli.timeline.book import kept_text

SECRET = "Zq7/canary+value=0123é"  # of no known shape, and with characters that URLs, JSON and base64 write otherwise


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    masking.add_secret(SECRET)
    yield
    masking.forget_secrets()


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        quote(SECRET, safe="")
        .replace("%2F", "%2f")
        .replace("%2B", "%2b")
        .replace("%3D", "%3d")
        .replace("%C3%A9", "%c3%a9"),
        json.dumps({"key": SECRET}),
        json.dumps({"key": SECRET}, ensure_ascii=False),
        json.dumps(SECRET).replace("/", "\\/"),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"x" + SECRET.encode() + b"y").decode(),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.urlsafe_b64encode(b"ab" + SECRET.encode()).decode(),
        repr([SECRET]),
    ],
)
def test_a_secret_is_masked_however_it_is_written(written: str) -> None:
    """URLs, JSON and base64 write the same value otherwise; none of them shows it."""
    shown = masked(f"before {written} after")

    assert masking.MASK in shown
    assert "canary" not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize("half", ["\udcff", "\ud83d"], ids=["a byte of the environment", "half a character"])
def test_a_secret_need_not_be_text_that_can_be_encoded(half: str) -> None:
    """It is learnt like any other, and masked as it stands and as JSON has it."""
    odd = f"odd{half}secret0123"
    masking.add_environment({"SOME_API_KEY": odd})

    assert "secret0123" not in masked(f"a {odd} b")
    assert "secret0123" not in masked(f"a {json.dumps(odd)} b")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdefgh0123456789xyz", "abcdefgh0123456789xyz"),
        ('{"authorization": "abcdefgh0123456789xyz"}', "abcdefgh0123456789xyz"),
        ("api-key: 00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff"),
        ("key sk-proj-abcdefghijklmnop is wrong", "abcdefghijklmnop"),
        ("got ek_abcdefghijklmnop", "abcdefghijklmnop"),
        ("http://user:pw@proxy.test:8080/", "pw"),
        ("https://onlytoken@proxy.test/", "onlytoken"),
        ("wss://host/v1?model=gpt&api-key=k1&x=2", "k1"),
        ("wss://host/v1?sig=abc%2Fdef", "abc%2Fdef"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJzdWIiOiIxMjM0In0"),
    ],
)
def test_known_shapes_are_masked_unasked(text: str, secret: str) -> None:
    """What nobody told us about is found by its looks."""
    assert secret not in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "a desk-bound week_long task-force",
        "Bearer of bad news, basic authentication, authorization: required",
        "sess_CuSL0w2rYgZ7 resp_CuSL0w2rYgZ7 item_CuSL0w2rYgZ7",
        "https://medium.com/@somebody and me@example.org",
        "wss://host/v1/realtime?model=gpt-realtime-2.1&call_id=rtc_1",
        "total_tokens=12345678, max_output_tokens: 4096",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """Masking takes nothing out of what people write and servers name."""
    assert masked(text) == text


def test_short_values_are_not_looked_for() -> None:
    """A key "test" must not make every test unreadable."""
    masking.add_secret("test")

    assert masked("a test") == "a test"


@pytest.mark.parametrize(
    "name",
    ["Authorization", "api-key", "X-Api-Key", "Ocp-Apim-Subscription-Key", "X-Goog-Api-Key", "X-Auth-Token", "apikey",
     "x-access-token", "Cookie", "Cf-Access-Client-Secret", "X-Amz-Signature", "client_secret", "OPENAI_API_KEY"],
)  # fmt: skip
def test_names_of_secrets_are_known_by_their_ending(name: str) -> None:
    """No list can hold them all."""
    assert masking.is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["Host", "OpenAI-Beta", "User-Agent", "Idempotency-Key", "X-Request-Id", "max_output_tokens", "api_key_env"]
)
def test_other_names_are_free(name: str) -> None:
    """A header that carries no secret can be given."""
    assert not masking.is_secret_name(name)


def test_header_values_are_learned_part_by_part() -> None:
    """The token of a scheme, a Basic password and each cookie are secrets of their own."""
    masking.add_header("Authorization", "Bearer tokentokentoken")
    masking.add_header("Proxy-Authorization", "Basic " + base64.b64encode(b"corp:p4ssw0rd!").decode())
    masking.add_header("Cookie", "a=cookievalue1; b=cookievalue2")
    masking.add_header("OpenAI-Beta", "realtime=v1")

    shown = masked("tokentokentoken p4ssw0rd! cookievalue1 cookievalue2 realtime=v1")
    assert shown == " ".join([masking.MASK] * 4 + ["realtime=v1"])


def test_errors_of_ours_never_hold_a_secret() -> None:
    """Whoever catches an error may print all of it."""
    refused = ConnectError("refused", why=SECRET, hint=SECRET, url=f"wss://h/?x={SECRET}", body=SECRET)
    lost = ConnectionLostError("lost", reason=f"bad key {SECRET}")
    told = ServerError({"error": {"message": f"Incorrect key: {SECRET}"}})

    everything = f"{refused} {refused!r} {vars(refused)} {lost} {vars(lost)} {told}"
    assert SECRET not in everything


def test_an_exception_of_a_library_is_masked_with_its_causes() -> None:
    """A traceback shows the whole chain."""
    try:
        try:
            raise ValueError(f"bad header: {SECRET}")
        except ValueError as error:
            raise RuntimeError("it failed") from error
    except RuntimeError as error:
        masking.mask_exception(error)
        assert str(error.__cause__) == f"bad header: {masking.MASK}"


def test_records_of_a_masking_logger_are_masked_for_every_handler() -> None:
    """Headers go by their name, the rest by value; an exception's text too."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    logger = masking.masking_logger("rtcli.tests.masking")
    logger.addHandler(handler)
    try:
        logger.warning("> %s: %s", "Authorization", "Bearer of-somebody-else")
        logger.warning("> %s", f"GET /?x={SECRET}")
        try:
            raise ValueError(SECRET)
        except ValueError:
            logger.exception("failed")
    finally:
        logger.removeHandler(handler)

    shown = out.getvalue()
    assert "somebody-else" not in shown
    assert SECRET not in shown
    assert "ValueError: [masked]" in shown


def test_a_secret_that_is_still_arriving_can_be_held_back() -> None:
    """A stream that shows pieces knows how many characters to keep until more has come."""
    assert masking.incomplete(f"so {SECRET[:9]}") == 9
    assert masking.incomplete("the key sk-proj-ab") == len("sk-proj-ab")
    assert masking.incomplete("nothing of the kind.") == 0


@pytest.mark.parametrize(
    "hostile", ["authorization:", "-eyJ", "?a", "://", "Bearer ", "ek_-", "&key=", "a", "sk-", "=,:\"'"]
)
def test_masking_takes_time_in_proportion_to_the_text(hostile: str) -> None:
    """No text of a server can stall the program: ten times the text takes about ten times as long, not a hundred."""

    def seconds(size: int) -> float:
        text = hostile * (size // len(hostile))
        began = time.process_time()
        masked(text)
        masking.add_typed(text)
        return time.process_time() - began

    small, large = min(seconds(30_000) for _ in range(3)), min(seconds(600_000) for _ in range(2))
    assert large < 100 * max(small, 0.001)


def test_no_marker_of_a_shape_is_passed_over() -> None:
    """What looks for them at once knows them all."""
    markers = [marker for row, _, _ in masking._SHAPES for marker in row]

    assert [marker for marker in markers if not masking._has_marker(f"a {marker} b")] == []
    assert not masking._has_marker('{"type":"response.output_text.delta","event_id":"event_1","delta":"word"}')


@pytest.mark.parametrize("cut", [quote_in_row, kept_text, lambda text: masked_start(text, 90)])
def test_what_is_cut_is_masked_before(cut: Callable[[str], str]) -> None:
    """Wherever the cut falls: half of a secret is not known to be one."""
    assert not any("Zq7" in cut(f"{'.' * before}{SECRET} and more") for before in range(0, 4050, 7))


def test_an_id_that_is_a_secret_is_masked_before_it_is_shortened() -> None:
    """Its start and its end would stay otherwise."""
    assert SECRET[-5:] not in short_id(f"item_{SECRET}")
    assert SECRET[:4] not in short_id(SECRET)
    assert short_id("item_AbCdEfGhIjKlMnOpQrStU") == "item_…QrStU"


@pytest.mark.parametrize("pattern", ["middle", "canary", r"\.+", "Zq7/can"])
def test_an_excerpt_begins_and_ends_in_no_secret(pattern: str) -> None:
    """What is around a match is cut too, and the match may be in the secret itself."""
    matches = Matches(compile_pattern(pattern))
    for gap in ("." * count for count in range(1, 40)):
        event = {"type": "error", "text": f"{SECRET}{gap}middle{gap}{SECRET}"}
        matches.search([FrameMaker().received(event, "", 0.0)], Event())
    rows = matches.table("").rows

    assert len(rows) == 39
    assert [row for row in rows for piece in ("Zq7", "0123", "canary", "value") if piece in row[-1]] == []


def test_secrets_that_several_threads_learn_at_a_time_are_all_known() -> None:
    """None undoes what another has added."""
    values = [f"threadSECRET{number:04}abcd" for number in range(60)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(masking.add_secret, values))

    assert not any(value in masked(f"it is {value}.") for value in values)
