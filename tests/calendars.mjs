// Reads a calendar with ical.js, whose module is the first argument, and writes what it says as JSON: what kind of message
// it is, and its event's properties, instants as UTC.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: ICAL } = await import(pathToFileURL(process.argv[2]));
ICAL.design.strict = true;

const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const event = calendar.getFirstSubcomponent("vevent");
const properties = event.getAllProperties().map((property) => {
  const value = property.getFirstValue();
  return [property.name, value instanceof ICAL.Time ? value.toJSDate().toISOString() : value];
});
console.log(JSON.stringify({ method: calendar.getFirstPropertyValue("method"), ...Object.fromEntries(properties) }));
