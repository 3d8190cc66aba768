import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BadRequest, lossy, members, readRequest } from './args.mjs';

const isLossy = (json) => lossy(Buffer.from(json), 0, Buffer.byteLength(json));

test('lossy', async (t) => {
  const cases = {
    '{"a":[1,-5,0,123456789012345,1.5,-0.25,true,null,"1.0"]}': false,
    '1e-3': false,
    '1.0': true,
    '-1.0': true,
    '[1,2,1E3]': true,
    '1e+2': true,
    '-0.0': true,
    '1e400': true,
    '9007199254740993': true,
    '-9223372036854775808': true,
    '{"9007199254740993":"9007199254740993 1.0"}': false,
    '"\\" 1.0 \\\\"': false,
    '["\\\\",1.0]': true,
    '"\\ud83d\\ude00"': true,
    '"\\uD800"': true,
    '"\\u00d8 \\\\ud800"': false,
  };
  for (const [json, want] of Object.entries(cases)) {
    await t.test(json, () => assert.equal(isLossy(json), want));
  }
});

test('members', () => {
  const text = '{ "a" : {"b":[1,{"c":"}"}],"d":"\\"]"} ,"e\\u0041":"x,y", "f":[] ,"g":-1.5e3}';
  const body = Buffer.from(text);
  const got = [...members(body, 0, body.length)].map((m) => [m.key, JSON.parse(body.toString('utf8', m.start, m.end))]);
  assert.deepEqual(Object.fromEntries(got), JSON.parse(text));
  assert.deepEqual([...members(Buffer.from('{}'), 0, 2)], []);
});

// What is bound as text, together with what is bound as a value, is the same
// JSON as what was sent.
test('members of random JSON', () => {
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const text = () => ['', 'a', '"', '\\', '},{', ':', 'é😀', '1.0'][random(8)];
  const value = (depth) => {
    switch (random(depth > 3 ? 4 : 6)) {
      case 0: return random(1000) - 500;
      case 1: return text();
      case 2: return null;
      case 3: return random(100) / 8;
      case 4: return Array.from({ length: random(4) }, () => value(depth + 1));
      default: return object(depth + 1);
    }
  };
  const object = (depth) => Object.fromEntries(Array.from({ length: random(5) }, () => [text() + random(3), value(depth)]));
  for (let i = 0; i < 2000; i++) {
    const want = object(0);
    const body = Buffer.from(JSON.stringify(want, null, random(2)));
    const got = [...members(body, 0, body.length)].map((m) => [m.key, JSON.parse(body.toString('utf8', m.start, m.end))]);
    assert.deepEqual(Object.fromEntries(got), want);
  }
});

test('readRequest', async (t) => {
  const read = (body) => {
    const { plain, ...request } = readRequest(Buffer.from(body));
    return request;
  };
  await t.test('plain values are bound as they are', () => {
    const got = read('{"statement":"SELECT :p","args":{"p":{"a":1.5}}}');
    assert.deepEqual(got, { original: 'SELECT :p', statement: 'SELECT :p', args: { p: { a: 1.5 } } });
  });
  await t.test('exact ones as text', () => {
    const got = read('{"args":{"p":1},"statement":"SELECT :p, :q, :r","args":{"q": [1.0] ,"p":9007199254740993,"r":2}}');
    assert.equal(got.original, 'SELECT :p, :q, :r');
    assert.equal(got.statement, 'SELECT deserialize_json(:x1_text), deserialize_json(:x0_text), :r');
    assert.deepEqual(Object.keys(got.args).sort(), ['r', 'x0_text', 'x1_text']);
    assert.equal(got.args.x1_text, '9007199254740993');
    assert.equal(got.args.x0_text.trim(), '[1.0]');
    assert.equal(got.args.r, 2);
  });
  await t.test('a message speaks of the statement as sent', () => {
    const { plain } = readRequest(Buffer.from('{"statement":"SELECT :p","args":{"p":1.0}}'));
    assert.equal(plain('bad: deserialize_json(:x0_text).y'), 'bad: :p.y');
  });
  await t.test('an alias is no other argument', () => {
    const got = read('{"statement":"SELECT :p, :x0_text","args":{"p":1.0,"x0_text":5}}');
    assert.equal(got.statement, 'SELECT deserialize_json(:x0_text_), :x0_text');
    assert.deepEqual(got.args, { x0_text: 5, x0_text_: '1.0' });
  });
  await t.test('LIMIT keeps its value', () => {
    const got = read('{"statement":"SELECT * FROM c WHERE a=:n LIMIT :n","args":{"n":1.0}}');
    assert.equal(got.statement, 'SELECT * FROM c WHERE a=deserialize_json(:x0_text) LIMIT :n');
    assert.deepEqual(got.args, { n: 1, x0_text: '1.0' });
  });
  await t.test('a lossy number elsewhere changes nothing', () => {
    const got = read('{"x":1.0,"statement":"SELECT 1.0 FROM c","args":{"p":1}}');
    assert.deepEqual(got, { original: 'SELECT 1.0 FROM c', statement: 'SELECT 1.0 FROM c', args: { p: 1 } });
  });
  for (const bad of ['', 'x', '[]', 'null', '5', '{}', '{"statement":5}', '{"statement":"x","args":[]}', '{"statement":"x","args":"y"}']) {
    await t.test(`bad: ${bad}`, () => assert.throws(() => read(bad), BadRequest));
  }
  await t.test('no args', () => {
    assert.equal(read('{"statement":"x","args":null}').args, undefined);
    assert.equal(read('{"statement":"x"}').args, undefined);
  });
});
