// Reads documents, each a line of JSON, and writes a line of what is wrong with each; the argument is where
// html-validate is installed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { HtmlValidate } = createRequire(`${process.argv[2]}/`)("html-validate");

// Style is our own matter: what a browser has made of a page isn't written by hand.
const validator = new HtmlValidate({ extends: ["html-validate:standard", "html-validate:a11y"] });

for await (const line of createInterface({ input: process.stdin })) {
  const { results } = await validator.validateString(JSON.parse(line));
  const messages = results.flatMap((result) => result.messages);
  console.log(JSON.stringify(messages.map((each) => `${each.line}: ${each.ruleId}: ${each.message}`)));
}
