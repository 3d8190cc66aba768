import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, bindText } from './dql.mjs';

const bind = (dql, ...names) => bindText(dql, new Set(names), (n) => `t_${n}`);

test('bindText', async (t) => {
  const cases = {
    plain: ['SELECT * FROM c WHERE a = :p', 'SELECT * FROM c WHERE a = deserialize_json(:t_p)'],
    twice: ['SELECT :p, :p FROM c', 'SELECT deserialize_json(:t_p), deserialize_json(:t_p) FROM c'],
    others: ['SELECT :pp, :P, :q FROM c', 'SELECT :pp, :P, :q FROM c'],
    indexed: ['UPDATE c SET a = :p[array_position(:ids,_id)]', 'UPDATE c SET a = deserialize_json(:t_p)[array_position(:ids,_id)]'],
    field: ['SELECT :p.a FROM c', 'SELECT deserialize_json(:t_p).a FROM c'],
    documents: ['INSERT INTO c DOCUMENTS (:p)', 'INSERT INTO c DOCUMENTS (deserialize_json(:t_p))'],
    string: [`SELECT ':p', ":p", 'a\\':p' FROM c WHERE a=:p`, `SELECT ':p', ":p", 'a\\':p' FROM c WHERE a=deserialize_json(:t_p)`],
    backslash: [`SELECT 'a\\\\', :p FROM c`, `SELECT 'a\\\\', deserialize_json(:t_p) FROM c`],
    backticks: ['SELECT `:p`, `a``:p` FROM `:p` WHERE :p', 'SELECT `:p`, `a``:p` FROM `:p` WHERE deserialize_json(:t_p)'],
    comments: ['SELECT a -- :p it\'s\n, :p /* :p /* :p */ :p */ FROM c', 'SELECT a -- :p it\'s\n, deserialize_json(:t_p) /* :p /* :p */ :p */ FROM c'],
    quoted: ['SELECT :`p`, : p FROM c', 'SELECT deserialize_json(:t_p), deserialize_json(:t_p) FROM c'],
    unclosed: [`SELECT ':p`, `SELECT ':p`],
    openComment: ['SELECT :p /* :p', 'SELECT deserialize_json(:t_p) /* :p'],
  };
  for (const [name, [dql, want]] of Object.entries(cases)) {
    await t.test(name, () => assert.equal(bind(dql, 'p').dql, want));
  }
  await t.test('limit', () => {
    const got = bind('SELECT * FROM c WHERE a = :p LIMIT :p OFFSET :q', 'p', 'q');
    assert.equal(got.dql, 'SELECT * FROM c WHERE a = deserialize_json(:t_p) LIMIT :p OFFSET :q');
    assert.deepEqual([...got.rewritten], ['p']);
    assert.deepEqual([...got.kept], ['p', 'q']);
  });
});

test('analyse', async (t) => {
  const insert = { verb: 'insert', mutates: true, collection: 'c', returning: false, fresh: true, declared: false, typed: false };
  const update = { ...insert, verb: 'update', fresh: false };
  const cases = {
    'INSERT INTO c DOCUMENTS (:d)': insert,
    'insert into c documents (:d) on id conflict do nothing': insert,
    'INSERT INTO COLLECTION c (q COUNTER) DOCUMENTS (:d)': { ...insert, declared: true, typed: true },
    'INSERT INTO c DOCUMENTS (:d) ON ID CONFLICT DO UPDATE': { ...insert, fresh: false },
    'INSERT INTO c DOCUMENTS (:d) ON ID CONFLICT DO UPDATE_LOCAL_DIFF': { ...insert, fresh: false },
    'INSERT INTO c DOCUMENTS (:d) ON ID CONFLICT DO MERGE': { ...insert, fresh: false },
    'INSERT INTO c INITIAL DOCUMENTS (:d)': { ...insert, fresh: false },
    'UPDATE c SET a = 1': update,
    '-- x\n/* y */ UPDATE COLLECTION c (n MAP(q COUNTER)) SET a = 1': { ...update, declared: true, typed: true },
    'UPDATE default:c SET a = 1': update,
    'UPDATE c apply q RESTART WITH 1': { ...update, typed: true },
    'UPDATE c AS x SET x.a = 1': update,
    'UPDATE c SET a = (1)': update,
    'UPDATE c SET a = 1 returning _id': { ...update, returning: true },
    "UPDATE c SET a = 'RETURNING', `returning` = 2": update,
    'UPDATE `my-coll.``x` SET a = 1': { ...update, collection: 'my-coll.`x' },
    'DELETE FROM c WHERE _id = 1': { ...update, verb: 'delete' },
    'DELETE FROM COLLECTION `select` (a MAP) WHERE _id = 1': { ...update, verb: 'delete', collection: 'select', declared: true, typed: true },
    'PROFILE UPDATE c SET a = 1': { ...update, returning: true },
    'EXPLAIN UPDATE c SET a = 1': { ...update, verb: 'explain', mutates: false, collection: undefined },
    'SELECT * FROM c': { ...update, verb: 'select', mutates: false, collection: undefined },
    'ALTER SYSTEM SET x = 1': { ...update, verb: 'alter', mutates: false, collection: undefined },
    'UPDATE': { ...update, collection: undefined },
    '': { ...update, verb: '', mutates: false, collection: undefined },
  };
  for (const [dql, want] of Object.entries(cases)) {
    await t.test(dql || 'empty', () => assert.deepEqual(analyse(dql), want));
  }
});
