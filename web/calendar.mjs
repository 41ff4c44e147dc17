/** Writes an event's entry for calendar programs (RFC 5545), of its card alone: no person is in it. */

/** What the file is called. */
export const FILE_NAME = "event.ics";

/** A line's octets at most, with the space that it goes on with. */
const MOST = 75;
const A_SECOND = 1000;
const encoder = new TextEncoder();

/**
 * Write the entry.
 *
 * @param {object} card
 * @param {{host: string, now: number}} page Its host, at which the event's id is unique, and the present in milliseconds.
 * @returns {string} The file: the same for everybody, and with the same identity when it is written again.
 */
export function calendarOf(card, { host, now }) {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//event-registration//event-registration//EN",
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    `UID:${card.eventid}@${host}`,
    `DTSTAMP:${instantOf(now)}`,
    `DTSTART:${instantOf(Date.parse(card.starts_at))}`,
    // RFC 5545, 3.8.2.2: later than the start, in whole seconds too.
    `DTEND:${instantOf(Date.parse(card.ends_at) + A_SECOND - 1)}`,
    `SUMMARY:${escaped(card.eventname)}`,
    ...(card.venue ? [`LOCATION:${escaped(card.venue)}`] : []),
    "STATUS:CONFIRMED",
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return lines.map((line) => `${folded(line)}\r\n`).join("");
}

function instantOf(milliseconds) {
  return new Date(milliseconds).toISOString().replace(/[-:]|\.\d+/g, "");
}

function escaped(text) {
  return text.replace(/[\\;,]/g, "\\$&").replaceAll("\n", "\\n");
}

/** Break *line* before the sign that doesn't fit, never within one. */
function folded(line) {
  let text = "";
  let octets = 0;
  for (const sign of line) {
    const size = encoder.encode(sign).length;
    if (octets + size > MOST) {
      text += "\r\n ";
      octets = 1;
    }
    text += sign;
    octets += size;
  }
  return text;
}
