"""
The second Lambda: ``sender.handler`` sends what the first has left due, tries again what fails, and marks bounces.

Point the table's stream at it, with *ReportBatchItemFailures* and the filter ``{"dynamodb": {"NewImage": {"mail": {"S":
["due"]}}}}``, a rule of EventBridge's that calls it every minute, and one on the bounces and complaints of SES.

It needs the variables EVENT_REGISTRATION_SENDER and EVENT_REGISTRATION_CONFIRMATION=outbox, and the permissions to read
the stream, ``dynamodb:GetItem`` and ``UpdateItem`` on the table, ``dynamodb:Query`` on its index, ``ses:SendEmail`` and
``ses:GetAccount``.
"""

from event_registration import make_stream_handler

handler = make_stream_handler()
