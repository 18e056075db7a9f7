"""What every deployed function is: a handler in the style of AWS Lambda."""

from collections.abc import Mapping
from typing import Any, Protocol

from shared.app import App

Event = Mapping[str, Any]


class Handler(Protocol):
    """A deployed function."""

    def __call__(self, event: Event, context: object, app: App | None = None) -> dict[str, Any]:
        """Handle one event; tests pass an `app` of their own."""
