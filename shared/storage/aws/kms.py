"""Data keys wrapped by AWS KMS, bound to their group by the encryption context."""

from typing import Any

import boto3
from typing_extensions import override

from shared.core.errors import SealError
from shared.storage.aws import config
from shared.storage.aws.errors import translate
from shared.storage.cipher import KEY_BYTES, KeyWrapper

_WRONG_CIPHERTEXT = ("InvalidCiphertextException", "IncorrectKeyException")


class KmsKeyWrapper(KeyWrapper):
    """Implements `KeyWrapper`; the wrapping key never leaves KMS."""

    def __init__(self, key_id: str) -> None:
        """Take the id or ARN of a symmetric KMS key."""
        self._key_id = key_id
        self._kms = boto3.client("kms", config=config.KMS)

    @override
    def new_key(self, generation: str) -> tuple[bytes, bytes]:
        answer = self._call("generate_data_key", generation, NumberOfBytes=KEY_BYTES)
        return answer["Plaintext"], answer["CiphertextBlob"]

    @override
    def unwrap(self, generation: str, wrapped: bytes) -> bytes:
        plain: bytes = self._call("decrypt", generation, CiphertextBlob=wrapped)["Plaintext"]
        return plain

    def _call(self, operation: str, generation: str, **parameters: object) -> dict[str, Any]:
        cannot_open = SealError("KMS cannot open the data key")
        with translate("KMS", dict.fromkeys(_WRONG_CIPHERTEXT, cannot_open)):
            answer: dict[str, Any] = getattr(self._kms, operation)(
                KeyId=self._key_id, EncryptionContext={"generation": generation}, **parameters
            )
        return answer
