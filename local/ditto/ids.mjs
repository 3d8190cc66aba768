// JSON text of document ids, which may hold integers beyond 2^53 (BigInt).

/** The canonical text of an id: compact, keys sorted. */
export function idText(id) {
  if (typeof id === 'string') return JSON.stringify(id);
  if (typeof id === 'bigint') return id.toString();
  if (Array.isArray(id)) return `[${id.map(idText).join(',')}]`;
  if (id !== null && typeof id === 'object') {
    const keys = Object.keys(id).sort();
    return `{${keys.map((k) => `${JSON.stringify(k)}:${idText(id[k])}`).join(',')}}`;
  }
  return JSON.stringify(id);
}

/** The JSON kind of an id: `_id IN` matches nothing when kinds are mixed. */
export function idKind(id) {
  if (Array.isArray(id)) return 'array';
  return typeof id === 'bigint' ? 'number' : typeof id;
}

/**
 * The id's text of a document that a result shows as json. Parsing that is much
 * quicker than item.value, but only that keeps every integer.
 */
export function idOf(item, json) {
  const id = JSON.parse(json)._id;
  return idText(exact(id) ? id : item.value._id);
}

function exact(id) {
  if (typeof id === 'number') return Number.isSafeInteger(id);
  return id === null || typeof id !== 'object' || Object.values(id).every(exact);
}
