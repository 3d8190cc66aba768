import { $, ask, text, sides } from './dom.js';
import * as pairs from './pairs.js';
import * as flow from './flow.js';
import * as trouble from './trouble.js';
import * as health from './health.js';
import * as lab from './lab.js';

const views = ['documents', 'needs-you', 'health', 'teaching'];
const state = { mongodb: undefined, ditto: undefined, live: false, last: 0 };

function route() {
  const view = views.find((v) => location.hash === `#${v}`) ?? (['#main', '#h-flow'].includes(location.hash) ? undefined : 'documents');
  if (!view) return;
  for (const v of views) {
    $(`view-${v}`).hidden = v !== view;
    const link = document.querySelector(`nav a[href="#${v}"]`);
    if (v === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (view === 'health') health.draw();
  if (view === 'documents') pairs.back();
  if (view === 'needs-you') trouble.refresh(true);
}

/** Says what is live, and what is not: old state is never shown as if it were. */
function showSides() {
  for (const li of document.querySelectorAll('#sides li')) {
    const s = state[li.dataset.side];
    const known = state.live && s;
    li.className = !known ? '' : s.up ? 'up' : 'down';
    text(li.querySelector('.state'), !known ? 'unknown' : s.up ? 'live' : 'does not answer');
  }
  const wrong = [];
  if (!state.live) wrong.push('The local stack does not answer: what you see is as it was. Is `make run` still running?');
  else for (const side of ['mongodb', 'ditto']) {
    if (state[side] && !state[side].up) wrong.push(`${sides[side]} does not answer: what you see of it is as it was (${state[side].error}).`);
  }
  $('banner').hidden = wrong.length === 0;
  text($('banner'), wrong.join(' '));
}

function live(is) {
  if (state.live === is) return;
  state.live = is;
  showSides();
}

async function begin() {
  const setup = await ask('setup');
  pairs.setup(setup);
  lab.setup(setup);
  live(true);
  showSides();
  await Promise.all([pairs.refresh(), flow.load(), trouble.refresh(), health.load()]);
}

function listen() {
  const events = new EventSource('api/events');
  const on = (kind, f) => events.addEventListener(kind, (e) => {
    state.last = Date.now();
    f(JSON.parse(e.data));
  });
  on('hello', () => { // what follows in the stream is how things stand now
    health.begin();
    trouble.begin();
    begin().catch(() => live(false));
  });
  on('beat', () => live(true));
  on('side', (s) => {
    state[s.side] = s;
    showSides();
    if (s.up) pairs.refresh();
  });
  on('changed', (c) => pairs.changed(c));
  on('step', (s) => flow.step(s));
  on('trouble', () => trouble.refresh());
  on('point', (p) => health.point(p));
  on('queues', (q) => {
    trouble.queues(q);
    lab.queues(q);
  });
  on('run', (r) => {
    health.run(r);
    trouble.run(r);
  });
  events.onerror = () => live(false);
  // A stream that says nothing is not live either.
  setInterval(() => {
    if (state.last && Date.now() - state.last > 6000) live(false);
  }, 1000);
}

window.addEventListener('hashchange', route);
route();
listen();
