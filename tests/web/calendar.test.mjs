import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { calendarOf } from "../../web/calendar.mjs";

const cases = JSON.parse(readFileSync(new URL("../wire/calendar.json", import.meta.url), "utf8"));
const page = { host: "events.example.org", now: Date.parse("2030-03-01T12:00:00.789Z") };
const card = {
  eventid: "pyday-2030",
  eventname: "Python Day 🎉",
  state: "open",
  starts_at: "2030-06-01T07:00:00Z",
  ends_at: "2030-06-01T15:00:00Z",
  time_zone: "Europe/Zurich",
  venue: "Rathaus, Zürich",
  questions: null,
};

for (const { description, card: facts, lines } of cases) {
  test(`the facts are written as everywhere: ${description}`, () => {
    const text = calendarOf({ ...card, ...facts }, page);

    assert.ok(text.includes(`\r\n${lines.map((line) => `${line}\r\n`).join("")}STATUS:`), text);
  });
}

test("the whole file is published, and about nobody", () => {
  assert.deepEqual(calendarOf(card, page).split("\r\n"), [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//event-registration//event-registration//EN",
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    "UID:pyday-2030@events.example.org",
    "DTSTAMP:20300301T120000Z",
    "DTSTART:20300601T070000Z",
    "DTEND:20300601T150000Z",
    "SUMMARY:Python Day 🎉",
    "LOCATION:Rathaus\\, Zürich",
    "STATUS:CONFIRMED",
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ]);
});

test("no line is longer than 75 octets, and none ends within a sign", () => {
  for (let length = 0; length < 80; length += 1) {
    const venue = `${"a".repeat(length)}${"🎉".repeat(40)}`;

    const lines = calendarOf({ ...card, venue }, page).split("\r\n");

    assert.ok(lines.every((line) => new TextEncoder().encode(line).length <= 75 && line.isWellFormed()));
    assert.ok(lines.join("\r\n").replaceAll("\r\n ", "").includes(`LOCATION:${venue}\r\n`));
  }
});
