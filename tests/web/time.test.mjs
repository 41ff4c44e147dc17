import assert from "node:assert/strict";
import { test } from "node:test";

import { clockOf, clocksDiffer, isZone, momentIn, placeOf, spanIn, textOf } from "../../web/time.mjs";
import "./speaking.mjs";

/** The text of *runs*, whatever spaces the platform's tables have around a dash or in a time. */
const plain = (runs) => textOf(runs).replace(/\s*[–—-]\s*/gu, "–").replace(/\s/gu, " ");
const timesOf = (runs) => runs.flatMap(({ datetime }) => datetime ?? []);
const at = (text) => new Date(text);

function span(zone, start, end, locale = "en-GB") {
  const { days, hours } = spanIn(zone, at(start), at(end), locale);
  return [plain(days), plain(hours)];
}

test("an event on one day has its date and its hours", () => {
  const [days, hours] = span("Europe/Berlin", "2030-06-01T07:00:00Z", "2030-06-01T15:00:00Z");

  assert.equal(days, "Saturday, 1 June 2030");
  assert.equal(hours, "09:00–17:00");
});

test("a reader's own English writes dates and hours as they do", () => {
  const [days, hours] = span("Europe/Berlin", "2030-06-01T07:00:00Z", "2030-06-01T15:00:00Z", "en-US");

  assert.equal(days, "Saturday, June 1, 2030");
  assert.equal(hours, "9:00 AM–5:00 PM");
});

test("the same instants are another day elsewhere", () => {
  const [days, hours] = span("Pacific/Auckland", "2030-06-01T15:00:00Z", "2030-06-01T20:30:00Z");

  assert.equal(days, "Sunday, 2 June 2030");
  assert.equal(hours, "03:00–08:30");
});

test("a night is on the day it begins, and names the one it ends on", () => {
  const [days, hours] = span("Europe/Berlin", "2030-06-01T20:00:00Z", "2030-06-02T01:00:00Z");

  assert.equal(days, "Saturday, 1 June 2030");
  assert.equal(hours, "22:00–Sunday 03:00");
});

test("an event of several days has its dates, and weekdays with its hours", () => {
  const [days, hours] = span("Europe/Berlin", "2030-05-31T07:00:00Z", "2030-06-02T15:00:00Z");

  assert.equal(days, "31 May–2 June 2030");
  assert.equal(hours, "Friday 09:00–Sunday 17:00");
});

test("clocks that are put back on the way show what they show at each end", () => {
  const [, hours] = span("Europe/Berlin", "2030-10-26T18:00:00Z", "2030-10-27T09:00:00Z");

  assert.equal(hours, "20:00–Sunday 10:00");
});

test("clocks that are put forward on the way show what they show at each end", () => {
  const [days, hours] = span("America/New_York", "2030-03-10T06:30:00Z", "2030-03-10T07:30:00Z");

  assert.equal(days, "Sunday, 10 March 2030");
  assert.equal(hours, "01:30–03:30");
});

for (const [zone, expected] of [["Asia/Kathmandu", "12:45"], ["Australia/Lord_Howe", "17:30"], ["UTC", "07:00"]]) {
  test(`${zone} has clocks of its own`, () => {
    const [, hours] = span(zone, "2030-06-01T07:00:00Z", "2030-06-01T07:15:00Z");

    assert.equal(hours.split("–")[0], expected);
  });
}

for (const locale of ["en-GB", "en-US", "en-IN", "en-CA"]) {
  test(`in ${locale} start and end are marked up as what they are`, () => {
    const { hours } = spanIn("Europe/Berlin", at("2030-06-01T07:00:00Z"), at("2030-06-01T15:00:00Z"), locale);

    assert.deepEqual(timesOf(hours), ["2030-06-01T07:00:00Z", "2030-06-01T15:00:00Z"]);
  });
}

test("a moment has date and time, and is marked up to the millisecond", () => {
  const runs = momentIn("Europe/Berlin", at("2030-05-01T08:00:00.500Z"), "en-GB");

  assert.match(plain(runs), /^Wednesday,? 1 May 2030(?: at|,) 10:00$/);
  assert.deepEqual(timesOf(runs), ["2030-05-01T08:00:00.500Z"]);
});

test("two zones differ if their clocks do at any of the instants", () => {
  const [summer, winter] = [at("2030-10-26T18:00:00Z"), at("2030-10-27T09:00:00Z")];

  assert.equal(clocksDiffer("Europe/Berlin", "Africa/Lagos", [winter]), false);
  assert.equal(clocksDiffer("Europe/Berlin", "Africa/Lagos", [summer]), true);
  assert.equal(clocksDiffer("Europe/Berlin", "Africa/Lagos", [summer, winter]), true);
  assert.equal(clocksDiffer("Europe/Berlin", "Europe/Zurich", [summer, winter]), false);
});

test("the same hour of another day is another time", () => {
  assert.equal(clocksDiffer("Pacific/Kiritimati", "Pacific/Honolulu", [at("2030-06-01T07:00:00Z")]), true);
});

for (const [zone, place, clock] of [
  ["Europe/Berlin", "Berlin", "Berlin time"],
  ["America/Argentina/Buenos_Aires", "Buenos Aires", "Buenos Aires time"],
  ["UTC", "UTC", "UTC"],
  ["Etc/UTC", "UTC", "UTC"],
  ["Etc/GMT+5", "GMT-5", "GMT-5"],
]) {
  test(`the clocks of ${zone} are called ${clock}`, () => {
    assert.equal(placeOf(zone), place);
    assert.equal(clockOf(zone), clock);
  });
}

test("a zone that the platform doesn't know is no zone", () => {
  assert.equal(isZone("Europe/Berlin"), true);
  assert.equal(isZone("Mars/Olympus_Mons"), false);
});

test("dates are of the calendar that the mails have, whatever else is usual in a country", () => {
  for (const locale of ["ar-SA", "fa-IR", "th-TH"]) {
    const parts = new Intl.DateTimeFormat(locale, { calendar: "gregory", year: "numeric", timeZone: "UTC" });

    const [days] = span("UTC", "2030-06-01T07:00:00Z", "2030-06-01T15:00:00Z", locale);

    assert.ok(days.includes(parts.formatToParts(at("2030-06-01T07:00:00Z")).find(({ type }) => type === "year").value));
  }
});
