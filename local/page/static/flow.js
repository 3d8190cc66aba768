// The timeline: what happened, newest first.
import { $, ask, clock, el, name, sides, text } from './dom.js';
import { goTo } from './pairs.js';

const kept = 200;
let steps = []; // newest first
let of = null; // {collection, key}: of one pair only
let due = false;

export async function load() {
  const wanted = of;
  const before = new Set(steps);
  const loaded = await ask('steps', of ?? {});
  if (wanted !== of) return; // another history is wanted by now
  const told = steps.filter((s) => !before.has(s) && relevant(s)); // meanwhile: newer than the answer
  steps = [...told, ...loaded.filter((s) => !told.some((t) => t.n === s.n))];
  draw();
}

const relevant = (s) => !of || s.key === of.key && s.collection === of.collection || s.kind === 'fault';

export function step(s) {
  if (!relevant(s)) return;
  const at = steps.findIndex((o) => o.n === s.n);
  if (at >= 0) steps[at] = s;
  else steps.unshift(s);
  steps.length = Math.min(steps.length, kept);
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    draw();
  });
}

/** Shows one pair's history; without a key, all. */
export function only(collection, key) {
  of = key ? { collection, key } : null;
  $('of').hidden = !of;
  if (of) {
    text($('of').querySelector('span'), `Only ${name(key)} in ${collection}.`);
    $('h-flow').scrollIntoView({ block: 'nearest' });
    $('flow').focus();
  }
  load();
}

$('all').addEventListener('click', () => only());
$('echoes').addEventListener('change', draw);

const isEcho = (s) => s.own || s.echo;

function draw() {
  const list = $('flow');
  const items = [];
  const unfold = $('echoes').checked;
  for (let i = 0; i < steps.length; i++) {
    if (unfold || !isEcho(steps[i])) {
      items.push([`${steps[i].n}`, [steps[i]]]);
      continue;
    }
    const run = [steps[i]];
    while (i + 1 < steps.length && isEcho(steps[i + 1])) run.push(steps[++i]);
    items.push([`e${run.at(-1).n}`, run]);
  }
  const old = new Map([...list.children].map((li) => [li.dataset.n, li]));
  let before = null;
  for (const [n, run] of items) {
    const said = JSON.stringify([run, unfold]);
    let li = old.get(n);
    if (!li || li.said !== said) {
      const open = li?.querySelector('details')?.open;
      const next = n.startsWith('e') ? echoes(run) : item(run[0]);
      next.dataset.n = n;
      next.said = said;
      if (open) next.querySelector('details').open = true;
      li?.replaceWith(next);
      li = next;
    }
    old.delete(n);
    const place = before ? before.nextElementSibling : list.firstElementChild;
    if (place !== li) list.insertBefore(li, place);
    before = li;
  }
  for (const li of old.values()) li.remove();
  if (!items.length) {
    list.append(el('li', { class: 'echo', data: { n: '' } }, of
      ? 'Nothing since the stack was started. Change this document, and it shows here.'
      : 'Nothing has happened yet. Change a document on either side.'));
  }
}

function echoes(run) {
  const n = run.length;
  return el('li', { class: 'echo' }, el('details', {}, el('summary', {}, `${n} ${n === 1 ? 'echo' : 'echoes'} of Causeway’s own writes, and looks with nothing to do`),
    ...run.map((s) => el('div', {}, ...parts(s)))));
}

function item(s) {
  return el('li', { class: isEcho(s) ? 'echo' : s.kind }, ...parts(s));
}

const verbs = { insert: 'inserted', update: 'changed', replace: 'replaced', delete: 'deleted', upsert: 'written', remove: 'deleted' };

function parts(s) {
  const out = [el('time', { datetime: s.at }, clock(s.at)), ' '];
  const pair = s.key ? el('button', { type: 'button', class: 'key', 'aria-label': `Show ${name(s.key)}`, onclick: () => goTo(s.collection, s.key) }, name(s.key)) : null;
  if (s.kind === 'event') {
    out.push(el('span', { class: `who ${s.side}` }, sides[s.side]), ': ');
    if (pair) out.push(pair, ' ');
    out.push(`${verbs[s.op] ?? s.op}${s.own ? ' by Causeway itself' : ''}`);
    return out;
  }
  out.push(el('span', { class: `who ${s.kind}` }, { handled: s.function, batch: s.function, retry: s.function, lost: 'Conflict', fault: 'You', note: s.function }[s.kind] ?? s.kind));
  if (pair) out.push(' ', pair);
  out.push(el('span', { class: 'what' }, s.text ?? ''));
  if (s.parts?.length) {
    out.push(el('span', { class: 'parts' }, s.parts.map((p) => `${p.name} ${ms(p.ms)}${p.text ? ` (${p.text})` : ''}`).join(' → ')));
  }
  return out;
}

const ms = (n) => (n < 1 ? '<1 ms' : n < 10_000 ? `${Math.round(n)} ms` : `${Math.round(n / 1000)} s`);
