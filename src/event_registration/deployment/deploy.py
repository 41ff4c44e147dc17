"""A deployment: what it would change, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from event_registration.deployment import storage
from event_registration.deployment import table as tables
from event_registration.deployment.diagnosis import found
from event_registration.deployment.package import Package, build_package
from event_registration.deployment.template import PARAMETERS, rendered, table_id
from event_registration.errors import DeploymentError, SettingsError
from event_registration.rules import split_sender
from event_registration.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from event_registration.deployment.account import Account
    from event_registration.deployment.changes import ChangeSet
    from event_registration.deployment.stack import Stack

__all__ = ["Deployment", "parameters_of", "prepare"]

# Which setting's rule a parameter follows, and the option that a person knows it by.
_RULES = {
    "AllowedOrigin": ("ALLOWED_ORIGINS", "--allowed-origin"),
    "EventIds": ("EVENT_IDS", "--event-ids"),
    "TableName": ("TABLE", "--table"),
}
_DEFAULT_TABLE = "eventmanagement"
_MANAGED = "managed"
_INLINE, _OUTBOX = "inline", "outbox"


@frozen(kw_only=True)
class Deployment:
    """
    What a deployment would do; nothing is done until `get_ready`, and the stack changed only by its change set.

    Args:
        account: Where.
        stack: The stack.
        package: The function's zip.
        bucket: Where the zip will be uploaded to.
        is_managed: Whether the organiser's catalogue has the events, or any is taken.
        parameters: The template's parameters that get another value than now.
        change_set: What would change; ``None`` if the stack is as it should be.
        adopted: What DynamoDB says of a table that is there and that the stack would take over; ``None`` if it makes
            its own or has it.
    """

    account: Account
    stack: Stack
    package: Package
    bucket: str
    is_managed: bool
    parameters: Mapping[str, str]
    change_set: ChangeSet | None
    adopted: dict[str, Any] | None

    def get_ready(self, *, announce: Callable[[str], object]) -> None:
        """
        Do what the change set relies on: upload the zip, and complete a table that is taken over.

        Args:
            announce: Is told what is waited for.

        Raises:
            DeploymentError: The bucket is somebody else's, or in another region.
            ClientError: AWS refused.
        """
        storage.store(self.account, self.bucket, self.package)
        if self.adopted:
            tables.adopt(self.account, self.adopted, announce=announce)

    def discard(self) -> None:
        """Withdraw the proposal."""
        if self.change_set:
            self.change_set.discard()

    def abandon(self) -> None:
        """Withdraw the proposal if that can be done; for when something else has failed, which is what counts."""
        if self.change_set:
            self.change_set.abandon()


def parameters_of(sender: str | None, chosen: Mapping[str, str | None]) -> dict[str, str]:
    """
    Return the template's parameters for what an operator said, by the same rules that the function will apply.

    Args:
        sender: The address that mail comes from, bare or as ``Name <address>``; ``None`` leaves it.
        chosen: Values by the template's names; ``None`` leaves a parameter as it is, empty resets it.

    Raises:
        DeploymentError: A value is wrong; every wrong one is named.
    """
    given = {name: value.strip() for name, value in chosen.items() if value is not None}
    options = {f"{PREFIX}{rule}": option for rule, option in _RULES.values()} | {f"{PREFIX}SENDER": "--sender"}
    environ = {f"{PREFIX}{rule}": given[name] for name, (rule, _) in _RULES.items() if name in given}
    # Empty means missing to the settings; of these the template has no default that is empty.
    required = [name for name, value in (("sender", sender), ("table", given.get("TableName"))) if value is not None]
    try:
        settings = Settings.from_environ(environ | {f"{PREFIX}SENDER": sender or ""}, required=required)
    except SettingsError as error:
        sentences = [f"{options[problem.field]} {problem.message}" for problem in error.problems]
        raise DeploymentError("\n".join(sentences)) from error
    if len(settings.allowed_origins) > 1:
        raise DeploymentError("--allowed-origin takes one origin: API Gateway's own answers can't choose.")
    if settings.sender:
        given["SenderName"], given["SenderAddress"] = split_sender(settings.sender)
    if settings.event_ids:
        given["EventIds"] = ",".join(sorted(settings.event_ids))
    return given


def prepare(  # noqa: PLR0913 - all keyword-only but where and what
    account: Account,
    stack: Stack,
    wishes: Mapping[str, str],
    *,
    folder: Path,
    bucket: str | None = None,
    templates: Path | None = None,
    drops_templates: bool = False,
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
        templates: The folder of the team's own templates and languages.
        drops_templates: Whether a stack that has some is to do without from now on.

    Raises:
        DeploymentError: Something needed is missing, a table of that name has other keys, the stack has templates
            and nothing is said of them, or CloudFormation refuses.
    """
    stack.check_template(PARAMETERS)
    present = stack.parameters()
    resources = stack.resources()
    if not present and "SenderAddress" not in wishes:
        raise DeploymentError("A first deployment needs --sender, the address that mail comes from.")
    if templates is None and not drops_templates and storage.has_templates(present.get("CodeKey", "")):
        raise DeploymentError(
            "This stack mails with templates of its own. Name their folder with --templates, or say --no-templates."
        )
    chosen = {**present, **wishes}
    parameters = {
        # Before there was a choice, stacks took any event: such a one goes on as it is.
        "Events": present.get("Events", "open" if present else _MANAGED),
        # And whoever registered had the mail sent.
        "Confirmation": present.get("Confirmation", _INLINE if present else _OUTBOX),
        "SesSandbox": _sandbox(account),
        **_identity(account, present, wishes, resources),
        "ManageApiGatewayAccount": _manage_logging(account, resources),
        **wishes,
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
        templates=templates,
    )
    bucket = bucket or present.get("CodeBucket") or f"event-registration-{account.id}-{account.region}"
    storage.exists(account, bucket)
    parameters |= {"CodeBucket": bucket, "CodeKey": storage.key_of(package)}
    adopted = table is not None
    template = rendered(present | parameters, table=table_name, table_id=logical_id, adopted=adopted)
    change_set = stack.propose(template, parameters, adopt=adopted)
    return Deployment(
        account=account,
        stack=stack,
        package=package,
        bucket=bucket,
        is_managed=parameters["Events"] == _MANAGED,
        parameters={name: value for name, value in parameters.items() if present.get(name) != value},
        change_set=change_set,
        adopted=table,
    )


def _sandbox(account: Account) -> str:
    return "false" if account.client("sesv2").get_account()["ProductionAccessEnabled"] else "true"


def _identity(
    account: Account, present: Mapping[str, str], wishes: Mapping[str, str], resources: Mapping[str, str]
) -> dict[str, str]:
    """Choose the identity to send with; SES has each once per account and region, and leaves it to whoever made it."""
    address = {**present, **wishes}["SenderAddress"]
    domains = _parents(address.partition("@")[2])
    identity = wishes.get("SenderIdentity", present.get("SenderIdentity", ""))
    if identity not in {"", address, *domains}:
        if "SenderIdentity" in wishes:
            raise DeploymentError(
                f"{identity} can't send for {address}: name its domain with --sender-identity, or the address itself."
            )
        identity = ""  # the domain of an earlier sender
    owned = resources.get("SenderIdentityRecord") == (identity or address)
    if owned or _is_verified(account, identity or address) is not None:
        return {"SenderIdentity": identity, "ManageSenderIdentity": str(owned).lower()}
    may_choose = not identity and not wishes.keys() & {"SenderIdentity", "ManageSenderIdentity"}
    verified = next((domain for domain in domains if may_choose and _is_verified(account, domain)), None)
    return {"SenderIdentity": verified or identity, "ManageSenderIdentity": "false" if verified else "true"}


def _parents(domain: str) -> list[str]:
    """Return *domain* and the domains above it, but for the topmost."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def _is_verified(account: Account, identity: str) -> bool | None:
    """Tell whether SES has verified *identity*; ``None`` if it doesn't know it."""
    answer = found(account.client("sesv2").get_email_identity, EmailIdentity=identity)
    return None if answer is None else bool(answer["VerifiedForSendingStatus"])


def _manage_logging(account: Account, resources: Mapping[str, str]) -> str:
    """Make the role with which API Gateway writes logs only where the account has none, and keep it where we did."""
    has_role = bool(account.client("apigateway").get_account().get("cloudwatchRoleArn"))
    return "true" if "ApiGatewayAccount" in resources or not has_role else "false"
