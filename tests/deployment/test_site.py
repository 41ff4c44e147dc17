"""The site's files as they are uploaded, and the bucket emptied."""

import os
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from event_registration.assets import site_files, site_folder
from event_registration.deployment.account import Account
from event_registration.deployment.site import empty, upload
from event_registration.errors import DeploymentError


@pytest.fixture
def account(emulator):
    """Return the emulator's account."""
    with patch.dict(os.environ, emulator.environ(), clear=True):
        yield Account()


@pytest.fixture
def bucket(emulator):
    """Return the name of a fresh bucket that keeps versions."""
    client = emulator.client("s3")
    client.create_bucket(Bucket="site-test", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client.put_bucket_versioning(Bucket="site-test", VersioningConfiguration={"Status": "Enabled"})
    yield "site-test"
    client.delete_bucket(Bucket="site-test")


def test_the_pages_come_last():
    """Whoever loads a new page finds all that it asks for."""
    keys = [file.key for file in site_files("https://api.example", managed=True)]

    assert keys[-2:] == ["index.html", "manage.html"]
    assert {"main.mjs", "manage.mjs"} <= set(keys)


def test_every_file_has_its_type():
    """Browsers run, show and style what they are given as what it is."""
    types = {file.key: file.content_type for file in site_files("https://api.example", managed=True)}

    assert types["manage.html"] == "text/html; charset=utf-8"
    assert types["manage.mjs"] == "text/javascript; charset=utf-8"
    assert types["styles.css"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("url", ["https://api.example/prod", 'https://"\\1'])
def test_config_names_the_api(url):
    """The one generated file says where the API is, as a string whatever it holds."""
    quoted = '"' + url.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert f"export const apiUrl = {quoted};" in _config(url, managed=False)


@pytest.mark.parametrize("managed", [True, False])
def test_config_says_whose_the_events_are(managed):
    """The page is told whether there is a catalogue; what it isn't told stays as the release has it."""
    lines = _config("https://api.example", managed=managed)

    released = (site_folder() / "config.mjs").read_text("utf-8").splitlines()
    assert f"export const managed = {str(managed).lower()};" in lines
    assert [line for line in lines if line not in released and not line.startswith("export const ")] == []
    assert len(lines) == len(released)


def _config(url, *, managed):
    (config,) = [file for file in site_files(url, managed=managed) if file.key == "config.mjs"]
    return config.body.decode().splitlines()


def test_empties_every_version(account, bucket, emulator):
    """Objects, their earlier versions and their delete markers are all gone."""
    client = emulator.client("s3")
    for _ in range(2):
        list(upload(account, bucket, site_files("https://api.example", managed=True)))
    client.delete_object(Bucket=bucket, Key="index.html")

    count = empty(account, bucket)
    again = empty(account, bucket)

    left = client.list_object_versions(Bucket=bucket)
    assert count == 2 * len(site_files("", managed=True)) + 1
    assert again == 0
    assert "Versions" not in left
    assert "DeleteMarkers" not in left


def test_a_bucket_that_is_gone_is_empty(account):
    """A site whose bucket somebody deleted is no obstacle."""
    assert empty(account, "site-test-that-never-was") == 0


def test_hides_no_other_error(account):
    """What S3 says besides goes up as it is."""
    with Stubber(account.client("s3")) as stubber:
        stubber.add_client_error("list_object_versions", "AccessDenied")

        with pytest.raises(ClientError):
            empty(account, "site-test")


def test_says_what_could_not_be_deleted(account):
    """S3 answers well and names what it refused: a bucket that isn't empty is no success."""
    version = {"Key": "index.html", "VersionId": "1"}
    with Stubber(account.client("s3")) as stubber, Stubber(account.client("sts")) as sts:
        sts.add_response("get_caller_identity", {"Account": "000000000000"})
        stubber.add_response("list_object_versions", {"Versions": [version]})
        stubber.add_response("delete_objects", {"Errors": [version | {"Code": "AccessDenied"}]})

        with pytest.raises(DeploymentError, match=r"refuses to delete index\.html of site-test: AccessDenied"):
            empty(account, "site-test")
