// Registers in Firefox, or cancels, as a person does; exits with an error if the page doesn't say what it should.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, executablePath, what, address] = process.argv.slice(2);
const { default: puppeteer } = await import(pathToFileURL(createRequire(`${folder}/`).resolve("puppeteer-core")));

/** What is done, and the heading that is there in the end. */
const flows = {
  async register(page) {
    await page.type("#cname", "نیلوفر علی‌زاده");
    await page.type("#cemail", "firefox@example.org");
    await page.locator("label::-p-text(Yes)").click();
    await page.locator("[name='answers.nights']").fill("2");
    await page.locator("[name='answers.arrival']").fill("2098-05-31");
    await page.locator("label::-p-text(I agree)").click();
    await page.locator("#submit").click();
    return "Registration successful!";
  },
  async cancel(page) {
    await page.locator("#cancel").click();
    await page.locator("#give-up").click();
    return "Your registration is cancelled";
  },
};

const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
try {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  await page.goto(address);
  await page.locator("#cname, #cancel").wait();
  const heading = await flows[what](page);
  await page.waitForFunction(
    (text) => [...document.querySelectorAll("h1, h2")].some((node) => node.textContent === text && node.checkVisibility()),
    { timeout: 30_000 },
    heading,
  );
  if (errors.length > 0) throw new Error(errors.join("\n"));
} finally {
  await browser.close();
}
