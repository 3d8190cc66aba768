// Faults for tests: wrong answers to statements, and a disturbed change feed.

import { BadRequest } from './args.mjs';

const STATUSES = new Set([200, 400, 401, 403, 404, 408, 429, 500, 503]);

/** Faults of statements, in the order in which they were added. */
export class StatementFaults {
  #faults = [];

  /** Statements with a higher X-DITTO-TXN-ID are answered 404. */
  behind = Infinity;

  add(faults) {
    if (!Array.isArray(faults)) throw new BadRequest('`statements` is not an array');
    this.#faults.push(...faults.map(check));
  }

  clear() {
    this.#faults = [];
    this.behind = Infinity;
  }

  /**
   * The fault that a statement meets, or undefined. Only one that waits for a
   * transaction can be told that the node is behind.
   */
  meet(api, statement, waits) {
    for (const f of this.#faults) {
      if (f.times === 0 || (f.api && f.api !== api) || (f.match && !f.match.test(statement))) continue;
      if (f.status === 404 && !waits) continue;
      if (f.skip > 0) {
        f.skip--;
        continue;
      }
      f.times--; // a negative one never gets to 0
      return f;
    }
    return undefined;
  }
}

function check(f) {
  const fault = { ...f, skip: f.skip ?? 0, times: f.times || 1 };
  if (f.api && f.api !== 'v4' && f.api !== 'v5') throw new BadRequest(`api ${f.api} is neither v4 nor v5`);
  if (f.status && !STATUSES.has(f.status)) throw new BadRequest(`status ${f.status} is none that is injected`);
  try {
    fault.match = f.match ? new RegExp(f.match, 's') : undefined;
  } catch (err) {
    throw new BadRequest(`match: ${err.message}`);
  }
  return fault;
}

/** Disturbs the delivery of events. */
export class FeedFaults {
  #left = { drop: 0, duplicate: 0, reorder: 0, compact: 0 };

  paused = false;
  delayMs = 0;
  /** Called after each set. */
  onChange = () => {};

  set(f) {
    for (const name of Object.keys(this.#left)) {
      if (f[name] !== undefined) this.#left[name] = count(name, f[name]);
    }
    if (f.paused !== undefined) this.paused = Boolean(f.paused);
    if (f.delayMs !== undefined) this.delayMs = count('delayMs', f.delayMs);
    this.onChange();
  }

  clear() {
    this.set({ drop: 0, duplicate: 0, reorder: 0, compact: 0, paused: false, delayMs: 0 });
  }

  /**
   * The next events to send: {events, upto}, upto being the last one that is
   * done with once they are sent. Undefined when there is nothing to do yet.
   */
  next(outbox, most, bytes) {
    const name = Object.keys(this.#left).find((k) => this.#left[k] > 0);
    if (!name) {
      const group = outbox.read(most, bytes);
      return group.length > 0 ? { events: group.map((e) => e.json), upto: group.at(-1).seq } : undefined;
    }
    const whole = name === 'reorder' || name === 'compact';
    const want = this.#left[name];
    if (whole && outbox.seq - outbox.next + 1 < want) return undefined;
    const group = outbox.read(whole ? want : Math.min(want, most), whole ? Infinity : bytes);
    if (group.length === 0) return undefined;
    this.#left[name] -= group.length;
    return { events: disturb[name](group.map((e) => e.json)), upto: group.at(-1).seq };
  }
}

const disturb = {
  drop: () => [],
  duplicate: (events) => events.flatMap((e) => [e, e]),
  reorder: (events) => events.reverse(),
  compact: (events) => {
    const last = new Map();
    for (const e of events) {
      const { collection, change } = JSON.parse(e.toString());
      const doc = change?.newValue ?? change?.value;
      const key = doc ? JSON.stringify([collection, doc._id]) : e;
      last.delete(key);
      last.set(key, e);
    }
    return [...last.values()];
  },
};

function count(name, n) {
  if (!Number.isInteger(n) || n < 0) throw new BadRequest(`${name} is not a number of 0 or more`);
  return n;
}
