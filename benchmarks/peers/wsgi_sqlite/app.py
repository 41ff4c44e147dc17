"""A tutorial's server behind waitress: one table, one insert, a JSON answer; nothing is checked, no mail is sent."""

import json
import sqlite3
import sys
import threading

from waitress import serve

own = threading.local()


def connection():
    """Return this thread's connection, whose writes are on the disk when they return."""
    if not hasattr(own, "connection"):
        own.connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
        own.connection.execute("PRAGMA journal_mode = WAL")
        own.connection.execute("PRAGMA synchronous = FULL")
        own.connection.execute(
            "CREATE TABLE IF NOT EXISTS registration "
            "(eventid TEXT, cemail TEXT, eventname TEXT, cname TEXT, PRIMARY KEY (eventid, cemail))"
        )
    return own.connection


def app(environ, start_response):
    """Store a registration and answer."""
    body = json.loads(environ["wsgi.input"].read())
    connection().execute("INSERT INTO registration VALUES (:eventid, :cemail, :eventname, :cname)", body)
    start_response("201 Created", [("Content-Type", "application/json")])
    return [b'{"message": "Registration successful!"}']


serve(app, host="127.0.0.1", port=int(sys.argv[2]), threads=8)
