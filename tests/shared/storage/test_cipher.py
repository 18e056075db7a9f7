"""Sealing of vectors."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.core.errors import SealError
from shared.core.photos.models import Box
from shared.core.recognition.models import Group, StoredFace
from shared.storage.cipher import AesGcmSealer
from shared.storage.local.master_key import FileKeyWrapper
from tests.shared.storage.stores import sqlite_store

VECTOR = np.random.default_rng(1).normal(size=128).astype(np.float32)


class CountingWrapper:
    """A real wrapper that counts how often it unwraps."""

    def __init__(self, folder: Path) -> None:
        self._wrapper = FileKeyWrapper(folder)
        self.unwrapped: list[str] = []

    def new_key(self, generation: str) -> tuple[bytes, bytes]:
        return self._wrapper.new_key(generation)

    def unwrap(self, generation: str, wrapped: bytes) -> bytes:
        self.unwrapped.append(generation)
        return self._wrapper.unwrap(generation, wrapped)


def new_group(sealer: AesGcmSealer, generation: str | None = None) -> Group:
    generation = generation or uuid.uuid4().hex
    key = sealer.new_group_key(generation)
    return Group("t", "g", generation, "model-1", datetime.now(UTC), key)


@pytest.fixture
def sealer(tmp_path: Path) -> AesGcmSealer:
    return AesGcmSealer(FileKeyWrapper(tmp_path))


@pytest.fixture
def group(sealer: AesGcmSealer) -> Group:
    return new_group(sealer)


def test_opens_what_it_sealed(sealer: AesGcmSealer, group: Group) -> None:
    opened = sealer.open(group, "face", sealer.seal(group, "face", VECTOR))
    assert opened.dtype == np.float32
    np.testing.assert_array_equal(opened, VECTOR)


def test_another_process_opens_it(sealer: AesGcmSealer, group: Group, tmp_path: Path) -> None:
    sealed = sealer.seal(group, "face", VECTOR)
    other = AesGcmSealer(FileKeyWrapper(tmp_path))
    np.testing.assert_array_equal(other.open(group, "face", sealed), VECTOR)


def test_a_sealed_vector_is_29_bytes_longer(sealer: AesGcmSealer, group: Group) -> None:
    assert len(sealer.seal(group, "face", VECTOR)) == VECTOR.nbytes + 29


def test_opens_many_in_order(sealer: AesGcmSealer, group: Group) -> None:
    vectors = np.random.default_rng(2).normal(size=(50, 128)).astype(np.float32)
    ids = [str(uuid.uuid4()) for _ in vectors]
    sealed = [sealer.seal(group, face, row) for face, row in zip(ids, vectors, strict=True)]
    np.testing.assert_array_equal(sealer.open_many(group, ids, sealed), vectors)


def test_opening_no_vectors_returns_an_empty_array(sealer: AesGcmSealer, group: Group) -> None:
    assert len(sealer.open_many(group, [], [])) == 0


@pytest.mark.parametrize(
    "vector", [VECTOR.astype(">f4"), np.stack([VECTOR, -VECTOR], axis=1)[:, 0]]
)
def test_seals_any_layout_of_an_array(
    sealer: AesGcmSealer, group: Group, vector: NDArray[np.float32]
) -> None:
    opened = sealer.open(group, "face", sealer.seal(group, "face", vector))
    np.testing.assert_array_equal(opened, VECTOR)


def test_the_same_vector_never_looks_the_same(sealer: AesGcmSealer, group: Group) -> None:
    sealed = {sealer.seal(group, "face", VECTOR) for _ in range(100)}
    assert len({text[1:13] for text in sealed}) == 100  # the nonces
    assert len({text[13:] for text in sealed}) == 100


def test_every_group_has_a_key_of_its_own(sealer: AesGcmSealer, group: Group) -> None:
    other = new_group(sealer)
    sealed = sealer.seal(group, "face", VECTOR)
    with pytest.raises(SealError):
        sealer.open(replace(group, wrapped_key=other.wrapped_key), "face", sealed)
    with pytest.raises(SealError):
        sealer.open(other, "face", sealed)


def test_refuses_a_vector_of_another_face(sealer: AesGcmSealer, group: Group) -> None:
    with pytest.raises(SealError):
        sealer.open(group, "other-face", sealer.seal(group, "face", VECTOR))


def test_refuses_a_vector_of_another_model(sealer: AesGcmSealer, group: Group) -> None:
    sealed = sealer.seal(group, "face", VECTOR)
    with pytest.raises(SealError):
        sealer.open(replace(group, model_version="model-2"), "face", sealed)


def test_two_owners_never_have_the_same_associated_data(sealer: AesGcmSealer, group: Group) -> None:
    sealed = sealer.seal(replace(group, model_version="m1"), "face", VECTOR)
    with pytest.raises(SealError):
        sealer.open(replace(group, model_version="m"), "1face", sealed)


@pytest.mark.parametrize("place", [0, 1, 12, 13, 300, -1])
def test_refuses_a_changed_byte(sealer: AesGcmSealer, group: Group, place: int) -> None:
    sealed = bytearray(sealer.seal(group, "face", VECTOR))
    sealed[place] ^= 1
    with pytest.raises(SealError):
        sealer.open(group, "face", bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 5, 13, 28, 29, 540])
def test_refuses_a_part_of_a_sealed_vector(sealer: AesGcmSealer, group: Group, length: int) -> None:
    with pytest.raises(SealError):
        sealer.open(group, "face", sealer.seal(group, "face", VECTOR)[:length])


def test_one_wrong_vector_spoils_many(sealer: AesGcmSealer, group: Group) -> None:
    sealed = [sealer.seal(group, face, VECTOR) for face in "abc"]
    with pytest.raises(SealError):
        sealer.open_many(group, ["a", "c", "b"], sealed)


def test_refuses_a_key_of_another_deployment(tmp_path: Path, sealer: AesGcmSealer) -> None:
    elsewhere = new_group(AesGcmSealer(FileKeyWrapper(tmp_path / "elsewhere")))
    with pytest.raises(SealError):
        sealer.seal(elsewhere, "face", VECTOR)


def test_a_data_key_is_unwrapped_once_and_again_when_its_time_is_over(tmp_path: Path) -> None:
    wrapper, now = CountingWrapper(tmp_path), [1000.0]
    sealer = AesGcmSealer(wrapper, clock=lambda: now[0])
    group = new_group(sealer)
    for _ in range(3):
        sealer.seal(group, "face", VECTOR)
    assert wrapper.unwrapped == []  # it has just been made
    now[0] += 299
    sealer.seal(group, "face", VECTOR)
    assert wrapper.unwrapped == []
    now[0] += 2
    for _ in range(3):
        sealer.seal(group, "face", VECTOR)
    assert wrapper.unwrapped == [group.generation]


def test_the_data_key_unused_for_longest_is_forgotten_first(tmp_path: Path) -> None:
    wrapper = CountingWrapper(tmp_path)
    sealer = AesGcmSealer(wrapper, cached_keys=2)
    first, second = new_group(sealer), new_group(sealer)
    sealer.seal(first, "face", VECTOR)
    third = new_group(sealer)
    for group in (first, third):
        sealer.seal(group, "face", VECTOR)
    assert wrapper.unwrapped == []
    sealer.seal(second, "face", VECTOR)
    assert wrapper.unwrapped == [second.generation]


def test_threads_at_once_share_the_cache(tmp_path: Path) -> None:
    sealer = AesGcmSealer(FileKeyWrapper(tmp_path), cached_keys=3)
    groups = [new_group(sealer) for _ in range(6)]

    def turn(number: int) -> bool:
        group = groups[number % 6]
        opened = sealer.open(group, "face", sealer.seal(group, "face", VECTOR))
        return bool((opened == VECTOR).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(turn, range(300)))


def test_no_plain_vector_and_no_plain_key_reaches_a_file(tmp_path: Path) -> None:
    wrapper = FileKeyWrapper(tmp_path)
    sealer = AesGcmSealer(wrapper)
    group, store = new_group(sealer), sqlite_store(tmp_path)
    store.groups.create(group)
    sealed = sealer.seal(group, "face", VECTOR)
    face = StoredFace("face", "image", None, Box(0, 0, 1, 1), 1.0, sealed)
    store.faces.add(group, [face], capacity=1)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert sealed in files
    plain = VECTOR.tobytes()
    assert not any(plain[start : start + 16] in files for start in range(0, len(plain), 16))
    assert wrapper.unwrap(group.generation, group.wrapped_key) not in files
