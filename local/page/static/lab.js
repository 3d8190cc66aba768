// The teaching corner.
import { $, el, tell, text } from './dom.js';

const workers = { 'mongo-to-ditto': 'changes in MongoDB', 'ditto-to-mongo': 'changes in Ditto' };
const toggles = {};
let known = [];

const lessons = [
  { title: 'An event is lost', why: 'The pair stays apart until its next change, or until a repair finds it: “Health”, “Repair what differs”.', buttons: [['MongoDB’s next', { kind: 'drop', side: 'mongodb' }], ['Ditto’s next', { kind: 'drop', side: 'ditto' }]] },
  { title: 'An event comes twice', why: 'The second look finds that the sides agree, and does nothing.', buttons: [['MongoDB’s next', { kind: 'duplicate', side: 'mongodb' }], ['Ditto’s next', { kind: 'duplicate', side: 'ditto' }]] },
  { title: 'Ditto is overloaded', why: 'It answers 503 to the next three writes. They are tried again, within the handler’s time.', buttons: [['Answer 503', { kind: '503' }]] },
  { title: 'Ditto is slow', why: 'Its next write takes three seconds. Change the same field on the other side meanwhile: nothing is overwritten unseen.', buttons: [['Delay a write', { kind: 'delay' }]] },
  { title: 'A handler dies at work', why: 'mongo-to-ditto is killed between its claim and its write; ditto-to-mongo, whose write nothing slows down, at the first sight of its claim. A claim that is left behind ends after at most 90 s (“Needs you” shows it); who comes then carries on what was announced.', buttons: [['Kill mongo-to-ditto', { kind: 'kill', function: 'mongo-to-ditto' }], ['Kill ditto-to-mongo', { kind: 'kill', function: 'ditto-to-mongo' }]] },
  { title: 'Back to normal', why: 'Takes away what has not happened yet.', buttons: [['No more faults', { kind: 'clear' }]] },
];

export function setup(s) {
  if ($('lab').childElementCount) return;
  const pauses = el('div', { class: 'card' }, el('h3', {}, 'Pause a side'),
    el('p', {}, 'Its events wait in the queue. Pause both, change one field on both sides, and go on: a conflict, settled by the rule, with the losing value under “Needs you”.'),
    el('p', {}, ...Object.keys(workers).map((w) => {
      toggles[w] = el('button', { type: 'button', class: 'act', 'aria-pressed': 'false', onclick: () => flip(w) }, `Pause ${workers[w]}`);
      return toggles[w];
    })));
  const kids = [pauses];
  if (s.disturb) {
    for (const l of lessons) {
      kids.push(el('div', { class: 'card' }, el('h3', {}, l.title), el('p', {}, l.why),
        el('p', {}, ...l.buttons.map(([label, d]) => el('button', { type: 'button', class: 'act', 'aria-label': `${l.title}: ${label}`, onclick: () => disturb(d) }, label)))));
    }
  } else kids.push(el('p', { class: 'empty' }, 'A Ditto Server of your own is not disturbed. Run without DITTO_URL to try faults.'));
  $('lab').append(el('div', { class: 'lab' }, ...kids));
  queues(known);
}

export function queues(list) {
  known = list ?? [];
  const paused = known.filter((q) => q.paused).map((q) => workers[q.function]);
  $('paused').hidden = !paused.length;
  text($('paused'), paused.length ? `Paused: ${paused.join(' and ')} wait in the queue. “Try faults” goes on with them.` : '');
  for (const q of known) {
    const b = toggles[q.function];
    if (!b) continue;
    b.setAttribute('aria-pressed', String(q.paused));
    text(b, `${q.paused ? 'Resume' : 'Pause'} ${workers[q.function]}${q.waiting ? ` (${q.waiting} waiting)` : ''}`);
  }
}

async function flip(w) {
  const on = toggles[w].getAttribute('aria-pressed') === 'true';
  await said(tell('switch', { function: w, on }).then(() => ({ text: on ? `${w} goes on` : `${w} is paused` })));
}

const disturb = (d) => said(tell('disturb', { kind: '', side: '', function: '', ...d }));

async function said(answer) {
  try {
    text($('lab-said'), (await answer).text);
  } catch (err) {
    text($('lab-said'), err.message);
  }
}
