/**
 * What a valid registration is: the same normal forms, rules and codes as the server's.
 *
 * The server decides; this module only spares people a round trip. Both run the cases in tests/wire.
 */

import {
  checkAddress,
  checkEventId,
  checkName,
  normaliseAddress,
  normaliseEventId,
  normaliseName,
} from "./rules.mjs";

const RULES = {
  eventid: { normalise: normaliseEventId, check: checkEventId },
  eventname: { normalise: normaliseName, check: checkName },
  cname: { normalise: normaliseName, check: checkName },
  cemail: { normalise: normaliseAddress, check: checkAddress },
};

function codeOf(value, check) {
  if (value === undefined || value === null || value === "") return "required";
  return typeof value === "string" ? check(value) : "not-a-string";
}

/**
 * Normalise fields of *data*, whatever JSON it holds, and name everything that is wrong with them.
 *
 * @param {{eventid?: unknown, eventname?: unknown, cname?: unknown, cemail?: unknown}} data
 * @param {string[]} [asked] The fields that are asked for; all four unless told.
 * @returns {{value: object, problems: {field: string, code: string}[]}} Those fields in normal form,
 *   and one problem for each that breaks its rule, in the server's order.
 */
export function validate(data, asked = Object.keys(RULES)) {
  const value = {};
  const problems = [];
  for (const [field, { normalise, check }] of Object.entries(RULES)) {
    if (!asked.includes(field)) continue;
    const given = data?.[field];
    value[field] = typeof given === "string" ? normalise(given) : given;
    const code = codeOf(value[field], check);
    if (code) problems.push({ field, code });
  }
  return { value, problems };
}
