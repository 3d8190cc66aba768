// The page, in a browser, on the real engines: `make test-page`.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import axe from 'axe-core';

import { root, startBrowser, startStack, until } from './stack.mjs';

let stack;
let browser;
let page;
const wrong = []; // what the browser's console complained of
let expected = []; // of these complaints none is counted

before(async () => {
  [stack, browser] = await Promise.all([startStack(), startBrowser()]);
  page = await open({ width: 1280, height: 900 }, 'light');
});

after(async () => {
  await browser?.close();
  await stack?.stop();
  stack?.remove();
});

async function open(viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB' });
  const p = await context.newPage();
  p.setDefaultTimeout(30_000);
  const complain = (text) => {
    if (!expected.some((e) => e.test(text))) wrong.push(text);
  };
  p.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning') complain(m.text());
  });
  p.on('pageerror', (e) => complain(`${e}`));
  await p.goto(stack.page);
  await p.getByText('MongoDB live').waitFor();
  await p.getByText('Ditto live').waitFor();
  await p.getByLabel('Collection').selectOption('tasks');
  return p;
}

beforeEach(async () => {
  expected = [/status of 422/]; // a mistake, which the page shows beside the field
  await page.goto('about:blank');
  await page.goto(stack.page);
  await page.getByText('Ditto live').waitFor();
  await page.getByLabel('Collection').selectOption('tasks');
});

const view = (name) => page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).click();
const card = (id) => page.getByRole('article', { name: id, exact: true });
const same = (id) => card(id).getByText('same', { exact: true }).waitFor();

async function insert(side, doc) {
  await page.getByRole('button', { name: `New in ${side}` }).click();
  await page.getByRole('dialog').getByRole('textbox').fill(typeof doc === 'string' ? doc : JSON.stringify(doc));
  await page.getByRole('button', { name: 'Insert' }).click();
}

async function change(side, id, field, text) {
  await card(id).getByRole('button', { name: `Change ${field} in ${side}` }).click();
  await page.getByRole('textbox', { name: `${field} in ${side}` }).fill(text);
  await page.getByRole('button', { name: 'Save' }).click();
}

/** The text of a field on a side. */
const value = (side, id, field) => card(id).getByRole('button', { name: `Change ${field} in ${side}` }).locator('code');

async function shows(side, id, field, text) {
  await until(`${field} of ${id} in ${side} to be ${text}`, async () => {
    const v = value(side, id, field);
    return (await v.count()) === 1 && (await v.textContent()) === text;
  });
}

test('the walkthrough, by clicking', async () => {
  await page.getByText('No document in tasks yet').waitFor();
  await insert('Ditto', { _id: 'task-001', title: 'Complete documentation', status: 'active', quantity: 10 });
  await same('task-001');
  await shows('MongoDB', 'task-001', 'title', '"Complete documentation"');
  await insert('MongoDB', '{"_id": "task-002", "title": "Review PR", "status": "pending", "price": {"$numberDecimal": "12.90"}}');
  await same('task-002');
  await shows('Ditto', 'task-002', 'status', '"pending"');
  await card('task-002').getByText('Decimal128').waitFor();
  assert.match(await page.locator('#counts').textContent(), /^2 documents/);
});

test('an edit on each side is seen on the other', async () => {
  for (const [here, there] of [['MongoDB', 'Ditto'], ['Ditto', 'MongoDB']]) {
    const begun = Date.now();
    await change(here, 'task-001', 'status', `"by ${here}"`);
    await shows(there, 'task-001', 'status', `"by ${here}"`);
    await same('task-001');
    console.log(`    ${here} to ${there}: ${Date.now() - begun} ms, with the clicks`);
  }
  await page.locator('#flow').getByText('Ditto takes MongoDB’s status').first().waitFor();
  await page.locator('#flow').getByText('MongoDB takes Ditto’s status').first().waitFor();
  await page.locator('#flow').getByText(/echo(es)? of Causeway’s own writes/).first().waitFor();
});

test('a field is added and removed, a counter counts, a document is deleted', async () => {
  await card('task-001').getByRole('button', { name: 'Add a field to task-001 in Ditto' }).click();
  await page.getByLabel('Name of the field').fill('odd.$name');
  await page.getByLabel('Value', { exact: true }).fill('[1, "two"]');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await shows('MongoDB', 'task-001', 'odd.$name', '[1,"two"]');
  await card('task-001').getByRole('button', { name: 'Change odd.$name in MongoDB' }).click();
  await page.getByRole('button', { name: 'Remove field' }).click();
  await until('the field to go', async () => (await card('task-001').getByText('odd.$name').count()) === 0);

  await card('task-001').getByRole('button', { name: 'Change quantity in Ditto' }).click();
  await page.getByRole('button', { name: '+1' }).click();
  await shows('MongoDB', 'task-001', 'quantity', '11');
  await card('task-001').getByRole('button', { name: 'Change quantity in Ditto' }).click();
  await page.getByRole('textbox', { name: 'quantity in Ditto' }).fill('40');
  await page.getByRole('button', { name: 'Restart with' }).click();
  await shows('MongoDB', 'task-001', 'quantity', '40');

  await card('task-002').getByRole('button', { name: 'Delete task-002 in MongoDB' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await until('task-002 to go', async () => (await card('task-002').count()) === 0);
});

test('a mistake gets the server’s own message beside the field', async () => {
  await change('MongoDB', 'task-001', 'status', 'no quotation marks');
  await card('task-001').getByRole('alert').getByText('that is not JSON').waitFor();
  await page.keyboard.press('Escape');
  await insert('MongoDB', { _id: 'task-001' });
  await page.getByRole('dialog').getByText(/duplicate key|E11000/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await insert('Ditto', { _id: null });
  await page.getByRole('dialog').getByText(/^Ditto: .*Null document ID/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
});

test('by keyboard alone', async () => {
  await value('MongoDB', 'task-001', 'title').locator('..').focus();
  await page.keyboard.press('Enter');
  await page.keyboard.type('"By keyboard"'); // what was there is selected
  await page.keyboard.press('Enter');
  await shows('Ditto', 'task-001', 'title', '"By keyboard"');
  await until('the focus to come back', () => page.evaluate(() => document.activeElement.getAttribute('aria-label')?.startsWith('Change title in MongoDB')));
});

test('a conflict is made and resolved', async () => {
  const both = ['Pause changes in MongoDB', 'Pause changes in Ditto'];
  await view('Try faults');
  for (const name of both) await page.getByRole('button', { name }).click();
  await page.getByText('Paused: changes in MongoDB and changes in Ditto').waitFor();
  await view('Documents');
  await change('MongoDB', 'task-001', 'status', '"MongoDB says"');
  await change('Ditto', 'task-001', 'status', '"Ditto says"');
  await card('task-001').getByText('differs', { exact: true }).waitFor();
  await shoot('documents');
  await view('Try faults');
  for (const name of both) await page.getByRole('button', { name: name.replace('Pause', 'Resume') }).click();
  await view('Documents');
  await shows('Ditto', 'task-001', 'status', '"MongoDB says"');
  await view('Needs you');
  const section = page.getByRole('region', { name: 'Values that lost a conflict' });
  await section.getByText('"Ditto says"').waitFor();
  await section.getByText('rule: mongo').waitFor();
  await section.getByRole('button', { name: 'Take the losing value of status of task-001 after all' }).click();
  await view('Documents');
  for (const side of ['Ditto', 'MongoDB']) await shows(side, 'task-001', 'status', '"Ditto says"');
});

test('an answer that is late does not undo what was told since', async () => {
  const worker = (on) => page.request.post(`${stack.page}api/switch`, { headers: { origin: new URL(stack.page).origin }, data: { function: 'ditto-to-mongo', on } });
  const late = [];
  await page.route(/api\/(health|trouble)/, async (route) => {
    const response = await route.fetch(); // as things stand now
    await new Promise((r) => late.push(r));
    await route.fulfill({ response });
  });
  await page.reload();
  await until('both questions', () => late.length === 2);
  assert.equal((await worker(false)).status(), 200);
  await page.getByText('Paused: changes in Ditto').waitFor();
  await page.waitForTimeout(1500); // the charts have a new second, and all is told
  const answers = ['health', 'trouble'].map((of) => page.waitForResponse((r) => r.url().endsWith(`api/${of}`)).then((r) => r.finished()));
  late.forEach((r) => r());
  await Promise.all(answers);
  await page.unrouteAll({ behavior: 'wait' });
  await page.waitForTimeout(1000); // time enough to go wrong
  await page.getByText('Paused: changes in Ditto').waitFor();
  await view('Try faults');
  await page.getByRole('button', { name: 'Resume changes in Ditto' }).click();
  await page.getByRole('button', { name: 'Pause changes in Ditto' }).waitFor();
});

test('a document that cannot be synced is listed, mended and tried again', async () => {
  await insert('MongoDB', '{"_id": 1.5, "title": "a fraction is no id"}');
  await view('Needs you');
  const section = page.getByRole('region', { name: 'Documents that cannot be synced' });
  await section.getByText('fraction').first().waitFor();
  await section.getByRole('button', { name: 'Try them again' }).click();
  await until('the retry', async () => (await (await page.request.get(`${stack.page}api/runs`)).json()).some((r) => r.mode === 'retry' && !r.running));
  await view('Documents');
  await page.getByRole('combobox', { name: 'Show' }).selectOption('one');
  const odd = page.getByRole('article').filter({ hasText: 'a fraction is no id' });
  await odd.getByText('only in MongoDB').waitFor();
  await odd.getByRole('button', { name: /^Delete/ }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('Every document is on both sides').waitFor();
  await view('Needs you');
  await section.getByText('None: every document is synced').waitFor();
});

test('a fault is injected, seen, and healed', async () => {
  await view('Try faults');
  await page.getByRole('button', { name: 'An event is lost: MongoDB’s next' }).click();
  await page.locator('#lab-said').getByText('will be lost').waitFor();
  await view('Documents');
  await change('MongoDB', 'task-001', 'title', '"Nobody was told"');
  await card('task-001').getByText('differs', { exact: true }).waitFor();
  await view('Health');
  await page.getByRole('button', { name: 'Repair what differs' }).click();
  await page.getByText('as of').waitFor();
  await view('Documents');
  await shows('Ditto', 'task-001', 'title', '"Nobody was told"');
  await view('Health');
  await page.getByRole('button', { name: 'Verify every document' }).click();
  await page.getByText('The sides agree.').waitFor();
});

test('Ditto answers 503, and the change arrives all the same', async () => {
  await view('Try faults');
  await page.getByRole('button', { name: 'Ditto is overloaded: Answer 503' }).click();
  await page.locator('#lab-said').getByText('503').waitFor();
  await view('Documents');
  await change('MongoDB', 'task-001', 'title', '"In spite of 503"');
  await shows('Ditto', 'task-001', 'title', '"In spite of 503"');
});

test('values are text, whatever they hold; large ones are cut', async () => {
  const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  await insert('MongoDB', { _id: 'evil', [evil]: evil, '': 'empty name', '__proto__x': 1 });
  await same('evil');
  await shows('Ditto', 'evil', evil, JSON.stringify(evil));
  assert.equal(await page.locator('.pair img, .pair script').count(), 0);
  assert.match(await page.title(), /Causeway/);
  await insert('MongoDB', { _id: 'large', text: 'x'.repeat(4 << 20) });
  await same('large');
  await card('large').getByText('shown cut').waitFor();
  assert.ok((await card('large').textContent()).length < 2000);
  await card('large').getByRole('button', { name: 'Change text in MongoDB' }).click();
  await card('large').getByText('too many to be edited here').waitFor();
  for (const id of ['evil', 'large']) {
    await card(id).getByRole('button', { name: `Delete ${id} in MongoDB` }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await until(`${id} to go`, async () => (await card(id).count()) === 0);
  }
});

test('5,000 documents', async () => {
  for (let i = 0; i < 10; i++) {
    const docs = Array.from({ length: 500 }, (_, j) => ({ _id: `d-${String(i * 500 + j).padStart(5, '0')}`, n: j }));
    await stack.dql('INSERT INTO many DOCUMENTS (:docs)', { docs });
  }
  await page.getByLabel('Collection').selectOption('many');
  await until('all to be on both sides', async () => (await page.locator('#counts').textContent()).startsWith('5,000 documents · all on both sides'), 120_000);
  const cards = page.locator('.pair');
  const go = (name) => page.getByRole('navigation', { name: 'Pages of documents' }).getByRole('button', { name }).click();
  await card('d-00000').waitFor();
  const seen = new Set();
  for (let i = 0; ; i++) { // every document can be reached
    await page.locator('#where').getByText(`${(i * 25 + 1).toLocaleString('en')}–`, { exact: false }).waitFor();
    await card(`d-${String(i * 25).padStart(5, '0')}`).waitFor();
    for (const key of await cards.evaluateAll((list) => list.map((c) => c.dataset.key))) seen.add(key);
    assert.ok((await cards.count()) <= 25);
    if (await page.getByRole('button', { name: 'Next' }).isDisabled()) break;
    await go('Next');
  }
  assert.equal(seen.size, 5000);
  await go('First');
  await card('d-00000').waitFor();
  await page.getByLabel('Find by id').fill('d-0312');
  await card('d-03127').waitFor();
  await until('only those', async () => (await cards.count()) === 10);
  // A change elsewhere moves nothing here.
  const at = () => card('d-03127').evaluate((e) => e.getBoundingClientRect().top);
  const top = await at();
  await stack.dql('UPDATE many SET n = 7 WHERE _id = :id', { id: 'd-04000' });
  await page.locator('#flow').getByRole('button', { name: 'Show d-04000' }).first().waitFor();
  assert.equal(await at(), top);
  await page.getByLabel('Find by id').fill('');
});

for (const scheme of ['light', 'dark']) {
  test(`axe has nothing to say, ${scheme}`, async () => {
    const p = await open({ width: 1280, height: 900 }, scheme);
    for (const hash of ['documents', 'needs-you', 'health', 'teaching']) {
      await p.goto(`${stack.page}#${hash}`);
      await p.locator(`#view-${hash}`).waitFor();
      await p.evaluate(axe.source);
      const { violations } = await p.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      assert.deepEqual(violations.map((v) => `${hash}: ${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`), []);
    }
    await p.context().close();
  });
}

// Screenshots for the documentation.
async function shoot(name) {
  const dir = path.join(root, 'docs', 'images');
  fs.mkdirSync(dir, { recursive: true });
  for (const [width, height] of [[390, 844], [1280, 800], [1920, 1080]]) {
    for (const scheme of ['light', 'dark']) {
      const p = await open({ width, height }, scheme);
      await p.getByRole('article', { name: 'task-001', exact: true }).waitFor();
      const wide = await p.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `${width} pixels: the page is ${wide} wider than the window`);
      const png = await p.screenshot({ path: process.env.SCREENSHOTS === 'keep' ? path.join(dir, `${name}-${width}-${scheme}.png`) : undefined });
      assert.ok(png.length > 10_000, 'the screenshot is empty');
      await p.context().close();
    }
  }
}

test('the console had nothing to complain of', () => assert.deepEqual(wrong, []));

test('nothing is shown as live that is not', async () => {
  expected = [/./]; // the connection breaks
  await page.getByText('MongoDB live').waitFor();
  await stack.stop();
  await page.getByText('The local stack does not answer').waitFor();
  await page.getByText('MongoDB unknown').waitFor();
  assert.equal(await page.locator('#sides .up').count(), 0);
});
