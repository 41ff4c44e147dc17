"""The CloudFormation template as plain data, and as a stack with given parameters would have it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parent.parent / "deploy" / "cloudformation.yaml"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
STACK = "events"
SUFFIX = "AbCdEf"
STREAM = "2026-11-30T12:00:00.000"
# What has no default: an operator gives these at least.
REQUIRED = {"SenderAddress": "events@example.org", "CodeBucket": "example-code", "CodeKey": "function.zip"}

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/7a1f5a30-0000-4000-8000-000000000001",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
# "Return values" in the page of each resource type: those of Ref that are a name the template gives ...
_NAMES = {
    "AWS::ApiGateway::Model": "Name",
    "AWS::ApiGateway::Stage": "StageName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SES::EmailIdentity": "EmailIdentity",
}
# ... and those of Fn::GetAtt that anybody but CloudFormation reads.
_ATTRIBUTES = {
    ("AWS::CloudFront::Distribution", "DomainName"): "{id}.cloudfront.net",
    ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{id}}",
    ("AWS::DynamoDB::Table", "StreamArn"): f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{id}}/stream/{STREAM}",
    ("AWS::Events::Rule", "Arn"): f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{id}}",
    ("AWS::Logs::LogGroup", "Arn"): f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{id}}:*",
    # Secrets Manager ends a secret's ARN with six letters of its own ("What's in a Secrets Manager secret").
    ("AWS::SecretsManager::Secret", "Id"): f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{{id}}-{SUFFIX}",
    ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{id}}",
    ("AWS::SQS::Queue", "QueueName"): "{id}",
    ("AWS::S3::Bucket", "WebsiteURL"): f"http://{{id}}.s3-website-{REGION}.amazonaws.com",
}
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")
_NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags."""


def _long_form(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name in {"Ref", "Condition"}:
        return {name: value}
    return {f"Fn::{name}": value.split(".", 1) if name == "GetAtt" and isinstance(value, str) else value}


_Loader.add_multi_constructor("!", _long_form)


def load() -> dict[str, Any]:
    """Return the template, its functions in their long forms."""
    return yaml.load(PATH.read_text("utf-8"), _Loader)  # noqa: S506 - it is a SafeLoader


class Stack:
    """
    A template as CloudFormation resolves it in a made-up account, with the resources whose condition holds.

    Args:
        template: As `load` returns it.
        parameters: Values by name, besides those that are `REQUIRED`.

    Raises:
        ValueError: A parameter has a value that the template doesn't allow.
        LookupError: Something refers to what isn't there.
    """

    def __init__(self, template: dict[str, Any], **parameters: str) -> None:
        self._template = template
        self._parameters = {
            name: _checked(name, declared, parameters.pop(name, REQUIRED.get(name, declared.get("Default"))))
            for name, declared in template["Parameters"].items()
        }
        if parameters:
            raise LookupError(f"no such parameters: {', '.join(parameters)}")
        self._named = _PSEUDO_PARAMETERS | self._parameters
        self._held: dict[str, bool] = {}
        self._declared = {name: each for name, each in template["Resources"].items() if self._is_made(each)}
        self.resources: dict[str, dict[str, Any]] = {
            name: {"Type": each["Type"], "Properties": self._resolved(each.get("Properties", {}))}
            for name, each in self._declared.items()
        }
        self.outputs: dict[str, str] = {
            name: self._resolved(each["Value"]) for name, each in template["Outputs"].items() if self._is_made(each)
        }

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return a resource's properties."""
        return self.resources[name]["Properties"]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of one type, by logical id."""
        return {name: each["Properties"] for name, each in self.resources.items() if each["Type"] == kind}

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            items = [self._resolved(item) for item in value]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Condition" and isinstance(argument, str):
                return self._holds(argument)
            if name == "Ref" or name.startswith("Fn::"):
                return getattr(self, f"_{name.removeprefix('Fn::').lower()}")(argument)
        members = {name: self._resolved(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not _NO_VALUE}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        return self._named[name] if name in self._named else self._physical_id(name)

    def _physical_id(self, name: str) -> str:
        resource = self._declared[name]
        if resource["Type"] in _NAMES:
            return str(self._resolved(resource["Properties"][_NAMES[resource["Type"]]]))
        return f"{STACK}-{name}".lower()

    def _getatt(self, path: list[str]) -> str:
        name, attribute = path
        pattern = _ATTRIBUTES.get((self._declared[name]["Type"], attribute), f"{{id}}.{attribute}")
        return pattern.format(id=self._physical_id(name))

    def _select(self, argument: list[Any]) -> str:
        index, items = self._resolved(argument)
        return str(items[int(index)])

    def _split(self, argument: list[Any]) -> list[str]:
        separator, text = self._resolved(argument)
        return text.split(separator)

    def _sub(self, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in variables:
                return str(self._resolved(variables[name]))
            return str(self._getatt(name.split(".", 1)) if "." in name else self._ref(name))

        return _VARIABLE.sub(value, text).replace("${!", "${")

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self._resolved(then if self._holds(condition) else otherwise)

    def _is_made(self, declared: dict[str, Any]) -> bool:
        return "Condition" not in declared or self._holds(declared["Condition"])

    def _holds(self, condition: str) -> bool:
        if condition not in self._held:
            self._held[condition] = bool(self._resolved(self._template["Conditions"][condition]))
        return self._held[condition]

    def _equals(self, argument: list[Any]) -> bool:
        left, right = (str(self._resolved(side)) for side in argument)
        return left == right

    def _not(self, argument: list[Any]) -> bool:
        return not self._resolved(argument[0])

    def _and(self, argument: list[Any]) -> bool:
        return all(self._resolved(each) for each in argument)

    def _or(self, argument: list[Any]) -> bool:
        return any(self._resolved(each) for each in argument)


def _checked(name: str, declared: dict[str, Any], value: Any) -> str:
    """Return a parameter's value as CloudFormation would take it: the whole value must match the pattern."""
    if value is None:
        raise ValueError(f"{name} has no default")
    text = str(value)
    allowed = (
        text in map(str, declared.get("AllowedValues", [text]))
        and len(text) <= declared.get("MaxLength", len(text))
        and re.fullmatch(declared.get("AllowedPattern", ".*"), text, re.DOTALL)
    )
    if not allowed:
        raise ValueError(f"{name} can't be {text!r}")
    return text
