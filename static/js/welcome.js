// @ts-check
// First start by the printed link, and signing in.

import { setPassword, signIn, signInByLink, user } from './api.js';
import { h, icon, iconButton, logo } from './dom.js';
import { begin, firstSteps, unfinished } from './first_steps.js';
import { t } from './language.js';
import { switchTheme } from './shell.js';
import { whereabouts } from './whereabouts.js';

/** @param {...any} content */
function page(...content) {
  return h('div', { class: 'hello' },
    h('header', { class: 'bar' }, h('span', { class: 'brand' }, logo(), 'satchel'), h('span', { class: 'grow' }),
      iconButton('theme', t('Switch between light and dark'), switchTheme)),
    h('main', { id: 'main' }, ...content),
    h('footer', { class: 'fine' }, whereabouts()));
}

/**
 * A labelled input with an explanation below.
 * @param {string} label
 * @param {Record<string, any>} attributes
 * @param {string} [note]
 */
function field(label, attributes, note) {
  const id = `field-${attributes.name}`;
  return h('div', { class: 'field' },
    h('label', { for: id }, label),
    h('input', { class: 'f', id, required: true, 'aria-describedby': note ? `${id}-note` : null, ...attributes }),
    note && h('small', { id: `${id}-note` }, note));
}

/**
 * A form whose error stands inside it.
 * @param {any[]} fields
 * @param {any[]} buttons
 * @param {(data: FormData) => Promise<void>} accept
 */
function form(fields, buttons, accept) {
  const trouble = h('p', { class: 'st bad', role: 'alert', hidden: true });
  const submit = async (/** @type {any} */ event) => {
    event.preventDefault();
    const sender = event.submitter;
    if (sender) sender.disabled = true;
    trouble.hidden = true;
    try {
      await accept(new FormData(event.target));
    } catch (error) {
      trouble.replaceChildren(icon('warn', 's'), /** @type {Error} */ (error).message);
      trouble.hidden = false;
    }
    if (sender) sender.disabled = false;
  };
  return h('form', { class: 'form', onsubmit: submit }, fields, trouble, h('div', { class: 'ends' }, buttons));
}

/**
 * The first sign-in, by its link.
 * @param {string} link
 */
export function signInByAddress(link) {
  const box = page(h('p', { class: 'mute' }, t('Signing in')));
  enter(box, link);
  return box;
}

/**
 * The steps after the first sign-in.
 * @returns {import('./first_steps.js').Steps}
 */
export function steps() {
  const first = firstSteps();
  return { ...first, element: page(first.element) };
}

/**
 * @param {HTMLElement} box
 * @param {string} link
 */
async function enter(box, link) {
  try {
    await signInByLink(link);
  } catch (error) {
    const message = /** @type {Error} */ (error).message;
    box.querySelector('main')?.replaceChildren(h('div', { class: 'step' },
      h('h1', {}, t('This link does not sign you in')),
      h('p', {}, message),
      h('div', { class: 'ends' }, h('a', { class: 'b p', href: '#/login' }, t('Sign in with a password')))));
    return;
  }
  box.querySelector('main')?.replaceChildren(passwordStep());
}

function passwordStep() {
  const later = (/** @type {Event} */ event) => {
    event.preventDefault();
    begin();
  };
  return h('div', { class: 'step' },
    h('h1', {}, t('Welcome. Choose a password')),
    h('p', {}, t('You are signed in. With a password you can sign in again, from this browser or another. Until you set one, the link that satchel prints when it starts lets you in.')),
    form(
      [
        h('input', { type: 'text', hidden: true, name: 'username', autocomplete: 'username', value: user()?.username ?? '' }),
        field(t('Password'), { type: 'password', name: 'password', autocomplete: 'new-password', minlength: '8', autofocus: true }, t('At least 8 characters.')),
        field(t('Password again'), { type: 'password', name: 'again', autocomplete: 'new-password', minlength: '8' }),
      ],
      [h('a', { class: 'b q', href: '#/chat', onclick: later }, t('Later')), h('button', { class: 'b p' }, t('Set password'))],
      async (data) => {
        if (data.get('password') !== data.get('again')) throw new Error(t('The two passwords differ.'));
        await setPassword(null, String(data.get('password')));
        begin();
      }));
}

export function login() {
  return page(h('div', { class: 'step' },
    h('h1', {}, t('Sign in')),
    form(
      [
        field(t('User name'), { name: 'username', autocomplete: 'username', autofocus: true }),
        field(t('Password'), { type: 'password', name: 'password', autocomplete: 'current-password' }),
      ],
      [h('button', { class: 'b p' }, t('Sign in'))],
      async (data) => {
        await signIn(String(data.get('username')), String(data.get('password')));
        location.hash = unfinished() ? '#/welcome' : '#/chat';
      }),
    h('p', { class: 'where' }, t('The first time? Open the link that satchel printed in the terminal when it started.'))));
}
