// Arguments of a statement, bound so that every number arrives as it was
// written. JavaScript numbers lose integers beyond 2^53 and the difference
// between 1 and 1.0; the engine's deserialize_json keeps both.

import { bindText } from './dql.mjs';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export class BadRequest extends Error {}

/**
 * Reads a request body: {original, statement, args, plain}. args are ready to
 * bind to statement, which is the original one rewritten where that takes JSON
 * text; plain turns a message about it into one about the original.
 */
export function readRequest(body) {
  let request;
  try {
    request = JSON.parse(body.toString('utf8'));
  } catch {
    throw new BadRequest('the request body is not JSON');
  }
  if (request === null || typeof request !== 'object' || Array.isArray(request)) {
    throw new BadRequest('the request body is not a JSON object');
  }
  const { statement, args } = request;
  if (typeof statement !== 'string') throw new BadRequest('missing field `statement`, or it is not a string');
  const plain = (message) => message;
  if (args === undefined || args === null) return { original: statement, statement, args: undefined, plain };
  if (typeof args !== 'object' || Array.isArray(args)) {
    throw new BadRequest('`args` is not a JSON object of named parameters');
  }
  if (!lossy(body, 0, body.length)) return { original: statement, statement, args, plain };
  return { original: statement, ...bindExact(statement, args, body) };
}

// bindExact binds as text what JSON.parse has changed, and nothing else: the
// engine parses such an argument again for every row that uses it.
function bindExact(statement, args, body) {
  const raw = new Map();
  for (const [start, end] of argsSpans(body)) {
    raw.clear();
    for (const m of members(body, start, end)) raw.set(m.key, m);
  }
  const exact = new Map();
  for (const [key, m] of raw) {
    if (lossy(body, m.start, m.end)) exact.set(key, `x${exact.size}_${unused(args, exact.size)}`);
  }
  const bound = bindText(statement, exact, (name) => exact.get(name));
  const out = { ...args };
  for (const name of exact.keys()) if (!bound.kept.has(name)) delete out[name];
  for (const name of bound.rewritten) {
    const m = raw.get(name);
    out[exact.get(name)] = body.toString('utf8', m.start, m.end);
  }
  const plain = (message) =>
    [...exact].reduce((text, [name, alias]) => text.replaceAll(`deserialize_json(:${alias})`, `:${name}`), message);
  return { statement: bound.dql, args: out, plain };
}

// unused ends an alias so that it is no argument's name.
function unused(args, n) {
  let end = 'text';
  while (Object.hasOwn(args, `x${n}_${end}`)) end += '_';
  return end;
}

// argsSpans finds the value of `args`; of repeated ones the last counts, as in
// JSON.parse.
function* argsSpans(body) {
  let start = 0;
  while (body[start] !== 0x7b) start++;
  for (const m of members(body, start, body.length)) if (m.key === 'args') yield [m.start, m.end];
}

/** The members of the object that begins at start: {key, start, end} of each value. The text is known to be JSON. */
export function* members(body, start, end) {
  let at = body.indexOf(QUOTE, start + 1);
  while (at >= 0 && at < end) {
    const keyEnd = stringEnd(body, at);
    const key = JSON.parse(body.toString('utf8', at, keyEnd));
    at = body.indexOf(0x3a, keyEnd) + 1;
    const from = at;
    at = valueEnd(body, at);
    yield { key, start: from, end: at };
    if (body[at] !== 0x2c) return;
    at = body.indexOf(QUOTE, at);
  }
}

// valueEnd is the index of the comma or bracket that ends the value at at.
function valueEnd(body, at) {
  for (let depth = 0; at < body.length; at++) {
    switch (body[at]) {
      case QUOTE:
        at = stringEnd(body, at) - 1;
        break;
      case 0x7b: // {
      case 0x5b: // [
        depth++;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        if (depth-- === 0) return at;
        break;
      case 0x2c: // ,
        if (depth === 0) return at;
    }
  }
  return at;
}

function stringEnd(body, at) {
  for (at++; body[at] !== QUOTE; at++) if (body[at] === BACKSLASH) at++;
  return at + 1;
}

/**
 * Whether JSON.parse and the binding of its values would change something
 * between start and end: an integer of more than 15 digits, a float without a
 * fraction (or too large, or negative zero), a lone surrogate.
 */
export function lossy(body, start, end) {
  for (let at = start; at < end; at++) {
    const c = body[at];
    if (c === QUOTE) {
      for (at++; body[at] !== QUOTE; at++) {
        if (body[at] !== BACKSLASH) continue;
        at++;
        if (body[at] === 0x75 && (body[at + 1] | 0x20) === 0x64 && body[at + 2] > 0x37) return true; // \uD800 and up
      }
    } else if (c >= 0x30 && c <= 0x39) {
      const from = at;
      let float = false;
      for (at++; at < end; at++) {
        const d = body[at];
        if (d >= 0x30 && d <= 0x39) continue;
        // . e E + -
        if (d !== 0x2e && (d | 0x20) !== 0x65 && d !== 0x2b && d !== 0x2d) break;
        float = true;
      }
      if (float) {
        const n = Number(body.toString('latin1', from, at));
        if (Number.isInteger(n) || !Number.isFinite(n)) return true;
      } else if (at - from > 15) {
        return true;
      }
      at--;
    }
  }
  return false;
}
