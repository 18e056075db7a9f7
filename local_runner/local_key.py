"""The development key: valid only in the local runner, for every API.

It is not stored or limited, and its calls are not counted.
"""

from collections.abc import Sequence

from shared.core.metering import access
from shared.core.metering.models import ApiKey, KeyEvent
from shared.core.metering.ports import Keys

DEFAULT_KEY = "local-dev-key"
TENANT = "local"


class WithLocalKey:
    """Implements `Keys`: a store, and one more key that is never written to it."""

    def __init__(self, keys: Keys, *, raw_key: str, secret: str) -> None:
        self._keys = keys
        self._local = access.new_key(
            raw_key, name="local", tenant=TENANT, secret=secret, limits=None
        )

    def lookup(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        return self._local if key_hash == self._local.key_hash else self._keys.lookup(key_hash)

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return all keys of the store."""
        return self._keys.list_all()

    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        """Store and delete keys, and log the event."""
        self._keys.change(event, put=put, delete=delete)

    def events(self) -> tuple[KeyEvent, ...]:
        """Return the log of the store."""
        return self._keys.events()
