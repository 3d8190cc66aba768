// Delivery of the outbox to a webhook: in order, at least once, retried until
// it is acknowledged.

import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

const TIMEOUT = 30_000;
const BACKOFF = { first: 100, most: 5_000 }; // ms
const BODY = 4 << 20; // bytes that several events may take together

export class Webhook {
  #outbox;
  #url;
  #secrets;
  #batch;
  #feed;
  #stop = new AbortController();
  #wake = () => {};
  #done = Promise.resolve();

  /** Events up to here have been acknowledged. */
  delivered;
  /** Events that the receiver found too large, even alone. */
  refused = 0;

  /** feed is the FeedFaults that disturb the delivery. */
  constructor(outbox, { url, secrets, batch, feed }) {
    this.#outbox = outbox;
    this.#url = url;
    this.#secrets = secrets.map((s) => Buffer.from(s, 'base64'));
    this.#batch = batch;
    this.#feed = feed;
    this.delivered = outbox.checkpoint;
    outbox.onAppend = () => this.#wake();
    feed.onChange = () => this.#wake();
  }

  start() {
    if (this.#url) this.#done = this.#run();
  }

  /** Ends delivery; a post under way is given up. */
  async stop() {
    this.#stop.abort();
    this.#wake();
    await this.#done;
  }

  async #run() {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const group = this.#feed.paused ? undefined : this.#feed.next(this.#outbox, this.#batch, BODY);
      if (!group) {
        await this.#idle();
        continue;
      }
      for (let at = 0; at < group.events.length; at += this.#batch) {
        await this.#deliver(group.events.slice(at, at + this.#batch));
        if (signal.aborted) return;
      }
      this.delivered = group.upto;
    }
  }

  // #idle waits for an event, a change of faults, or the end.
  #idle() {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  async #deliver(events) {
    const { signal } = this.#stop;
    for (let wait = BACKOFF.first; !signal.aborted; wait = Math.min(wait * 2, BACKOFF.most)) {
      while (this.#feed.paused && !signal.aborted) await this.#idle();
      if (this.#feed.delayMs > 0) await sleep(this.#feed.delayMs, signal);
      if (signal.aborted) return;
      const status = await this.#post(events);
      if (status >= 200 && status < 300) return;
      if (status === 413) {
        // No later try can mend this one, and it must not stop the rest.
        if (events.length === 1) {
          this.refused++;
          return;
        }
        const half = events.length >> 1;
        await this.#deliver(events.slice(0, half));
        return this.#deliver(events.slice(half));
      }
      await sleep(wait * (0.5 + Math.random() / 2), signal);
    }
  }

  // #post answers the status, or 0 when there was none. Not by fetch, which costs
  // more than the event otherwise does on its way.
  #post(events) {
    const body = frame(events);
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    if (this.#secrets.length > 0) headers['ditto-signature'] = sign(body, this.#secrets);
    const { request } = this.#url.startsWith('https:') ? https : http;
    return new Promise((resolve) => {
      const req = request(this.#url, { method: 'POST', headers, signal: this.#stop.signal }, (res) => {
        res.on('end', () => resolve(res.statusCode));
        res.on('error', () => {}); // the request closes
        res.resume();
      });
      const timer = setTimeout(() => req.destroy(), TIMEOUT);
      req.on('error', () => {}); // likewise
      req.on('close', () => {
        clearTimeout(timer);
        resolve(0);
      });
      req.end(body);
    });
  }
}

// frame is one bare event, or an array of several.
function frame(events) {
  if (events.length === 1) return events[0];
  const parts = [];
  for (const e of events) parts.push(Buffer.from(parts.length === 0 ? '[' : ','), e);
  parts.push(Buffer.from(']'));
  return Buffer.concat(parts);
}

// sign makes Ditto's header: t=<unix seconds>,v1=<hex>, a v1 for each secret.
function sign(body, secrets) {
  const t = Math.floor(Date.now() / 1000);
  const v1 = secrets.map((s) => `v1=${createHmac('sha256', s).update(`${t}.`).update(body).digest('hex')}`);
  return [`t=${t}`, ...v1].join(',');
}

function sleep(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
