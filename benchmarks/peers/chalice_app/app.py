"""Chalice as its manual has it: a route with CORS, fields checked by hand because it has no validation of its own."""

import os
import re

import boto3
from botocore.exceptions import ClientError
from chalice import BadRequestError, Chalice, ConflictError, CORSConfig, Response

dynamodb = boto3.client("dynamodb")
ses = boto3.client("ses")
app = Chalice(app_name="registrations")
cors = CORSConfig(allow_origin=os.environ["ALLOWED_ORIGIN"])

RULES = {
    "eventid": re.compile(r"[a-z0-9-]{1,64}"),
    "eventname": re.compile(r".{1,100}"),
    "cname": re.compile(r".{1,100}"),
    "cemail": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
}


@app.route("/registrations", methods=["POST"], cors=cors)
def register():
    """Store the registration, mail the confirmation, answer."""
    body = app.current_request.json_body
    for name, rule in RULES.items():
        if not isinstance(body.get(name), str) or not rule.fullmatch(body[name]):
            raise BadRequestError(f"{name} is missing or wrong.")
    try:
        dynamodb.put_item(
            TableName=os.environ["TABLE_NAME"],
            Item={name: {"S": body[name]} for name in RULES},
            ConditionExpression="attribute_not_exists(eventid)",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        raise ConflictError("Already registered.") from None
    ses.send_email(
        Source=os.environ["SENDER"],
        Destination={"ToAddresses": [body["cemail"]]},
        Message={
            "Subject": {"Data": f"Registration for {body['eventname']}"},
            "Body": {"Text": {"Data": f"Hello {body['cname']},\n\nyou are registered for {body['eventname']}.\n"}},
        },
    )
    return Response({"message": "Registration successful!"}, status_code=201)
