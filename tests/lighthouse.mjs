// Prints the scores that Lighthouse gives a page, out of 100, and what costs points.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, chromePath, address, categories] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const [{ default: lighthouse }, { launch }] = await Promise.all(["lighthouse", "chrome-launcher"].map(load));

const chrome = await launch({ chromePath, chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"] });
try {
  const { lhr } = await lighthouse(address, { port: chrome.port, onlyCategories: categories.split(",") });
  const scores = Object.values(lhr.categories).map(({ id, score }) => [id, Math.round(score * 100)]);
  const costs = Object.values(lhr.categories).flatMap(({ auditRefs }) =>
    auditRefs.filter(({ id, weight }) => weight > 0 && lhr.audits[id].score < 1).map(({ id }) => id),
  );
  console.log(JSON.stringify({ scores: Object.fromEntries(scores), costs }));
} finally {
  chrome.kill();
}
