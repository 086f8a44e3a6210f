// @ts-check
// Administration: for administrators their tenant, for the operator also the
// instance. Each part is a module of this folder.

import { h } from '../dom.js';
import { t } from '../language.js';
import { trouble } from '../panel.js';
import { isAdmin, isOperator } from '../roles.js';
import { menuButton } from '../shell.js';
import { tabs } from '../tabs.js';
import { audit } from './audit.js';
import { backups } from './backups.js';
import { feedback } from './feedback.js';
import { licences } from './licences.js';
import { people } from './people.js';
import { status } from './status.js';
import { tenants } from './tenants.js';

/**
 * @param {string} [chosen] the part to begin with
 * @returns {import('../main.js').View}
 */
export function administration(chosen) {
  const operator = isOperator();
  const parts = [
    ...(operator ? [{ id: 'status', label: t('Status'), panel: status }] : []),
    { id: 'people', label: t('People'), panel: () => people(operator) },
    ...(operator ? [{ id: 'tenants', label: t('Tenants'), panel: tenants }] : []),
    { id: 'audit', label: t('Audit log'), panel: audit },
    { id: 'feedback', label: t('Feedback'), panel: feedback },
    ...(operator ? [{ id: 'backups', label: t('Backups'), panel: backups }] : []),
    { id: 'licences', label: t('Licences'), panel: licences },
  ];
  const content = isAdmin()
    ? tabs(t('Administration'), parts, { chosen, onchange: (id) => history.replaceState(null, '', `#/admin/${id}`) }).element
    : trouble(new Error(t('This is for administrators.')));
  const main = h('main', {},
    h('header', { class: 'bar wide' }, menuButton(), h('h1', { class: 'cut grow' }, t('Administration'))),
    h('div', { class: 'scroll' }, h('div', { class: 'pagein' }, content)));
  return { main, title: t('Administration') };
}
