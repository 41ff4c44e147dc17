"""The site in its bucket: uploaded, and emptied again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from event_registration.assets import SiteFile
    from event_registration.deployment.account import Account

__all__ = ["empty", "upload"]

# The files name each other without a version, so that each visit asks whether they are still the same ones: the ETag
# makes that cheap, and nobody runs the old script on the new page.
_CACHING = "no-cache"


def upload(account: Account, bucket: str, files: Sequence[SiteFile]) -> Iterator[SiteFile]:
    """Put *files* into *bucket*, and yield each once it is there."""
    for file in files:
        account.client("s3").put_object(
            Bucket=bucket,
            Key=file.key,
            Body=file.body,
            ContentType=file.content_type,
            CacheControl=_CACHING,
            ExpectedBucketOwner=account.id,
        )
        yield file


def empty(account: Account, bucket: str) -> int:
    """
    Delete every object of *bucket*, in all versions, and return how many there were; one that is gone is empty.

    Raises:
        DeploymentError: S3 refuses to delete one.
    """
    client = account.client("s3")
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, ExpectedBucketOwner=account.id)
    count = 0
    try:
        for page in pages:
            doomed = [
                {"Key": each["Key"], "VersionId": each["VersionId"]}
                for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            ]
            if doomed:
                answer = client.delete_objects(
                    Bucket=bucket, Delete={"Objects": doomed, "Quiet": True}, ExpectedBucketOwner=account.id
                )
                if errors := answer.get("Errors"):
                    raise DeploymentError(f"S3 refuses to delete {errors[0]['Key']} of {bucket}: {errors[0]['Code']}.")
            count += len(doomed)
    except ClientError as error:
        if error_code(error) != "NoSuchBucket":
            raise
    return count
