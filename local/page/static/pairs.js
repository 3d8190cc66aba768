// Both sides of a collection, pair by pair.
import { $, announce, ask, calmly, el, name, number, sides, tell, text } from './dom.js';
import { only } from './flow.js';

// The list is a window of what there is, which follows the scrolling: some cards
// more at a time (an even number: there may be two columns), and so many at most;
// more while one of them is being edited. Blank space stands for the rest.
const step = 48;
const few = 24; // at first
const most = 3 * step;
const look = { collection: '', search: '', show: 'all', order: 'id' };
const span = { first: 0, size: few };
let tall = 0; // a row, about: of the first that were shown
let aim = 0; // the row that is to be at the top, once it is there
let wanted = ''; // what is asked for
const cards = new Map(); // by key
const fresh = new Map(); // key to when its mark ends
let setupOf = new Map();
let counts = { found: 0 };

export function setup(s) {
  setupOf = new Map(s.collections.map((c) => [c.name, c]));
  const select = $('collection');
  const names = s.collections.map((c) => c.name);
  if (![...select.options].every((o, i) => o.value === names[i]) || select.options.length !== names.length) {
    select.replaceChildren(...names.map((n) => el('option', { value: n }, n)));
  }
  if (!setupOf.has(look.collection)) look.collection = names[0] ?? '';
  select.value = look.collection;
}

export const collection = () => look.collection;

/** Shows a pair, whatever collection and page it is on. */
export function goTo(collectionName, key) {
  if (collectionName) look.collection = collectionName;
  Object.assign(look, { search: name(key), show: 'all' });
  $('collection').value = look.collection;
  $('search').value = look.search;
  $('show').value = 'all';
  location.hash = '#documents';
  begin();
}

/** Where to begin so that there is something above this row too. */
const before = (at) => Math.max(0, Math.floor(at / few) * few - few);

/** Shows what is wanted from its beginning, or from a row on. */
function begin(at = 0) {
  aim = at;
  span.first = before(at);
  span.size = 2 * step;
  if (!at) {
    span.size = few;
    tall = 0;
  }
  refresh(true);
}

export const refresh = calmly(read, 200);

async function read() {
  if (!look.collection) {
    say('No collection is configured: name one in causeway.yaml, and run again.');
    return;
  }
  wanted = JSON.stringify([look, span]);
  let window;
  try {
    window = await ask('pairs', { ...look, offset: span.first, limit: span.size });
  } catch (err) {
    if (!cards.size) say(`Cannot read the documents: ${err.message}`);
    return;
  }
  if (wanted !== JSON.stringify([look, span])) return; // something else is wanted by now, and asked for
  span.first = window.offset;
  wanted = JSON.stringify([look, span]);
  counts = window.counts;
  show(window.pairs);
  showCounts();
  follow();
}

/** Says why there is no card. */
function say(said) {
  $('none').hidden = !said;
  text($('none'), said ?? '');
}

function showCounts() {
  const c = counts;
  const total = c.both + c.mongodb + c.ditto;
  const parts = [`${number(total)} ${total === 1 ? 'document' : 'documents'}`];
  if (c.mongodb) parts.push(`${number(c.mongodb)} only in MongoDB`);
  if (c.ditto) parts.push(`${number(c.ditto)} only in Ditto`);
  if (total && !c.mongodb && !c.ditto) parts.push('all on both sides');
  text($('counts'), parts.join(' · '));
  showWhere();
}

const box = $('pairs');
const list = $('list');

/** The rows that are in sight: the first and the last. */
function inSight() {
  const { top, bottom } = box.getBoundingClientRect();
  let from = -1;
  let to = -1;
  [...list.children].forEach((e, i) => {
    const r = e.getBoundingClientRect();
    if (r.bottom <= top + 8 || r.top >= bottom - 8) return;
    if (from < 0) from = span.first + i;
    to = span.first + i;
  });
  return { from, to };
}

function showWhere() {
  $('pager').hidden = counts.found <= few;
  const { from, to } = inSight();
  if (from < 0) return; // it is being loaded
  text($('where'), `${number(from + 1)}–${number(to + 1)} of ${number(counts.found)}`);
  for (const b of document.querySelectorAll('#pager button')) {
    const end = ['first', 'prev'].includes(b.dataset.go) ? box.scrollTop < 2 && from === 0 : to >= counts.found - 1;
    b.setAttribute('aria-disabled', String(end)); // it keeps the focus
  }
}

/** Loads what comes into sight, and lets go of what is far from it. */
function follow() {
  const top = box.scrollTop;
  const bottom = top + box.clientHeight;
  const from = list.offsetTop;
  const to = from + list.offsetHeight;
  const room = [...cards.values()].some((c) => c.editing()) ? 200 : most; // as many as the server gives
  // Not so near that what is let go of above were wanted back at once.
  const near = Math.max(100, Math.min(2 * box.clientHeight, (((room - step) / columns()) * tall - box.clientHeight) / 2));
  const end = span.first + span.size;
  if (!counts.found || !tall || !box.clientHeight) return;
  if (top > to || bottom < from) { // somebody has dragged the scroll bar
    const at = Math.min(counts.found - 1, Math.floor(top / tall) * columns());
    span.first = before(at);
    span.size = 2 * step;
  } else if (to - bottom < near && end < counts.found) {
    span.size += step;
    if (span.size > room) {
      span.first += span.size - room;
      span.size = room;
    }
  } else if (top - from < near && span.first > 0) {
    const more = Math.min(step, span.first);
    span.first -= more;
    span.size = Math.min(room, span.size + more);
  } else return;
  refresh(true);
}

const columns = () => getComputedStyle(list).gridTemplateColumns.split(' ').length;

let due = false;
let place = 0; // what it is scrolled to, while another view is shown too
box.addEventListener('scroll', () => {
  if (!box.clientHeight) return;
  place = box.scrollTop;
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    if (wanted === JSON.stringify([look, span])) follow(); // else it is on its way
    showWhere();
  });
}, { passive: true });

/** The view is shown again. */
export function back() {
  box.scrollTop = place;
  refresh();
}

window.addEventListener('resize', () => { // there may be another number of columns
  tall = 0;
  refresh();
});

/** Shows these rows. What is in sight stays where it is. */
function show(pairs) {
  const { top } = box.getBoundingClientRect();
  const held = box.scrollTop > 0 ? [...list.children].find((e) => e.getBoundingClientRect().bottom > top) : null;
  const was = held?.getBoundingClientRect().top;
  const keys = new Set(pairs.map((p) => p.key));
  for (const [key, card] of cards) {
    if (keys.has(key)) continue;
    if (card.editing() && !pairs.length) continue;
    card.root.remove();
    cards.delete(key);
  }
  let before = null;
  pairs.forEach((p, i) => {
    let card = cards.get(p.key);
    if (!card) {
      card = new Card(p);
      cards.set(p.key, card);
    }
    card.update(p);
    card.root.setAttribute('aria-posinset', span.first + i + 1);
    card.root.setAttribute('aria-setsize', counts.found);
    const place = before ? before.nextElementSibling : list.firstElementChild;
    if (place !== card.root) list.insertBefore(card.root, place); // only what moved is moved
    before = card.root;
  });
  if (pairs.length) list.setAttribute('role', 'feed');
  else list.removeAttribute('role'); // one without articles is none
  say(pairs.length ? '' : empty());
  const rows = Math.ceil(pairs.length / columns());
  if (!tall && rows && list.offsetHeight) tall = (list.offsetHeight + parseFloat(getComputedStyle(list).rowGap)) / rows;
  $('above').style.height = `${(span.first / columns()) * tall}px`;
  $('below').style.height = `${(Math.max(0, counts.found - span.first - pairs.length) / columns()) * tall}px`;
  if (aim !== null && box.clientHeight) {
    const at = list.children[Math.min(aim - span.first, pairs.length - 1)];
    box.scrollTop = aim && at ? at.offsetTop : 0;
    aim = null;
  } else if (held?.isConnected) {
    const moved = held.getBoundingClientRect().top - was;
    if (Math.abs(moved) >= 1) box.scrollTop += moved;
  }
  if (pairs.length && !performance.getEntriesByName('shown').length) performance.mark('shown');
}

function empty() {
  const total = counts.both + counts.mongodb + counts.ditto;
  if (!total) return `No document in ${look.collection} yet. Make one with “New in MongoDB” or “New in Ditto”, and see it appear on the other side.`;
  if (look.search) return `No id contains “${look.search}”. Clear the search to see all ${number(total)}.`;
  return 'Every document is on both sides. Choose “all” to see them.';
}

/** A document changed on a side, or its ledger entry did. */
export function changed(c) {
  if (c.collection !== look.collection) return;
  if (c.side) {
    for (const key of c.keys ?? []) {
      fresh.set(key, Date.now() + 4000);
      cards.get(key)?.mark();
    }
    setTimeout(unmark, 4100);
    if (c.keys?.length === 1) announce(`${name(c.keys[0])} changed in ${sides[c.side]}`);
  } else if (!(c.keys ?? []).some((k) => cards.has(k))) return;
  refresh();
}

function unmark() {
  for (const [key, until] of fresh) {
    if (until > Date.now()) continue;
    fresh.delete(key);
    cards.get(key)?.mark();
  }
}

class Card {
  constructor(p) {
    this.key = p.key;
    this.rows = new Map();
    this.title = el('h3');
    this.type = el('span', { class: 'type' });
    this.badges = el('span');
    this.body = el('tbody');
    const who = name(p.key);
    this.tools = el('span', { class: 'tools' },
      el('button', { type: 'button', class: 'small', 'aria-label': `History of ${who}`, onclick: () => only(look.collection, p.key) }, 'History'));
    this.feet = { mongodb: el('td'), ditto: el('td') };
    this.more = el('p', { class: 'none' });
    this.root = el('article', { class: 'pair', tabindex: '-1', data: { key: p.key }, 'aria-label': who },
      el('header', {}, this.title, this.type, this.badges, this.tools),
      el('table', {},
        el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'field'), el('th', { scope: 'col' }, 'MongoDB'), el('th', { scope: 'col' }, 'Ditto'))),
        this.body,
        el('tfoot', {}, el('tr', {}, el('td'), this.feet.mongodb, this.feet.ditto))),
      this.more);
    this.mark();
  }

  editing() {
    return this.root.querySelector('form') !== null;
  }

  mark() {
    this.root.classList.toggle('fresh', fresh.has(this.key));
  }

  update(p) {
    const said = JSON.stringify(p);
    if (said === this.said) return;
    this.said = said;
    this.p = p;
    text(this.title, name(p.key));
    text(this.type, p.mongoType ?? '');
    this.root.classList.toggle('differs', p.differs);
    this.badge(p);
    const there = new Set();
    let before = null;
    for (const f of p.fields) {
      there.add(f.name);
      let r = this.rows.get(f.name);
      if (!r) {
        r = new Row(this, f.name);
        this.rows.set(f.name, r);
      }
      r.update(f, p);
      const place = before ? before.nextElementSibling : this.body.firstElementChild;
      if (place !== r.root) this.body.insertBefore(r.root, place);
      before = r.root;
    }
    for (const [n, r] of this.rows) {
      if (there.has(n) || r.root.querySelector('form')) continue;
      r.root.remove();
      this.rows.delete(n);
    }
    for (const side of ['mongodb', 'ditto']) this.foot(side, side === 'mongodb' ? p.inMongodb : p.inDitto);
    text(this.more, p.more ? `and ${p.more} more fields` : '');
    this.more.hidden = !p.more;
  }

  badge(p) {
    const list = [];
    if (!p.inDitto) list.push(['one', 'only in MongoDB']);
    else if (!p.inMongodb) list.push(['one', 'only in Ditto']);
    else list.push(p.differs ? ['differs', 'differs'] : ['same', 'same']);
    if (p.claimed) list.push(['held', 'being written']);
    if (p.state && p.state !== 'live') list.push([p.state, p.state]);
    const kids = list.map(([c, t]) => el('span', { class: `badge ${c}` }, t));
    const big = Math.max(p.mongoSize ?? 0, p.dittoSize ?? 0);
    if (big > 64 << 10) kids.push(el('span', { class: 'badge' }, `${(big / 1048576).toFixed(2)} MiB, shown cut`));
    this.badges.replaceChildren(...kids.flatMap((k) => [k, ' ']));
  }

  foot(side, there) {
    const td = this.feet[side];
    if (td.querySelector('form') || td.dataset.there === String(there)) return;
    td.dataset.there = there;
    const who = name(this.key);
    td.replaceChildren(...(there ? [
      el('button', { type: 'button', class: 'small', 'aria-label': `Add a field to ${who} in ${sides[side]}`, onclick: () => this.add(side) }, '+ field'), ' ',
      el('button', { type: 'button', class: 'small', 'aria-label': `Delete ${who} in ${sides[side]}`, onclick: () => this.remove(side) }, 'delete'),
    ] : [el('span', { class: 'none' }, 'not there')]));
  }

  edit(side, op, more) {
    return tell('edit', { collection: look.collection, side, op, key: this.key, field: '', value: '', ...more });
  }

  reset(side) {
    delete this.feet[side].dataset.there;
    this.feet[side].replaceChildren();
    this.foot(side, side === 'mongodb' ? this.p.inMongodb : this.p.inDitto);
  }

  add(side) {
    const field = el('input', { name: 'name', required: true, 'aria-label': 'Name of the field', placeholder: 'name', autocomplete: 'off' });
    const value = el('input', { required: true, 'aria-label': 'Value', placeholder: 'value, such as 5 or "text"', autocomplete: 'off' });
    const back = () => {
      this.reset(side);
      this.feet[side].querySelector('button')?.focus();
    };
    this.feet[side].replaceChildren(form([field, value], 'Add', async () => {
      await this.edit(side, 'set', { field: field.value, value: value.value });
      back();
      refresh();
    }, back));
    field.focus();
  }

  remove(side) {
    const back = () => {
      this.reset(side);
      this.feet[side].querySelector('button:last-of-type')?.focus();
    };
    const f = form([el('span', {}, `Delete it in ${sides[side]}?`)], 'Delete', async () => {
      await this.edit(side, 'delete');
      this.reset(side);
      refresh();
    }, back);
    this.feet[side].replaceChildren(f);
    f.querySelector('button').focus();
  }
}

/** One field on both sides. */
class Row {
  constructor(card, field) {
    this.card = card;
    this.field = field;
    this.cells = { mongodb: el('td'), ditto: el('td') };
    this.root = el('tr', {}, el('th', { scope: 'row' }, field === '' ? '""' : field), this.cells.mongodb, this.cells.ditto);
  }

  update(f, p) {
    this.f = f;
    this.root.classList.toggle('differs', Boolean(f.differs));
    for (const side of ['mongodb', 'ditto']) {
      const there = side === 'mongodb' ? p.inMongodb : p.inDitto;
      this.cell(side, f[side], there);
    }
  }

  cell(side, v, there) {
    const td = this.cells[side];
    const said = JSON.stringify([v ?? null, there]);
    if (td.dataset.said === said || td.querySelector('form')) return;
    td.dataset.said = said;
    if (!v) {
      td.replaceChildren(el('span', { class: 'none' }, there ? 'no such field' : 'not there'));
      return;
    }
    const shown = v.cut ? `${v.text}…` : plain(v);
    let b = td.querySelector('button.value');
    if (!b) {
      b = el('button', { type: 'button', class: 'value', onclick: () => this.edit(side) }, el('code'), el('span', { class: 'type' }));
      td.replaceChildren(b);
    }
    b.setAttribute('aria-label', `Change ${this.field} in ${sides[side]}, now ${shown.slice(0, 80)}, ${v.type}`);
    text(b.firstElementChild, shown);
    text(b.lastElementChild, v.cut ? `${v.type}, ${number(v.size)} bytes` : v.type);
  }

  async edit(side) {
    const td = this.cells[side];
    let v = this.f[side];
    const said = el('p', { class: 'error', role: 'alert' });
    try {
      if (v.cut) v = await ask('value', { collection: look.collection, key: this.card.key, side, field: this.field });
    } catch (err) {
      text(said, err.message);
      td.append(said);
      return;
    }
    if (v.cut) { // too large to be edited here
      text(said, `${number(v.size)} bytes are too many to be edited here: use mongosh, or Ditto's API.`);
      td.append(said);
      return;
    }
    const back = () => {
      delete td.dataset.said;
      td.replaceChildren();
      this.cell(side, this.f[side], true);
      td.querySelector('button')?.focus();
    };
    const save = (op, value) => async () => {
      await this.card.edit(side, op, { field: this.field, value: value() });
      back();
      refresh();
    };
    const long = v.text.length > 40;
    const input = el(long ? 'textarea' : 'input', { 'aria-label': `${this.field} in ${sides[side]}`, rows: long ? 4 : undefined, autocomplete: 'off', spellcheck: 'false' });
    input.value = v.text;
    const counter = this.f.counter && side === 'ditto';
    const f = form([input], counter ? 'Restart with' : 'Save', save(counter ? 'restart' : 'set', () => input.value), back);
    const run = (todo) => () => submit(f, todo);
    const p = f.querySelector('p:not(.error)');
    if (counter) {
      for (const n of [1, -1]) p.prepend(el('button', { type: 'button', class: 'small', onclick: run(save('increment', () => String(n))) }, n > 0 ? '+1' : '−1'));
    }
    p.append(el('button', { type: 'button', class: 'small', onclick: run(save('unset', () => '')) }, 'Remove field'));
    td.replaceChildren(f);
    input.focus();
    input.select();
  }
}

/** What an Extended JSON object stands for, where the type says the rest. */
function plain(v) {
  if (!['Decimal128', 'ObjectId', 'date', 'int', 'long', 'double'].includes(v.type) || !v.text.startsWith('{')) return v.text;
  try {
    const [inner, ...more] = Object.values(JSON.parse(v.text));
    return typeof inner === 'string' && !more.length ? inner : v.text;
  } catch {
    return v.text;
  }
}

/** A small form whose mistakes stand beside the field, in the server's words. */
function form(inputs, label, save, cancel) {
  const error = el('p', { class: 'error', role: 'alert' });
  const f = el('form', { class: 'edit', onsubmit: (e) => {
    e.preventDefault();
    submit(f, save);
  } }, ...inputs, error, el('p', {},
    el('button', { type: 'submit', class: 'small act' }, label), el('button', { type: 'button', class: 'small', onclick: cancel }, 'Cancel')));
  f.addEventListener('keydown', (e) => {
    if (e.key === 'Escape') cancel();
  });
  return f;
}

async function submit(f, save) {
  const error = f.querySelector('.error');
  text(error, '');
  for (const b of f.querySelectorAll('button')) b.disabled = true;
  try {
    await save();
  } catch (err) {
    text(error, err.message);
  } finally {
    for (const b of f.querySelectorAll('button')) b.disabled = false;
  }
}

// The bar above, and the pages below.

$('look').addEventListener('submit', (e) => e.preventDefault());
for (const id of ['collection', 'show', 'order']) {
  $(id).addEventListener('change', () => {
    look[id] = $(id).value;
    begin();
  });
}
$('search').addEventListener('input', () => {
  look.search = $('search').value.trim();
  begin();
});
$('pager').addEventListener('click', (e) => {
  const b = e.target.closest('button');
  if (!b || b.getAttribute('aria-disabled') === 'true') return;
  const { from } = inSight();
  const to = { first: 0, prev: from - few, next: from + few, last: counts.found - 1 }[b.dataset.go];
  begin(Math.max(0, Math.min(to, counts.found - 1)));
});

// From one card to the next by keyboard, as in any feed.
list.addEventListener('keydown', (e) => {
  if (!['PageDown', 'PageUp'].includes(e.key) || e.target.matches('textarea')) return;
  const card = e.target.closest('article');
  const to = e.key === 'PageDown' ? card?.nextElementSibling : card?.previousElementSibling;
  if (!to) return;
  e.preventDefault();
  to.focus();
});

// New documents.

let insertSide = '';

function sample(c, side) {
  const doc = {};
  const id = `task-${Math.floor(Math.random() * 900 + 100)}`;
  const one = c.fields.length === 1 && c.fields[0] === '_id';
  if (one) doc._id = id;
  else {
    const values = Object.fromEntries(c.fields.map((f) => [f, id]));
    if (side === 'ditto') doc._id = c.fields.length === 1 ? id : values;
    Object.assign(doc, values);
  }
  return { ...doc, title: 'Try Causeway', done: false };
}

for (const b of document.querySelectorAll('[data-insert]')) {
  b.addEventListener('click', () => {
    const c = setupOf.get(look.collection);
    if (!c) return;
    insertSide = b.dataset.insert;
    text($('h-insert'), `New document in ${sides[insertSide]}, ${insertSide === 'ditto' ? c.ditto : c.name}`);
    text($('insert-form'), insertSide === 'mongodb' ? 'Extended JSON' : 'JSON');
    $('insert-text').value = JSON.stringify(sample(c, insertSide), null, 2);
    text($('insert-error'), '');
    $('insert').showModal();
    $('insert-text').focus();
  });
}
$('insert-cancel').addEventListener('click', () => $('insert').close());
$('insert').querySelector('form').addEventListener('submit', async (e) => {
  e.preventDefault();
  text($('insert-error'), '');
  try {
    await tell('edit', { collection: look.collection, side: insertSide, op: 'insert', key: '', field: '', value: $('insert-text').value });
    $('insert').close();
    refresh();
  } catch (err) {
    text($('insert-error'), err.message);
  }
});
