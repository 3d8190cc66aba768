// Statements and what they changed: every mutation yields one event per
// document, with the document as it was and as it is.
//
// Events always show documents as a non-strict read does, since a strict one
// hides maps and counters. A collection is plain as long as it had neither when
// its shadow was read, and only strict statements have changed it since: there a
// strict RETURNING shows the same, and nothing is read again.

import { analyse, quote } from './dql.mjs';
import { idKind, idOf, idText } from './ids.mjs';

const REREAD = 500; // ids per statement
const CACHED = 1000; // statements whose analysis is kept,
const CACHEABLE = 4096; // if they are no longer than this

export class Refused extends Error {}

export class Store {
  #engine;
  #outbox;
  #shadows = new Map(); // collection -> Map(id text -> JSON), complete
  #filled = new Set(); // collections without a shadow that hold documents
  #plain = new Set(); // collections with one that a strict read shows whole
  #analyses = new Map();

  statements = 0;
  /** Called with {txn, collection, id, method} of every mutated document. */
  onWrite = () => {};

  constructor(engine, outbox) {
    this.#engine = engine;
    this.#outbox = outbox;
  }

  get txn() {
    return this.#engine.txn;
  }

  /** Runs one statement: {txn, queryType, items, ids}, the last two as JSON texts. */
  execute(strict, { original, statement, args }) {
    const info = this.#analyse(original);
    return this.#engine.exclusive(strict, async () => {
      this.statements++;
      if (!info.mutates) return this.#read(info, statement, args);
      return this.#mutate(info, strict, statement, args);
    });
  }

  /** Runs job between two statements, so that it sees a settled outbox. */
  between(job) {
    return this.#engine.exclusive(false, job);
  }

  #analyse(statement) {
    let info = this.#analyses.get(statement);
    if (!info) {
      info = analyse(statement);
      if (this.#analyses.size >= CACHED) this.#analyses.clear();
      if (statement.length <= CACHEABLE) this.#analyses.set(statement, info);
    }
    // Strictness belongs to the API version, and EVICT is not on the server.
    if (info.verb === 'alter' || info.verb === 'evict') {
      throw new Refused(`${info.verb.toUpperCase()} is not available over HTTP`);
    }
    return info;
  }

  async #read(info, statement, args) {
    const result = await this.#engine.dql(statement, args);
    const items = result.items.map((item) => item.jsonString());
    return { txn: this.txn, queryType: info.verb === 'select' ? 'select' : 'unknown', items, ids: [] };
  }

  async #mutate(info, strict, statement, args) {
    const { collection, verb, fresh, returning } = info;
    // The statement's own RETURNING is taken for the documents where it shows
    // what a plain non-strict read would.
    const asked = !returning;
    let trusted = asked && collection !== undefined && (fresh || (!strict && !info.declared));
    if (collection !== undefined) {
      const sparing = fresh || (trusted && verb === 'delete');
      await this.#loadShadow(collection, strict, sparing);
      if (!strict || info.typed) this.#plain.delete(collection);
      trusted ||= asked && this.#plain.has(collection);
    }

    this.#outbox.begin();
    let result;
    try {
      result = await this.#engine.dql(asked ? `${statement}\nRETURNING *` : statement, args);
    } catch (err) {
      this.#outbox.end(); // a statement that fails changes nothing
      throw err;
    }
    const txn = Number(result.commitID);
    const mutated = result.mutatedDocumentIDsV2();
    const ids = mutated.map(idText);
    const items = asked ? [] : result.items.map((item) => item.jsonString());
    try {
      const changed = new Map(); // id text -> id, each once
      for (let i = 0; i < ids.length; i++) changed.set(ids[i], mutated[i]);
      let images = trusted ? pair(ids, result.items) : undefined;
      if (!images && collection !== undefined && verb !== 'delete') images = await this.#reread(collection, changed);
      this.#record(txn, collection, verb, changed, images);
    } catch (err) {
      // It happened and cannot be told in detail.
      this.#shadows.clear();
      this.#plain.clear();
      this.#outbox.requery(txn);
      throw err;
    }
    this.#outbox.end();
    return { txn, queryType: 'mutation', items, ids };
  }

  // #record writes the events, and keeps the shadow if there is one.
  #record(txn, collection, verb, changed, images) {
    if (changed.size === 0) return;
    if (collection === undefined) throw new Error('the collection that the statement changed cannot be told');
    const shadow = this.#shadows.get(collection);
    const events = [];
    for (const id of changed.keys()) {
      const before = shadow?.get(id);
      const shown = images?.get(id);
      const removed = verb === 'delete' || shown === undefined;
      const method = removed ? 'remove' : 'upsert';
      const change = removed
        ? `{"method":"remove","value":${before ?? shown ?? `{"_id":${id}}`}}`
        : `{"method":"upsert","oldValue":${before ?? null},"newValue":${shown}}`;
      if (removed) shadow?.delete(id);
      else shadow?.set(id, shown);
      events.push(`"collection":${JSON.stringify(collection)},"change":${change}`);
      this.onWrite({ txn, collection, id, method });
    }
    this.#outbox.append(txn, events);
  }

  // #loadShadow reads a whole collection, once, before the first statement
  // that may change what is there. A sparing statement can do without: it only
  // begins the shadow of an empty collection, which costs nothing.
  async #loadShadow(collection, strict, sparing) {
    if (this.#shadows.has(collection) || (sparing && this.#filled.has(collection))) return;
    await this.#engine.setStrict(false);
    if (sparing) {
      const some = await this.#engine.dql(`SELECT _id FROM ${quote(collection)} LIMIT 1`);
      if (some.items.length > 0) {
        this.#filled.add(collection);
        await this.#engine.setStrict(strict);
        return;
      }
    }
    const shadow = await this.#all(collection);
    this.#shadows.set(collection, shadow);
    if (shadow.size > 0) await this.#engine.setStrict(true);
    const shown = shadow.size > 0 ? await this.#all(collection) : shadow;
    if (shadow.size === shown.size && [...shadow].every(([id, json]) => shown.get(id) === json)) this.#plain.add(collection);
    await this.#engine.setStrict(strict);
  }

  // #all reads a whole collection: id text -> JSON.
  async #all(collection) {
    const result = await this.#engine.dql(`SELECT * FROM ${quote(collection)}`);
    const documents = new Map();
    for (const item of result.items) {
      const json = item.jsonString();
      documents.set(idOf(item, json), json);
    }
    return documents;
  }

  // #reread reads documents by id; one kind of id per statement, since a mixed
  // list matches nothing.
  async #reread(collection, changed) {
    await this.#engine.setStrict(false);
    const kinds = new Map();
    for (const id of changed.values()) {
      const kind = idKind(id);
      if (!kinds.has(kind)) kinds.set(kind, []);
      kinds.get(kind).push(id);
    }
    const images = new Map();
    for (const ids of kinds.values()) {
      for (let from = 0; from < ids.length; from += REREAD) {
        const part = ids.slice(from, from + REREAD);
        const result = await this.#engine.dql(`SELECT * FROM ${quote(collection)} WHERE _id IN :ids`, { ids: part });
        for (const item of result.items) {
          const json = item.jsonString();
          images.set(idOf(item, json), json);
        }
      }
    }
    return images;
  }
}

// pair matches the rows of RETURNING * with the mutated ids, which come in the
// same order; where that does not show, the row's own id is taken out of it.
function pair(texts, items) {
  const images = new Map();
  for (let i = 0; i < items.length; i++) {
    const json = items[i].jsonString();
    const text = texts[i] !== undefined && json.includes(`"_id":${texts[i]}`) ? texts[i] : idOf(items[i], json);
    images.set(text, json);
  }
  return images;
}
