"""Powertools for AWS Lambda as its manual has it: resolver with validation by pydantic, logger and metrics."""

import os

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response, content_types
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError
from pydantic import BaseModel, Field

dynamodb = boto3.client("dynamodb")
ses = boto3.client("ses")
logger = Logger()
metrics = Metrics()
app = APIGatewayRestResolver(enable_validation=True, cors=CORSConfig(allow_origin=os.environ["ALLOWED_ORIGIN"]))


class Registration(BaseModel):
    """What a form sends."""

    eventid: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    eventname: str = Field(min_length=1, max_length=100)
    cname: str = Field(min_length=1, max_length=100)
    cemail: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)


class Confirmation(BaseModel):
    """What a form is told."""

    message: str


@app.post("/registrations")
def register(registration: Registration) -> Response[Confirmation]:
    """Store the registration, mail the confirmation, answer."""
    try:
        dynamodb.put_item(
            TableName=os.environ["TABLE_NAME"],
            Item={name: {"S": value} for name, value in registration.model_dump().items()},
            ConditionExpression="attribute_not_exists(eventid)",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return Response(409, content_types.APPLICATION_JSON, Confirmation(message="Already registered."))
    ses.send_email(
        Source=os.environ["SENDER"],
        Destination={"ToAddresses": [registration.cemail]},
        Message={
            "Subject": {"Data": f"Registration for {registration.eventname}"},
            "Body": {
                "Text": {"Data": f"Hello {registration.cname},\n\nyou are registered for {registration.eventname}.\n"}
            },
        },
    )
    metrics.add_metric(name="Registrations", unit=MetricUnit.Count, value=1)
    logger.info("registered", eventid=registration.eventid)
    return Response(201, content_types.APPLICATION_JSON, Confirmation(message="Registration successful!"))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    """Answer a call of API Gateway."""
    return app.resolve(event, context)
