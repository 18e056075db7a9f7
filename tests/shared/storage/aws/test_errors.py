"""How errors of AWS become errors of the core."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from shared.core.errors import SealError, StoreUnavailableError
from shared.storage.aws.errors import translate


def refusal(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://kms"),
        ReadTimeoutError(endpoint_url="https://kms"),
        refusal("ThrottlingException"),
        refusal("SlowDown", 503),
        refusal("UnknownError", 500),
    ],
    ids=repr,
)
def test_a_transient_error_is_an_unavailable_store(error: Exception) -> None:
    with pytest.raises(StoreUnavailableError, match="KMS") as raised, translate("KMS"):
        raise error
    assert raised.value.__cause__ is error


def test_a_code_with_a_meaning_is_what_it_means() -> None:
    meaning = SealError("changed")
    with pytest.raises(SealError) as raised, translate("KMS", {"InvalidCiphertext": meaning}):
        raise refusal("InvalidCiphertext", 500)
    assert raised.value is meaning


def test_a_permanent_error_stays_as_it_is() -> None:
    error = refusal("AccessDeniedException")
    with pytest.raises(ClientError) as raised, translate("KMS", {"Other": SealError()}):
        raise error
    assert raised.value is error
