"""Who calls, and whether he may from where he is."""

from shared.app import App
from shared.core.metering import access
from shared.core.metering.models import ApiKey, DistinctLimit
from shared.core.metering.network import caller_address
from shared.http.request import Request


def header_key(request: Request) -> str:
    """Return the key of the Authorization header, alone or after `Bearer`; empty for none."""
    value: str = request.headers.get("authorization", "").strip()
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" and rest else value


def identify(request: Request, app: App, raw_key: str | None) -> ApiKey:
    """Return the key of a caller who presents this text.

    Raises:
        AccessError: he presents none, an unknown or a blocked one, or may not use it from here.

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
