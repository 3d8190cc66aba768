// A local stand-in for Ditto Server: see doc.go.
//
//   DITTO_API_KEY=… [DITTO_WEBHOOK_SECRET=…] node server.mjs --dir DIR [--port N] [--webhook URL]
//
// Prints {"ready":true,"port":N} once it listens. Ends on SIGTERM, SIGINT, and
// when its standard input ends, which is when its parent has gone.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { createApi } from './api.mjs';
import { Control } from './control.mjs';
import { openEngine } from './engine.mjs';
import { FeedFaults, StatementFaults } from './faults.mjs';
import { Outbox } from './outbox.mjs';
import { Store } from './store.mjs';
import { Webhook } from './webhook.mjs';

const GRACE = 6_000; // ms that a shutdown may take

function options() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      dir: { type: 'string' },
      'api-key': { type: 'string', multiple: true, default: [] },
      webhook: { type: 'string' },
      'webhook-batch': { type: 'string', default: '100' },
      faults: { type: 'boolean', default: false },
    },
  });
  const o = {
    port: Number(values.port),
    dir: values.dir,
    keys: [...values['api-key'], ...list(process.env.DITTO_API_KEY)],
    webhook: values.webhook,
    secrets: list(process.env.DITTO_WEBHOOK_SECRET),
    batch: Number(values['webhook-batch']),
    faults: values.faults,
  };
  if (!o.dir) throw new Error('--dir is required: the directory of the store and the outbox');
  if (!(Number.isInteger(o.port) && o.port >= 0 && o.port < 65536)) throw new Error(`--port ${values.port} is not a port`);
  if (!(Number.isInteger(o.batch) && o.batch > 0)) throw new Error(`--webhook-batch ${values['webhook-batch']} is not a positive number`);
  if (o.keys.length === 0) throw new Error('no API key: set DITTO_API_KEY, or pass --api-key');
  if (o.webhook && !/^https?:$/.test(URL.canParse(o.webhook) && new URL(o.webhook).protocol)) {
    throw new Error('--webhook is not an http or https URL');
  }
  for (const s of o.secrets) {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(s)) throw new Error('DITTO_WEBHOOK_SECRET is not base64');
  }
  return o;
}

const list = (text) => (text ?? '').split(',').map((s) => s.trim()).filter(Boolean);

async function main() {
  const o = options();
  // Before the outbox: the engine locks its directory, so that no second
  // server touches the files.
  const engineDir = path.join(o.dir, 'engine');
  fs.mkdirSync(engineDir, { recursive: true, mode: 0o700 });
  const engine = await openEngine(engineDir);
  const outbox = new Outbox(path.join(o.dir, 'outbox'));
  if (outbox.interrupted()) {
    // A statement was cut off by the end of the process: whether it happened is
    // unknown, and so are its events.
    outbox.requery(engine.txn);
    outbox.end();
  }
  const store = new Store(engine, outbox);
  const statements = new StatementFaults();
  const feed = new FeedFaults();
  const webhook = new Webhook(outbox, { url: o.webhook, secrets: o.secrets, batch: o.batch, feed });
  const control = new Control({ store, outbox, webhook, statements, feed, injectable: o.faults });
  const server = createApi({ store, keys: o.keys, faults: statements, control });

  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), GRACE).unref();
    server.close();
    server.closeIdleConnections();
    await webhook.stop();
    await engine.close();
    outbox.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, end);
  for (const event of ['end', 'close', 'error']) process.stdin.on(event, end);
  process.stdin.resume();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}); // the parent has gone

  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.port, '127.0.0.1', resolve);
  });
  webhook.start();
  process.stdout.write(`${JSON.stringify({ ready: true, port: server.address().port })}\n`);
}

function explain(err) {
  switch (err.code) {
    case 'EADDRINUSE':
      return `port ${err.port} on 127.0.0.1 is in use: stop what listens there, or choose another port`;
    case 'store/persistence-directory-locked':
      return 'the directory is in use by another Ditto server: stop that one, or choose another directory';
    case 'MODULE_NOT_FOUND':
      return `the Ditto engine is not installed: run \`npm ci --ignore-scripts\` in ${fileURLToPath(new URL('..', import.meta.url))}`;
    default:
      return err.message;
  }
}

main().catch((err) => {
  process.stderr.write(`ditto server: ${explain(err)}\n`);
  process.exit(1);
});
