"""The AWS account, or the stand-in for one, that resources are made in."""

from functools import cache, cached_property
from typing import Any

import boto3

from tools.provision.errors import ProvisionError

STAND_IN_REGION = "ap-northeast-2"
STAND_IN_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class Endpoint:
    """Clients of one account and region, made when they are needed.

    Attributes:
        region: of all that is made.
        url: the address of a stand-in; None for AWS, or for what AWS_ENDPOINT_URL says.
        environment: what a process needs to reach the same.

    """

    def __init__(self, *, url: str | None = None, region: str | None = None) -> None:
        """Take an address; a stand-in needs no credentials, so without any it is given some.

        Raises:
            ProvisionError: no region is given, here or in the environment.

        """
        session = boto3.Session(region_name=region)
        found = region or session.region_name or (STAND_IN_REGION if url else None)
        if found is None:
            raise ProvisionError("name a region: --region, or AWS_DEFAULT_REGION")
        self.region = found
        self.url = url
        self.environment = {"AWS_DEFAULT_REGION": self.region}
        if url:
            self.environment["AWS_ENDPOINT_URL"] = url
        if url and session.get_credentials() is None:
            self.environment |= STAND_IN_CREDENTIALS
            session = boto3.Session(
                **{name.lower(): value for name, value in STAND_IN_CREDENTIALS.items()}
            )
        self._session = session
        self.client = cache(self._client)

    @cached_property
    def account(self) -> str:
        """The number of the account."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @cached_property
    def is_plain_http(self) -> bool:
        """Whether it is reached without TLS, as stand-ins are."""
        return str(self.client("s3").meta.endpoint_url).startswith("http://")

    @cached_property
    def partition(self) -> str:
        """The partition of the region, as `aws`."""
        return str(self._session.get_partition_for_region(self.region))

    def _client(self, service: str) -> Any:
        return self._session.client(service, region_name=self.region, endpoint_url=self.url)
