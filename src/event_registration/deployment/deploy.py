"""A deployment: what it would change, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen
from botocore.exceptions import ClientError

from event_registration.deployment import table as tables
from event_registration.deployment.account import error_code
from event_registration.deployment.package import Package, build_package
from event_registration.deployment.template import rendered, table_id
from event_registration.errors import DeploymentError, SettingsError
from event_registration.rules import split_sender
from event_registration.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from event_registration.deployment.account import Account
    from event_registration.deployment.changes import ChangeSet, Happening
    from event_registration.deployment.stack import Stack

__all__ = ["Deployment", "parameters_of", "prepare"]

_FORBIDDEN, _NOT_FOUND = "403", "404"
# Which setting's rule a parameter follows, and the option that a person knows it by.
_RULES = {
    "AllowedOrigin": ("ALLOWED_ORIGINS", "--allowed-origin"),
    "EventIds": ("EVENT_IDS", "--event-ids"),
    "TableName": ("TABLE", "--table"),
}
_DEFAULT_TABLE = "eventmanagement"


@frozen(kw_only=True)
class Deployment:
    """
    What a deployment would do; nothing is done until `execute`.

    Args:
        account: Where.
        stack: The stack.
        package: The function's zip.
        bucket: Where the zip will be uploaded to.
        parameters: The template's parameters that get another value than now.
        change_set: What would change; ``None`` if the stack is as it should be.
        adopted: What DynamoDB says of a table that is there and that the stack would take over; ``None`` if it makes
            its own or has it.
    """

    account: Account
    stack: Stack
    package: Package
    bucket: str
    parameters: Mapping[str, str]
    change_set: ChangeSet | None
    adopted: dict[str, Any] | None

    def execute(self) -> Iterator[Happening]:
        """
        Upload the zip, change the stack, and tell what happens meanwhile.

        Raises:
            DeploymentError: The bucket is somebody else's, or the change failed and was undone.
        """
        if self.change_set is None:
            return
        _store(self.account, self.bucket, self.package)
        if self.adopted:
            tables.adopt(self.account, self.adopted)
        yield from self.change_set.execute()

    def discard(self) -> None:
        """Withdraw the proposal."""
        if self.change_set:
            self.change_set.discard()


def parameters_of(sender: str | None = None, **parameters: str | None) -> dict[str, str]:
    """
    Return the template's parameters for what an operator said, by the same rules that the function will apply.

    Args:
        sender: The address that mail comes from, bare or as ``Name <address>``; ``None`` leaves it.
        parameters: Values by the template's names; ``None`` leaves a parameter as it is.

    Raises:
        DeploymentError: A value is wrong; every wrong one is named.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    options = {f"{PREFIX}{rule}": option for rule, option in _RULES.values()} | {f"{PREFIX}SENDER": "--sender"}
    environ = {f"{PREFIX}{rule}": given[name] for name, (rule, _) in _RULES.items() if given.get(name)}
    try:
        settings = Settings.from_environ(environ | ({f"{PREFIX}SENDER": sender} if sender else {}))
    except SettingsError as error:
        sentences = [f"{options[problem.field]} {problem.message}" for problem in error.problems]
        raise DeploymentError("\n".join(sentences)) from error
    if settings.sender:
        given["SenderName"], given["SenderAddress"] = split_sender(settings.sender)
    return given


def prepare(
    account: Account, stack: Stack, wishes: Mapping[str, str], *, folder: Path, bucket: str | None = None
) -> Deployment:
    """
    Build the function's zip and find out what a deployment would change.

    What the operator leaves open is found out: whether SES still has the account in its sandbox, whether the sender is
    verified already, whether API Gateway can write logs, whether the table is there from before.

    Args:
        account: Where to deploy.
        stack: The stack to make or change.
        wishes: The template's parameters that the operator chose; see `parameters_of`.
        folder: Where the zip is built.
        bucket: Where to upload it to; a bucket of the account's own for this purpose if ``None``.

    Raises:
        DeploymentError: Something needed is missing, a table of that name has other keys, or CloudFormation refuses.
    """
    present = stack.parameters()
    resources = stack.resources()
    if not present and "SenderAddress" not in wishes:
        raise DeploymentError("A first deployment needs --sender, the address that mail comes from.")
    chosen = {**present, **wishes}
    parameters = {
        **wishes,
        "SesSandbox": wishes.get("SesSandbox") or _sandbox(account),
        "ManageSenderIdentity": wishes.get("ManageSenderIdentity") or _manage_identity(account, chosen, resources),
        "ManageApiGatewayAccount": wishes.get("ManageApiGatewayAccount") or _manage_logging(account, resources),
    }
    table_name = chosen.get("TableName", _DEFAULT_TABLE)
    logical_id = table_id(table_name, resources)
    table = None if logical_id in resources else tables.find(account, table_name)
    if table:
        tables.check(table)
    package = build_package(
        folder / "function.zip",
        arch=chosen.get("Architecture", "arm64"),
        python=chosen.get("Runtime", "python3.13").removeprefix("python"),
    )
    bucket = bucket or present.get("CodeBucket") or f"event-registration-{account.id}-{account.region}"
    parameters |= {"CodeBucket": bucket, "CodeKey": _key(package)}
    adopted = table is not None
    template = rendered(present | parameters, table=table_name, table_id=logical_id, adopted=adopted)
    change_set = stack.propose(template, parameters, adopt=adopted)
    return Deployment(
        account=account,
        stack=stack,
        package=package,
        bucket=bucket,
        parameters={name: value for name, value in parameters.items() if present.get(name) != value},
        change_set=change_set,
        adopted=table,
    )


def _sandbox(account: Account) -> str:
    return "false" if account.client("sesv2").get_account()["ProductionAccessEnabled"] else "true"


def _manage_identity(account: Account, chosen: Mapping[str, str], resources: Mapping[str, str]) -> str:
    """Leave an identity to whoever made it: SES has each once per account and region."""
    identity = chosen.get("SenderIdentity") or chosen["SenderAddress"]
    if resources.get("SenderIdentityRecord") == identity:
        return "true"
    try:
        account.client("sesv2").get_email_identity(EmailIdentity=identity)
    except ClientError as error:
        if error_code(error) == "NotFoundException":
            return "true"
        raise
    return "false"


def _manage_logging(account: Account, resources: Mapping[str, str]) -> str:
    """Make the role with which API Gateway writes logs only where the account has none, and keep it where we did."""
    has_role = bool(account.client("apigateway").get_account().get("cloudwatchRoleArn"))
    return "true" if "ApiGatewayAccount" in resources or not has_role else "false"


def _key(package: Package) -> str:
    return f"functions/{package.sha256}.zip"


def _store(account: Account, bucket: str, package: Package) -> None:
    """Upload the zip under its digest, unless it is there; the bucket is made when it is first needed."""
    client = account.client("s3")
    try:
        client.head_bucket(Bucket=bucket, ExpectedBucketOwner=account.id)
    except ClientError as error:
        if error_code(error) == _FORBIDDEN:
            raise DeploymentError(
                f"The bucket {bucket!r} belongs to another account, or these credentials may not use it. Name another "
                "one with --bucket."
            ) from error
        if error_code(error) != _NOT_FOUND:
            raise
        # S3 knows this region by the absence of its name.
        place = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
        client.create_bucket(Bucket=bucket, **({} if account.region == "us-east-1" else place))
        client.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration=dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
            ),
        )
    try:
        client.head_object(Bucket=bucket, Key=_key(package), ExpectedBucketOwner=account.id)
    except ClientError as error:
        if error_code(error) != _NOT_FOUND:
            raise
        client.put_object(
            Bucket=bucket, Key=_key(package), Body=package.path.read_bytes(), ExpectedBucketOwner=account.id
        )
