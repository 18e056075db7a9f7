"""Identifies the caller and checks their address."""

from shared.app import App
from shared.core.metering import access
from shared.core.metering.models import ApiKey, DistinctLimit
from shared.core.metering.network import caller_address
from shared.http.request import Request


def header_key(request: Request) -> str:
    """Return the key in the Authorization header, with or without `Bearer`; "" without one."""
    value: str = request.headers.get("authorization", "").strip()
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" and rest else value


def identify(request: Request, app: App, raw_key: str | None) -> ApiKey:
    """Return the API key that has a value, for a caller who presents it.

    Raises:
        AccessError: the value is missing, unknown or blocked, or not allowed from this address.
    """
    now = app.clock()
    settings = app.settings
    key = access.authenticate(app.keys, raw_key, secret=app.key_secret, now=now)
    keys_per_address = DistinctLimit(settings.max_keys_per_ip, settings.keys_per_ip_window_s)
    access.check_address(
        app.distinct_tracker,
        key,
        caller_address(
            request.source_ip,
            request.headers.get("x-forwarded-for", ""),
            settings.trusted_proxies,
        ),
        keys_per_address=keys_per_address if settings.max_keys_per_ip else None,
        now=now,
    )
    return key
