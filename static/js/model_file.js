// @ts-check
// A model file that the operator has: handed over to the server, which looks
// into it before it is put in place.

import { token } from './api.js';
import { h, icon, iconButton, put, say } from './dom.js';
import { t } from './language.js';
import { trouble } from './panel.js';
import { progress } from './table.js';
import { size } from './words.js';

/** What every GGUF file begins with. */
const MAGIC = 'GGUF';

export class ModelFile {
  /** @param {() => void} installed is called when a file is in place */
  constructor(installed) {
    this.installed = installed;
    /** @type {XMLHttpRequest | null} */
    this.request = null;
    this.picker = h('input', { class: 'vh', type: 'file', accept: '.gguf', 'aria-label': t('Choose a GGUF file'), onchange: () => this.picked() });
    this.said = h('div', { 'aria-live': 'polite' });
    this.element = h('div', {},
      h('label', { class: 'drop' }, icon('file'), h('span', {}, h('b', {}, t('Drop a GGUF file here')), ' ', t('or choose one')),
        h('span', { class: 'mute' }, t('It is looked into before it is used.')), this.picker),
      this.said);
  }

  picked() {
    this.take([...this.picker.files]);
    this.picker.value = '';
  }

  /** @param {File[]} files */
  async take(files) {
    const file = files[0];
    if (!file || this.request) return;
    try {
      if (!file.name.endsWith('.gguf') || await file.slice(0, MAGIC.length).text() !== MAGIC) {
        throw new Error(t('{name} is no GGUF file.', { name: file.name }));
      }
      await this.send(file);
      this.said.replaceChildren(h('p', { class: 'st' }, icon('check', 's'), t('{name} is installed', { name: file.name })));
      this.installed();
    } catch (error) {
      this.said.replaceChildren(trouble(error));
    }
    this.request = null;
  }

  /** @param {File} file */
  async send(file) {
    const bearer = await token();
    const bar = progress(t('Upload of {name}', { name: file.name }));
    const request = new XMLHttpRequest();
    this.request = request;
    put(bar.element, iconButton('close', t('Cancel {name}', { name: file.name }), () => request.abort()));
    bar.set(0);
    this.said.replaceChildren(h('p', {}, h('b', {}, file.name)), bar.element);
    // What the name has that the server's folder of models does not take.
    const name = file.name.replace(/[^A-Za-z0-9._+-]+/g, '-').replace(/^\.+/, '');
    await new Promise((resolve, reject) => {
      request.open('PUT', `/api/models/${encodeURIComponent(name)}`);
      request.setRequestHeader('authorization', `Bearer ${bearer}`);
      request.responseType = 'json';
      request.upload.onprogress = (event) => {
        const done = event.loaded >= event.total;
        bar.set(done ? null : event.loaded / event.total, done ? t('Checking') : t('{part} of {whole}', { part: size(event.loaded), whole: size(event.total) }));
      };
      request.onload = () => (request.status === 201 ? resolve(null) : reject(new Error(refusal(request))));
      request.onerror = () => reject(new Error(t('The connection was lost. Is satchel still running?')));
      request.onabort = () => reject(new Error(t('The upload was cancelled.')));
      request.send(file);
    });
    say(t('{name} is installed', { name: file.name }));
  }
}

/** @param {XMLHttpRequest} request */
function refusal(request) {
  const said = String(request.response?.detail ?? t('The server answered {status}.', { status: String(request.status) }));
  return said.charAt(0).toUpperCase() + said.slice(1);
}
