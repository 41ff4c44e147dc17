"""
The whole Lambda: point an API Gateway, function URL or load balancer at ``app.handler``.

It needs the variable EVENT_REGISTRATION_SENDER, a table ``eventmanagement`` with the keys ``eventid`` and ``sk``, and
the permissions ``dynamodb:PutItem`` and ``ses:SendEmail``.
"""

from event_registration import make_lambda_handler

handler = make_lambda_handler()
