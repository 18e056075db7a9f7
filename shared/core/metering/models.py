"""API keys, their limits, and counted calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network


class KeyStatus(StrEnum):
    """Whether a key may be used."""

    ACTIVE = "active"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Rate:
    """An average of `per_second` calls a second, and `burst` calls at once after a pause."""

    per_second: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class DistinctLimit:
    """At most `most` distinct values; each counts for `window_s` seconds after it is first seen."""

    most: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may do; None means no limit.

    Attributes:
        daily: calls per calendar day in Korea.
        monthly: calls per calendar month in Korea.
        yearly: calls per calendar year in Korea.
        networks: the networks it may be used from; empty for all.
        paths: paths of the template it may use, such as `/FaceDeID`, each with all paths below it;
            empty for all.
        addresses: how many distinct addresses it may be used from.
        in_flight: how many of its calls may run at once.
        rate: how fast its calls may follow each other.
    """

    daily: int | None = 5000
    monthly: int | None = None
    yearly: int | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    paths: tuple[str, ...] = ()
    addresses: DistinctLimit | None = None
    in_flight: int | None = None
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller's API key.

    Attributes:
        id: never changes; usage is counted under it.
        key_hash: the keyed hash of its value, which is shown once and not stored. While an old
            value is still valid after a rotation, there are two `ApiKey`s with one id.
        name: given by the operator.
        tenant: the owner of the groups and people it can access.
        status: whether it may be used.
        created_at: when this value was made, in UTC.
        limits: what it may do; None if its calls are neither limited nor counted.
        expires_at: when this value expires, in UTC; None for never.
    """

    id: str
    key_hash: str
    name: str
    tenant: str
    status: KeyStatus
    created_at: datetime
    limits: Limits | None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A change of a key: when (UTC), what, and by which user of the operator's machine."""

    at: datetime
    key_id: str
    key_name: str
    action: str
    detail: str
    by: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that was admitted and counted.

    Attributes:
        key_id: of the key that the call counts for.
        day: the day in Korea that it counts for, such as 2026-01-31.
        used_today: how many calls of the key count for that day, including this one.
        lease: identifies the call among those in flight; None if these are not limited.
    """

    key_id: str
    day: str
    used_today: int
    lease: str | None
