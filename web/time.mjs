/**
 * Instants as people read them, in whichever time zone.
 *
 * A text comes as its runs, `{text, datetime?}`: a run with a `datetime` is a time, for the page to mark up as one.
 */

const SITE_ENGLISH = "en-GB";
const A_DAY = 24 * 60 * 60 * 1000;

/**
 * Choose the English that dates are written in, as the rest of the page is English: the reader's own kind of it.
 *
 * @param {readonly string[]} languages What the reader prefers, best first (BCP 47).
 */
export function localeOf(languages) {
  return languages.find((language) => /^en\b/i.test(language)) ?? SITE_ENGLISH;
}

/**
 * Tell how the reader's times are to be written.
 *
 * @param {readonly string[]} languages What they prefer, best first.
 * @returns {{zone: string, locale: string}} Their time zone, and how they write dates.
 */
export function readerOf(languages) {
  return { locale: localeOf(languages), zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
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
  return isPlace(zone) ? `${placeOf(zone)} time` : placeOf(zone);
}

/** The place that a zone is named after; of one that isn't, the short name of its clock. */
export function placeOf(zone) {
  if (isPlace(zone)) return zone.split("/").at(-1).replaceAll("_", " ");
  const parts = format(SITE_ENGLISH, zone, { timeZoneName: "short" }).formatToParts(0);
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
  const until = [{ text: " – " }, timeAt(end, hourOfDay.format(end))];
  if (end - start < A_DAY) return { days: firstDay, hours: [timeAt(start, hour.format(start)), ...until] };
  const dates = format(locale, zone, { day: "numeric", month: "long", year: "numeric" });
  return { days: rangeOf(dates, start, end), hours: [timeAt(start, hourOfDay.format(start)), ...until] };
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

function format(locale, zone, options) {
  return new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
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
