// Just enough of DQL's lexical rules to tell what a statement mutates and
// where its parameters stand. Everything else is left to the engine.

const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const SPACE = /\s+/y;

/**
 * Splits a statement into tokens {kind, text, start, end}. Kinds: word, name
 * (a backtick identifier, text without its backticks), param (text is the
 * parameter's name), string, other. An unclosed string or comment ends the
 * list; the engine reports it.
 */
export function tokens(dql) {
  const out = [];
  let at = 0;
  while (at < dql.length) {
    const start = at;
    const skipped = skipBlank(dql, at);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    const c = dql[at];
    if (c === "'" || c === '"') {
      at = closeString(dql, at);
      out.push({ kind: 'string', text: '', start, end: at });
      continue;
    }
    if (c === ':') {
      const name = identifier(dql, skipBlank(dql, at + 1));
      if (name) {
        at = name.end;
        out.push({ kind: 'param', text: name.text, start, end: at });
        continue;
      }
    }
    const name = identifier(dql, at);
    if (name) {
      at = name.end;
      out.push({ kind: name.kind, text: name.text, start, end: at });
      continue;
    }
    at++;
    out.push({ kind: 'other', text: c, start, end: at });
  }
  return out;
}

// skipBlank passes over white space and comments; those of the /* */ kind nest.
function skipBlank(dql, at) {
  for (;;) {
    SPACE.lastIndex = at;
    if (SPACE.test(dql)) at = SPACE.lastIndex;
    if (dql.startsWith('--', at)) {
      const line = dql.indexOf('\n', at);
      at = line < 0 ? dql.length : line + 1;
    } else if (dql.startsWith('/*', at)) {
      at = closeComment(dql, at);
    } else {
      return at;
    }
  }
}

function closeComment(dql, at) {
  let depth = 0;
  while (at < dql.length) {
    if (dql.startsWith('/*', at)) {
      depth++;
      at += 2;
    } else if (dql.startsWith('*/', at)) {
      at += 2;
      if (--depth === 0) return at;
    } else {
      at++;
    }
  }
  return at;
}

// closeString: a backslash escapes; a doubled quote does not (DQL 5.1).
function closeString(dql, at) {
  const quote = dql[at++];
  while (at < dql.length && dql[at] !== quote) at += dql[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, dql.length);
}

function identifier(dql, at) {
  if (dql[at] === '`') {
    let text = '';
    for (let from = at + 1; ; ) {
      const close = dql.indexOf('`', from);
      if (close < 0) return { kind: 'name', text: text + dql.slice(from), end: dql.length };
      text += dql.slice(from, close);
      if (dql[close + 1] !== '`') return { kind: 'name', text, end: close + 1 };
      text += '`';
      from = close + 2;
    }
  }
  WORD.lastIndex = at;
  const m = WORD.exec(dql);
  return m && { kind: 'word', text: m[0], end: WORD.lastIndex };
}

/**
 * What a statement does:
 *   verb        select, insert, update, delete, or another first word
 *   mutates     it may change documents
 *   collection  of a mutation, or undefined when it cannot be told
 *   returning   the caller asks for items of its own (or a word looks like it)
 *   fresh       an INSERT that never touches an existing document
 *   declared    the statement declares types, so its RETURNING may show other
 *               values than a plain SELECT does
 *   typed       it may write a map or a counter even where DQL is strict
 */
export function analyse(dql) {
  const toks = tokens(dql);
  const word = (i) => (toks[i]?.kind === 'word' ? toks[i].text.toLowerCase() : '');
  let i = 0;
  let prefix = '';
  if (word(0) === 'explain' || word(0) === 'profile') prefix = word(i++);
  const verb = word(i++);
  const words = new Set(toks.filter((t) => t.kind === 'word').map((t) => t.text.toLowerCase()));
  const info = {
    verb: prefix === 'explain' ? prefix : verb,
    mutates: prefix !== 'explain' && (verb === 'insert' || verb === 'update' || verb === 'delete'),
    collection: undefined,
    returning: words.has('returning') || prefix === 'profile',
    fresh: verb === 'insert' && !['update', 'update_local_diff', 'merge', 'initial'].some((w) => words.has(w)),
    declared: false,
    typed: words.has('apply'),
  };
  if (!info.mutates) return info;
  if (word(i) === 'into' || word(i) === 'from') i++;
  if (word(i) === 'collection') i++;
  const name = toks[i];
  if (name?.kind !== 'word' && name?.kind !== 'name') return info;
  info.collection = name.text;
  // `default:tasks`: the lexer takes what follows the colon for a parameter.
  if (toks[i + 1]?.kind === 'param' && toks[i + 1].start === name.end) info.collection = toks[++i].text;
  info.declared = toks[i + 1]?.text === '(' && toks[i + 1].kind === 'other';
  info.typed ||= info.declared;
  return info;
}

/** Quotes a name for use in a statement. */
export const quote = (name) => '`' + name.replaceAll('`', '``') + '`';

/**
 * Rewrites a statement so that the parameters in names are bound as JSON text:
 * `:p` becomes `deserialize_json(:<alias of p>)`. That is no expression after
 * LIMIT and OFFSET, where a parameter stays as it is. Returns the statement,
 * the names that were rewritten and those that (also) stay.
 */
export function bindText(dql, names, alias) {
  const rewritten = new Set();
  const kept = new Set();
  let out = '';
  let from = 0;
  let before = '';
  for (const t of tokens(dql)) {
    if (t.kind === 'param' && names.has(t.text)) {
      if (before === 'limit' || before === 'offset') {
        kept.add(t.text);
      } else {
        rewritten.add(t.text);
        out += dql.slice(from, t.start) + `deserialize_json(:${alias(t.text)})`;
        from = t.end;
      }
    }
    before = t.kind === 'word' ? t.text.toLowerCase() : '';
  }
  return { dql: out + dql.slice(from), rewritten, kept };
}
