"""Commands that count: tokens and what they may cost, limits."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.config.prices import PRICES_DATE, price_of
from rtcli.protocol.usage import TokenUsage, TranscriptionUsage
from rtcli.views import Level, Notice, Table, View, Views, counted

_NO_PRICE = 'for a price, set one under [prices."MODEL"] in the settings'


@command("usage", topic="measure", aliases=("cost",))
def usage(context: Context) -> Views:
    """Show tokens by modality, transcription, and an estimate of the price. Cached tokens are part of the input."""
    metrics = context.state.metrics
    views: list[View] = []
    if metrics.responses:
        total = metrics.total
        rows = tuple(
            (name, *(f"{getattr(total, f'{way}_{kind}', 0):,}" for way in ("input", "cached", "output")))
            for kind, name in (("text", "text"), ("audio", "audio"), ("image", "image"))
        )
        rows += (("all", f"{total.input:,}", f"{total.cached:,}", f"{total.output:,}"),)
        head = ("tokens", "input", "cached", "output")
        views.append(Table(head, rows, counted(metrics.responses, "response")))
        # Already in the output: on its own row it would look like more.
        if total.output_reasoning:
            views.append(Notice(f"{total.output_reasoning:,} of the output tokens were reasoning"))
    views += [_transcription(model, used) for model, used in metrics.transcriptions.items() if _amount(used)]
    return [*views, _estimate(context)] if views else Notice("no response has finished yet")


def _transcription(model: str, used: TranscriptionUsage) -> Notice:
    return Notice(f"transcription of your speech: {_amount(used)}", why=f"by {model}" if model else "")


def _amount(used: TranscriptionUsage) -> str:
    return f"{used.tokens.total:,} tokens" if used.tokens.total else f"{used.seconds:g} s" if used.seconds else ""


def _estimate(context: Context) -> Notice:
    """Dollars, where every model that was used has a price."""
    metrics = context.state.metrics
    spent = [(model, tokens, 0.0) for model, tokens in metrics.usage.items()]
    spent += [(model, used.tokens, used.seconds) for model, used in metrics.transcriptions.items() if _amount(used)]
    total, unknown = 0.0, []
    for model, tokens, seconds in spent:
        # one unknown price makes the sum a wrong one: then none is given
        price = price_of(model, context.prices)
        if price is None:
            unknown.append(model or "a model without a name")
        else:
            total += price.cost({name: getattr(tokens, name) for name in TokenUsage.__slots__}, seconds)
    if unknown:
        return Notice(f"no price is known for {', '.join(unknown)}", hint=_NO_PRICE)
    own = " and your own prices" if context.prices else ""
    return Notice(f"about ${total:.4f}", why=f"an estimate with the prices of {PRICES_DATE}{own}")


def farewell(context: Context) -> Sequence[View]:
    """What a session comes to when it ends: turns, tokens, the price, and where its recording lies."""
    metrics = context.state.metrics
    views: list[View] = []
    # A turn that nobody answered is not one that a user would count.
    turns = sum(bool(turn.responses) for turn in context.state.timeline.turns)
    if metrics.responses:
        total = metrics.total
        what = f"{counted(turns, 'turn')}, {total.input + total.output:,} tokens"
        priced = any(price_of(model, context.prices) for model in metrics.usage)
        views.append(Notice(f"{what}, {_estimate(context).what}" if priced else what, hint="" if priced else _NO_PRICE))
    path = context.live.recorder.path if context.live is not None else None
    if path is not None and path.exists():
        views.append(Notice(f"recorded in {path}", hint=f"rtcli replay {shlex.quote(str(path))}"))
    return views


@command("limits", topic="measure")
def limits(context: Context) -> Views:
    """Show what is left of the account's rate limits, as last reported by the server."""
    known = context.state.metrics.limits
    if not known:
        return Notice("the server has not reported any limits yet", level=Level.INFO)
    rows = tuple((r.name, f"{r.remaining:,}", f"{r.limit:,}", f"{r.reset_seconds:g} s") for r in known)
    return Table(("limit", "left", "of", "resets in"), rows)
