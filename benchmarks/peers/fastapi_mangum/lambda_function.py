"""FastAPI behind Mangum, as both manuals have it: a model of pydantic, the middleware for CORS, a plain function."""

import os

import boto3
from botocore.exceptions import ClientError
from fastapi import FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from mangum import Mangum
from pydantic import BaseModel, Field

dynamodb = boto3.client("dynamodb")
ses = boto3.client("ses")
app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origins=[os.environ["ALLOWED_ORIGIN"]], allow_methods=["POST"], allow_headers=["*"]
)


class Registration(BaseModel):
    """What a form sends."""

    eventid: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    eventname: str = Field(min_length=1, max_length=100)
    cname: str = Field(min_length=1, max_length=100)
    cemail: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)


class Confirmation(BaseModel):
    """What a form is told."""

    message: str


@app.post("/registrations", status_code=201)
def register(registration: Registration) -> Confirmation:
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
        raise HTTPException(409, "Already registered.") from None
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
    return Confirmation(message="Registration successful!")


handler = Mangum(app, lifespan="off")
