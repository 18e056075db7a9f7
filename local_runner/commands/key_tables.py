"""Prints keys, their calls and their log: as tables for people, or as JSON for programs."""

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
"""Each kind of period, and the length of its names: `2026-01-31`, `2026-01`, `2026`."""

Counts = Mapping[str, int]


def print_value(key: ApiKey, value: str, *, as_json: bool) -> None:
    """Print a key and its value, which cannot be shown again."""
    _print({**_to_json(key), "text": value}, _key_table([key], "key"), as_json=as_json)
    if not as_json:
        print(f"The value of the key, which is shown only once:\n{value}")


def print_keys(keys: Sequence[ApiKey], *, as_json: bool, title: str = "keys") -> None:
    """Print keys; a key with two values takes two lines."""
    _print([_to_json(key) for key in keys], _key_table(keys, title), as_json=as_json)


def print_key(values: Sequence[ApiKey], counts: Counts, *, now: float, as_json: bool) -> None:
    """Print a key with all its values, its limits and the calls of the current periods."""
    key = values[0]
    calls = _calls(key, counts, quota.periods(now))
    data = {**_to_json(key), "texts": [_times(value) for value in values], "usage": calls}
    table = Table("limit", "", title="limits", title_justify="left")
    for name, value in limits.describe(_limits(key)).items():
        table.add_row(name, value)
    _print(data, _key_table(values, "key"), table, _usage_table(calls), as_json=as_json)


def print_usage(
    keys: Iterable[tuple[ApiKey, Counts]], *, by: str | None, now: float, as_json: bool
) -> None:
    """Print the calls of the current periods, or of every stored day, month or year."""
    calls = []
    for key, counts in keys:
        stored = [period for period in sorted(counts) if by and len(period) == PERIODS[by]]
        calls += _calls(key, counts, stored if by else quota.periods(now))
    _print(calls, _usage_table(calls), as_json=as_json)


def print_events(events: Iterable[KeyEvent], *, as_json: bool) -> None:
    """Print the changes to keys."""
    table = Table("time (KST)", "key", "id", "action", "detail", "by")
    data = []
    for event in events:
        named = {"id": event.key_id, "name": event.key_name}
        what = {"action": event.action, "detail": event.detail, "by": event.by}
        data.append({"at": event.at.isoformat(), **named, **what})
        table.add_row(_format(event.at), event.key_name, event.key_id, *what.values())
    _print(data, table, as_json=as_json)


def _print(data: object, *tables: Table, as_json: bool) -> None:
    if as_json:
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return
    for table in tables:
        Console(markup=False, highlight=False).print(table)


def _calls(key: ApiKey, counts: Counts, periods: Iterable[str]) -> list[dict[str, Any]]:
    bounds = (_limits(key).daily, _limits(key).monthly, _limits(key).yearly)
    by_length = dict(zip(PERIODS.values(), bounds, strict=True))
    return [
        {
            "id": key.id,
            "name": key.name,
            "period": period,
            "calls": counts.get(period, 0),
            "limit": by_length[len(period)],
        }
        for period in periods
    ]


def _usage_table(calls: Iterable[dict[str, Any]]) -> Table:
    table = Table("key", "id", "period", title="calls (days in Korea)", title_justify="left")
    for heading in ("calls", "limit"):
        table.add_column(heading, justify="right")
    for row in calls:
        limit = "none" if row["limit"] is None else f"{row['limit']:,}"
        table.add_row(row["name"], row["id"], row["period"], f"{row['calls']:,}", limit)
    return table


def _key_table(keys: Iterable[ApiKey], title: str) -> Table:
    headings = ("name", "id", "tenant", "status", "created (KST)", "expires (KST)")
    table = Table(*headings, title=title, title_justify="left")
    for key in keys:
        expiry = "" if key.expires_at is None else _format(key.expires_at)
        table.add_row(key.name, key.id, key.tenant, key.status, _format(key.created_at), expiry)
    return table


def _to_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "status": key.status.value,
        **_times(key),
        "limits": limits.to_dict(_limits(key)),
    }


def _times(key: ApiKey) -> dict[str, Any]:
    return {
        "createdAt": key.created_at.isoformat(),
        "expiresAt": key.expires_at and key.expires_at.isoformat(),
    }


def _limits(key: ApiKey) -> Limits:
    return key.limits or Limits(daily=None)


def _format(time: datetime) -> str:
    return time.astimezone(KOREA).strftime("%Y-%m-%d %H:%M")
