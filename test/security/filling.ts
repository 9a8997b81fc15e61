/** How a tenant is filled for the tests of isolation: its API, its mark, and what was given back. */
import type { Json } from '#kernel';
import { byEmail, type Api } from '../support/connected-systems.js';
import type { Shop } from '../support/connected-shop.js';
import type { TestAnswer, TestServer } from '../support/test-server.js';

type Answer = TestAnswer['body'];

/** Somebody's keys: the first tenant's and the second's look alike. */
export interface Keys {
  admin: string;
  officer: string;
  officer2: string;
  auditor: string;
  system: string;
}

/** What the filling was given back, so that it can be sent by somebody else. */
export interface Filled {
  /** Real ids by the path they follow, such as `/v1/holds`; a parameter in that path is a star. */
  ids: Map<string, string[]>;
  tokens: string[];
  cursors: string[];
  /** Bodies that were taken, and where they were sent: good ones for the same route of anybody. */
  sent: { method: string; path: string; body: Json }[];
  /** System keys that are bound: to the inbox with a task in hand, and to the system that reads events. */
  keys: { inbox: string; cursor: string };
}

/** What a tenant's people see of the server: `as` picks among their own keys. */
function apiOf(lethe: Pick<TestServer, 'get' | 'post' | 'put'>, keys: Keys, sent: Filled['sent']): Api {
  const call = ({ as = 'officer', key, ...more }: { as?: keyof Keys; key?: string } = {}): object => ({
    ...more,
    key: key ?? keys[as],
  });
  const noted = (method: string, path: string, body: unknown, answer: TestAnswer): TestAnswer => {
    if (answer.status < 300) sent.push({ method, path, body: body as Json });
    return answer;
  };
  return {
    get: (path, by) => lethe.get(path, call(by)),
    post: async (path, body, by) => noted('POST', path, body, await lethe.post(path, body, call(by))),
    put: async (path, body, by) => noted('PUT', path, body, await lethe.put(path, body, call(by))),
  };
}

/** The body of an answer that worked. */
export const made = async (answer: Promise<TestAnswer>): Promise<Answer> => {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`filling: ${status} ${JSON.stringify(body)}`);
  return body;
};

/** Where a tenant's filling is written down. */
export class Filling {
  readonly filled: Filled = { ids: new Map(), tokens: [], cursors: [], sent: [], keys: { inbox: '', cursor: '' } };
  readonly api: Api;
  readonly logId: string;

  constructor(
    lethe: Pick<TestServer, 'get' | 'post' | 'put'>,
    tenant: { keys: Keys; logId: string },
    readonly mark: string,
    readonly shop: Shop,
    readonly now: () => string,
  ) {
    this.api = apiOf(lethe, tenant.keys, this.filled.sent);
    this.logId = tenant.logId;
  }

  get person(): { identifiers: { type: string; value: string }[] } {
    return { identifiers: [byEmail(`${this.mark}@example.test`)] };
  }

  know(prefix: string, ...ids: (string | undefined)[]): void {
    const known = this.filled.ids.get(prefix) ?? [];
    this.filled.ids.set(prefix, [...known, ...ids.filter((id) => id !== undefined)]);
  }

  cursor(page: Answer): void {
    if (typeof page.next === 'string') this.filled.cursors.push(page.next);
  }
}
