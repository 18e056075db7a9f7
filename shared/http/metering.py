"""Counts calls against the limits of their keys."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.app import App
from shared.core.errors import FaceError, LimitError
from shared.core.metering import access, quota
from shared.core.metering.models import Admission
from shared.core.metering.quota import Allowance
from shared.http.request import Request

_LEASE_MARGIN_S = 30.0  # beyond the timeout: a call notices it only between two steps

_logger = logging.getLogger(__name__)


@contextmanager
def metered(request: Request, app: App, is_finding: Callable[[FaceError], bool]) -> Iterator[None]:
    """Run the block if the key may make the call; count the call if the block succeeds.

    A block that raises an error has failed, unless the error is a finding.

    Raises:
        AccessError: the key may not use the path, or has used up a limit.
    """
    key = request.caller
    access.check_path(key, request.route.partition(" ")[2])
    if key.limits is None:
        yield
        return
    now = app.clock()
    lease_s = app.settings.analysis_timeout_s + _LEASE_MARGIN_S
    try:
        admission = app.usage.admit(key.id, key.limits, now=now, lease_s=lease_s)
    except LimitError as error:
        request.allowance = quota.allowance(key.limits, error.used_today, now)
        raise
    request.allowance = quota.allowance(key.limits, admission.used_today, now)
    is_served = False
    try:
        yield
        is_served = True
    except FaceError as error:
        is_served = is_finding(error)
        raise
    finally:
        if not is_served:
            request.allowance = quota.allowance(key.limits, admission.used_today - 1, now)
        _settle(app, admission, refund=not is_served)


def headers(allowance: Allowance | None) -> dict[str, str]:
    """Return the headers that show the remaining calls."""
    if allowance is None:
        return {}
    return {
        "X-RateLimit-Limit": str(allowance.limit),
        "X-RateLimit-Remaining": str(allowance.remaining),
        "X-RateLimit-Reset": str(allowance.reset_s),
    }


def _settle(app: App, admission: Admission, *, refund: bool) -> None:
    try:
        app.usage.settle(admission, refund=refund)
    except Exception:  # the caller has the answer; at worst one call too many is counted
        _logger.exception("a call could not be settled")
