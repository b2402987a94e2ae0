"""Commands that measure: latencies, tokens and what they may cost, limits."""

from __future__ import annotations

from collections.abc import Sequence

from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.config.prices import PRICES_DATE, Price, price_of
from rtcli.protocol.usage import TokenUsage
from rtcli.session.latency import STEPS, Turn
from rtcli.views import Level, Notice, Table, View, Views, counted

_MAX_TURNS = 10


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


@command("stats", topic="measure", aliases=("latency",))
async def stats(context: Context) -> Views:
    """Show how long turns took, from the end of speech (or the request) to each step of the answer."""
    metrics = context.state.metrics
    turns: Sequence[Turn] = metrics.turns.turns
    views: list[View] = []
    if turns:
        rows = [
            (str(number), "speech stopped" if turn.spoken else "asked", *(_ms(take(turn)) for take in STEPS.values()))
            for number, turn in list(enumerate(turns, 1))[-_MAX_TURNS:]
        ]
        for share, name in ((0.5, "p50"), (0.95, "p95")):
            rows.append(
                (name, counted(len(turns), "turn"), *(_ms(metrics.turns.summary(step, share)) for step in STEPS))
            )
        views.append(
            Table(
                ("turn", "from", *STEPS),
                tuple(rows),
                title="time since speech stopped, or since the response was requested",
            )
        )
    if context.session.lifecycle.connected:
        round_trip = await context.session.lifecycle.ping()
        views.append(Notice(f"round trip {round_trip * 1000:.1f} ms", why="WebSocket ping, just now"))
    return views or Notice("nothing has been measured yet")


@command("usage", topic="measure", aliases=("cost",))
def usage(context: Context) -> Views:
    """Show tokens by modality and an estimate of their price. Cached tokens are part of the input."""
    metrics = context.state.metrics
    if not metrics.responses:
        return Notice("no response was finished yet")
    total = metrics.total
    rows = tuple(
        (name, *(f"{getattr(total, f'{way}_{kind}', 0):,}" for way in ("input", "cached", "output")))
        for kind, name in (("text", "text"), ("audio", "audio"), ("image", "image"))
    )
    rows += (("all", f"{total.input:,}", f"{total.cached:,}", f"{total.output:,}"),)
    views: list[View] = [Table(("tokens", "input", "cached", "output"), rows, counted(metrics.responses, "response"))]
    if total.output_reasoning:
        views.append(Notice(f"{total.output_reasoning:,} of the output tokens were reasoning"))
    transcription = metrics.transcription
    if transcription.tokens.total or transcription.seconds:
        amount = (
            f"{transcription.tokens.total:,} tokens" if transcription.tokens.total else f"{transcription.seconds:g} s"
        )
        views.append(Notice(f"transcription of your speech: {amount}", why="billed separately, not in the estimate"))
    views.append(_estimate(context, metrics.usage))
    return views


def _estimate(context: Context, usage: dict[str, TokenUsage]) -> Notice:
    """Dollars, where every model that was used has a price."""
    total, unknown = 0.0, []
    for model, tokens in usage.items():
        price: Price | None = price_of(model, context.prices)
        if price is None:
            unknown.append(model or "a model without a name")
        else:
            counts = {name: getattr(tokens, name) for name in TokenUsage.__slots__}
            total += price.cost(counts)
    if unknown:
        return Notice(
            f"no price is known for {', '.join(unknown)}", hint='set one under [prices."MODEL"] in the settings'
        )
    own = " and your own prices" if context.prices else ""
    return Notice(f"about ${total:.4f}", why=f"an estimate with the prices of {PRICES_DATE}{own}")


@command("limits", topic="measure")
def limits(context: Context) -> Views:
    """Show what is left of the account's rate limits, as last reported by the server."""
    known = context.state.metrics.limits
    if not known:
        return Notice("the server has not reported any limits yet", level=Level.INFO)
    rows = tuple((r.name, f"{r.remaining:,}", f"{r.limit:,}", f"{r.reset_seconds:g} s") for r in known)
    return Table(("limit", "left", "of", "resets in"), rows)
