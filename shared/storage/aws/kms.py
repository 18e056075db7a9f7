"""Data keys wrapped by AWS KMS, bound to their group by the encryption context."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from shared.core.errors import SealError, StoreUnavailableError
from shared.storage.aws.failures import is_transient
from shared.storage.cipher import KEY_BYTES

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 4},
)
_WRONG_CIPHERTEXT = ("InvalidCiphertextException", "IncorrectKeyException")
_THROTTLED = ("ThrottlingException",)


class KmsKeyWrapper:
    """Fills `KeyWrapper`; the wrapping key never leaves KMS."""

    def __init__(self, key_id: str) -> None:
        """Take the id or ARN of a symmetric KMS key."""
        self._key_id = key_id
        self._kms = boto3.client("kms", config=_CONFIG)

    def new_key(self, generation: str) -> tuple[bytes, bytes]:
        """Return a new data key of 32 bytes for a group: plain, and wrapped.

        Raises:
            StoreUnavailableError: KMS does not answer, also after it was asked again.

        """
        answer = self._call("generate_data_key", generation, NumberOfBytes=KEY_BYTES)
        return answer["Plaintext"], answer["CiphertextBlob"]

    def unwrap(self, generation: str, wrapped: bytes) -> bytes:
        """Return the plain data key.

        Raises:
            SealError: it was changed, or wrapped for another group or with another key.
            StoreUnavailableError: KMS does not answer, also after it was asked again.

        """
        plain: bytes = self._call("decrypt", generation, CiphertextBlob=wrapped)["Plaintext"]
        return plain

    def _call(self, operation: str, generation: str, **parameters: object) -> dict[str, Any]:
        call = getattr(self._kms, operation)
        try:
            answer: dict[str, Any] = call(
                KeyId=self._key_id, EncryptionContext={"generation": generation}, **parameters
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _WRONG_CIPHERTEXT:
                raise SealError("KMS cannot open the data key") from error
            if is_transient(error, _THROTTLED):
                raise StoreUnavailableError("KMS refuses calls at present") from error
            raise
        except (NoConnectionError, HTTPClientError) as error:
            raise StoreUnavailableError("KMS cannot be reached") from error
        return answer
