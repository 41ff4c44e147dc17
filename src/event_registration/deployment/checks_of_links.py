"""The checks of the links in mails: their keys, and that the function may read them and knows the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.deployment.diagnosis import check, problem
from event_registration.deployment.keys import StackKeys
from event_registration.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from event_registration.deployment.diagnosis import Deployed, Trouble

__all__ = ["LINK_CHECKS"]

_KEYS = "EVENT_REGISTRATION_LINK_KEYS"
_PAGE = "EVENT_REGISTRATION_MANAGE_URL"
_HARM = {"function": "no link works", "sender": "no mail goes out"}
_READ = "secretsmanager:GetSecretValue"
# "GetSecretValue", errors: the secret's state doesn't allow it, which of the operations on it only deletion does.
_MARKED_FOR_DELETION = "InvalidRequestException"


@check("The keys of links in mails are there, where there are links.", _READ)
def link_keys(at: Deployed) -> Iterator[Trouble]:
    if not at.is_managed:
        return
    secret = at.output("LinkKeys")
    try:
        StackKeys(at.account, secret).read()
    except RepositoryError as error:
        yield problem(str(error), "Make a new key; links that were mailed so far end:", at.rotate_keys("--anew"))
    except ClientError as error:
        if error_code(error) != _MARKED_FOR_DELETION:
            raise
        restore = at.aws("secretsmanager restore-secret --secret-id", secret)
        yield problem("The keys of links are marked for deletion: no link works.", "Keep them:", restore)


@check(
    "Whoever needs the keys of links may read them, and knows their page.",
    "lambda:GetFunctionConfiguration",
    "iam:SimulatePrincipalPolicy",
)
def link_function(at: Deployed) -> Iterator[Trouble]:
    if at.is_managed:
        for role, name in at.functions.items():
            yield from _function_troubles(at, role, name)


def _function_troubles(at: Deployed, who: str, name: str) -> Iterator[Trouble]:
    function, secret = at.function(name), at.output("LinkKeys")
    variables = function.get("Environment", {}).get("Variables", {})
    expected = {_KEYS: secret, _PAGE: at.manage_url}
    if wrong := [name for name, value in expected.items() if variables.get(name) != value]:
        yield problem(
            f"Mails have no links, or wrong ones: of the {who}'s variables {' and '.join(wrong)} must be set right.",
            "Set its environment right:",
            at.set_variables(variables | expected, name),
        )
    role = function["Role"]
    answer = at.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[_READ], ResourceArns=[secret]
    )
    if any(result["EvalDecision"] != "allowed" for result in answer["EvaluationResults"]):
        statement = {"Effect": "Allow", "Action": _READ, "Resource": secret}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        put = "iam put-role-policy --policy-name links --role-name"
        yield problem(
            f"The {who} may not read the keys of links: {_HARM[who]}.",
            "Let it:",
            at.aws(put, role.rpartition("/")[2], "--policy-document", policy),
        )


LINK_CHECKS = (link_keys, link_function)
"""What is looked at of the links."""
