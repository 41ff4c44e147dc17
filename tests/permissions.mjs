// Reads simulations as JSON and writes IAM's answer to each; the argument is where iam-simulate is installed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { runSimulation } = createRequire(`${process.argv[2]}/`)("@cloud-copilot/iam-simulate");

const answers = [];
for (const simulation of JSON.parse(readFileSync(0, "utf8"))) {
  const answer = await runSimulation(simulation, {});
  // A wildcard in a question would be answered by guesses; no real request has one.
  if (answer.resultType !== "single") {
    throw new Error(`${JSON.stringify(simulation.request)}: ${answer.errors?.message ?? answer.resultType}`);
  }
  answers.push(answer.overallResult);
}
process.stdout.write(JSON.stringify(answers));
