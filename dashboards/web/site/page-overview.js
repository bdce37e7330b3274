// Overview: how far, how long still, who works, what sharing saved, what needs a person.

import {card, emptyPage, h, link, state} from './dom.js';
import {ago, count, duration, percent, plural, short, time} from './format.js';
import {latest} from './live.js';
import {runActions} from './actions.js';

const FIRST_PROBLEMS = 3, PROBLEMS_MAX = 100;

function progressBar(share, label) {
  const fill = h('span', {class: 'fill'});
  fill.style.width = `${100 * share}%`;
  return h('div', {class: 'progress', role: 'progressbar', 'aria-label': label, 'aria-valuemin': 0,
    'aria-valuemax': 100, 'aria-valuenow': Math.round(100 * share)}, fill);
}

const figure = (value, label, hint) =>
  h('div', {class: 'number-card', title: hint}, h('strong', {}, value), h('span', {}, label));

/** What is left, on the gangs that work now. */
function remaining(study, gangs) {
  if (study.stages.done === Object.values(study.stages).reduce((a, b) => a + b, 0)) return ['done', ''];
  if (study.seconds.left === null) return ['not yet known', 'No training has run for a hundred steps.'];
  const workers = Math.max(1, gangs);
  return [`≈ ${duration(study.seconds.left / workers)}`,
    `By the mean time a step took so far, on ${plural(workers, 'gang')}.`];
}

function studyCard(study, gangs) {
  const share = study.steps.total ? study.steps.done / study.steps.total : 0;
  const [eta, etaHint] = remaining(study, gangs);
  const saved = study.steps.alone ? 1 - study.steps.total / study.steps.alone : 0;
  const trials = Object.values(study.trials).reduce((a, b) => a + b, 0);
  const stages = Object.values(study.stages).reduce((a, b) => a + b, 0);
  return h('section', {class: 'card study-card'},
    h('h2', {}, link(study.title, ['study', study.study])),
    study.title === study.study ? null : h('p', {class: 'quiet'}, study.study),
    progressBar(share, `${study.study}: steps done`),
    h('div', {class: 'numbers'},
      figure(percent(share), 'of the steps', `${count(study.steps.done)} of ${count(study.steps.total)} training steps`),
      figure(`${count(study.trials.done)} / ${count(trials)}`, 'trials done'),
      figure(`${count(study.stages.done)} / ${count(stages)}`, 'stages done'),
      figure(eta, 'left', etaHint),
      figure(percent(saved), 'saved by sharing',
        `${count(study.steps.alone)} steps if every trial ran alone, ${count(study.steps.total)} after sharing; ` +
        `${duration(study.seconds.saved)} of finished stages were not repeated`),
      figure(duration(study.seconds.spent), 'gang time spent')),
    h('p', {class: 'links'},
      Object.entries(study.stages).filter(([, n]) => n > 0).map(([name, n]) => [h('span', {}, state(name), ' ', count(n)), ' ']),
      study.tables.length ? link(plural(study.tables.length, 'table'), ['tables', study.study]) : null,
      ' ', link('stages', ['stages', study.study])));
}

function problems(app, studies, actionBar) {
  const list = studies.flatMap(study => study.problems.map(problem => ({...problem, study: study.study})));
  if (!list.length) return null;
  const item = problem => h('li', {}, h('div', {}, state('failed'), ' ', link(problem.label || short(problem.stage), ['stage', problem.stage]),
    h('span', {class: 'quiet'}, ` ${problem.study} · ${plural(problem.attempts, 'attempt')} · ${ago(problem.time)}`)),
  h('p', {class: 'message'}, problem.message || 'no message'),
  actionBar(app, problem.label, {stages: [problem.stage]}, ['retry', 'cancel']));
  const rest = list.slice(FIRST_PROBLEMS, PROBLEMS_MAX);
  return card(`Needs a person (${list.length})`, h('ul', {class: 'problems'}, list.slice(0, FIRST_PROBLEMS).map(item)),
    rest.length ? h('details', {}, h('summary', {}, `${count(rest.length)} more`), h('ul', {class: 'problems'}, rest.map(item))) : null,
    list.length > PROBLEMS_MAX ? h('p', {class: 'quiet'}, `All ${count(list.length)} are on the Stages page, state "failed".`) : null);
}

/** Gangs: from the live message where there is one, else from the attempts that the database holds open. */
function gangRows(studies, message) {
  const open = studies.flatMap(study => study.running.map(attempt => ({...attempt, study: study.study})));
  if (!message || !message.gangs) {
    return open.map(attempt => ({...attempt, name: attempt.gang, state: 'running', attempt}));
  }
  return message.gangs.map(gang => {
    const stage = (message.stages || []).find(entry => entry.gang === gang.name);
    const attempt = open.find(entry => entry.gang === gang.name);
    return {name: gang.name, state: gang.state, live: stage, attempt, study: message.study};
  });
}

function gangs(studies, message) {
  const rows = gangRows(studies, message);
  if (!rows.length) return h('p', {class: 'quiet'}, 'No gang works now.');
  return h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': 'Gangs'}, h('table', {class: 'plain'},
    h('thead', {}, h('tr', {}, ['Gang', 'State', 'Device', 'Stage', 'Progress', 'Loss', 'Steps a second', 'Since']
      .map(title => h('th', {scope: 'col', class: /^Loss|^Steps/.test(title) ? 'number' : ''}, title)))),
    h('tbody', {}, rows.map(row => {
      const stage = row.live || row.attempt;
      const id = row.live ? row.live.id : row.attempt && row.attempt.stage;
      const done = row.live && row.live.progress_end ? row.live.progress / row.live.progress_end : null;
      return h('tr', {}, h('th', {scope: 'row'}, row.name), h('td', {}, row.state),
        h('td', {}, row.attempt ? `${row.attempt.host} · ${row.attempt.ranks} × ${row.attempt.device}` : ''),
        h('td', {}, stage ? link(stage.label || short(id), ['stage', id]) : ''),
        h('td', {}, done === null ? '' : [progressBar(done, `${row.name}: progress`),
          h('span', {class: 'quiet'}, `${count(row.live.progress)} / ${count(row.live.progress_end)}`)]),
        h('td', {class: 'number'}, row.live && row.live.loss ? row.live.loss.toPrecision(4) : ''),
        h('td', {class: 'number'}, row.live && row.live.steps_per_second ? row.live.steps_per_second.toFixed(1) : ''),
        h('td', {}, row.attempt ? h('span', {title: time(row.attempt.started)}, ago(row.attempt.started)) : ''));
    }))));
}

export async function show({app, actionBar}) {
  const {studies} = app.overview;
  if (!studies.length) {
    return emptyPage('Overview', 'This workspace holds no study yet', 'Start one with: reprise run STUDY.toml -w WORKSPACE');
  }
  const box = h('div');
  const heading = h('div', {class: 'heading'}, h('h1', {}, 'Overview'));
  let told = null;
  const fill = message => {
    const working = message && message.gangs ? message.gangs.length
      : studies.reduce((sum, study) => sum + study.running.length, 0);
    const now = message ? `${message.paused} ${message.draining}` : '';
    if (now !== told) {  // Buttons stay what they are under a hand until they mean something else.
      told = now;
      heading.replaceChildren(h('h1', {}, 'Overview'),
        message && message.paused ? h('span', {class: 'warn'}, 'paused') : '',
        message && message.draining ? h('span', {class: 'warn'}, 'draining') : '',
        runActions(app, app.overview.live ? message : null) || '');
    }
    box.replaceChildren(card('Gangs now', gangs(studies, message)),
      ...studies.map(study => studyCard(study, working)));
  };
  fill(latest);
  const page = h('div', {}, heading, problems(app, studies, actionBar), box);
  const update = event => {
    if (!page.isConnected) document.removeEventListener('live', update);
    else if (!box.contains(document.activeElement) && document.body.dataset.pressed !== 'yes') {
      const {action} = document.activeElement.dataset;
      const held = heading.contains(document.activeElement);
      fill(event.detail);
      // Whoever was on a button by keyboard stays there; Pause and Resume are one place.
      if (held && !heading.contains(document.activeElement)) (heading.querySelector(`[data-action="${action}"]`) || heading.querySelector('[data-action]')).focus();
    }
  };
  setTimeout(() => document.addEventListener('live', update), 0);
  return page;
}
