"""Small real implementations of the ports, held to the same contract tests as the adapters."""

from shared.core.models import ApiKey


class InMemoryKeys:
    """Fills the port `Keys`."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def find(self, key_hash: str) -> ApiKey | None:
        return self._keys.get(key_hash)

    def put(self, key: ApiKey) -> None:
        self._keys[key.key_hash] = key

    def list_all(self) -> tuple[ApiKey, ...]:
        return tuple(sorted(self._keys.values(), key=lambda key: (key.name, key.created_at)))

    def delete(self, key_hash: str) -> None:
        self._keys.pop(key_hash, None)
