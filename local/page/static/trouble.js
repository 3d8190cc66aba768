// What needs a person.
import { $, ask, calmly, clock, el, name, number, sides, tell, text } from './dom.js';
import { goTo } from './pairs.js';

let data = null;
let known = []; // the queues
let said = '';
let retrying = null;

export const refresh = calmly(async () => {
  try {
    data = await ask('trouble');
  } catch {
    return; // the side's own state says so
  }
  draw();
}, 300);

export function queues(q) {
  known = q ?? [];
  draw();
}

/** Forgets what an earlier stack said. */
export function begin() {
  known = [];
  retrying = null;
}

export function run(r) {
  if (r.mode !== 'retry') return;
  retrying = r;
  if (!r.running) refresh();
  draw();
}

setInterval(() => { // claims come and go without a word
  if (data?.claims.length || !$('view-needs-you').hidden) refresh();
}, 2000);

function draw() {
  if (!data) return;
  const dead = known.reduce((n, q) => n + q.dead, 0);
  const n = data.unsyncedTotal + data.conflictTotal + dead;
  $('needs').hidden = n === 0;
  text($('needs'), n > 99 ? '99+' : String(n));
  const now = JSON.stringify([data, known, retrying]);
  if (now === said) return;
  said = now;
  const held = document.activeElement?.dataset?.hold;
  $('trouble').replaceChildren(unsynced(), conflicts(), letters(dead), claims());
  if (held) $('trouble').querySelector(`[data-hold="${CSS.escape(held)}"]`)?.focus();
}

function group(title, n, empty, ...kids) {
  return el('section', { class: 'card', 'aria-label': title }, el('h3', {}, title, n ? ` (${number(n)})` : ''), n ? '' : el('p', { class: 'none' }, empty), ...kids);
}

const link = (c, key) => el('button', { type: 'button', class: 'key', 'aria-label': `Show ${name(key)}`, onclick: () => goTo(c, key) }, `${c} · ${name(key)}`);

function unsynced() {
  const kids = [];
  if (data.unsyncedTotal) {
    kids.push(el('p', { class: 'acts' }, act('Try them again', 'retry', () => tell('retry', {})),
      retrying?.running ? el('span', {}, ` trying … ${retrying.line}`) : '', retrying?.error ? el('span', { class: 'error' }, retrying.error) : ''));
  }
  for (const u of data.unsynced) {
    kids.push(el('div', { class: 'item' },
      el('p', { class: 'head' }, u.key ? link(u.collection, u.key) : el('code', {}, u.id), el('span', { class: 'badge parked' }, u.reason), el('span', { class: 'time' }, `since ${clock(u.at)}`)),
      el('p', {}, u.message), u.mend ? el('p', { class: 'mend' }, `→ ${u.mend}`) : ''));
  }
  return group('Documents that cannot be synced', data.unsyncedTotal, 'None: every document is synced. One that Ditto or MongoDB refuses would be listed here, with the reason and the mend.', ...kids);
}

const shown = (v, none) => (v ? el('code', {}, v.cut ? `${v.text}…` : v.text) : el('span', { class: 'none' }, none));

function conflicts() {
  const kids = data.conflicts.filter((c) => !c.settled).map(conflict);
  if (data.settledTotal) {
    kids.push(el('details', { class: 'settled', open: unfolded, ontoggle: (e) => { unfolded = e.target.open; } },
      el('summary', { data: { hold: 'settled' } }, `${number(data.settledTotal)} settled: nobody needs to look at them any more`),
      ...data.conflicts.filter((c) => c.settled).map(conflict)));
  }
  return group('Values that lost a conflict', data.conflictTotal, `${data.settledTotal ? 'None that needs you' : 'None'}. Change one field on both sides at once, with a worker paused under “Try faults”: the value that loses is kept here for 90 days.`, ...kids);
}

let unfolded = false;

function conflict(c) {
  const winner = c.lost === 'mongodb' ? 'ditto' : 'mongodb';
  const what = `${c.path || 'the document'} of ${name(c.key)}`;
  return el('div', { class: 'item' },
    el('p', { class: 'head' }, link(c.collection, c.key), el('b', {}, c.path || 'the whole document'), el('span', { class: 'badge' }, `rule: ${c.rule}`),
      el('span', { class: 'time' }, clock(c.at), c.settled ? `, settled ${clock(c.settled)}` : '')),
    el('div', { class: 'versus' },
      el('div', {}, el('p', { class: 'mend' }, `${sides[c.lost]} had`), shown(c.value, '(removed it)')),
      el('div', {}, el('p', { class: 'mend' }, `now, as in ${sides[winner]}`), shown(c.now, '(nothing)'))),
    el('p', { class: 'mend' }, `${c.reason}`),
    el('p', { class: 'acts' }, act('Take the losing value after all', `take ${c.id}`, () => tell('take', { id: c.id }), `Take the losing value of ${what} after all`),
      c.settled ? '' : act('Keep it as it is', `settle ${c.id}`, () => tell('settle', { id: c.id }), `Keep ${what} as it is`)));
}

function letters(dead) {
  const kids = known.filter((q) => q.dead).map((q) => el('div', { class: 'item' },
    el('p', {}, `${number(q.dead)} of ${q.function}, which failed too often. They hold keys: the documents are read anew.`),
    el('p', { class: 'acts' }, act('Redrive', `redrive ${q.function}`, () => tell('redrive', { function: q.function }), `Redrive ${q.function}`))));
  return group('Dead letters', dead, 'None. A message that fails eight times would wait here, to be tried again once the cause is mended.', ...kids);
}

function claims() {
  const kids = data.claims.map((c) => el('div', { class: 'item' },
    el('p', { class: 'head' }, link(c.collection, c.key), `held until ${clock(c.until)} by the handler ${c.owner}, which is to write ${c.announced} ${c.announced === 1 ? 'value' : 'values'}${c.writes?.length ? ` to ${c.writes.map((s) => sides[s]).join(' and ')}` : ''}`)));
  return group('Claims that are held', data.claims.length, 'None. While a handler writes a pair it holds a claim; one left behind by a crash ends by itself, after 90 s.', ...kids);
}

/** A button whose mistake stands beside it. */
function act(label, hold, todo, full) {
  const error = el('span', { class: 'error', role: 'alert' });
  const b = el('button', { type: 'button', class: 'act', data: { hold }, 'aria-label': full, onclick: async () => {
    text(error, '');
    b.disabled = true;
    try {
      await todo();
      refresh();
    } catch (err) {
      text(error, err.message);
    } finally {
      b.disabled = false;
    }
  } }, label);
  return el('span', {}, b, ' ', error);
}
