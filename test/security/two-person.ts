/** What the suites of the two-person rule share: minting, vouching, refusals as an auditor finds them, cases ready to approve. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { byEmail, openProven, planOf } from '../support/connected-systems.js';
import type { TestAnswer, TestCall, TestServer } from '../support/test-server.js';

export type Refused = {
  code: string;
  route: string;
  actor: string;
  human: string | null;
  target: Record<string, string>;
};

/** A new member, by the admin. */
export async function addMember(lethe: TestServer, label: string, more: object = {}): Promise<TestAnswer> {
  const body = { label, roles: ['privacy-officer'], ...more };
  return lethe.post('/v1/admin/members', body, { as: 'admin' });
}

/** A personal token for a member, made by `as`. */
export async function mint(
  lethe: TestServer,
  memberId: string,
  call: { as?: 'admin'; key?: string } = { as: 'admin' },
): Promise<{ id: string; key: string }> {
  const issued = await lethe.post('/v1/admin/api-keys', { kind: 'personal', label: 'minted', memberId }, call);
  expect(issued.status).toBe(201);
  return issued.body;
}

export async function memberId(lethe: TestServer, label: string): Promise<string> {
  const { items } = (await lethe.get('/v1/admin/members', { as: 'admin' })).body;
  return items.find((one: { label: string }) => one.label === label).id;
}

/** An erasure of a person nobody else asks about, planned. */
export async function planned(lethe: TestServer, email: string): Promise<{ id: string; hash: string }> {
  const id = await openProven(lethe, 'erasure', [byEmail(email)]);
  return { id, hash: (await planOf(lethe, id)).hash };
}

export const codeOf = ({ status, body }: TestAnswer): [number, string] => [status, body.code];

/** What the auditor finds; waits until a refusal of this kind, about this target, is there. */
export async function refusals(
  lethe: TestServer,
  code: string,
  target: string,
  { atLeast = 1, auditor = { as: 'auditor' } }: { atLeast?: number; auditor?: TestCall } = {},
): Promise<Refused[]> {
  const end = Date.now() + 20_000;
  for (;;) {
    const { status, body } = await lethe.post('/v1/admin/refusals/search', { code, limit: 500 }, auditor);
    expect(status).toBe(200);
    const found = (body.items as Refused[]).filter((one) => Object.values(one.target).includes(target));
    if (found.length >= atLeast || Date.now() > end) return found;
    await sleep(50);
  }
}

/** Attempts that were looked for already, by tenant, code and target. */
const expected = new Map<string, number>();

/** Refused with this code, and an auditor finds it beside those before: by another actor, or on another route. */
export async function expectRefused(
  lethe: TestServer,
  answer: TestAnswer,
  [status, code]: [number, string],
  target: string,
): Promise<void> {
  expect(codeOf(answer)).toEqual([status, code]);
  const about = `${lethe.tenant.tenant.id} ${code} ${target}`;
  const atLeast = (expected.get(about) ?? 0) + 1;
  expected.set(about, atLeast);
  const found = await refusals(lethe, code, target, { atLeast });
  expect(new Set(found.map(({ actor, route }) => `${actor} ${route}`)).size).toBe(atLeast);
  // Pseudonyms only: a leaf names nobody.
  for (const { actor } of found) expect(actor).toMatch(/^(member|system):[0-9a-f]{24}$/);
}

/** How many have approved. */
export async function approvalsOf(lethe: TestServer, id: string): Promise<number> {
  return (await lethe.get(`/v1/requests/${id}`)).body.approvals;
}

/** Types of the events of a stream, in their order. */
export async function typesIn({ server, tenant }: TestServer, stream: string): Promise<string[]> {
  const events = await server.parts.store.load(tenant.tenant.id, stream);
  return events.map((event) => event.type);
}
