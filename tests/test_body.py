"""A request's body: one JSON object, or an error that says why not."""

import base64
import json
import re

import pytest
from cases import body_of, each_case, fields_of, load
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import cpu_seconds

from event_registration.body import MAX_BODY, json_object
from event_registration.errors import BodyTooLargeError, InvalidRegistrationError, MalformedBodyError
from event_registration.wire import registration_from_request

BODY = '{"eventid":"spring-2026","eventname":"Spring Meeting","cname":"Ada","cemail":"ada@example.org"}'
REFUSED_BODIES = load("bodies.json")
ACCEPTED_BODIES = load("bodies-accepted.json")
MEDIA_TYPES = [case for case in REFUSED_BODIES if case["status"] == 415]
PARSED_BODIES = [case for case in REFUSED_BODIES if case["status"] != 415]
# Far above what an honest parser needs for 16 KiB (a few milliseconds), far below what a quadratic one takes.
PATIENCE = 0.25


def _register(case, body):
    return registration_from_request(json_object(body, is_base64=case.get("is_base64", False)))


def _outcome(case, body):
    try:
        _register(case, body)
    except MalformedBodyError as error:
        return 400, error.reason
    except BodyTooLargeError as error:
        return 413, error.code
    except InvalidRegistrationError as error:
        return 422, error.code
    return 201, None


class TestBodyCases:
    """Raw bodies, by the cases in `wire/bodies*.json`."""

    @each_case(PARSED_BODIES)
    def test_a_hostile_body_is_refused_as_text(self, case):
        """A hostile body is refused for its own reason, within its time, and by no other error."""
        body = body_of(case)

        outcome = _outcome(case, body)

        assert outcome == (case["status"], case["code"])
        assert cpu_seconds(lambda: _outcome(case, body)) < PATIENCE

    @each_case(case for case in PARSED_BODIES if "body" in case)
    def test_a_hostile_body_is_refused_as_octets(self, case):
        """It makes no difference whether a transport hands over text or octets."""
        body = body_of(case).encode()

        outcome = _outcome(case, body)

        assert outcome == (case["status"], case["code"])

    @pytest.mark.parametrize("form", [str, str.encode], ids=["text", "octets"])
    @each_case(ACCEPTED_BODIES)
    def test_an_odd_but_honest_body_is_accepted(self, case, form):
        """What only looks hostile is registered, in normal form."""
        body = form(body_of(case))

        registration = _register(case, body)

        assert fields_of(registration) == case["normal"]

    @each_case(MEDIA_TYPES)
    def test_a_media_type_case_is_refused_for_its_type_alone(self, case):
        """A wrong content type is told by its own code; absent and null mean application/json and no header."""
        content_type = case["content_type"]

        assert case["code"] == "unsupported-media-type"
        assert content_type is None or not re.fullmatch(
            r"\s*application/json\s*(;\s*charset=\"?utf-8\"?)?\s*", content_type, re.IGNORECASE
        )

    def test_there_are_many(self):
        """The list of hostile bodies holds more than two hundred."""
        count = len(REFUSED_BODIES)

        assert count >= 200


class TestJsonObject:
    """The parser's own truths."""

    @pytest.mark.parametrize("form", [str, str.encode, bytes], ids=["text", "octets", "bytes"])
    def test_text_and_octets_are_one(self, form):
        """The object is the same from text and from octets."""
        body = b'{"a": ["\xc3\xab", 1, 1.5, true, null]}' if form is bytes else form('{"a": ["ë", 1, 1.5, true, null]}')

        value = json_object(body)

        assert value == {"a": ["ë", 1, 1.5, True, None]}

    def test_base64_is_undone(self):
        """A body marked as base64 is decoded first."""
        body = base64.b64encode(BODY.encode()).decode()

        value = json_object(body, is_base64=True)

        assert value == json.loads(BODY)

    def test_plain_json_is_not_decoded(self):
        """A body not marked as base64 is never decoded, even if it could be."""
        body = base64.b64encode(BODY.encode()).decode()

        with pytest.raises(MalformedBodyError, match=r"^The body is not JSON: line 1, column 1\.$"):
            json_object(body)

    @pytest.mark.parametrize("is_base64", [False, True], ids=["plain", "base64"])
    def test_the_limit_is_exact(self, is_base64):
        """16 KiB are read, one octet more is not."""
        longest = BODY.encode().ljust(MAX_BODY)
        encode = base64.b64encode if is_base64 else bytes

        value = json_object(encode(longest), is_base64=is_base64)
        with pytest.raises(BodyTooLargeError):
            json_object(encode(longest + b" "), is_base64=is_base64)

        assert value == json.loads(BODY)

    @pytest.mark.parametrize("is_base64", [False, True], ids=["plain", "base64"])
    def test_an_oversized_body_is_not_decoded(self, is_base64):
        """What is too long is told so, whatever else is wrong with it."""
        body = b"\xff!" * MAX_BODY

        with pytest.raises(BodyTooLargeError, match=r"16384 octets"):
            json_object(body, is_base64=is_base64)

    @pytest.mark.parametrize("body", ["\ud800", '{"a":"\udfff"}'], ids=["alone", "in a string"])
    @pytest.mark.parametrize("is_base64", [False, True], ids=["plain", "base64"])
    def test_text_with_lone_surrogates_is_not_utf_8(self, body, is_base64):
        """Text that no encoding can carry is refused like octets that are not UTF-8."""
        with pytest.raises(MalformedBodyError) as refusal:
            json_object(body, is_base64=is_base64)

        assert refusal.value.reason == "not-utf-8"

    def test_a_refusal_says_where_and_not_what(self):
        """The place is told; the body is never repeated, not even by the cause."""
        with pytest.raises(MalformedBodyError) as refusal:
            json_object('{"cname":\n "Ada" secret}')

        assert str(refusal.value) == "The body is not JSON: line 2, column 8."
        assert refusal.value.__suppress_context__

    @pytest.mark.parametrize(("levels", "refused"), [(16, False), (17, True)])
    def test_depth_is_bounded_at_sixteen_levels(self, levels, refused):
        """16 levels are read, 17 are not."""
        body = '{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"

        outcome = None
        try:
            json_object(body)
        except MalformedBodyError as error:
            outcome = error.reason

        assert (outcome == "too-deep") is refused

    @given(st.one_of(st.binary(max_size=60), st.text(st.characters(), max_size=60)), st.booleans())
    @settings(deadline=None)
    def test_nothing_but_its_own_errors_comes_out(self, body, is_base64):
        """Whatever arrives, the answer is an object or one of two documented errors."""
        outcome = None
        try:
            outcome = json_object(body, is_base64=is_base64)
        except (BodyTooLargeError, MalformedBodyError) as error:
            outcome = error

        assert isinstance(outcome, dict | BodyTooLargeError | MalformedBodyError)

    @given(
        st.lists(
            st.sampled_from(["{", "}", "[", "]", '"', "\\", ":", ",", "a", "1", "null", " ", '{"a":', "NaN", "1e999"]),
            max_size=40,
        ).map("".join)
    )
    @settings(deadline=None)
    def test_what_is_accepted_is_what_a_plain_parser_reads(self, body):
        """Fragments of JSON are refused, or read as the standard library reads them."""
        value = None
        try:
            value = json_object(body)
        except MalformedBodyError:
            return

        assert value == json.loads(body)
