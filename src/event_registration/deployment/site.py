"""The site in its bucket: what is uploaded, as what, and emptied again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from attrs import frozen
from botocore.exceptions import ClientError

from event_registration.assets import site_folder
from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from event_registration.deployment.account import Account

__all__ = ["SiteFile", "empty", "site_files", "upload"]

CONFIG = "config.mjs"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The files name each other without a version, so that each visit asks whether they are still the same ones: the ETag
# makes that cheap, and nobody runs the old script on the new page.
_CACHING = "no-cache"


@frozen(kw_only=True)
class SiteFile:
    """
    One object of the site's bucket.

    Args:
        key: Its key.
        body: Its octets.
        content_type: What browsers take it for.
        caching: How long they may keep it: the Cache-Control header.
    """

    key: str
    body: bytes
    content_type: str
    caching: str = _CACHING


def site_files(api_url: str, *, managed: bool) -> list[SiteFile]:
    """
    Return the site's files, the pages last, so that whoever loads one finds all it asks for.

    Of them only ``config.mjs`` differs from the release's.

    Args:
        api_url: Where the API is.
        managed: Whether the organiser's catalogue has the events.
    """
    paths = sorted(site_folder().iterdir(), key=lambda path: (path.suffix == ".html", path.name))
    return [
        SiteFile(
            key=path.name,
            body=_config(path, api_url, managed=managed) if path.name == CONFIG else path.read_bytes(),
            content_type=_TYPES[path.suffix],
        )
        for path in paths
    ]


def upload(account: Account, bucket: str, files: list[SiteFile]) -> Iterator[SiteFile]:
    """Put *files* into *bucket*, and yield each once it is there."""
    for file in files:
        account.client("s3").put_object(
            Bucket=bucket,
            Key=file.key,
            Body=file.body,
            ContentType=file.content_type,
            CacheControl=file.caching,
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


def _config(path: Path, api_url: str, *, managed: bool) -> bytes:
    values = {"apiUrl": json.dumps(api_url), "managed": json.dumps(managed)}
    text = path.read_text(encoding="utf-8")
    return re.sub(r"(?<=export const )(\w+) = .*(?=;)", lambda match: f"{match[1]} = {values[match[1]]}", text).encode()
