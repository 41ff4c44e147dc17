"""The tutorials' handler with DynamoDB's resource, as most of them have it; nothing is checked here either."""

import json
import os

import boto3
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
ses = boto3.client("ses")

HEADERS = {
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": os.environ["ALLOWED_ORIGIN"],
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Allow-Methods": "OPTIONS,POST",
}


def handler(event, context):
    """Store the registration, mail the confirmation, answer."""
    body = json.loads(event["body"])
    try:
        table.put_item(
            Item={
                "eventid": body["eventid"],
                "cemail": body["cemail"],
                "eventname": body["eventname"],
                "cname": body["cname"],
            },
            ConditionExpression="attribute_not_exists(eventid)",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return {"statusCode": 409, "headers": HEADERS, "body": json.dumps({"message": "Already registered."})}
    ses.send_email(
        Source=os.environ["SENDER"],
        Destination={"ToAddresses": [body["cemail"]]},
        Message={
            "Subject": {"Data": f"Registration for {body['eventname']}"},
            "Body": {"Text": {"Data": f"Hello {body['cname']},\n\nyou are registered for {body['eventname']}.\n"}},
        },
    )
    return {"statusCode": 201, "headers": HEADERS, "body": json.dumps({"message": "Registration successful!"})}
