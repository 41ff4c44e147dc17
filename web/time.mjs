/**
 * Instants as people read them, in whichever time zone and language.
 *
 * A text comes as its runs, `{text, datetime?}`: a run with a `datetime` is a time, for the page to mark up as one.
 */

import { language, runsOf, text } from "./texts.mjs";

const A_DAY = 24 * 60 * 60 * 1000;

/**
 * Tell how the reader's times are to be written.
 *
 * @returns {{zone: string, locale: string}} Their time zone, and how they write dates.
 */
export function readerOf() {
  return { locale: language().locale, zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
}

/** Whether this browser knows the time zone. New ones come every few years. */
export function isZone(zone) {
  try {
    format("en", zone, {});
    return true;
  } catch {
    return false;
  }
}

/** What a zone's clocks show: `Buenos Aires time` in `America/Argentina/Buenos_Aires`, `UTC` in `Etc/UTC`. */
export function clockOf(zone) {
  return isPlace(zone) ? text("time.clock", { place: placeOf(zone) }) : placeOf(zone);
}

/** The place that a zone is named after; of one that isn't, the short name of its clock. */
export function placeOf(zone) {
  if (isPlace(zone)) return zone.split("/").at(-1).replaceAll("_", " ");
  const parts = format("en-GB", zone, { timeZoneName: "short" }).formatToParts(0);
  return parts.find(({ type }) => type === "timeZoneName").value;
}

/** An instant with its date, in *zone*. */
export function momentIn(zone, instant, locale) {
  return [timeAt(instant, format(locale, zone, { dateStyle: "full", timeStyle: "short" }).format(instant))];
}

/**
 * From one instant to another, in *zone*.
 *
 * @returns {{days: object[], hours: object[]}} The runs of the date or dates; and of the hours, with their weekdays
 *   where the dates don't tell them: a night is on the day it begins, longer events are on all their days.
 */
export function spanIn(zone, start, end, locale) {
  const day = format(locale, zone, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const hour = format(locale, zone, { hour: "numeric", minute: "2-digit" });
  const hourOfDay = format(locale, zone, { weekday: "long", hour: "numeric", minute: "2-digit" });
  const firstDay = [timeAt(start, day.format(start))];
  if (day.format(start) === day.format(end)) return { days: firstDay, hours: rangeOf(hour, start, end) };
  const hoursFrom = (first) => runsOf("time.span", { start: [first], end: [timeAt(end, hourOfDay.format(end))] });
  if (end - start < A_DAY) return { days: firstDay, hours: hoursFrom(timeAt(start, hour.format(start))) };
  const dates = format(locale, zone, { day: "numeric", month: "long", year: "numeric" });
  return { days: rangeOf(dates, start, end), hours: hoursFrom(timeAt(start, hourOfDay.format(start))) };
}

/** Whether a clock of one zone shows another time or date than a clock of the other at one of the *instants*. */
export function clocksDiffer(zone, other, instants) {
  const clock = { dateStyle: "short", timeStyle: "short" };
  const [ours, theirs] = [format("en", zone, clock), format("en", other, clock)];
  return instants.some((instant) => ours.format(instant) !== theirs.format(instant));
}

/** The text of *runs*. */
export function textOf(runs) {
  return runs.map(({ text }) => text).join("");
}

function isPlace(zone) {
  return zone.includes("/") && !zone.startsWith("Etc/");
}

/** In the calendar that the mails have and that dates are asked for in, whatever else is usual in a country. */
function format(locale, zone, options) {
  return new Intl.DateTimeFormat(locale, { ...options, calendar: "gregory", timeZone: zone });
}

function timeAt(instant, text) {
  return { text, datetime: instant.toISOString().replace(".000Z", "Z") };
}

/** The runs of a range, which a locale may write in any order and with parts in common: `1–3 June`, `June 1 – 3`. */
function rangeOf(formatter, start, end) {
  const instants = { startRange: start, endRange: end };
  const runs = [];
  for (const { source, value } of formatter.formatRangeToParts(start, end)) {
    if (runs.at(-1)?.source === source) runs.at(-1).text += value;
    else runs.push({ source, text: value });
  }
  return runs.map(({ source, text }) => (source in instants ? timeAt(instants[source], text) : { text }));
}
