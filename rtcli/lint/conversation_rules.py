"""Rules about items: their ids, their order, what they hold, and where they are cut."""

from __future__ import annotations

from collections.abc import Iterator

from rtcli.lint.facts import Facts
from rtcli.lint.rule import AnyEvent, Severity, rule
from rtcli.masking import masked_start
from rtcli.protocol.events import mapping_of
from rtcli.protocol.record import Frame

_CREATE, _TRUNCATE = ">conversation.item.create", ">conversation.item.truncate"
_ABOUT_AN_ITEM = (_TRUNCATE, ">conversation.item.delete", ">conversation.item.retrieve")
_MAX_ID = 32
_LENIENT_MS = 100
"""A figure of heard audio is told a few times a second."""


@rule("unknown-item", Severity.ERROR, *_ABOUT_AN_ITEM, prevents="the server refuses it: item_..._invalid_item_id")
def unknown_item(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Items that are cut, deleted or retrieved exist."""
    if "item_id" in event and not facts.has(event["item_id"]):
        yield f"{event['type']} of {event['item_id']!r}, which the conversation does not hold"


@rule("item-order", Severity.ERROR, _CREATE, prevents="the server refuses it: item_create_invalid_previous_item_id")
def item_order(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An item is inserted after one that exists."""
    previous = event.get("previous_item_id")
    # "root" is the API's word for the very beginning.
    if previous not in (None, "", "root") and not facts.has(previous):
        yield f"the item should follow {previous!r}, which the conversation does not hold"


@rule("item-repeated", Severity.ERROR, _CREATE, prevents="the server refuses it: item_create_duplicate_item_id")
def item_repeated(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """A new item has a new id."""
    item_id = mapping_of(event.get("item")).get("id")
    known = facts.items.get(item_id) if isinstance(item_id, str) else None
    # An id is free again once its item was deleted.
    if known is not None and not known.deleted:
        yield f"the conversation already holds an item {item_id!r}"


@rule("id-too-long", Severity.ERROR, _CREATE, prevents="the server refuses ids of more than 32 characters")
def id_too_long(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Ids have at most 32 characters."""
    item = mapping_of(event.get("item"))
    for name in ("id", "call_id"):
        if isinstance(value := item.get(name), str) and len(value) > _MAX_ID:
            yield f"{name} {value!r} has {len(value)} characters, the API takes {_MAX_ID}"


@rule(
    "assistant-audio", Severity.ERROR, _CREATE, prevents="the API takes no audio of the assistant, the item is refused"
)
def assistant_audio(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An assistant's message that is put into a conversation is text."""
    item = mapping_of(event.get("item"))
    if item.get("role") == "assistant" and any("audio" in str(part.get("type")) for part in _parts(item)):
        yield "an assistant's message with audio: send its transcript as output_text"


@rule("image-address", Severity.ERROR, _CREATE, prevents="the server fetches no images: the item is refused")
def image_address(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Images are sent as data: URLs."""
    for part in _parts(mapping_of(event.get("item"))):
        address = part.get("image_url")
        if part.get("type") == "input_image" and isinstance(address, str) and not address.startswith("data:"):
            yield f"an image by its address ({masked_start(address, 40)}): send it as a data: URL"


def _parts(item: AnyEvent) -> list[AnyEvent]:
    content = item.get("content")
    return [mapping_of(part) for part in content] if isinstance(content, list) else []


@rule("truncate-position", Severity.ERROR, _TRUNCATE, prevents="a position that is not a whole number is refused")
def truncate_position(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An answer is cut at whole milliseconds."""
    end = event.get("audio_end_ms")
    # type(), not isinstance(): True is an int in Python, and not in JSON.
    if "audio_end_ms" in event and (type(end) is not int or end < 0):
        yield f"audio_end_ms is {end!r}, the API takes whole milliseconds from 0 on"


@rule(
    "truncate-beyond-received",
    Severity.ERROR,
    _TRUNCATE,
    prevents="a cut beyond the audio is refused, and the model believes that all of it was heard",
)
def truncate_beyond_received(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An answer is cut within the audio that was received."""
    end, part = event.get("audio_end_ms"), event.get("content_index", 0)
    if not isinstance(end, int | float) or not isinstance(part, int):
        return
    received = facts.received_ms(str(event.get("item_id")), part)
    # No audio of it was seen, and would have been: the session is known from its first event.
    if received is None and facts.whole and str(event.get("item_id")) in facts.items and facts.speech:
        yield f"{event.get('item_id')} has no audio to cut"
    elif received is not None and end > received + 1:  # 1 ms: clients round a position that lies between two samples
        yield f"cut at {end:g} ms, but {received} ms were received"


@rule(
    "truncate-beyond-heard",
    Severity.WARNING,
    _TRUNCATE,
    prevents="the model believes that words were heard which were not",
)
def truncate_beyond_heard(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An answer is cut where it was heard."""
    end, part = event.get("audio_end_ms"), (str(event.get("item_id")), event.get("content_index", 0))
    heard = facts.heard.get(part)
    if heard is not None and isinstance(end, int | float) and isinstance(part[1], int):
        # Heard was recorded a little before the cut, and the speaker went on meanwhile.
        played = heard.ms + (frame.at - heard.at) * 1000
        if end > played + _LENIENT_MS:
            yield f"cut at {end:g} ms, but at most {played:.0f} ms were heard"
