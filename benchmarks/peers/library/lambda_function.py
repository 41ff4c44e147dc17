"""The library as `pip install` brings it, in the three lines of its README."""

from event_registration import make_lambda_handler

handler = make_lambda_handler()
