"""Sealing of face vectors: AES-256-GCM with a data key for each group.

A sealed text is one version byte, a random nonce of 96 bits, the ciphertext and a tag of 128 bits:
29 bytes more than the plain text. The associated data of a vector is its group's generation, its
model version and its face. Nonces are random, which is safe up to 2^32 vectors a group (NIST SP
800-38D, 8.3).
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray
from typing_extensions import override

from shared.core.errors import SealError
from shared.core.recognition.ports import KeyOwner, Sealer

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_BODY = len(_VERSION) + _NONCE_BYTES
_BLOB = b"\0blob\0"  # no face id begins like this
_VECTOR_TYPE = np.dtype("<f4")

_CACHED_KEYS = 1024
_KEY_LIFETIME_S = 300.0


class KeyWrapper(Protocol):
    """Wraps the data keys of groups with a key that is never stored beside them."""

    def new_key(self, generation: str) -> tuple[bytes, bytes]:
        """Return a new data key of 32 bytes for a group: plain, and wrapped."""

    def unwrap(self, generation: str, wrapped: bytes) -> bytes:
        """Return the plain data key.

        Raises:
            SealError: it was changed, or wrapped for another group or with another key.
            StoreUnavailableError: the service that holds the wrapping key does not answer.
        """


class AesGcmSealer(Sealer):
    """Implements `Sealer`. Data keys are cached, bounded by count and by time."""

    def __init__(
        self,
        wrapper: KeyWrapper,
        *,
        cached_keys: int = _CACHED_KEYS,
        key_lifetime_s: float = _KEY_LIFETIME_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wrapper = wrapper
        self._keys = _KeyCache(cached_keys, key_lifetime_s, clock)

    @override
    def new_group_key(self, generation: str) -> bytes:
        plain, wrapped = self._wrapper.new_key(generation)
        self._keys.put((generation, wrapped), AESGCM(plain))
        return wrapped

    @override
    def seal(self, group: KeyOwner, face_id: str, vector: NDArray[np.float32]) -> bytes:
        plain = vector.astype(_VECTOR_TYPE, copy=False).tobytes()
        return encrypt(self._key(group), plain, _owner(group) + face_id.encode())

    @override
    def open(self, group: KeyOwner, face_id: str, sealed_vector: bytes) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.open_many(group, [face_id], [sealed_vector])[0]
        return vector

    @override
    def open_many(
        self, group: KeyOwner, face_ids: Sequence[str], sealed_vectors: Sequence[bytes]
    ) -> NDArray[np.float32]:
        """Return the vectors as a read-only array of shape (len(face_ids), dimension).

        The shape is (0, 0) if there are no vectors, because their dimension is not known.

        Raises:
            SealError: one was changed, or sealed for another group, face or model version.
        """
        if not face_ids:
            return np.empty((0, 0), np.float32)
        key, owner = self._key(group), _owner(group)
        plain = [
            decrypt(key, sealed, owner + face_id.encode())
            for face_id, sealed in zip(face_ids, sealed_vectors, strict=True)
        ]
        vectors = np.frombuffer(b"".join(plain), _VECTOR_TYPE).reshape(len(plain), -1)
        return vectors.astype(np.float32, copy=False)

    @override
    def seal_blob(self, group: KeyOwner, name: str, content: bytes) -> bytes:
        return encrypt(self._key(group), content, _owner(group) + _BLOB + name.encode())

    @override
    def open_blob(self, group: KeyOwner, name: str, sealed: bytes) -> bytes:
        return decrypt(self._key(group), sealed, _owner(group) + _BLOB + name.encode())

    def _key(self, group: KeyOwner) -> AESGCM:
        name = (group.generation, group.wrapped_key)
        key = self._keys.get(name)
        if key is None:  # two threads at once may both unwrap it: harmless, and neither waits
            key = AESGCM(self._wrapper.unwrap(*name))
            self._keys.put(name, key)
        return key


def encrypt(key: AESGCM, plain: bytes, associated: bytes) -> bytes:
    """Return a sealed text, bound to the associated data."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + key.encrypt(nonce, plain, _VERSION + associated)


def decrypt(key: AESGCM, sealed: bytes, associated: bytes) -> bytes:
    """Return the plain text.

    Raises:
        SealError: it was changed, or sealed with another key or other associated data.
    """
    if not sealed.startswith(_VERSION):
        raise SealError("the sealed text has an unknown version")
    try:
        return key.decrypt(sealed[1:_BODY], sealed[_BODY:], _VERSION + associated)
    except (InvalidTag, ValueError) as error:  # ValueError: too short for a nonce
        raise SealError("the sealed text cannot be opened") from error


def _owner(group: KeyOwner) -> bytes:
    """Return what precedes the face id; each part follows its length, so no two can be confused."""
    parts = (group.generation.encode(), group.model_version.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class _KeyCache:
    """Data keys in use, each for a limited time; the least recently used is dropped first."""

    def __init__(self, capacity: int, lifetime_s: float, clock: Callable[[], float]) -> None:
        self._capacity = capacity
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: OrderedDict[tuple[str, bytes], tuple[AESGCM, float]] = OrderedDict()

    def get(self, name: tuple[str, bytes]) -> AESGCM | None:
        with self._lock:
            key, end = self._keys.get(name, (None, 0.0))
            if key is None or self._clock() >= end:
                return None
            self._keys.move_to_end(name)
            return key

    def put(self, name: tuple[str, bytes], key: AESGCM) -> None:
        with self._lock:
            now = self._clock()
            for expired in [name for name, (_, end) in self._keys.items() if now >= end]:
                del self._keys[expired]
            self._keys[name] = (key, now + self._lifetime_s)
            while len(self._keys) > self._capacity:
                self._keys.popitem(last=False)
