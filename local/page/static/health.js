// Charts of the last minutes, and whether the sides agree.
import { $, ask, clock, el, number, tell, text } from './dom.js';

const span = 300;
let points = [];
let last = {}; // run of each mode

const charts = [
  { title: 'Changes per second', a: ['MongoDB', (p) => p.mongodb], b: ['Ditto', (p) => p.ditto], unit: '/s' },
  { title: 'Lag, from a change to its end', a: ['half are below', (p) => (p.p50 < 0 ? null : p.p50)], b: ['99 % are below', (p) => (p.p99 < 0 ? null : p.p99)], unit: ' ms' },
  { title: 'Messages in the queues', a: ['waiting', (p) => p.queued], unit: '' },
  { title: 'Errors per second', a: ['errors', (p) => p.errors], unit: '/s' },
];

/** Forgets what an earlier stack said. */
export function begin() {
  last = {};
}

export async function load() {
  ({ points } = await ask('health'));
  for (const r of await ask('runs')) last[r.mode] ??= r; // what the stream told is newer
  verdict();
  draw();
}

export function point(p) {
  points.push(p);
  if (points.length > span) points.shift();
  if (!$('view-health').hidden) draw();
}

const ns = 'http://www.w3.org/2000/svg';
const svg = (name, attrs) => {
  const e = document.createElementNS(ns, name);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  return e;
};

function build() {
  for (const c of charts) {
    c.svg = svg('svg', { class: 'chart', viewBox: `0 0 ${span} 100`, preserveAspectRatio: 'none', role: 'img' });
    c.svg.append(svg('line', { x1: 0, x2: span, y1: 99, y2: 99 }));
    c.lines = [c.a, c.b].filter(Boolean).map((_, i) => c.svg.appendChild(svg('polyline', { class: 'ab'[i] })));
    c.legend = el('p', { class: 'legend' });
    $('charts').append(el('div', { class: 'card' }, el('h3', {}, c.title), c.svg, c.legend));
  }
}

export function draw() {
  if (!$('charts').childElementCount) build();
  for (const c of charts) {
    const series = [c.a, c.b].filter(Boolean);
    const values = series.map(([, f]) => points.map(f));
    const top = Math.max(1, ...values.flat().filter((v) => v !== null));
    values.forEach((list, i) => {
      const at = list.map((v, j) => (v === null ? null : `${span - list.length + j},${(98 - (v / top) * 94).toFixed(1)}`)).filter(Boolean);
      c.lines[i].setAttribute('points', at.join(' '));
    });
    const now = series.map(([label], i) => {
      const seen = values[i].filter((v) => v !== null);
      return `${i ? '╌' : '━'} ${label}: ${seen.length ? number(Math.round(seen.at(-1))) + c.unit : 'nothing yet'}`;
    });
    const most = `most ${number(Math.round(top))}${c.unit}`;
    c.legend.replaceChildren(...now.map((t, i) => el('span', { class: 'ab'[i] }, t)), el('span', {}, most));
    c.svg.setAttribute('aria-label', `${c.title} in the last five minutes: ${now.join(', ').replace(/[━╌] /g, '')}, ${most}`);
  }
}

// Runs.

export function run(r) {
  last[r.mode] = r;
  verdict();
}

function verdict() {
  const r = [last.verify, last.repair].filter(Boolean).sort((x, y) => (x.running === y.running ? Date.parse(y.ended ?? 0) - Date.parse(x.ended ?? 0) : x.running ? -1 : 1))[0];
  const at = $('verdict');
  for (const b of ['verify', 'repair']) $(b).disabled = Boolean(r?.running);
  if (!r) {
    at.replaceChildren(el('p', { class: 'none' }, 'Nobody has asked yet. “Verify” compares every document on both sides and writes nothing.'));
    return;
  }
  if (r.running) {
    const bar = el('progress', { 'aria-label': `Progress of ${r.mode}`, max: r.total || 1 });
    if (r.total) bar.value = r.done;
    at.replaceChildren(el('p', {}, `${r.mode}: ${r.line}`), bar);
    return;
  }
  const good = r.agree && r.ok;
  const what = r.error ? `The ${r.mode} did not end well: ${r.error}` : good ? 'The sides agree.' : r.mode === 'repair' && r.ok ? 'Repaired what differed.' : 'The sides do not agree.';
  at.replaceChildren(el('p', { class: `verdict ${good || (r.mode === 'repair' && r.ok) ? 'good' : 'bad'}` }, what),
    ...(r.result ?? []).map((l) => el('p', {}, l)), el('p', { class: 'time' }, `as of ${r.ended ? clock(r.ended) : 'now'}, by ${r.mode}`));
}

for (const mode of ['verify', 'repair']) {
  $(mode).addEventListener('click', async () => {
    try {
      await tell('run', { mode, collection: '', key: '' });
    } catch (err) {
      $('verdict').replaceChildren(el('p', { class: 'error', role: 'alert' }, err.message));
    }
  });
}
