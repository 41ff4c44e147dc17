"""
The first of two Lambdas that lose no mail: ``app.handler`` answers people, and leaves each mail due in the row.

It needs EVENT_REGISTRATION_CONFIRMATION=outbox, a table ``eventmanagement`` with the keys ``eventid`` and ``sk``, the
index ``outbox`` and a stream, as deploy/cloudformation.yaml makes it, and the permission ``dynamodb:PutItem`` alone.
"""

from event_registration import make_lambda_handler

handler = make_lambda_handler()
