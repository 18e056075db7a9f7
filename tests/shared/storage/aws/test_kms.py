"""Data keys wrapped by moto's KMS."""

from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.core.errors import SealError, StoreUnavailableError
from shared.storage.aws.kms import KmsKeyWrapper


@dataclass
class Kms:
    """A running KMS with one key, and its wrapper."""

    wrapper: KmsKeyWrapper
    key_id: str


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    with mock_aws():
        key_id = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        yield Kms(KmsKeyWrapper(key_id), key_id)


def test_unwraps_what_it_wrapped(kms: Kms) -> None:
    plain, wrapped = kms.wrapper.new_key("generation-1")
    assert len(plain) == 32
    assert plain not in wrapped
    assert KmsKeyWrapper(kms.key_id).unwrap("generation-1", wrapped) == plain


def test_every_key_is_different(kms: Kms) -> None:
    assert kms.wrapper.new_key("g")[0] != kms.wrapper.new_key("g")[0]


def test_a_key_is_bound_to_its_group(kms: Kms) -> None:
    _, wrapped = kms.wrapper.new_key("generation-1")
    with pytest.raises(SealError):
        kms.wrapper.unwrap("generation-2", wrapped)


def test_refuses_a_changed_key(kms: Kms) -> None:
    _, wrapped = kms.wrapper.new_key("g")
    with pytest.raises(SealError):
        kms.wrapper.unwrap("g", wrapped[:-1] + bytes([wrapped[-1] ^ 1]))


def test_a_missing_wrapping_key_is_an_error_of_kms(kms: Kms) -> None:
    with pytest.raises(ClientError, match="NotFound"):
        KmsKeyWrapper("no-such-key").new_key("g")


def test_kms_out_of_reach_is_an_unavailable_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    with pytest.raises(StoreUnavailableError):
        KmsKeyWrapper("key").new_key("g")
