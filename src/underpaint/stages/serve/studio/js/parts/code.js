/** What the form asks for, as a command and as a program. */

import { button, h } from '../elements.js';
import { form, requestOf } from '../form.js';
import { note, openDialog } from '../notices.js';
import { address, key } from '../server.js';
import { t } from '../words.js';

/**
 * Show the form as code that can be copied.
 *
 * @param {import('../main.js').App} app The app.
 */
export function openCode(app) {
  const request = requestOf(
    { ...form.value, prompt: form.value.prompt.trim() || t('create.placeholder') },
    app.capabilities,
  );
  openDialog(
    t('code.title'),
    h(
      'div',
      { class: 'code' },
      h('p', {}, t('code.about')),
      ['curl', 'Python'].map((name) => block(name, name === 'curl' ? curl(request) : python(request))),
    ),
    { wide: true },
  );
}

function block(name, text) {
  const area = h('pre', { tabindex: 0, role: 'region', 'aria-label': name }, text);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      note(t('code.copied'));
    } catch {
      getSelection()?.selectAllChildren(area);
      note(t('code.select'));
    }
  };
  return h(
    'section',
    {},
    h('div', { class: 'row spread' }, h('h3', {}, name), button(t('code.copy', { name }), copy, { icon: 'copy' })),
    area,
  );
}

/**
 * Return a request as a command of curl that writes PNG files.
 *
 * @param {Object<string, any>} request As `/v1/images/generations` takes it.
 * @returns {string} The command.
 */
export function curl(request) {
  const body = JSON.stringify(request).replaceAll("'", "'\\''");
  return [
    `curl -s ${address('/v1/images/generations')} -H 'content-type: application/json' \\`,
    ...(key.value ? ['    -H "authorization: Bearer $UNDERPAINT_KEY" \\'] : []),
    `    -d '${body}' | python3 -c 'import base64, json, sys`,
    'for i, image in enumerate(json.load(sys.stdin)["data"]):',
    '    open(f"sticker-{i}.png", "wb").write(base64.b64decode(image["b64_json"]))\'',
  ].join('\n');
}

const OPENAI = new Set(['prompt', 'model', 'n', 'style', 'background']);

/**
 * Return a request as a program in Python with OpenAI's library, that writes PNG files.
 *
 * @param {Object<string, any>} request As `/v1/images/generations` takes it.
 * @returns {string} The program.
 */
export function python(request) {
  const ours = Object.entries(request).filter(([name]) => !OPENAI.has(name));
  const lines = Object.entries(request)
    .filter(([name]) => OPENAI.has(name))
    .map(([name, value]) => `    ${name}=${JSON.stringify(value)},`);
  if (ours.length) lines.push(`    extra_body=${JSON.stringify(Object.fromEntries(ours))},`);
  return [
    'import base64',
    ...(key.value ? ['import os'] : []),
    'import openai',
    '',
    `client = openai.OpenAI(base_url="${address('/v1')}", api_key=${key.value ? 'os.environ["UNDERPAINT_KEY"]' : '"none"'})`,
    'answer = client.images.generate(',
    ...lines,
    ')',
    'for i, image in enumerate(answer.data):',
    '    with open(f"sticker-{i}.png", "wb") as file:',
    '        file.write(base64.b64decode(image.b64_json))',
  ].join('\n');
}
