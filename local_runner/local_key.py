"""The key for development: one known text that opens everything, in the local runner alone."""

from shared.core import access
from shared.core.models import ApiKey
from shared.core.ports import Keys

DEFAULT_KEY = "local-dev-key"
TENANT = "local"


class WithLocalKey:
    """Fills the port `Keys` with one more key than a store has; it is never written there."""

    def __init__(self, keys: Keys, *, key_text: str, secret: str) -> None:
        self._keys = keys
        self._local = access.new_key(key_text, name="local", tenant=TENANT, secret=secret)

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        return self._local if key_hash == self._local.key_hash else self._keys.find(key_hash)

    def put(self, key: ApiKey) -> None:
        """Store the key."""
        self._keys.put(key)

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key of the store."""
        return self._keys.list_all()

    def delete(self, key_hash: str) -> None:
        """Forget the key with this hash."""
        self._keys.delete(key_hash)
