"""Responses: one at a time, beside the conversation, cut short."""

from __future__ import annotations

from tests.foreign.drivers.harness import Setup, check
from tests.foreign.drivers.openai_package.wire import LONG_ANSWER, connected, text_of, texting


@check
async def cancel(setup: Setup) -> None:
    """response.cancel ends a spoken answer: open parts are closed, the item is incomplete."""
    async with connected(setup) as wire:
        await wire.ask(LONG_ANSWER)
        await wire.connection.response.create()
        await wire.until("response.output_audio.delta")
        await wire.connection.response.cancel()
        response = (await wire.until("response.done")).response
        assert response.status == "cancelled"
        assert response.status_details.reason == "client_cancelled"
        assert [item.status for item in response.output] == ["incomplete"]
        assert len(wire.of("response.output_item.added")) == len(wire.of("response.output_item.done"))
        assert len(wire.of("response.content_part.added")) == len(wire.of("response.content_part.done"))


@check
async def one_response_at_a_time(setup: Setup) -> None:
    """A second response.create is refused and leaves the first alone."""
    async with connected(setup) as wire:
        await wire.ask(LONG_ANSWER)
        await wire.connection.response.create()
        running = (await wire.until("response.created")).response.id
        error = await wire.refusal({"type": "response.create"})
        assert error.code == "conversation_already_has_active_response"
        assert running in error.message
        await wire.connection.response.cancel()
        assert (await wire.until("response.done")).response.id == running


@check
async def out_of_band(setup: Setup) -> None:
    """A response beside the conversation: its metadata comes back, and the conversation does not know of it."""
    async with texting(setup) as wire:
        await wire.ask("Hello.")
        before = len(wire.of("conversation.item.added"))
        await wire.connection.response.create(
            response={
                "conversation": "none",
                "metadata": {"topic": "side"},
                "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hi."}]}],
            }
        )
        created = (await wire.until("response.created")).response
        response = (await wire.until("response.done")).response
        assert created.conversation_id is None
        assert created.metadata == response.metadata == {"topic": "side"}
        assert text_of(response)
        assert len(wire.of("conversation.item.added")) == before


@check
async def two_responses_at_once(setup: Setup) -> None:
    """An out-of-band response runs beside one of the conversation, told apart by their ids."""
    async with connected(setup) as wire:
        await wire.ask(LONG_ANSWER)
        await wire.connection.response.create()
        main_id = (await wire.until("response.created")).response.id
        await wire.connection.response.create(
            response={"conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "side"}}
        )
        side_id = (await wire.until("response.created")).response.id
        assert side_id != main_id
        await wire.connection.response.cancel(response_id=main_id)
        ended = {(await wire.until("response.done")).response.id for _ in range(2)}
        assert ended == {main_id, side_id}


@check
async def a_response_of_its_own(setup: Setup) -> None:
    """Modality, instructions and a limit for one response; reaching the limit is `incomplete`."""
    async with connected(setup) as wire:
        response = await wire.say("Hello.", output_modalities=["text"], instructions="Be brief.")
        assert response.output_modalities == ["text"]
        assert response.output[0].content[0].type == "output_text"
        short = await wire.say(LONG_ANSWER, output_modalities=["text"], max_output_tokens=3)
        assert short.status == "incomplete", short
        assert short.status_details.reason == "max_output_tokens"
