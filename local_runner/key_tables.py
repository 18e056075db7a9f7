"""Keys, their calls and their log as tables for people, or as JSON for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from shared.core.metering import limits, quota
from shared.core.metering.models import ApiKey, KeyEvent, Limits
from shared.core.metering.quota import KOREA

PERIODS = {"day": 10, "month": 7, "year": 4}
"""Each kind of period, and how long the names of its kind are."""

Counts = Mapping[str, int]


def show_text(key: ApiKey, text: str, *, as_json: bool) -> None:
    """Show a key and its text, which cannot be had again."""
    if as_json:
        _print_json({**_plain(key), "text": text})
        return
    _print(_key_table([key], title="key"))
    print(f"Its text, which is shown this once:\n{text}")


def show_keys(keys: Sequence[ApiKey], *, as_json: bool, title: str = "keys") -> None:
    """Show keys, each text of a key on a line of its own."""
    if as_json:
        _print_json([_plain(key) for key in keys])
    else:
        _print(_key_table(keys, title=title))


def show_key(texts: Sequence[ApiKey], counts: Counts, *, now: float, as_json: bool) -> None:
    """Show a key in all its texts, with its limits and its calls of the present."""
    rows = _present(texts[0], counts, now)
    if as_json:
        _print_json(
            {**_plain(texts[0]), "texts": [_text(key) for key in texts], "usage": _usage(rows)}
        )
        return
    _print(_key_table(texts, title="key"))
    table = Table("limit", "", title="limits", title_justify="left")
    for name, value in limits.describe(_limits(texts[0])).items():
        table.add_row(name, value)
    _print(table)
    _print(_usage_table(rows))


def show_usage(
    keys: Iterable[tuple[ApiKey, Counts]], *, by: str | None, now: float, as_json: bool
) -> None:
    """Show the calls of keys, of the present, or of every day, month or year that is kept."""
    rows: list[_Row] = []
    for key, counts in keys:
        rows += _past(key, counts, by) if by else _present(key, counts, now)
    if as_json:
        _print_json(_usage(rows))
    else:
        _print(_usage_table(rows))


def show_events(events: Iterable[KeyEvent], *, as_json: bool) -> None:
    """Show what was done to keys."""
    if as_json:
        _print_json(
            [
                {
                    "at": event.at.isoformat(),
                    "id": event.key_id,
                    "name": event.key_name,
                    "action": event.action,
                    "detail": event.detail,
                    "by": event.by,
                }
                for event in events
            ]
        )
        return
    table = Table("when (KST)", "key", "id", "what", "detail", "by")
    for event in events:
        table.add_row(
            _time(event.at), event.key_name, event.key_id, event.action, event.detail, event.by
        )
    _print(table)


_Row = tuple[ApiKey, str, int, int | None]
"""A key, a period, its calls and how many there may be."""


def _present(key: ApiKey, counts: Counts, now: float) -> list[_Row]:
    bounds = (_limits(key).daily, _limits(key).monthly, _limits(key).yearly)
    return [
        (key, period, counts.get(period, 0), bound)
        for period, bound in zip(quota.periods(now), bounds, strict=True)
    ]


def _past(key: ApiKey, counts: Counts, by: str) -> list[_Row]:
    bound = {"day": _limits(key).daily, "month": _limits(key).monthly, "year": _limits(key).yearly}
    return [
        (key, period, calls, bound[by])
        for period, calls in sorted(counts.items())
        if len(period) == PERIODS[by]
    ]


def _usage(rows: Iterable[_Row]) -> list[dict[str, Any]]:
    return [
        {"id": key.id, "name": key.name, "period": period, "calls": calls, "limit": bound}
        for key, period, calls, bound in rows
    ]


def _usage_table(rows: Iterable[_Row]) -> Table:
    table = Table("key", "id", "period", title="calls (days in Korea)", title_justify="left")
    for heading in ("calls", "limit"):
        table.add_column(heading, justify="right")
    for key, period, calls, bound in rows:
        limit = "none" if bound is None else f"{bound:,}"
        table.add_row(key.name, key.id, period, f"{calls:,}", limit)
    return table


def _key_table(keys: Iterable[ApiKey], *, title: str) -> Table:
    table = Table("name", "id", "tenant", "status", "made (KST)", "until (KST)")
    table.title, table.title_justify = title, "left"
    for key in keys:
        end = "" if key.expires_at is None else _time(key.expires_at)
        table.add_row(key.name, key.id, key.tenant, key.status, _time(key.created_at), end)
    return table


def _plain(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "status": key.status.value,
        **_text(key),
        "limits": limits.to_dict(_limits(key)),
    }


def _text(key: ApiKey) -> dict[str, Any]:
    end = key.expires_at
    return {
        "createdAt": key.created_at.isoformat(),
        "expiresAt": None if end is None else end.isoformat(),
    }


def _limits(key: ApiKey) -> Limits:
    return key.limits or Limits(daily=None)


def _time(time: datetime) -> str:
    return time.astimezone(KOREA).strftime("%Y-%m-%d %H:%M")


def _print(table: Table) -> None:
    Console(markup=False, highlight=False).print(table)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
