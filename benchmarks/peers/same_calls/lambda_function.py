"""
The calls that the library makes to AWS, through the clients it makes, with arguments that are ready: no more.

What the library's own code costs is what a registration costs there more than here. ``CALLS`` says which calls.
"""

import copy
import json
import os

from event_registration import make_lambda_handler
from event_registration.aws import DynamoDBRepository, SESNotifier
from event_registration.aws.clients import Clients

CALLS = os.environ["CALLS"].split()
PAYLOAD = json.loads(os.environ["PAYLOAD"])
ANSWER = {"statusCode": 201, "headers": {}, "body": json.dumps({"message": "Registration successful!"})}


class Recorder:
    """A client that keeps what it is called with."""

    def __init__(self):
        self.calls = []

    def put_item(self, **arguments):
        """Keep the arguments of ``PutItem``."""
        self.calls.append(copy.deepcopy(arguments))

    def send_email(self, **arguments):
        """Keep the arguments of ``SendEmail``."""
        self.calls.append(copy.deepcopy(arguments))


makes = Clients()
clients = {"put": makes.dynamodb()}
if "send" in CALLS:
    clients["send"] = makes.ses()
recorder = Recorder()
make_lambda_handler(
    repository=DynamoDBRepository(recorder), notifier=SESNotifier(recorder, os.environ["EVENT_REGISTRATION_SENDER"])
)(PAYLOAD, None)
arguments = [each for each, _ in zip(recorder.calls, CALLS, strict=False)]


def handler(event, context):
    """Make the calls, in the name of whoever registers."""
    address = json.loads(event["body"])["cemail"]
    for call, ready in zip(CALLS, arguments, strict=True):
        if call != "send":
            ready["Item"]["sk"] = ready["Item"]["cemail"] = {"S": address}
            clients["put"].put_item(**ready)
        else:
            ready["Destination"]["ToAddresses"] = [address]
            clients["send"].send_email(**ready)
    return ANSWER
