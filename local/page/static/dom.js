// Building the page. Text goes in as text, never as HTML.

/** Makes an element: properties, then children, which are nodes or text. */
export function el(name, props = {}, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(props)) {
    if (v === undefined || v === null || v === false) continue;
    if (k === 'class') e.className = v;
    else if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (k === 'data') Object.assign(e.dataset, v);
    else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.filter((c) => c !== undefined && c !== null && c !== false));
  return e;
}

/** Sets text only where it differs, so that nothing is announced or moved for nothing. */
export function text(e, value) {
  if (e.textContent !== value) e.textContent = value;
}

export const $ = (id) => document.getElementById(id);

/** Asks the server; its own message is the error's. */
export async function ask(path, params) {
  const query = params ? `?${new URLSearchParams(params)}` : '';
  return answer(await fetch(`api/${path}${query}`));
}

export async function tell(path, body) {
  return answer(await fetch(`api/${path}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  }));
}

async function answer(response) {
  const said = await response.text();
  let data;
  try {
    data = JSON.parse(said);
  } catch {
    throw new Error(said || `the page's server answered ${response.status}`);
  }
  if (!response.ok) throw new Error(data.error);
  return data;
}

/**
 * Runs f at most once per pause, which is longer the longer f takes, and once more
 * if it was asked for meanwhile: at once, if it is wanted soon.
 */
export function calmly(f, pause) {
  let running = false;
  let again = false;
  let hurry = false;
  let wake = null;
  return async function run(soon = false) {
    if (running) {
      again = true;
      if (soon) {
        hurry = true;
        wake?.();
      }
      return;
    }
    running = true;
    try {
      do {
        again = hurry = false;
        const begun = Date.now();
        await f();
        if (!hurry) {
          await new Promise((r) => {
            wake = r;
            setTimeout(r, Math.max(pause, 3 * (Date.now() - begun)));
          });
          wake = null;
        }
      } while (again);
    } finally {
      running = false;
    }
  };
}

/** A pair's key as a person reads it. */
export function name(key) {
  if (!key) return 'document';
  if (key.startsWith('mongo:')) return key.slice(6);
  try {
    const v = JSON.parse(key);
    return typeof v === 'string' ? v : key;
  } catch {
    return key;
  }
}

export const clock = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
export const number = (n) => n.toLocaleString('en');
export const sides = { mongodb: 'MongoDB', ditto: 'Ditto' };

export function announce(said) {
  text($('live'), said);
}
