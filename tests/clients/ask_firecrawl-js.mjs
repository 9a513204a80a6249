// Drives crawld with Firecrawl's own JavaScript SDK.
import assert from "node:assert/strict";
import Firecrawl from "@mendable/firecrawl-js";

const { url, token, site } = JSON.parse(process.argv[2]);
const app = new Firecrawl({ apiKey: token, apiUrl: url });

const page = await app.scrape(`${site}/tea`, { formats: ["markdown", "html", "rawHtml", "links"] });
assert.match(page.markdown, /^# Tea/);
assert.match(page.rawHtml, /<nav>/);
assert.doesNotMatch(page.html, /Menu/);
assert.equal(page.metadata.statusCode, 200);
await assert.rejects(app.scrape(`${site}/tea`, { formats: ["summary"] }), /not supported/);

const job = await app.crawl(`${site}/`, { limit: 10, sitemap: "skip", pollInterval: 1, timeout: 60 });
assert.equal(job.status, "completed");
assert.equal(job.data.length, 4);
const errors = await app.getCrawlErrors(job.id);
assert.deepEqual(errors.robotsBlocked, [`${site}/private/x`]);

const batch = await app.batchScrape([`${site}/a`, `${site}/b`], { options: { formats: ["markdown"] }, pollInterval: 1 });
assert.equal(batch.data.length, 2);
const found = await app.map(`${site}/`, { search: "tea" });
assert.deepEqual(found.links.map((one) => one.url), [`${site}/tea`]);

const begun = await app.startCrawl(`${site}/`, { limit: 100, delay: 30 });
assert.ok((await app.getActiveCrawls()).crawls.some((one) => one.id === begun.id));
assert.ok(await app.cancelCrawl(begun.id));
console.log(`${job.data.length} documents of a crawl, a batch, a map, a cancelled crawl`);
