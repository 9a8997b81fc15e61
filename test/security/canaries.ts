/** Words that must not come back: planted into the free texts of good bodies, and known again in any spelling. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '#kernel';
import type { ServiceProcess } from '../support/service-process.js';
import type { TestAnswer, TestCall } from '../support/test-server.js';
import { operationsOf, type OpenApi, type Operation, type Schema } from './openapi-inputs.js';

/** Stands for a person: nowhere at all in clear. */
export const PERSON = `zp${randomBytes(6).toString('hex')}`;
/** Stands for words about things, such as a label or a code: they may be kept, and are told to nobody by accident. */
export const WORD = `zw${randomBytes(6).toString('hex')}`;

const CODES = ['type', 'action', 'purpose'];
/** Their words are published: everybody may read what they are asked to agree to. */
export const PUBLISHED = ['definePurpose', 'publishNotice'];
/** Free by the schema, but a good body names with them what is there, or uses a word of a list. */
const NAMING =
  /^(type|dataset|scopes|version|ruleId|acknowledgeWithin|field|clockField|stripFields|regimes|status|cursor|atLeast|connection|action|purpose|(notice|plugin|extendRequest)\.\w+)$/;

/** The text itself, in hexadecimal, and in base64 wherever in three bytes it begins; all in small letters. */
export function spellings(canary: string): string[] {
  const shifted = [0, 1, 2].map((shift) =>
    Buffer.from(' '.repeat(shift) + canary)
      .toString('base64')
      // The first and the last letters also depend on the neighbours.
      .slice(shift === 0 ? 0 : 4, Math.floor(((shift + canary.length) * 4) / 3))
      .toLowerCase(),
  );
  return [canary, Buffer.from(canary).toString('hex'), ...shifted];
}

const known = new Map([PERSON, WORD].map((canary) => [canary, spellings(canary)]));

/** Whether one of the canaries is in there, however it is written. */
export function tells(text: string, ...canaries: string[]): boolean {
  const small = text.toLowerCase();
  return canaries.some((canary) => known.get(canary)!.some((spelling) => small.includes(spelling)));
}

/** What is written to the administration is about systems, keys and settings; everything else may be about a person. */
export function canaryOf({ path, operationId }: Operation, name: string): string {
  if (name === 'value') return PERSON;
  const aboutThings = /^\/v1\/(admin|systems|webhook-endpoints|retention\/policies)\b/.test(path);
  return aboutThings || PUBLISHED.includes(operationId) || CODES.includes(name) ? WORD : PERSON;
}

/** Every file under a folder. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The files that tell of a person. */
export const tellingFiles = (folder: string): string[] =>
  filesUnder(folder).filter((file) => tells(readFileSync(file, 'latin1'), PERSON));

/** The service's API: good bodies go out with canaries in every free text, and what came back is kept. */
export class PlantedCalls {
  /** Routes that have taken a body. */
  readonly accepted = new Set<string>();
  /** Bodies that were taken, as they went out. */
  readonly sent: [method: string, path: string, body: unknown, call: TestCall | undefined][] = [];
  readonly refusals: string[] = [];
  /** Where answers lead to. */
  readonly heads: string[] = [];
  private readonly operations: Operation[];

  constructor(
    private readonly service: Pick<ServiceProcess, 'get' | 'post' | 'put'>,
    private readonly document: OpenApi,
  ) {
    this.operations = operationsOf(document).sort((one, other) => parameters(one) - parameters(other));
  }

  readonly get = (path: string, call?: TestCall): Promise<TestAnswer> => this.service.get(path, call);
  readonly post = (path: string, body: unknown, call?: TestCall): Promise<TestAnswer> =>
    this.send('POST', path, this.planted('POST', path, body as Json), call);
  readonly put = (path: string, body: unknown, call?: TestCall): Promise<TestAnswer> =>
    this.send('PUT', path, this.planted('PUT', path, body as Json), call);

  /** As it is, and noted. */
  async send(method: string, path: string, body: unknown, call?: TestCall): Promise<TestAnswer> {
    const answer = await this.service[method === 'PUT' ? 'put' : 'post'](path, body, call);
    const { operationId } = this.operation(method, path);
    if (answer.status < 300) {
      this.accepted.add(operationId);
      this.sent.push([method, path, body, call]);
    } else this.refusals.push(`${operationId} ${JSON.stringify(answer.body)}`);
    this.heads.push(JSON.stringify([...answer.headers]));
    return answer;
  }

  private operation(method: string, path: string): Operation {
    const found = this.operations.find(
      (one) =>
        one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path.split('?')[0]!),
    );
    if (!found) throw new Error(`no route ${method} ${path}`);
    return found;
  }

  private planted(method: string, path: string, body: Json): Json {
    const operation = this.operation(method, path);
    const plant = (schema: Schema | undefined, value: Json, name: string): Json => {
      const here = this.meant(schema, value);
      if (Array.isArray(value)) return value.map((one, at) => plant(here?.items ?? here?.prefixItems?.[at], one, name));
      if (typeof value === 'object' && value !== null) {
        const inner = (key: string): Schema | undefined =>
          name === 'evidence' ? { type: 'string' } : here?.properties?.[key];
        return Object.fromEntries(
          Object.entries(value).map(([key, one]) => [
            key,
            plant(inner(key), one, ['notice', 'plugin', 'extendRequest'].includes(name) ? `${name}.${key}` : key),
          ]),
        );
      }
      const free = here?.type === 'string' && here.format === undefined && here.pattern === undefined && !here.enum;
      if (typeof value !== 'string' || !free || here.const !== undefined || NAMING.test(name)) return value;
      return withCanary(value, name, canaryOf(operation, name));
    };
    return plant(operation.body, body, operation.operationId);
  }

  /** The schema, or the one of its choices that this value fits. */
  private meant(schema: Schema | undefined, value: Json): Schema | undefined {
    if (schema?.$ref) return this.meant(this.document.components.schemas[schema.$ref.split('/').at(-1)!], value);
    const choices = (schema?.anyOf ?? schema?.oneOf)?.map((one) => this.meant(one, value));
    if (!choices) return schema;
    const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, Json>;
    return choices.find((one) =>
      Object.entries(fields).every(([key, field]) => {
        const member = one?.properties?.[key];
        if (!member) return false;
        return (member.const ?? field) === field && (!member.enum || member.enum.includes(field));
      }),
    );
  }
}

const parameters = ({ path }: Operation): number => path.split('{').length;

/** The same text becomes the same again: what a later call names is what was made. */
export function withCanary(value: string, name: string, canary: string): string {
  if (value.includes(canary)) return value;
  if (name === 'url') return `${value}/${canary}`;
  return name === 'value' ? `${canary}.${value}` : `${value} ${canary}`;
}
