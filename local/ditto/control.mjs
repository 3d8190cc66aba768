// The endpoints under /_control, for the supervisor and for tests.

import { BadRequest } from './args.mjs';

const REMEMBERED = 100_000;

export class Control {
  #store;
  #outbox;
  #webhook;
  #statements;
  #feed;
  #injectable;
  #writes = [];
  #forgotten = 0; // transaction of the last write that was dropped from the list
  #count = 0;
  #reported; // delivered, as last told by state

  constructor({ store, outbox, webhook, statements, feed, injectable }) {
    this.#store = store;
    this.#outbox = outbox;
    this.#webhook = webhook;
    this.#statements = statements;
    this.#feed = feed;
    this.#injectable = injectable;
    this.#reported = webhook.delivered;
    store.onWrite = (write) => this.#remember(write);
  }

  #remember(write) {
    this.#count++;
    this.#writes.push(write);
    if (this.#writes.length < 2 * REMEMBERED) return;
    const dropped = this.#writes.splice(0, REMEMBERED);
    this.#forgotten = dropped.at(-1).txn;
  }

  /** Answers a request with JSON text. */
  async handle(method, url, body) {
    const action = `${method} ${url.pathname.slice('/_control/'.length)}`;
    switch (action) {
      case 'GET state':
        return JSON.stringify(this.#state());
      case 'GET writes':
        return this.#list(Number(url.searchParams.get('since') ?? 0));
      case 'POST checkpoint':
        return JSON.stringify(this.#advance(parse(body)));
      case 'POST faults':
        await this.#inject(parse(body));
        return '{}';
      case 'DELETE faults':
        this.#statements.clear();
        this.#feed.clear();
        return '{}';
      default:
        throw Object.assign(new Error(`no such control endpoint: ${action}`), { status: 404 });
    }
  }

  #state() {
    const { seq, checkpoint } = this.#outbox;
    const { delivered, refused } = this.#webhook;
    this.#reported = delivered;
    return {
      txn: this.#store.txn,
      writes: this.#count,
      statements: this.#store.statements,
      seq,
      delivered,
      pending: seq - delivered,
      checkpoint,
      refused,
      paused: this.#feed.paused,
    };
  }

  #list(since) {
    if (!Number.isSafeInteger(since)) throw new BadRequest('since is not a transaction');
    const writes = this.#writes
      .filter((w) => w.txn > since)
      // The id is JSON text, and stays so: it may be an integer beyond 2^53.
      .map((w) => `{"txn":${w.txn},"collection":${JSON.stringify(w.collection)},"id":${w.id},"method":"${w.method}"}`);
    return `{"complete":${since >= this.#forgotten},"writes":[${writes.join(',')}]}`;
  }

  #advance({ upto = this.#reported }) {
    if (!Number.isSafeInteger(upto) || upto < 0) throw new BadRequest('upto is not the number of an event');
    if (upto > this.#webhook.delivered) {
      throw new BadRequest(`event ${upto} is not delivered yet: the last one is ${this.#webhook.delivered}`);
    }
    this.#outbox.setCheckpoint(upto);
    return { checkpoint: this.#outbox.checkpoint };
  }

  async #inject({ statements, feed, behind }) {
    if (!this.#injectable) {
      throw Object.assign(new Error('faults are injected only into a server that was started with --faults'), { status: 403 });
    }
    if (statements !== undefined) this.#statements.add(statements);
    if (behind !== undefined) this.#statements.behind = behind > 0 ? behind : Infinity;
    if (feed !== undefined) {
      this.#feed.set(feed);
      if (feed.requery) await this.#store.between(() => this.#outbox.requery(this.#store.txn));
    }
  }
}

function parse(body) {
  if (body.length === 0) return {};
  let value;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new BadRequest('the body is not JSON');
  }
  if (value === null || typeof value !== 'object') throw new BadRequest('the body is not a JSON object');
  return value;
}
