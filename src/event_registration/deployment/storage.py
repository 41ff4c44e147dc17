"""The bucket of the functions' packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from event_registration.deployment.account import Account
    from event_registration.deployment.package import Package

__all__ = ["exists", "has_templates", "key_of", "store"]

_WITH_TEMPLATES = "-with-templates"
# S3 answers HEAD with the number alone.
_FORBIDDEN, _NOT_FOUND = "403", "404"


def key_of(package: Package) -> str:
    """Return the key under which *package* is stored: its digest tells one from all others."""
    return f"functions/{package.sha256}{_WITH_TEMPLATES if package.has_templates else ''}.zip"


def has_templates(key: str) -> bool:
    """Tell whether the package that is stored under *key* has templates of a team's own in it."""
    return key.endswith(f"{_WITH_TEMPLATES}.zip")


def exists(account: Account, bucket: str) -> bool:
    """
    Tell whether *bucket* is there, to be used by a function of this region.

    Raises:
        DeploymentError: It is somebody else's, or in another region, where Lambda takes no code from.
    """
    try:
        answer = account.client("s3").head_bucket(Bucket=bucket, ExpectedBucketOwner=account.id)
    except ClientError as error:
        if error_code(error) == _NOT_FOUND:
            return False
        if error_code(error) != _FORBIDDEN:
            raise
        raise DeploymentError(
            f"The bucket {bucket!r} belongs to another account, or these credentials may not use it. Name another one "
            "with --bucket."
        ) from error
    region = answer.get("BucketRegion", account.region)
    if region != account.region:
        raise DeploymentError(f"The bucket {bucket!r} is in {region}, not {account.region}. Name another --bucket.")
    return True


def store(account: Account, bucket: str, package: Package) -> None:
    """Upload the zip under its digest, unless it is there; the bucket is made when it is first needed."""
    client = account.client("s3")
    if not exists(account, bucket):
        place = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
        # S3 knows this region by the absence of its name.
        client.create_bucket(Bucket=bucket, **({} if account.region == "us-east-1" else place))
        client.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration=dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
            ),
        )
    try:
        client.head_object(Bucket=bucket, Key=key_of(package), ExpectedBucketOwner=account.id)
    except ClientError as error:
        if error_code(error) != _NOT_FOUND:
            raise
        client.put_object(
            Bucket=bucket, Key=key_of(package), Body=package.path.read_bytes(), ExpectedBucketOwner=account.id
        )
