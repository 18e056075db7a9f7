"""API keys, their limits, and the calls that were counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network


class KeyStatus(StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a second in the long run, and `burst` calls at once after a rest."""

    per_second: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class DistinctLimit:
    """At most so many distinct ones, each of which counts for `window_s` from its first sight."""

    most: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may do; None is no limit.

    Attributes:
        daily: calls in a calendar day in Korea.
        monthly: calls in a calendar month in Korea.
        yearly: calls in a calendar year in Korea.
        networks: whence it may be used; from anywhere where there is none.
        paths: what it opens, each with all that lies below it, in the words of the template, as
            `/FaceDeID`; everything where there is none.
        addresses: from how many addresses it may be used.
        in_flight: how many of its calls may be under way at once.
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
        id: names it for ever; its usage is counted under this name.
        key_hash: the keyed hash of its text, which is shown once and not stored. While an old
            text is still good after a rotation, there are two keys of one id.
        name: what the operator calls it.
        tenant: whose groups it opens.
        status: whether it opens anything.
        created_at: when this text was made, in UTC.
        limits: what it may do; None where its calls are neither limited nor counted.
        expires_at: when this text stops being good, in UTC; None for never.
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
    """What was done to a key: when (UTC), by which user of the operator's machine, and what."""

    at: datetime
    key_id: str
    key_name: str
    action: str
    detail: str
    by: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that was let in and counted.

    Attributes:
        key_id: of the key that it was counted under.
        day: the day in Korea that it was counted on, as 2026-01-31.
        used_today: how many calls of the key counted on that day, this one included.
        lease: names the call among those in flight; None where they are not limited.
    """

    key_id: str
    day: str
    used_today: int
    lease: str | None
