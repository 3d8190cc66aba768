// The HTTP face: Ditto Server's store/execute, and the control endpoints.

import { createHash, timingSafeEqual } from 'node:crypto';
import http from 'node:http';

import { BadRequest, readRequest } from './args.mjs';
import { Refused } from './store.mjs';

const BODY_LIMIT = 32 << 20;
const EXECUTE = /^(?:\/[^/]+)?\/api\/(v4|v5)\/store\/execute\/?$/;

class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Makes the server; control is the Control that answers under /_control. */
export function createApi({ store, keys, faults, control }) {
  const authorized = bearer(keys);
  const server = http.createServer(async (req, res) => {
    const url = new URL(req.url, 'http://localhost');
    const execute = EXECUTE.exec(url.pathname);
    const answer = execute ? failure : (status, description) => [status, JSON.stringify({ message: description })];
    let reply;
    try {
      // Before all else: a connection that closes on an unread body loses the answer.
      const body = await readBody(req);
      if (!execute && !url.pathname.startsWith('/_control/')) throw new HttpError(404, `no such endpoint: ${url.pathname}`);
      if (!authorized(req.headers.authorization)) throw new HttpError(401, 'unauthorized: no valid API key in the Authorization header');
      if (execute && req.method !== 'POST') throw new HttpError(405, `method ${req.method} is not allowed`);
      if (body === undefined) throw new HttpError(413, `the body exceeds ${BODY_LIMIT} bytes`);
      if (execute) reply = await executeStatement({ store, faults, api: execute[1], headers: req.headers, body });
      else reply = [200, await control.handle(req.method, url, body)];
    } catch (err) {
      reply = answer(statusOf(err), err.message);
    }
    if (reply === undefined) {
      req.socket.destroy();
      return;
    }
    const [status, json, headers] = reply;
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json), ...headers });
    res.end(json);
  });
  server.keepAliveTimeout = 120_000;
  return server;
}

function statusOf(err) {
  if (err.status) return err.status;
  if (err instanceof BadRequest || err instanceof Refused) return 400;
  return typeof err.code === 'string' && err.code.startsWith('query/') ? 400 : 500;
}

// bearer compares in constant time; the scheme's case does not matter.
function bearer(keys) {
  const digest = (s) => createHash('sha256').update(s).digest();
  const known = keys.map(digest);
  return (header) => {
    const m = /^bearer +(\S+) *$/i.exec(header ?? '');
    if (!m) return false;
    const given = digest(m[1]);
    return known.reduce((found, k) => timingSafeEqual(k, given) || found, false);
  };
}

// readBody reads to the end; undefined stands for more than the limit.
async function readBody(req) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size <= BODY_LIMIT) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > BODY_LIMIT) return undefined;
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

async function executeStatement({ store, faults, api, headers, body }) {
  const request = readRequest(body);
  const wanted = headers['x-ditto-txn-id'];
  if (wanted !== undefined && !/^\d+$/.test(wanted)) throw new BadRequest(`X-DITTO-TXN-ID ${wanted} is not a number`);
  const run = async () => {
    if (wanted !== undefined && Number(wanted) > Math.min(store.txn, faults.behind)) {
      throw new HttpError(404, `transaction ${wanted} is not available on this node`);
    }
    try {
      return success(await store.execute(api === 'v4', request));
    } catch (err) {
      throw new HttpError(statusOf(err), request.plain(err.message));
    }
  };
  const fault = faults.meet(api, request.original, wanted !== undefined);
  if (!fault) return run();
  if (fault.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  if (!fault.status && !fault.drop) return run();
  if (fault.execute) await run();
  if (fault.drop) return undefined;
  const reply = failure(fault.status, fault.description || `injected ${fault.status}`);
  return fault.retryAfter ? [...reply, { 'retry-after': String(fault.retryAfter) }] : reply;
}

function success({ txn, queryType, items, ids }) {
  return [
    200,
    `{"transactionId":${txn},"queryType":"${queryType}","items":[${items.join(',')}],` +
      `"mutatedDocumentIds":[${ids.join(',')}],"error":{},"warnings":[],"totalWarningsCount":0}`,
  ];
}

function failure(status, description) {
  const body = {
    queryType: 'unknown',
    items: [],
    mutatedDocumentIds: [],
    error: { description },
    warnings: [],
    totalWarningsCount: 0,
  };
  return [status, JSON.stringify(body)];
}
