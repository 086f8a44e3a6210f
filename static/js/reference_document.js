// @ts-check
// Reads an OpenAPI document: its endpoints by dialect, and what their schemas
// mean. Knows nothing of the page.

/** @typedef {Record<string, any>} Schema */
/** @typedef {{name: string, description: string, schema: Schema}} StreamEvent */
/** @typedef {{name: string, in: string, required: boolean, description: string, schema: Schema, example?: any}} Parameter */
/** @typedef {{id: string, method: string, path: string, tag: string, title: string, text: string, parameters: Parameter[], operation: any}} Endpoint */
/** @typedef {{name: string, text: string, endpoints: Endpoint[]}} Dialect */
/** @typedef {{name: string, schema: Schema, required: boolean}} Field */

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The deepest that an example goes, so that a schema may name itself. */
const DEEPEST = 8;

/** One OpenAPI document. */
export class ApiDocument {
  /**
   * @param {any} json
   * @param {any} [collection] the Postman collection, whose requests serve as examples
   */
  constructor(json, collection) {
    this.json = json;
    this.samples = samples(collection);
    this.title = json.info?.title ?? '';
    this.version = json.info?.version ?? '';
    this.text = json.info?.description ?? '';
    this.dialects = this.#dialects();
    this.endpoints = this.dialects.flatMap((dialect) => dialect.endpoints);
  }

  /** @returns {Dialect[]} */
  #dialects() {
    /** @type {Map<string, Dialect>} */
    const found = new Map();
    for (const tag of this.json.tags ?? []) {
      found.set(tag.name, { name: tag.name, text: tag.description ?? '', endpoints: [] });
    }
    for (const [path, item] of Object.entries(this.json.paths ?? {})) {
      for (const method of METHODS.filter((one) => one in item)) {
        const operation = item[method];
        const tag = operation.tags?.[0] ?? '';
        /** @type {Dialect} */
        const dialect = found.get(tag) ?? { name: tag, text: '', endpoints: [] };
        found.set(tag, dialect);
        dialect.endpoints.push({
          id: `${method}${path}`,
          method: method.toUpperCase(),
          path,
          tag,
          title: operation.summary ?? '',
          text: operation.description ?? '',
          parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => this.#parameter(one)),
          operation,
        });
      }
    }
    return [...found.values()].filter((dialect) => dialect.endpoints.length);
  }

  /**
   * @param {any} given
   * @returns {Parameter}
   */
  #parameter(given) {
    const found = this.resolve(given);
    return { ...found, required: Boolean(found.required), description: found.description ?? '', schema: found.schema ?? {} };
  }

  /**
   * What a `$ref` stands for, with what is said beside it.
   * @param {any} node
   * @returns {any}
   */
  resolve(node) {
    let found = node ?? {};
    for (let step = 0; found.$ref && step < DEEPEST; step += 1) {
      const { $ref, ...beside } = found;
      const keys = String($ref).replace(/^#\//, '').split('/');
      const target = keys.reduce((at, key) => at?.[key.replace(/~1/g, '/').replace(/~0/g, '~')], this.json);
      found = { ...(target ?? {}), ...beside };
    }
    return found;
  }

  /**
   * The name of the schema that a node refers to.
   * @param {any} node
   * @returns {string}
   */
  nameOf(node) {
    return String(node?.$ref ?? '').split('/').pop() ?? '';
  }

  /**
   * The body of a request or of a response, by media type.
   * @param {any} node
   * @returns {[string, any][]}
   */
  contents(node) {
    return Object.entries(this.resolve(node).content ?? {});
  }

  /**
   * The responses of an endpoint.
   * @param {Endpoint} endpoint
   * @returns {{status: string, text: string, headers: string[], contents: [string, any][]}[]}
   */
  responses(endpoint) {
    return Object.entries(endpoint.operation.responses ?? {}).map(([status, node]) => {
      const response = this.resolve(node);
      return { status, text: response.description ?? '', headers: Object.keys(response.headers ?? {}), contents: this.contents(response) };
    });
  }

  /**
   * The events of a stream, where the schema of its media type says which there are.
   * @param {string} type
   * @param {any} media
   * @returns {StreamEvent[]}
   */
  events(type, media) {
    if (type !== 'text/event-stream') return [];
    return this.alternatives(media.schema ?? {}).map((node) => {
      const event = this.resolve(node);
      const data = this.resolve(event.properties?.data);
      const schema = data.contentSchema ?? data;
      const named = this.nameOf(schema).split('.').pop() ?? '';
      return { name: this.resolve(event.properties?.event).const ?? '', description: this.resolve(schema).description ?? named, schema };
    });
  }

  /**
   * Whether an endpoint answers with a stream of events, if it is asked to.
   * @param {Endpoint} endpoint
   */
  streams(endpoint) {
    return this.responses(endpoint).some((one) => one.contents.some(([type]) => type === 'text/event-stream'));
  }

  /**
   * Whether an endpoint answers with JSON.
   * @param {Endpoint} endpoint
   */
  givesJson(endpoint) {
    return this.responses(endpoint).some((one) => one.status.startsWith('2') && one.contents.some(([type]) => type.includes('json')));
  }

  /**
   * Whether an endpoint wants a token.
   * @param {Endpoint} endpoint
   */
  wantsToken(endpoint) {
    /** @type {Record<string, unknown>[]} */
    const rules = endpoint.operation.security ?? this.json.security ?? [];
    return rules.length > 0 && rules.every((rule) => Object.keys(rule).length > 0);
  }

  /**
   * The alternatives of a schema; one that is no choice is its only one.
   * `null` among them is left out.
   * @param {Schema} node
   * @returns {Schema[]}
   */
  alternatives(node) {
    const schema = this.resolve(node);
    const choices = schema.oneOf ?? schema.anyOf;
    if (!choices) return [node];
    return choices.filter((/** @type {Schema} */ one) => this.resolve(one).type !== 'null');
  }

  /**
   * The fields of an object, those of `allOf` among them.
   * @param {Schema} node
   * @returns {Field[]}
   */
  fields(node) {
    const schema = this.resolve(node);
    const required = new Set(schema.required ?? []);
    const own = Object.entries(schema.properties ?? {}).map(([name, one]) => ({ name, schema: /** @type {Schema} */ (one), required: required.has(name) }));
    const inherited = (schema.allOf ?? []).flatMap((/** @type {Schema} */ one) => this.fields(one));
    return [...inherited, ...own];
  }

  /**
   * The schema whose fields are worth showing: of an object, or of the items of a list.
   * @param {Schema} node
   * @returns {Schema[]}
   */
  inner(node) {
    return this.alternatives(node).flatMap((one) => {
      const schema = this.resolve(one);
      if (schema.items) return this.inner(schema.items);
      return this.fields(one).length || this.alternatives(one).length > 1 ? [one] : [];
    });
  }

  /**
   * The type of a schema in a word or two.
   * @param {Schema} node
   * @returns {string}
   */
  type(node) {
    const schema = this.resolve(node);
    const choices = schema.oneOf ?? schema.anyOf;
    if (choices) return [...new Set(choices.map((/** @type {Schema} */ one) => this.type(one)))].join(' | ');
    if ('const' in schema) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((/** @type {any} */ one) => JSON.stringify(one)).join(' | ');
    const types = [schema.type ?? (schema.properties || schema.allOf ? 'object' : 'any')].flat();
    const words = types.map((type) => (type === 'array' ? `array of ${this.type(schema.items ?? {})}` : type));
    const format = schema.format && !types.includes('integer') && !types.includes('number') ? ` (${schema.format})` : '';
    return words.join(' | ') + format;
  }

  /**
   * What values a schema allows, beside their type.
   * @param {Schema} node
   * @returns {[string, string][]}
   */
  rules(node) {
    const schema = this.resolve(node);
    /** @type {[string, any][]} */
    const rules = [
      ['default', 'default' in schema ? JSON.stringify(schema.default) : undefined],
      ['from', schema.minimum], ['to', schema.maximum],
      ['characters, at least', schema.minLength], ['characters, at most', schema.maxLength],
      ['items, at least', schema.minItems], ['items, at most', schema.maxItems],
      ['pattern', schema.pattern],
    ];
    return rules.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]);
  }

  /**
   * A value that fits a schema.
   * @param {Schema} node
   * @param {number} [depth]
   * @returns {any}
   */
  example(node, depth = 0) {
    const schema = this.resolve(node);
    if ('example' in schema) return schema.example;
    if (schema.examples?.length) return schema.examples[0];
    if ('const' in schema) return schema.const;
    if ('default' in schema) return schema.default;
    if (schema.enum) return schema.enum[0];
    if (depth > DEEPEST) return null;
    const [first] = this.alternatives(node);
    if (first && first !== node) return this.example(first, depth + 1);
    const type = [schema.type ?? 'object'].flat()[0];
    if (type === 'array') return schema.items ? [this.example(schema.items, depth + 1)] : [];
    if (type === 'object') return this.#object(node, depth);
    return { string: schema.format === 'date-time' ? '2026-01-02T12:00:00.000Z' : '', integer: schema.minimum ?? 1, number: schema.minimum ?? 1, boolean: false }[/** @type {string} */ (type)] ?? null;
  }

  /**
   * Required fields, and those that have an example of their own.
   * @param {Schema} node
   * @param {number} depth
   */
  #object(node, depth) {
    const shown = this.fields(node).filter((field) => {
      const schema = this.resolve(field.schema);
      return field.required || 'example' in schema || schema.examples?.length;
    });
    return Object.fromEntries(shown.map((field) => [field.name, this.example(field.schema, depth + 1)]));
  }

  /**
   * The body that a request may begin with: that of an example, or one that fits.
   * @param {Endpoint} endpoint
   */
  sampleBody(endpoint) {
    const kept = this.samples.get(endpoint.title)?.body;
    if (kept !== undefined) return kept;
    const json = this.contents(endpoint.operation.requestBody).find(([type]) => type.includes('json'));
    return json && this.example(json[1].schema ?? {});
  }
}

/**
 * The requests of a collection by their names; what is a variable in it has its
 * value, or else its name in capitals.
 * @param {any} collection
 * @returns {Map<string, {path: string, body: any}>}
 */
function samples(collection) {
  const values = new Map((collection?.variable ?? []).map((/** @type {any} */ one) => [one.key, one.value]));
  const filled = (/** @type {string} */ text) => text.replace(/\{\{(\$?\w+)\}\}/g, (_, name) => values.get(name) || (name.startsWith('$') ? '1' : name.toUpperCase()));
  const requests = (collection?.item ?? []).flatMap((/** @type {any} */ folder) => folder.item);
  return new Map(requests.map((/** @type {any} */ one) => {
    const { url, body } = one.request;
    const json = body?.options?.raw?.language === 'json' ? JSON.parse(filled(body.raw)) : undefined;
    return [one.name, { path: filled(url.raw.replace('{{baseUrl}}', '')), body: json }];
  }));
}
