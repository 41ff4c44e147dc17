"""What a check is, what it knows of a stack, and what it tells."""

from __future__ import annotations

import json
import shlex
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen
from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from event_registration.deployment.account import Account

__all__ = ["Check", "Deployed", "Severity", "Trouble", "advice", "check", "found", "problem"]

_MANAGED, _OUTBOX = "managed", "outbox"
_ABSENT = frozenset({"NoSuchKey", "NotFound", "NotFoundException", "ResourceNotFoundException"})


class Severity(StrEnum):
    """How much it matters; a problem keeps the stack from its work, or registrations from being safe."""

    OK = "ok"
    ADVICE = "advice"
    PROBLEM = "problem"


Trouble: TypeAlias = tuple[Severity, str, str]
"""How much it matters, what it is, how to mend it."""


@frozen
class Deployed:
    """A deployed stack: where it is, its name, and its outputs by name."""

    account: Account
    stack: str
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes at run time
        """Return the client of *service*."""
        return self.account.client(service)

    def output(self, name: str) -> str:
        """Return an output; a stack without it is another template's, or an earlier version's."""
        if name not in self.outputs:
            raise DeploymentError(f"Stack {self.stack!r} has no output {name}. Deploy it again: {self.deploy()}")
        return self.outputs[name]

    @property
    def is_managed(self) -> bool:
        """Whether the organiser's catalogue has the events, or any is taken."""
        return self.output("Events") == _MANAGED

    @property
    def is_outbox(self) -> bool:
        """Whether a function of its own sends the mails, or the one that registers does."""
        return self.output("Confirmation") == _OUTBOX

    @property
    def functions(self) -> dict[str, str]:
        """The names of the stack's functions, by what each is in a sentence."""
        sender = {"sender": self.output("SenderFunctionName")} if self.is_outbox else {}
        return {"function": self.output("FunctionName")} | sender

    @property
    def mailer(self) -> str:
        """The name of the function that sends the mails."""
        return self.output("SenderFunctionName" if self.is_outbox else "FunctionName")

    @property
    def manage_url(self) -> str:
        """The address of the page that links in mails lead to: the template's rule."""
        return f"{self.output('AllowedOrigin')}/manage.html"

    def function(self, name: str | None = None) -> Any:  # noqa: ANN401 - botocore's answer
        """Return how the function, or the one called *name*, is configured."""
        return self.client("lambda").get_function_configuration(FunctionName=name or self.output("FunctionName"))

    def set_variables(self, variables: Mapping[str, str], name: str | None = None) -> str:
        """Return the command that gives the function *variables*, and takes away all others that it has."""
        command = "lambda update-function-configuration --function-name"
        function = name or self.output("FunctionName")
        return self.aws(command, function, "--environment", json.dumps({"Variables": variables}))

    def aws(self, command: str, *values: str) -> str:
        """Return a command of AWS's, ending with *values*, as a shell takes it."""
        return f"aws {command} {shlex.join([*values, *self.account.options])}"

    def deploy(self, *options: str) -> str:
        """Return the command that deploys this stack again, as a shell takes it."""
        return self._ours("deploy", *options)

    def rotate_keys(self, *options: str) -> str:
        """Return the command that gives the links a new key, as a shell takes it."""
        return self._ours("rotate-keys", *options)

    def destroy(self) -> str:
        """Return the command that deletes this stack, as a shell takes it."""
        return self._ours("destroy")

    def _ours(self, command: str, *options: str) -> str:
        return shlex.join(["event-registration", command, "--stack", self.stack, *self.account.options, *options])


@frozen
class Check:
    """
    One thing to look at.

    Args:
        name: Stable kebab-case name.
        look: Yields what is wrong.
        well: What to say if nothing is.
        needs: The IAM actions that it takes.
    """

    name: str
    look: Callable[[Deployed], Iterator[Trouble]]
    well: str
    needs: tuple[str, ...]


def check(well: str, *needs: str) -> Callable[[Callable[[Deployed], Iterator[Trouble]]], Check]:
    """Make a check of a function; the function's name is the check's."""
    return lambda look: Check(look.__name__.replace("_", "-"), look, well, needs)


def problem(message: str, *remedy: str) -> Trouble:
    """Return what must be mended, and how, each command on a line of its own."""
    return Severity.PROBLEM, message, "\n".join(remedy)


def advice(message: str, *remedy: str) -> Trouble:
    """Return what could be better, and how, each command on a line of its own."""
    return Severity.ADVICE, message, "\n".join(remedy)


def found(call: Callable[..., Any], **names: str) -> Any:  # noqa: ANN401 - botocore's answer
    """Return what AWS answers, ``None`` if there is no such thing."""
    try:
        return call(**names)
    except ClientError as error:
        if error_code(error) in _ABSENT:
            return None
        raise
