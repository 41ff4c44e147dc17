"""What IAM is asked when a Lambda function makes its calls, and what a role's policies answer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import contextmanager
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import boto3

SIMULATOR = Path(__file__).with_suffix(".mjs")
PRINCIPAL = "arn:aws:sts::{account}:assumed-role/function/function"
# "Using IAM with DynamoDB transactions": a transaction is authorised as what it is made of.
_IN_TRANSACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}


@frozen
class Call:
    """A call as the function's code makes it."""

    service: str
    operation: str
    parameters: dict[str, Any]


@frozen
class Question:
    """What IAM decides on: one action on one resource, with what conditions may ask for."""

    action: str
    resource: str
    context: dict[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Account:
    """
    An account whose SES has one identity for the sender.

    Args:
        id: Its number.
        region: The region.
        identity: The verified identity that covers the sender: its domain or the address itself.
        sandbox: Whether SES asks for the right to send to each recipient, too.
    """

    id: str
    region: str
    identity: str
    sandbox: bool = False

    def arn(self, service: str, resource: str) -> str:
        """Return the name of a resource here."""
        return f"arn:aws:{service}:{self.region}:{self.id}:{resource}"

    def questions(self, call: Call) -> Iterator[Question]:
        """
        Yield what IAM is asked for *call*; each answer must be yes.

        Raises:
            NotImplementedError: It isn't known here what such a call is authorised as.
        """
        parameters = call.parameters
        if call.service == "dynamodb":
            for operation, item in _on_tables(call):
                index = f"/index/{item['IndexName']}" if "IndexName" in item else ""
                yield Question(f"dynamodb:{operation}", self.arn("dynamodb", f"table/{item['TableName']}{index}"))
        elif (call.service, call.operation, *parameters.get("Content", ())) == ("sesv2", "SendEmail", "Simple"):
            # "Actions, resources, and condition keys for Amazon SES": SendEmail is authorised on each of these.
            resources = [f"identity/{self.identity}"]
            if "ConfigurationSetName" in parameters:
                resources.append(f"configuration-set/{parameters['ConfigurationSetName']}")
            if self.sandbox:
                resources += [f"identity/{recipient}" for recipient in parameters["Destination"]["ToAddresses"]]
            context = {"ses:FromAddress": parseaddr(parameters["FromEmailAddress"])[1]}
            for resource in resources:
                yield Question("ses:SendEmail", self.arn("ses", resource), context)
        elif (call.service, call.operation) == ("sesv2", "GetAccount"):
            yield Question("ses:GetAccount", "*")
        elif (call.service, call.operation) == ("secretsmanager", "GetSecretValue"):
            # A name would leave open which secret is meant: the ARN of one ends with six letters of AWS's own.
            if not parameters["SecretId"].startswith("arn:"):
                raise NotImplementedError("which secret is this?")
            yield Question("secretsmanager:GetSecretValue", parameters["SecretId"])
        else:
            raise NotImplementedError(f"what is {call.service} {call.operation} authorised as?")


def _on_tables(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the operations that a call of DynamoDB's is made of, each with its parameters."""
    if call.operation == "TransactWriteItems":
        for ((kind, item),) in (action.items() for action in call.parameters["TransactItems"]):
            yield _IN_TRANSACTIONS[kind], item
    elif "TableName" in call.parameters:
        yield call.operation, call.parameters
    else:
        raise NotImplementedError(f"what is dynamodb {call.operation} authorised as?")


def record(session: boto3.Session) -> list[Call]:
    """Return a list that gets every call of the clients that *session* makes from now on."""
    calls: list[Call] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append(Call(model.service_model.service_name, model.name, params))

    session.events.register("provide-client-params", note)
    return calls


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """
    Yield the statements of a role's policies.

    Raises:
        ValueError: The role gets rights in another way, too.
    """
    if role.keys() != {"AssumeRolePolicyDocument", "Policies"}:
        raise ValueError(f"a role with {', '.join(role)}")
    for policy in role["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def granted(role: dict[str, Any]) -> set[tuple[str, str]]:
    """
    Return every action that a role may do, with the resource it may do it on, as its policies spell them.

    Raises:
        ValueError: A statement that isn't an allowance of actions on resources.
    """
    rights: set[tuple[str, str]] = set()
    for statement in statements(role):
        if statement["Effect"] != "Allow" or not statement.keys() <= {
            "Sid",
            "Effect",
            "Action",
            "Resource",
            "Condition",
        }:
            raise ValueError(f"a statement with {', '.join(statement)}")
        actions, resources = (_listed(statement[name]) for name in ("Action", "Resource"))
        rights |= {(action, resource) for action in actions for resource in resources}
    return rights


Simulate = Callable[[list[dict[str, Any]]], list[str]]


@contextmanager
def simulating(simulator: Path) -> Iterator[Simulate]:
    """
    Until the block ends have a function that returns IAM's answer to each of a list of simulations.

    Args:
        simulator: Where iam-simulate is installed.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["node", SIMULATOR, simulator], encoding="utf-8", **pipes) as process:

        def simulate(simulations: list[dict[str, Any]]) -> list[str]:
            process.stdin.write(f"{json.dumps(simulations)}\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            if not answer:
                raise RuntimeError("The simulator has ended; what it said is above.")
            return json.loads(answer)

        yield simulate


def allowed(role: dict[str, Any], questions: Iterable[Question], account: Account, simulate: Simulate) -> list[bool]:
    """Return for each question whether IAM would say yes to *role*; *simulate* is what `simulating` gives."""
    simulations = [
        {
            "request": {
                "principal": PRINCIPAL.format(account=account.id),
                "action": question.action,
                "resource": {"resource": question.resource, "accountId": account.id},
                "contextVariables": question.context,
            },
            "identityPolicies": [
                {"name": each["PolicyName"], "policy": each["PolicyDocument"]} for each in role["Policies"]
            ],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        }
        for question in questions
    ]
    return [result == "Allowed" for result in simulate(simulations)]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
