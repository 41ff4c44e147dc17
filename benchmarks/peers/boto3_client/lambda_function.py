"""The tutorials' handler: DynamoDB's and SES's clients, and nothing that is checked but that the fields are there."""

import json
import os

import boto3
from botocore.exceptions import ClientError

dynamodb = boto3.client("dynamodb")
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
        dynamodb.put_item(
            TableName=os.environ["TABLE_NAME"],
            Item={
                "eventid": {"S": body["eventid"]},
                "cemail": {"S": body["cemail"]},
                "eventname": {"S": body["eventname"]},
                "cname": {"S": body["cname"]},
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
