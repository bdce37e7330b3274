// The frame of every page: address, navigation, colours, connection.

import {address, choice, h, link, toast} from './dom.js';
import * as api from './api.js';
import * as live from './live.js';
import {time} from './format.js';
import {actionBar} from './actions.js';

// Page name → [title, module, needs a study].
const PAGES = {
  overview: ['Overview', './page-overview.js', false],
  study: ['Study', './page-study.js', true],
  compare: ['Compare', './page-compare.js', true],
  tables: ['Tables', './page-tables.js', true],
  images: ['Images', './page-images.js', true],
  stages: ['Stages', './page-stages.js', true],
  stage: ['Provenance', './page-stage.js', false],
  datasets: ['Data sets', './page-datasets.js', false],
  events: ['Events', './page-events.js', false],
};
const IN_NAV = ['overview', 'study', 'tables', 'images', 'stages', 'datasets', 'events'];

const app = {page: null, name: '', overview: null, me: {may_act: false}, lastStudy: null};
const main = document.getElementById('main');

/** #/study/NAME?sort=PSNR → {name: 'study', rest: ['NAME'], query: {sort: 'PSNR'}}. */
function route() {
  const [path, search] = (location.hash.slice(1) || '/overview').split('?');
  const parts = path.split('/').slice(1).map(part => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  return {name: parts[0] || 'overview', rest: parts.slice(1),
    query: Object.fromEntries(new URLSearchParams(search || ''))};
}

/** Changes the query of the address without a new entry in the history. */
function setQuery(changes) {
  const at = route();
  const query = {...at.query, ...changes};
  history.replaceState(null, '', address([at.name, ...at.rest], query));
}

function studies() { return app.overview ? app.overview.studies.map(entry => entry.study) : []; }

function drawNav() {
  const at = route();
  const study = app.lastStudy || studies()[0];
  document.getElementById('nav').replaceChildren(h('ul', {}, IN_NAV.map(name => {
    const [title, , needsStudy] = PAGES[name];
    if (needsStudy && !study) return null;
    const here = at.name === name || (at.name === 'compare' && name === 'study');
    return h('li', {}, link(title, needsStudy ? [name, study] : [name], null,
      {'aria-current': here ? 'page' : null}));
  })));
}

const themes = ['auto', 'light', 'dark'];
function setTheme(theme) {
  if (theme === 'auto') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', theme);
  try { localStorage.setItem('theme', theme); } catch { /* No storage: it lasts until the reload. */ }
  if (app.name) draw(true);  // Colours stand in pictures as they were when these were drawn.
}
function theme() {
  try { return localStorage.getItem('theme') || 'auto'; } catch { return 'auto'; }
}

function drawTop() {
  const names = studies();
  const at = route();
  const needsStudy = (PAGES[at.name] || PAGES.overview)[2];
  document.getElementById('top').replaceChildren(...[
    h('a', {class: 'brand', href: '#/overview'}, h('span', {class: 'logo', 'aria-hidden': 'true'}), 'Reprise'),
    names.length > 1 && needsStudy ? choice('Study', names.map(n => [n, n]), at.rest[0] || names[0],
      name => { location.hash = address([at.name, name]); }) : null,
    h('span', {class: 'grow'}),
    h('span', {id: 'connection', role: 'status'}),
    choice('Colours', themes.map(t => [t, t]), theme(), setTheme)].filter(Boolean));
  drawConnection();
}

let lostAt = 0;
function drawConnection() {
  const box = document.getElementById('connection');
  if (!box) return;
  if (live.connected === false) {
    lostAt ||= Date.now();
    box.className = 'lost';
    box.textContent = `Connection lost at ${time(lostAt).slice(11)}; trying again …`;
  } else {
    lostAt = 0;
    box.className = live.connected ? 'there' : '';
    const running = app.overview && app.overview.live;
    box.textContent = live.connected ? (running ? 'live' : 'read only') : '';
  }
  document.body.classList.toggle('stale', live.connected === false);
}

let drawing = 0;
/** Draws the page of the address; `again` keeps where one stands (new data, same page). */
async function draw(again) {
  const mine = ++drawing;
  const at = route();
  const [title, module] = PAGES[at.name] || [];
  if (!title) {
    main.replaceChildren(h('div', {class: 'empty'}, h('h1', {}, 'No such page'),
      h('p', {}, link('Go to the overview', ['overview']))));
    return;
  }
  try {
    if (!again || !app.overview) app.overview = await api.get(['overview']);
    if (mine !== drawing) return;
    if (PAGES[at.name][2]) {
      app.lastStudy = at.rest[0] || studies()[0] || null;
      if (!at.rest[0] && app.lastStudy) {
        history.replaceState(null, '', address([at.name, app.lastStudy], at.query));
        at.rest = [app.lastStudy];
      }
    }
    document.title = `${title}${at.rest[0] && PAGES[at.name][2] ? ' · ' + at.rest[0] : ''} · Reprise`;
    const {show} = await import(module);
    const view = await show({...at, app, setQuery, redraw: () => draw(true), actionBar});
    if (mine !== drawing) return;
    if (!again) window.scrollTo(0, 0);
    main.replaceChildren(view);
    main.dataset.page = at.name;
    delete main.dataset.error;
    app.name = at.name;
    if (!again) main.focus({preventScroll: true});
  } catch (error) {
    if (mine !== drawing) return;
    if (again && !(error instanceof api.Refused)) return;  // The old view is better than none.
    main.dataset.page = at.name;
    main.dataset.error = 'yes';
    const login = error.status === 401;
    main.replaceChildren(h('div', {class: 'empty'},
      h('h1', {}, login ? 'This dashboard needs its token' : 'This cannot be shown'),
      h('p', {}, login
        ? 'Open the whole address that reprise printed: it ends with ?token=…'
        : error.message),
      login ? null : h('p', {}, h('button', {type: 'button', onclick: () => draw(false)}, 'Try again'))));
  }
  drawNav();
  drawTop();
}

// New data redraw the page, at most every two seconds, and never under a reader's hand.
let due = null;
function dataChanged() {
  if (due) return;
  due = setTimeout(async () => {
    due = null;
    const busy = document.activeElement && document.activeElement.closest &&
      document.activeElement.closest('main input, main select, main textarea');
    const pressed = document.body.dataset.pressed === 'yes';
    try {
      app.overview = await api.get(['overview']);
    } catch { return; }
    document.dispatchEvent(new Event('newdata'));
    if (busy || pressed || app.name === 'images') { drawTop(); return; }
    draw(true);
  }, 2000);
}
addEventListener('pointerdown', () => { document.body.dataset.pressed = 'yes'; });
addEventListener('pointerup', () => { document.body.dataset.pressed = 'no'; });

live.on('message', message => {
  if (api.sawRevision(message.revision)) dataChanged();
  document.dispatchEvent(new CustomEvent('live', {detail: message}));
});
live.on('connection', there => {
  drawConnection();
  if (there) { api.forget(); dataChanged(); }
});
setInterval(() => { if (live.connected === false) drawConnection(); }, 1000);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { if (app.name) draw(true); });
addEventListener('hashchange', () => draw(false));
addEventListener('unhandledrejection', event => {
  event.preventDefault();
  toast(event.reason && event.reason.message ? event.reason.message : String(event.reason), true);
});

setTheme(theme());
api.get(['me']).then(me => { app.me = me; live.connect(); return draw(false); }, () => draw(false));
