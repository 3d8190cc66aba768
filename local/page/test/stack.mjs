// The local stack and a browser, for the tests of the page.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

const manifest = `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata:
  name: page
  namespace: ditto
spec:
  bridge:
    mongoConnector:
      connectionSecret:
        kubernetesSecret:
          name: page-mongo
      database: page
      collections:
        tasks:
          fields: [_id]
          initialSync: true
          dqlStrictMode: false
          dittoTypes:
            settableCounters: [quantity]
        things:
          fields: [_id]
          initialSync: true
`;

/** Starts a stack of its own on free ports, from the built command. */
export async function startStack() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'causeway-page-'));
  const config = path.join(dir, 'causeway.yaml');
  fs.writeFileSync(config, manifest);
  let said = '';
  const child = spawn(path.join(root, 'dist', 'causeway'), ['run', '--config', config, '--port', '0', '--dir', path.join(dir, 'dot')], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const s of [child.stdout, child.stderr]) s.on('data', (b) => { said += b; });
  const ended = new Promise((r) => child.on('exit', r));
  const info = path.join(dir, 'dot', 'local.json');
  let stack;
  try {
    await until('the local stack, and to be told the address of its page', () => {
      if (child.exitCode !== null) throw new Error(`the local stack has ended:\n${said}`);
      if (!stack && fs.existsSync(info)) stack = JSON.parse(fs.readFileSync(info));
      return stack && said.includes(stack.page); // the file is written before the terminal is told
    }, 180_000);
  } catch (err) {
    child.kill('SIGINT');
    throw new Error(`${err.message}\n${said}`);
  }
  return {
    ...stack,
    said: () => said,
    async dql(statement, args) {
      const r = await fetch(`${stack.ditto.url}/api/v5/store/execute`, {
        method: 'POST', headers: { authorization: `bearer ${stack.ditto.apiKey}`, 'content-type': 'application/json' }, body: JSON.stringify({ statement, args }),
      });
      const body = await r.json();
      if (!r.ok || body.error?.description) throw new Error(`${statement}: ${JSON.stringify(body)}`);
      return body;
    },
    /** Asks the page's server, as its script does. */
    async tell(what, body) {
      const r = await fetch(`${stack.page}api/${what}`, {
        method: 'POST', headers: { origin: new URL(stack.page).origin, 'content-type': 'application/json' }, body: JSON.stringify(body),
      });
      if (!r.ok) throw new Error(`${what}: ${r.status} ${await r.text()}`);
      return r.json();
    },
    ask: async (what) => (await fetch(`${stack.page}api/${what}`)).json(),
    /** Runs a script in mongosh, as a person at a terminal does. */
    mongosh: (script) => execFileSync(path.join(root, 'local', 'node_modules', '.bin', 'mongosh'), [stack.mongodb.replace(/\/\?/, `/${stack.database}?`), '--quiet', '--eval', script], { encoding: 'utf8' }),
    async sqs(action, input) {
      const r = await fetch(stack.sqs, {
        method: 'POST', headers: { 'x-amz-target': `AmazonSQS.${action}`, 'content-type': 'application/x-amz-json-1.0', authorization: 'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sqs/aws4_request' }, body: JSON.stringify(input),
      });
      if (!r.ok) throw new Error(`${action}: ${r.status} ${await r.text()}`);
      const said = await r.text();
      return said ? JSON.parse(said) : {};
    },
    async stop() {
      if (child.exitCode === null) child.kill('SIGINT');
      await ended;
    },
    remove: () => fs.rmSync(dir, { recursive: true, force: true }),
  };
}

/** Waits until f says yes. */
export async function until(what, f, patience = 30_000) {
  const end = Date.now() + patience;
  for (;;) {
    if (await f()) return;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((r) => setTimeout(r, 30));
  }
}

/** Starts Chromium: the one that CHROMIUM names, else Debian's. */
export async function startBrowser() {
  const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => fs.existsSync(p));
  if (!executablePath) throw new Error('Chromium is not installed: apt-get install chromium, or let CHROMIUM name it');
  // As root Chromium cannot make its sandbox; it opens the page of this machine only.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  args.push('--disable-smooth-scrolling'); // a turn of the wheel is over at once
  return chromium.launch({ executablePath, args });
}
