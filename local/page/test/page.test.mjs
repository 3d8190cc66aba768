// The page, in a browser, on the real engines: `make test-page`.
import assert from 'node:assert/strict';
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
  page = await openPage({ width: 1280, height: 900 }, 'light');
});

after(async () => {
  await browser?.close();
  await stack?.stop();
  stack?.remove();
});

async function openPage(viewport, colorScheme) {
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

/** Takes back whatever another test, or its failure, has left behind. */
async function calm() {
  await stack.tell('disturb', { kind: 'clear', side: '', function: '' });
  for (const w of workers) await stack.tell('switch', { function: w, on: true });
  if ((await stack.ask('trouble')).claims.length) endClaims();
}

/** Ends the claims that are held, as if the 90 s that they last were over; local/chaos has a real expiry. */
const endClaims = () => stack.mongosh('db.getCollection("__causeway_ledger").updateMany({claim: {$exists: true}}, {$set: {"claim.until": new Date(0)}})');

const workers = ['mongo-to-ditto', 'ditto-to-mongo'];

beforeEach(async () => {
  expected = [/status of 422/]; // a mistake, which the page shows beside the field
  await calm();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
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

/** Makes a document, and waits until it is on both sides. */
async function make(doc, side = 'mongodb') {
  await stack.tell('edit', { collection: 'tasks', side, op: 'insert', key: '', field: '', value: typeof doc === 'string' ? doc : JSON.stringify(doc) });
  if (doc._id) await same(doc._id);
}

async function remove(id) {
  await card(id).getByRole('button', { name: `Delete ${id} in MongoDB` }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await until(`${id} to go`, async () => (await card(id).count()) === 0);
}

/** Chooses a fault by clicking. */
async function fault(name, said) {
  await view('Try faults');
  await page.getByRole('button', { name, exact: true }).click();
  await page.locator('#lab-said').getByText(said).waitFor();
  await view('Documents');
}

/** Shows one pair's history alone. */
async function history(id) {
  await card(id).getByRole('button', { name: `History of ${id}` }).click();
  await page.getByText(`Only ${id} in tasks.`).waitFor();
  return page.locator('#flow');
}

/** Waits until both workers have looked at a new document: no event of it is on its way. */
async function looked(id) {
  await until(`both workers to look at ${id}`, async () => {
    const steps = await stack.ask(`steps?collection=tasks&key=${encodeURIComponent(JSON.stringify(id))}`);
    return workers.every((w) => steps.some((s) => s.kind === 'handled' && s.function === w));
  });
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

test('an edit on each side is seen on the other within two seconds', async () => {
  await make({ _id: 'quick', status: 'new' });
  await looked('quick');
  for (const [here, there] of [['MongoDB', 'Ditto'], ['Ditto', 'MongoDB']]) {
    await card('quick').getByRole('button', { name: `Change status in ${here}` }).click();
    await page.getByRole('textbox', { name: `status in ${here}` }).fill(`"by ${here}"`);
    // The browser's own clock, from the click until the value stands there.
    const took = card('quick').evaluate((root, [side, want]) => new Promise((done) => {
      let begun = 0;
      root.addEventListener('click', (e) => {
        if (e.target.textContent === 'Save') begun = performance.now();
      }, { capture: true });
      const look = () => {
        const shown = root.querySelector(`button[aria-label^="Change status in ${side},"] code`)?.textContent;
        if (begun && shown === want) done(performance.now() - begun);
        else requestAnimationFrame(look);
      };
      look();
    }), [there, `"by ${here}"`]);
    await page.getByRole('button', { name: 'Save' }).click();
    const ms = await took;
    assert.ok(ms < 2000, `${here} to ${there} took ${Math.round(ms)} ms`);
    await same('quick');
  }
  const flow = await history('quick');
  for (const [a, b] of [['MongoDB', 'Ditto'], ['Ditto', 'MongoDB']]) {
    const done = flow.getByRole('listitem').filter({ hasText: `${b} takes ${a}’s status: ${a} has changed it since they last agreed` });
    await done.waitFor();
    // The time in the queue, what was read, and each step's time.
    assert.match(await done.textContent(), /queue \S+ ms \(since the change\) → ledger .*read \S+ ms \(in MongoDB, in Ditto; ledger: live\) → decide .* → claim .* → write .* → settle \S+ ms/);
  }
  await flow.getByText(/MongoDB: .*changed/).first().waitFor();
  await flow.getByText(/echo(es)? of Causeway’s own writes/).first().waitFor();
  assert.equal(await flow.getByText('task-001').count(), 0);
  await page.getByRole('button', { name: 'show all' }).click();
});

test('a field is added and removed, a counter counts, a document is deleted', async () => {
  await make({ _id: 'counted', status: 'active', quantity: 10 }, 'ditto');
  await card('counted').getByRole('button', { name: 'Add a field to counted in Ditto' }).click();
  await page.getByLabel('Name of the field').fill('odd.$name');
  await page.getByLabel('Value', { exact: true }).fill('[1, "two"]');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await shows('MongoDB', 'counted', 'odd.$name', '[1,"two"]');
  await card('counted').getByRole('button', { name: 'Change odd.$name in MongoDB' }).click();
  await page.getByRole('button', { name: 'Remove field' }).click();
  await until('the field to go', async () => (await card('counted').getByText('odd.$name').count()) === 0);

  await card('counted').getByRole('button', { name: 'Change quantity in Ditto' }).click();
  await page.getByRole('button', { name: '+1' }).click();
  await shows('MongoDB', 'counted', 'quantity', '11');
  await card('counted').getByRole('button', { name: 'Change quantity in Ditto' }).click();
  await page.getByRole('textbox', { name: 'quantity in Ditto' }).fill('40');
  await page.getByRole('button', { name: 'Restart with' }).click();
  await shows('MongoDB', 'counted', 'quantity', '40');
  await remove('counted');
});

test('a mistake gets the server’s own message beside the field', async () => {
  await make({ _id: 'mistaken', status: 'well' });
  await change('MongoDB', 'mistaken', 'status', 'no quotation marks');
  await card('mistaken').getByRole('alert').getByText('that is not JSON').waitFor();
  await page.keyboard.press('Escape');
  await insert('MongoDB', { _id: 'mistaken' });
  await page.getByRole('dialog').getByText(/duplicate key|E11000/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await insert('Ditto', { _id: null });
  await page.getByRole('dialog').getByText(/^Ditto: .*Null document ID/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await shows('Ditto', 'mistaken', 'status', '"well"');
});

test('by keyboard alone', async () => {
  await make({ _id: 'keyed', title: 'By mouse' });
  const label = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim());
  /** Goes on by Tab until it is there, and wants to see where it is on the way. */
  const tabTo = async (want) => {
    for (let i = 0; i < 200; i++) {
      await page.keyboard.press('Tab');
      const ring = await page.evaluate(() => {
        const e = document.activeElement;
        return e === document.body || e.matches('select, input, textarea') || getComputedStyle(e).outlineStyle !== 'none';
      });
      assert.ok(ring, `one does not see that the focus is on “${await label()}”`);
      if ((await label()).startsWith(want)) return;
    }
    assert.fail(`“${want}” cannot be reached by Tab`);
  };
  await page.getByLabel('Find by id').fill('keyed');
  await until('only that', async () => (await page.locator('.pair').count()) === 1);
  await page.evaluate(() => document.activeElement.blur());
  await tabTo('Skip to the content');
  await tabTo('Change title in MongoDB');
  await page.keyboard.press('Enter');
  await page.keyboard.type('"By keyboard"'); // what was there is selected
  await page.keyboard.press('Enter');
  await shows('Ditto', 'keyed', 'title', '"By keyboard"');
  await until('the focus to come back', async () => (await label()).startsWith('Change title in MongoDB'));
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await until('the focus to come back', async () => (await label()).startsWith('Change title in MongoDB'));
  // The dialog takes the focus, and gives it back.
  await page.getByRole('button', { name: 'New in Ditto' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('textbox').waitFor();
  await page.keyboard.press('Escape');
  await until('the focus to come back', async () => (await label()) === 'New in Ditto');
  // To another view and back.
  await page.evaluate(() => document.activeElement.blur());
  await page.getByRole('link', { name: 'Needs you' }).focus();
  await tabTo('Health');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Do the sides agree?' }).waitFor();
  await tabTo('Verify every document');
});

/** Makes a conflict by clicking: MongoDB wins, and Ditto's value is kept. */
async function conflict(id) {
  const both = ['Pause changes in MongoDB', 'Pause changes in Ditto'];
  await view('Try faults');
  for (const name of both) await page.getByRole('button', { name }).click();
  await page.getByText('Paused: changes in MongoDB and changes in Ditto').waitFor();
  await view('Documents');
  await change('MongoDB', id, 'status', '"MongoDB says"');
  await change('Ditto', id, 'status', '"Ditto says"');
  await card(id).getByText('differs', { exact: true }).waitFor();
  await view('Try faults');
  for (const name of both) await page.getByRole('button', { name: name.replace('Pause', 'Resume') }).click();
  await view('Documents');
  await shows('Ditto', id, 'status', '"MongoDB says"');
}

const region = (name) => page.getByRole('region', { name });
const open = async () => (await stack.ask('trouble')).conflictTotal;

test('a conflict is made and resolved', async () => {
  await make({ _id: 'disputed', status: 'new' });
  const before = await open();
  await conflict('disputed');
  await page.locator('#flow').getByText('Ditto’s status lost (rule: mongo)').first().waitFor();
  await view('Needs you');
  const section = region('Values that lost a conflict');
  const item = section.locator('.item').filter({ hasText: 'disputed' });
  await item.getByText('"Ditto says"').waitFor();
  await item.getByText('"MongoDB says"').waitFor();
  await item.getByText('rule: mongo').waitFor();
  assert.equal(await open(), before + 1);
  await section.getByRole('button', { name: 'Take the losing value of status of disputed after all' }).click();
  // Nobody needs to look at it any more, and it is still there.
  await section.locator('summary').getByText('settled').waitFor();
  await until('it to be settled', async () => (await open()) === before);
  await section.locator('summary').click();
  await section.locator('details').getByText('"Ditto says"').first().waitFor();
  await view('Documents');
  for (const side of ['Ditto', 'MongoDB']) await shows(side, 'disputed', 'status', '"Ditto says"');
});

test('a conflict is left as it is', async () => {
  await make({ _id: 'left', status: 'new' });
  const before = await open();
  await conflict('left');
  await view('Needs you');
  await region('Values that lost a conflict').getByRole('button', { name: 'Keep status of left as it is' }).click();
  await until('it to be settled', async () => (await open()) === before);
  await until('the button to go', async () => (await page.getByRole('button', { name: 'Keep status of left as it is' }).count()) === 0);
  await view('Documents');
  for (const side of ['Ditto', 'MongoDB']) await shows(side, 'left', 'status', '"MongoDB says"');
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
  await page.waitForTimeout(1100); // the charts have a new second, and all is told
  const answers = ['health', 'trouble'].map((of) => page.waitForResponse((r) => r.url().endsWith(`api/${of}`)).then((r) => r.finished()));
  late.forEach((r) => r());
  await Promise.all(answers);
  await page.unrouteAll({ behavior: 'wait' });
  await page.waitForTimeout(500); // time enough to go wrong
  await page.getByText('Paused: changes in Ditto').waitFor();
  await view('Try faults');
  await page.getByRole('button', { name: 'Resume changes in Ditto' }).click();
  await page.getByRole('button', { name: 'Pause changes in Ditto' }).waitFor();
});

test('a document that cannot be synced is listed, mended and tried again', async () => {
  await insert('MongoDB', '{"_id": 1.5, "title": "a fraction is no id"}');
  await view('Needs you');
  const section = region('Documents that cannot be synced');
  const item = section.locator('.item').filter({ hasText: '1.5' });
  await item.getByText('fraction').first().waitFor();
  await item.locator('.mend').waitFor();
  await section.getByRole('button', { name: 'Try them again' }).click();
  await until('the retry', async () => (await stack.ask('runs')).some((r) => r.mode === 'retry' && !r.running));
  await view('Documents');
  await page.getByRole('combobox', { name: 'Show' }).selectOption('one');
  const odd = page.getByRole('article').filter({ hasText: 'a fraction is no id' });
  await odd.getByText('only in MongoDB').waitFor();
  await odd.getByRole('button', { name: /^Delete/ }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await until('it to go', async () => (await odd.count()) === 0);
  await view('Needs you');
  await until('it to be off the list', async () => (await item.count()) === 0);
});

test('an event is lost, and a repair finds the pair', async () => {
  await make({ _id: 'unheard', title: 'as it was' });
  await fault('An event is lost: MongoDB’s next', 'will be lost');
  await change('MongoDB', 'unheard', 'title', '"Nobody was told"');
  await card('unheard').getByText('differs', { exact: true }).waitFor();
  await view('Health');
  await page.getByRole('button', { name: 'Repair what differs' }).click();
  await page.getByText(/as of .*, by repair/).waitFor();
  await view('Documents');
  await shows('Ditto', 'unheard', 'title', '"Nobody was told"');
  await view('Health');
  await page.getByRole('button', { name: 'Verify every document' }).click();
  await page.getByText(/as of .*, by verify/).waitFor();
  await page.getByText('The sides agree.').waitFor();
});

for (const [side, other, worker] of [['MongoDB', 'Ditto', 'mongo-to-ditto'], ['Ditto', 'MongoDB', 'ditto-to-mongo']]) {
  test(`an event of ${side} comes twice, and the second look finds nothing to do`, async () => {
    const id = `twice-${side}`;
    await make({ _id: id, title: 'once' });
    await looked(id);
    await fault(`An event comes twice: ${side}’s next`, 'will come twice');
    await change(side, id, 'title', '"twice"');
    await shows(other, id, 'title', '"twice"');
    const flow = await history(id);
    await page.getByLabel('unfold echoes').check();
    // By the worker that was told twice: one write, at most, and a look with nothing to do.
    const looks = flow.getByRole('listitem').filter({ hasText: worker });
    await looks.filter({ hasText: `${other} takes ${side}’s title` }).waitFor();
    await until('the second look', async () => (await stack.ask(`steps?collection=tasks&key=${encodeURIComponent(JSON.stringify(id))}`)).filter((s) => s.function === worker && s.kind === 'handled').length >= 2 || (await flow.getByText('2 messages').count()) > 0);
    assert.equal(await looks.filter({ hasText: 'takes' }).count(), 1);
    await page.getByLabel('unfold echoes').uncheck();
    await flow.getByText(/echo(es)? of Causeway’s own writes/).first().waitFor();
  });
}

test('Ditto answers 503, and the change arrives all the same', async () => {
  await make({ _id: 'overloaded', title: 'as it was' });
  await fault('Ditto is overloaded: Answer 503', '503');
  await change('MongoDB', 'overloaded', 'title', '"In spite of 503"');
  await shows('Ditto', 'overloaded', 'title', '"In spite of 503"');
});

test('Ditto is slow, and nothing is overwritten unseen', async () => {
  await make({ _id: 'slow', title: 'as it was' });
  await looked('slow');
  const before = await open();
  await fault('Ditto is slow: Delay a write', 'three seconds');
  await change('MongoDB', 'slow', 'title', '"by MongoDB"');
  await card('slow').getByText('being written').waitFor(); // the write is on its way
  // Straight to Ditto's engine: its server holds back one write, and this is another.
  await stack.dql('UPDATE tasks SET title = :v WHERE _id = :id', { v: 'by a device', id: 'slow' });
  await same('slow');
  await until('its claim to end', async () => (await card('slow').getByText('being written').count()) === 0);
  await until('the other value to be recorded', async () => (await open()) === before + 1);
  await same('slow');
  const stands = await value('MongoDB', 'slow', 'title').textContent();
  assert.equal(stands, await value('Ditto', 'slow', 'title').textContent());
  // One of the two stands on both sides; the other is kept, and was not lost unseen.
  assert.ok(['"by MongoDB"', '"by a device"'].includes(stands), stands);
  await view('Needs you');
  await region('Values that lost a conflict').locator('.item').filter({ hasText: 'slow' }).getByText(stands === '"by MongoDB"' ? '"by a device"' : '"by MongoDB"').first().waitFor();
});

test('mongo-to-ditto dies between its claim and its write, and the pair heals', async () => {
  await make({ _id: 'orphan', title: 'as it was' });
  await looked('orphan');
  await fault('A handler dies at work: Kill mongo-to-ditto', 'will be killed once it has claimed');
  await change('MongoDB', 'orphan', 'title', '"carried on"');
  await page.locator('#flow').getByText('mongo-to-ditto was killed at work (').first().waitFor();
  assert.equal(await value('Ditto', 'orphan', 'title').textContent(), '"as it was"');
  await card('orphan').getByText('being written').waitFor();
  await view('Needs you');
  const claim = region('Claims that are held').locator('.item').filter({ hasText: 'orphan' });
  assert.match(await claim.textContent(), /orphanheld until \d\d:\d\d:\d\d by the handler \S+, which is to write 1 value to Ditto/);
  await accessible('needs-you, with a claim');
  endClaims();
  await view('Documents');
  await shows('Ditto', 'orphan', 'title', '"carried on"');
  await same('orphan');
  const flow = await history('orphan');
  await flow.getByText(/looked at again soon: .*claim|being written|somebody/i).first().waitFor();
  await until('the claim to end', async () => (await card('orphan').getByText('being written').count()) === 0);
});

test('ditto-to-mongo dies at work, and the pair heals', async () => {
  await make({ _id: 'orphan-2', title: 'as it was' });
  await looked('orphan-2');
  await fault('A handler dies at work: Kill ditto-to-mongo', 'as soon as a pair is seen to be claimed');
  await change('Ditto', 'orphan-2', 'title', '"all the same"');
  await page.locator('#flow').getByText('ditto-to-mongo was killed at work (').first().waitFor();
  endClaims(); // if it has left one
  await shows('MongoDB', 'orphan-2', 'title', '"all the same"');
  await same('orphan-2');
});

test('a dead letter is redriven', async () => {
  await make({ _id: 'undelivered', title: 'as it was' });
  await looked('undelivered');
  await view('Try faults');
  await page.getByRole('button', { name: 'Pause changes in MongoDB' }).click();
  await page.getByText('Paused: changes in MongoDB').waitFor();
  await view('Documents');
  await change('MongoDB', 'undelivered', 'title', '"at last"');
  // The queue moves a message that has failed eight times; this does it with one that has not.
  const q = stack.queues['mongo-to-ditto'];
  let message;
  await until('the message', async () => {
    [message] = (await stack.sqs('ReceiveMessage', { QueueUrl: q.url, MaxNumberOfMessages: 1 })).Messages ?? [];
    return message;
  });
  await stack.sqs('SendMessage', { QueueUrl: q.deadLettersUrl, MessageBody: message.Body });
  await stack.sqs('DeleteMessage', { QueueUrl: q.url, ReceiptHandle: message.ReceiptHandle });
  await stack.tell('switch', { function: 'mongo-to-ditto', on: true });
  await view('Needs you');
  const letters = region('Dead letters');
  await letters.getByText('1 of mongo-to-ditto, which failed too often').waitFor();
  const needs = await stack.ask('trouble');
  assert.equal(await page.locator('#needs').textContent(), String(needs.conflictTotal + needs.unsyncedTotal + 1));
  await letters.getByRole('button', { name: 'Redrive mongo-to-ditto' }).click();
  await letters.getByText('None. A message that fails eight times').waitFor();
  await page.locator('#flow').getByText('1 dead letter').first().waitFor();
  await view('Documents');
  await shows('Ditto', 'undelivered', 'title', '"at last"');
});

for (const [side, name, other] of [['MongoDB', 'mongodb', 'Ditto'], ['Ditto', 'ditto', 'MongoDB']]) {
  test(`${side} stops answering, the page says so, and it comes back`, async () => {
    expected.push(/status of 503/);
    await make({ _id: `before-${name}`, n: 1 });
    await looked(`before-${name}`);
    const pid = stack.processes[name]; // which this test's stack has started
    process.kill(pid, 'SIGSTOP');
    try {
      await page.locator('#banner').getByText(`${side} does not answer: what you see of it is as it was`).waitFor();
      await page.locator('#sides li.down').getByText(side).waitFor();
      await page.locator('#sides li.up').getByText(other).waitFor();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await page.getByText(`${side} live`).waitFor();
    await page.locator('#banner').waitFor({ state: 'hidden' });
    await change(side, `before-${name}`, 'n', '2');
    await shows(other, `before-${name}`, 'n', '2');
  });
}

const odd = ['', '__proto__', 'constructor', 'toString', 'a.b', '$x', '$oid.x', ' ', '<img src=x onerror="document.title=1">', 'עברית', 'العربية', '\u202Eright to left', 'e\u0301', '🦆', '"quoted"', 'x'.repeat(400)];

test('values and names are text, whatever they hold', async () => {
  const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  // Not by an object of JavaScript, in which __proto__ is something else.
  await insert('MongoDB', `{"_id": "evil", ${odd.map((n) => `${JSON.stringify(n)}: ${JSON.stringify(evil)}`).join(', ')}}`);
  await same('evil');
  const names = () => card('evil').locator('tbody th').allTextContents();
  assert.deepEqual((await names()).sort(), odd.map((n) => (n === '' ? '""' : n)).sort());
  assert.deepEqual(await card('evil').locator('tr.differs').count(), 0);
  assert.equal(await page.locator('.pair img, .pair script, #flow img').count(), 0);
  assert.match(await page.title(), /Causeway/);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `a long name makes the page ${wide} pixels wider than the window`);
  // Each can be changed.
  for (const n of ['', '__proto__', 'constructor', 'a.b', '$x', '\u202Eright to left']) {
    const row = card('evil').locator('tbody tr').filter({ has: page.locator('th').getByText(n === '' ? '""' : n, { exact: true }) });
    await row.getByRole('button').first().click();
    await row.getByRole('textbox').fill(JSON.stringify(`new ${n}`));
    await row.getByRole('button', { name: 'Save' }).click();
    await until(`${n} in Ditto`, async () => (await row.locator('td').nth(1).textContent()).startsWith(JSON.stringify(`new ${n}`)));
  }
  await same('evil');
  await remove('evil');
});

test('large documents are shown cut; one that Ditto refuses is parked', async () => {
  const deep = `${'{"a":'.repeat(90)}1${'}'.repeat(90)}`;
  await make(`{"_id": "deep", "deep": ${deep}}`);
  await same('deep');
  await card('deep').locator('code').first().waitFor();
  await remove('deep');
  await make({ _id: 'wide', ...Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, i])) });
  await card('wide').getByText('and 960 more fields').waitFor();
  await remove('wide');
  await make({ _id: 'large', text: 'ä'.repeat(2 << 20) });
  await card('large').getByText('4.00 MiB, shown cut').waitFor();
  assert.ok((await card('large').textContent()).length < 2000);
  await card('large').getByRole('button', { name: 'Change text in MongoDB' }).click();
  await card('large').getByText('too many to be edited here').waitFor();
  await remove('large');
  await stack.tell('edit', { collection: 'tasks', side: 'mongodb', op: 'insert', key: '', field: '', value: JSON.stringify({ _id: 'huge', text: 'x'.repeat(6 << 20) }) });
  await card('huge').getByText('only in MongoDB').waitFor();
  await card('huge').getByText('6.00 MiB, shown cut').waitFor();
  await card('huge').getByText('parked').waitFor();
  await view('Needs you');
  const item = region('Documents that cannot be synced').locator('.item').filter({ hasText: 'huge' });
  await item.getByText('too-large').waitFor();
  await item.locator('.mend').waitFor();
  await view('Documents');
  await remove('huge');
  await view('Needs you');
  await until('it to be off the list', async () => (await item.count()) === 0);
});

test('the page opens in under a second', async () => {
  await make({ _id: 'first' });
  await looked('first');
  const shown = [];
  for (let i = 0; i < 3; i++) {
    await page.goto('about:blank');
    await page.goto(stack.page);
    await page.locator('.pair').first().waitFor();
    shown.push(await page.evaluate(() => performance.getEntriesByName('shown')[0].startTime));
  }
  assert.ok(Math.min(...shown) < 1000, `documents are shown after ${shown.map(Math.round)} ms`);
  const other = await page.evaluate(() => performance.getEntriesByType('resource').map((r) => new URL(r.name).origin));
  assert.deepEqual([...new Set(other)], [new URL(stack.page).origin], 'it loads something from elsewhere');
});

/** What axe says of the page as it is, light and dark. */
async function accessible(what) {
  await page.evaluate(axe.source);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
    assert.deepEqual(violations.map((v) => `${what}, ${colorScheme}: ${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`), []);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

const views = ['documents', 'needs-you', 'health', 'teaching'];
const sizes = [[390, 844], [1280, 800], [1920, 1080]];

test('every view, full of what it may show: accessible, no wider than the window; screenshots', async () => {
  for (const id of ['task-001', 'task-002', 'task-003']) {
    await stack.tell('edit', { collection: 'tasks', side: 'mongodb', op: 'delete', key: JSON.stringify(id), field: '', value: '' }).catch(() => {}); // it may not be there
    await until(`${id} to go`, async () => (await stack.ask(`pairs?collection=tasks&search=${id}`)).counts.found === 0);
  }
  await make({ _id: 'task-001', title: 'Complete documentation', status: 'active', quantity: 10 });
  await make('{"_id": "task-002", "title": "Review PR", "status": "pending", "price": {"$numberDecimal": "12.90"}}');
  await make('{"_id": "task-003", "title": "Water the plants", "due": {"$date": "2026-12-24T08:00:00Z"}, "owner": {"$oid": "614cab95890e884a9264002a"}, "tags": ["garden", "daily"]}');
  await conflict('task-002');
  await stack.tell('edit', { collection: 'tasks', side: 'mongodb', op: 'insert', key: '', field: '', value: '{"_id": 2.5, "title": "No id of Ditto’s"}' });
  await stack.sqs('SendMessage', { QueueUrl: stack.queues['ditto-to-mongo'].deadLettersUrl, MessageBody: '{}' });
  await view('Health');
  await page.getByRole('button', { name: 'Verify every document' }).click();
  await page.getByText(/as of .*, by verify/).waitFor();
  // Two fields apart, for the picture: the workers wait.
  for (const w of workers) await stack.tell('switch', { function: w, on: false });
  await view('Documents');
  await page.getByLabel('Find by id').fill('task-0');
  await change('MongoDB', 'task-001', 'status', '"done"');
  await change('Ditto', 'task-001', 'status', '"waiting"');
  await card('task-001').getByText('differs', { exact: true }).waitFor();
  const dir = path.join(root, 'docs', 'images');
  await page.mouse.move(0, 0);
  for (const name of views) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.evaluate((hash) => { location.hash = hash; }, name);
    await page.locator(`#view-${name}`).waitFor();
    if (name === 'needs-you') await page.getByText('failed too often').waitFor();
    await accessible(name);
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height });
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await page.evaluate(() => new Promise((r) => { requestAnimationFrame(() => requestAnimationFrame(r)); }));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(wide <= 0, `${name} at ${width} pixels is ${wide} wider than the window`);
        const kept = name === 'documents' || (width === 1280 && colorScheme === 'light');
        const file = process.env.SCREENSHOTS === 'keep' && kept ? path.join(dir, `${name}-${width}-${colorScheme}.png`)
          : process.env.SCREENSHOTS_ALL ? path.join(process.env.SCREENSHOTS_ALL, `${name}-${width}-${colorScheme}.png`) : undefined;
        const png = await page.screenshot({ path: file });
        assert.ok(png.length > 10_000, 'the screenshot is empty');
      }
    }
  }
  await stack.sqs('PurgeQueue', { QueueUrl: stack.queues['ditto-to-mongo'].deadLettersUrl });
});

test('5,000 documents are scrolled', async () => {
  await stack.tell('switch', { function: 'ditto-to-mongo', on: false }); // whose work is not looked at here
  for (let i = 0; i < 10; i++) {
    const docs = Array.from({ length: 500 }, (_, j) => ({ _id: `d-${String(i * 500 + j).padStart(5, '0')}`, n: j }));
    await stack.dql('INSERT INTO things DOCUMENTS (:docs)', { docs });
  }
  await page.setViewportSize({ width: 1920, height: 1800 });
  await page.goto(stack.page);
  await page.getByLabel('Collection').selectOption('things');
  await page.getByText('5,000 documents · 5,000 only in Ditto').waitFor();
  await card('d-00000').waitFor();
  // By the wheel, from the first to the last: each comes by, and few are there at a time.
  const box = page.locator('#pairs');
  await box.hover();
  await page.evaluate(() => {
    const box = document.getElementById('pairs');
    const list = document.getElementById('list');
    const state = { seen: new Set(), most: 0, heights: new Set(), box, list };
    const look = () => { // each frame
      const { top, bottom } = box.getBoundingClientRect();
      state.most = Math.max(state.most, list.children.length);
      for (const c of list.children) {
        const r = c.getBoundingClientRect();
        if (r.bottom > top && r.top < bottom) state.seen.add(c.dataset.key);
      }
      state.heights.add(Math.round(box.scrollHeight / 100));
      requestAnimationFrame(look);
    };
    look();
    window.watched = state;
  });
  for (let i = 0; i < 1000; i++) {
    const was = await box.evaluate((e) => e.scrollTop);
    await page.mouse.wheel(0, 1450);
    // What it was turned to is in sight, and full.
    await page.waitForFunction((from) => {
      const { box: e, list: l } = window.watched;
      const [b, c] = [e, l].map((x) => x.getBoundingClientRect());
      return (e.scrollTop > from || e.scrollTop + e.clientHeight >= e.scrollHeight - 1) && c.top <= b.top + 4 && c.bottom >= b.bottom - 4;
    }, was);
    if (await box.evaluate((e) => e.scrollTop + e.clientHeight >= e.scrollHeight - 1)) break;
  }
  await page.getByText('–5,000 of 5,000').waitFor();
  const { seen, most, heights } = await page.evaluate(() => ({ seen: window.watched.seen.size, most: window.watched.most, heights: [...window.watched.heights] }));
  assert.equal(seen, 5000, 'documents have come by');
  assert.ok(most <= 144, `${most} cards at a time`);
  assert.ok(heights.length <= 2, `the list has had heights of ${heights} hundred pixels: the scroll bar jumps`);
  // Up again, by keyboard, and by the buttons.
  await box.focus();
  await page.keyboard.press('Home');
  await card('d-00000').waitFor();
  const go = (name) => page.getByRole('navigation', { name: 'Places in the list' }).getByRole('button', { name }).click();
  await go('Next');
  await page.getByText(/^25–\d+ of 5,000/).waitFor();
  await go('Last');
  await card('d-04999').waitFor();
  await page.getByText('–5,000 of 5,000').waitFor();
  await go('First');
  await page.getByText(/^1–\d+ of 5,000/).waitFor();
  // The scroll bar is dragged to the middle.
  await box.evaluate((e) => { e.scrollTop = e.scrollHeight / 2; });
  await card('d-02500').waitFor();
  // A change elsewhere moves nothing here, nor does a document that comes before.
  const held = page.locator('.pair').nth(60);
  const id = await held.getAttribute('data-key');
  await held.scrollIntoViewIfNeeded();
  const at = () => page.locator(`.pair[data-key=${JSON.stringify(id)}]`).evaluate((e) => Math.round(e.getBoundingClientRect().top));
  await page.waitForTimeout(300); // what scrolling loads is there
  const top = await at();
  await stack.dql('UPDATE things SET n = 7, text = :t WHERE _id = :id', { id: 'd-00001', t: 'x'.repeat(200) });
  await stack.dql('INSERT INTO things DOCUMENTS (:d)', { d: { _id: 'd-00000-new' } });
  await page.getByText('5,001 documents · 5,001 only in Ditto').waitFor();
  assert.equal(await at(), top);
  await page.getByLabel('Find by id').fill('d-0312');
  await card('d-03127').waitFor();
  await until('only those', async () => (await page.locator('.pair').count()) === 10);
});

test('the console had nothing to complain of', () => assert.deepEqual(wrong, []));

test('nothing is shown as live that is not', async () => {
  expected = [/./]; // the connection breaks
  await page.getByText('MongoDB live').waitFor();
  const docs = Array.from({ length: 3000 }, (_, i) => ({ _id: `on-its-way-${i}` }));
  await stack.dql('INSERT INTO things DOCUMENTS (:docs)', { docs });
  const begun = Date.now();
  await stack.stop(); // with thousands of documents on their way
  assert.ok(Date.now() - begun < 15_000, `it took ${Date.now() - begun} ms to stop`);
  await page.getByText('The local stack does not answer').waitFor();
  await page.getByText('MongoDB unknown').waitFor();
  assert.equal(await page.locator('#sides .up').count(), 0);
});
