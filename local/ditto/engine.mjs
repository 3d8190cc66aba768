// The Ditto engine: one statement at a time, each under the strictness of its
// API version.

import { createRequire } from 'node:module';

// One store per directory, so the database id may be the same for all.
const DATABASE = '9d2f6c1e-5b0a-4c7e-8f43-1a6e0c5b7d20';

// How many statements of one strictness may run while one of the other waits.
const BURST = 32;

/** Opens the engine in a directory. */
export async function openEngine(dir) {
  const { Ditto, DittoConfig, Logger } = createRequire(import.meta.url)('@dittolive/ditto');
  Logger.minimumLogLevel = 'Error'; // lower levels print statements
  const ditto = await Ditto.open(new DittoConfig(DATABASE, { mode: 'smallPeersOnly' }, dir));
  const engine = new Engine(ditto);
  // Every mutation takes a commit id, also one that matches nothing: it tells
  // where the store stands.
  const probe = await engine.dql("DELETE FROM causeway_start WHERE _id = ''");
  engine.txn = Number(probe.commitID);
  return engine;
}

class Engine {
  #ditto;
  #strict = undefined;
  #queue = [];
  #running = false;
  #burst = 0;
  #closed = false;

  /** The last commit id: the store's current transaction. */
  txn = 0;

  constructor(ditto) {
    this.#ditto = ditto;
  }

  /**
   * Runs job alone, after those that wait, with nothing else between its
   * statements. Jobs of the same strictness are grouped, since a change of it
   * is a statement of its own; none waits for more than a burst of others.
   */
  exclusive(strict, job) {
    if (this.#closed) return Promise.reject(shuttingDown());
    return new Promise((resolve, reject) => {
      this.#queue.push({ strict, job, resolve, reject });
      if (!this.#running) this.#drain();
    });
  }

  async #drain() {
    this.#running = true;
    while (this.#queue.length > 0) {
      const { strict, job, resolve, reject } = this.#next();
      try {
        await this.setStrict(strict);
        resolve(await job());
      } catch (err) {
        reject(err);
      }
    }
    this.#running = false;
  }

  #next() {
    let i = this.#burst < BURST ? this.#queue.findIndex((j) => j.strict === this.#strict) : 0;
    if (i < 0) i = 0;
    const [job] = this.#queue.splice(i, 1);
    this.#burst = i === 0 ? 0 : this.#burst + 1;
    return job;
  }

  /** Only inside a job. */
  async setStrict(strict) {
    if (this.#strict === strict) return;
    this.#strict = undefined;
    await this.dql(`ALTER SYSTEM SET DQL_STRICT_MODE = ${strict}`);
    this.#strict = strict;
  }

  /** Runs one statement, only inside a job. */
  async dql(statement, args) {
    const result = await this.#ditto.store.execute(statement, args);
    if (result.commitID != null) this.txn = Number(result.commitID);
    return result;
  }

  /** Waits for the running job, and refuses what waits. */
  async close() {
    this.#closed = true;
    for (const j of this.#queue.splice(0)) j.reject(shuttingDown());
    while (this.#running) await new Promise((resolve) => setTimeout(resolve, 5));
    await this.#ditto.close();
  }
}

const shuttingDown = () => Object.assign(new Error('the server is shutting down'), { status: 503 });
