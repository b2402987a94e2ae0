"""Items of the conversation: truncated, deleted, inserted, retrieved."""

from __future__ import annotations

import base64

from tests.foreign.drivers.harness import Setup, check
from tests.foreign.drivers.openai_package.wire import connected, texting


@check
async def truncate(setup: Setup) -> None:
    """What was not heard is forgotten: less sound, no transcript; too late a place is refused."""
    async with connected(setup) as wire:
        response = await wire.say("Hello there.")
        item = response.output[0].id
        await wire.connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=200)
        truncated = await wire.until("conversation.item.truncated")
        assert (truncated.item_id, truncated.content_index, truncated.audio_end_ms) == (item, 0, 200)
        await wire.connection.conversation.item.retrieve(item_id=item)
        [part] = (await wire.until("conversation.item.retrieved")).item.content
        assert len(base64.b64decode(part.audio)) == 200 * 48
        assert not part.transcript
        error = await wire.refusal(
            {"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": 57_340}
        )
        assert error.message == "Audio content of 200ms is already shorter than 57340ms", error


@check
async def delete_and_insert(setup: Setup) -> None:
    """Items go and come where the client wants them."""
    async with texting(setup) as wire:
        first = await wire.ask("one")
        third = await wire.ask("three")
        for previous, expected in ((first, first), ("root", None), (third, third)):
            await wire.connection.conversation.item.create(
                previous_item_id=previous,
                item={"type": "message", "role": "system", "content": [{"type": "input_text", "text": "between"}]},
            )
            assert (await wire.until("conversation.item.added")).previous_item_id == expected
        await wire.connection.conversation.item.delete(item_id=first)
        assert (await wire.until("conversation.item.deleted")).item_id == first
        error = await wire.refusal({"type": "conversation.item.delete", "item_id": first})
        assert error.code == "item_delete_invalid_item_id"
        await wire.connection.conversation.item.create(
            item={
                "id": first,
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "one again"}],
            }
        )
        assert (await wire.until("conversation.item.added")).item.id == first


@check
async def retrieve(setup: Setup) -> None:
    """What the server keeps of a person's speech comes back, byte for byte."""
    async with connected(setup) as wire:
        await wire.configure(audio={"input": {"turn_detection": None}})
        await wire.hear(setup.speech[:48_000])
        await wire.connection.input_audio_buffer.commit()
        item = (await wire.until("conversation.item.done")).item.id
        await wire.connection.conversation.item.retrieve(item_id=item)
        [part] = (await wire.until("conversation.item.retrieved")).item.content
        assert base64.b64decode(part.audio) == setup.speech[:48_000]
        error = await wire.refusal({"type": "conversation.item.retrieve", "item_id": "item_nobody"})
        assert error.code == "item_retrieve_invalid_item_id"
