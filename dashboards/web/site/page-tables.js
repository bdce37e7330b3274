// Tables: the study's own and the paper's ten, the paper's value below ours, every cell a way to
// where it comes from.

import {h, link} from './dom.js';
import {get} from './api.js';
import {csv} from './format.js';
import {saveText} from './plot.js';

const RANKS = {best: ' best', second: ' second best', better: ' better than the baseline', worse: ' worse than the baseline'};

function cellOf(cell, label, column) {
  const mark = cell.rank ? h('span', {class: 'hidden'}, RANKS[cell.rank]) : null;
  const text = cell.text ? [cell.text, cell.above_reference ? '*' : '', mark] : cell.stage && cell.missing ? 'pending' : '–';
  const title = cell.text ? `${label}, ${column}: mean ${cell.mean}, std ${cell.std}, ${cell.count} slices. Opens its provenance.` : cell.missing || 'no value';
  return h('td', {class: 'number'},
    cell.stage ? link(text, ['stage', cell.stage], null, {class: cell.rank ? 'rank-' + cell.rank : '', title}) : h('span', {class: 'quiet', title}, text),
    cell.paper ? h('div', {class: 'paper', title: 'the paper\'s value'}, cell.paper) : null);
}

function body(table, name) {
  return h('div', {class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': name}, h('table', {class: 'plain results'},
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'mean(std)'), table.columns.map(column => h('th', {scope: 'col', class: 'number'}, column)))),
    h('tbody', {}, table.rows.map(row => {
      const stage = (row.cells.find(cell => cell.stage) || {}).stage;
      return h('tr', {class: row.reference ? 'reference' : ''}, h('th', {scope: 'row'}, stage ? link(row.label, ['stage', stage]) : row.label),
        row.cells.map((cell, i) => cellOf(cell, row.label, table.columns[i])));
    }))));
}

function saveButton(study, table) {
  const rows = [['row', 'column', 'mean', 'std', 'count', 'rank', 'paper', 'missing', 'stage'],
    ...table.rows.flatMap(row => row.cells.map((cell, i) => [row.label, table.columns[i], cell.mean, cell.std, cell.count, cell.rank, cell.paper, cell.missing, cell.stage]))];
  return h('button', {type: 'button', class: 'small', 'data-export': 'table', onclick: () => saveText(`${study}-${table.name}.csv`, csv(rows))}, 'CSV');
}

function amount(table) {
  const cells = table.rows.reduce((sum, row) => sum + row.cells.length, 0);
  return table.filled === cells ? null : `${table.filled} of ${cells} cells are measured`;
}

const titleOf = table => (table.paper && table.title ? `Table ${table.paper}. ${table.title}` : table.title || table.name);

function tableCard(study, table) {
  return h('section', {class: 'card', id: `table-${table.name}`},
    h('div', {class: 'tools'}, h('h2', {class: 'grow'}, table.title || table.name), amount(table) ? h('span', {class: 'quiet'}, amount(table)) : null,
      table.paper ? h('span', {class: 'quiet'}, `in small print: the paper's Table ${table.paper}`) : null, saveButton(study, table)),
    body(table, table.title || table.name));
}

function paperCard(study, table) {
  return h('details', {class: 'card', open: table.filled > 0}, h('summary', {}, titleOf(table), amount(table) ? h('span', {class: 'quiet'}, ` · ${amount(table)}`) : ''),
    h('div', {}, h('div', {class: 'tools'}, h('span', {class: 'grow'}), saveButton(study, table)), body(table, titleOf(table))));
}

export async function show({rest, query}) {
  const [study] = rest;
  const {tables, paper} = await get(['tables', study]);
  const page = h('div', {}, h('div', {class: 'heading'}, h('h1', {}, 'Tables'),
    h('nav', {class: 'jump', 'aria-label': 'Tables'}, tables.map(table => link(table.title || table.name, ['tables', study], {table: table.name})))),
  tables.map(table => tableCard(study, table)),
  h('h2', {class: 'part'}, 'The paper\'s ten tables'),
  h('p', {class: 'quiet'}, 'As Zhu, Yang and Lio (2023) declare them: our value where this study measures one, the paper\'s below in small print.'),
  paper.map(table => paperCard(study, table)));
  if (query.table) requestAnimationFrame(() => { const target = document.getElementById(`table-${query.table}`); if (target) target.scrollIntoView(); });
  return page;
}
