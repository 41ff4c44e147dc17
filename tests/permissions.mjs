// Reads lists of simulations, each a line of JSON, and writes a line of IAM's answers to each; the argument is where
// iam-simulate is installed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { runSimulation } = createRequire(`${process.argv[2]}/`)("@cloud-copilot/iam-simulate");

for await (const line of createInterface({ input: process.stdin })) {
  const answers = [];
  for (const simulation of JSON.parse(line)) {
    const answer = await runSimulation(simulation, {});
    // A wildcard in a question would be answered by guesses; no real request has one.
    if (answer.resultType !== "single") {
      throw new Error(`${JSON.stringify(simulation.request)}: ${answer.errors?.message ?? answer.resultType}`);
    }
    answers.push(answer.overallResult);
  }
  console.log(JSON.stringify(answers));
}
