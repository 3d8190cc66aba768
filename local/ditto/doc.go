// Package ditto starts the stand-in for Ditto Server that the local stack and
// the tests use: the real Ditto engine from npm behind the HTTP API and the
// webhook of Ditto Server. The server is server.mjs beside this file; this
// package runs it as a child process and speaks to its control endpoints.
//
// What is real: the engine (DQL, CRDT types, strict mode, conflict policies,
// errors, its store on disk) and therefore every answer to a statement.
//
// What is built here, after Ditto's documentation: the HTTP paths and answers
// of /api/v4 and /api/v5, bearer keys, X-DITTO-TXN-ID, documentChanged events
// and their signed delivery from an outbox on disk.
//
// What it cannot show, so that nothing may be concluded about it from a test
// that passes here:
//
//   - the DQL version that a Ditto Server runs, and the exact text of its errors;
//   - which errors a Ditto Server answers with 400 and which with 500;
//   - the queryType of mutations (here "mutation");
//   - permissions of keys: here a key may do everything;
//   - limits on bodies and rates (here 32 MiB and none);
//   - nodes of one server that lag behind each other, timeouts and overload:
//     they are injected, see [Server.Inject];
//   - compaction, delay and duplicates of the change feed: injected too;
//   - headers, retries, order and batches of Ditto's own webhook, of which only
//     the events and the signature are documented;
//   - merges of concurrent peers: the engine has no peers here;
//   - attachments, and every endpoint other than store/execute.
//
// The control endpoints under /_control are this server's own. They take the
// same bearer keys.
package ditto
