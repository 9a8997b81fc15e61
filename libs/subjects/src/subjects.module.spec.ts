/** The module as Nest wires it, and what its routes answer. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import type { SubjectId } from '#kernel';
import { Database, EventStore, LogReader, Subscriptions } from '#ledger';
import { Caller, CLOCK, CONFIG, KeyProvider, KEYSTORE_DATABASE, PlatformModule } from '#platform';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { Subjects } from './subjects.js';
import { SubjectsController } from './subjects.controller.js';
import { SubjectsModule } from './subjects.module.js';

const logKeys = { publicKey: async () => Buffer.alloc(32), sign: async () => Buffer.alloc(64) };
let given: SubjectsFixture;
let nest: TestingModule;
let controller: SubjectsController;
let by: Caller;
beforeAll(async () => {
  given = await openSubjects();
  const parts = [
    { provide: CLOCK, useValue: given.clock },
    { provide: CONFIG, useValue: {} },
    { provide: Database, useValue: given.ledger.database },
    { provide: KEYSTORE_DATABASE, useValue: given.vault.database },
    { provide: EventStore, useValue: given.store },
    {
      provide: Subscriptions,
      useValue: new Subscriptions(
        given.store,
        async () => [],
        () => undefined,
      ),
    },
    { provide: KeyProvider, useValue: given.keys },
    { provide: LogReader, useValue: new LogReader(given.ledger.database, 'lethe.example.test', logKeys) },
  ];
  const platform = {
    module: PlatformModule,
    global: true,
    providers: parts,
    exports: parts.map((part) => part.provide),
  };
  nest = await Test.createTestingModule({ imports: [platform, SubjectsModule] }).compile();
  await nest.init();
  controller = nest.get(SubjectsController);
  by = new Caller({
    kind: 'human',
    id: 'm',
    tenant: given.tenant,
    mode: 'test',
    roles: ['privacy-officer'],
    scopes: [],
    actorRef: 'officer',
  });
});
afterAll(async () => {
  await nest.close();
  await given.close();
});

async function register(value: string): Promise<SubjectId> {
  return nest.get(Subjects).record(given.tenant, [{ type: 'email', value }], {}, async (who) => {
    await given.store.append({ tenant: given.tenant, actorRef: 'system', events: who.events, rows: who.rows });
    return who.subject;
  });
}

describe('the routes of subjects', () => {
  it('look people up, and say whose data was seen', async () => {
    const one = await register('look@example.test');
    const other = await register('other@example.test');
    const found = await controller.lookup(by, { identifiers: [{ type: 'email', value: ' LOOK@example.test' }] });
    expect(found.items).toEqual([
      {
        subjectId: one,
        aliases: [one],
        status: 'active',
        identifiers: [
          expect.objectContaining({ subjectId: one, type: 'email', value: 'look@example.test', strength: 'claimed' }),
        ],
      },
    ]);
    expect([...by.seen.keys()]).toEqual([one]);
    expect(await controller.lookup(by, { identifiers: [{ type: 'email', value: 'nobody@example.test' }] })).toEqual({
      items: [],
    });

    const { linkId } = await controller.link(by, { subjectIds: [other, one], method: 'attest' });
    const linked = await controller.lookup(by, { identifiers: [{ type: 'email', value: 'other@example.test' }] });
    expect(linked.items).toMatchObject([
      { subjectId: one, aliases: [one, other], identifiers: [{ subjectId: one }, { subjectId: other }] },
    ]);
    await controller.unlink(by, { linkId, reason: 'mistake' });
    const apart = await controller.lookup(by, { identifiers: [{ type: 'email', value: 'other@example.test' }] });
    expect(apart.items).toMatchObject([{ subjectId: other, aliases: [other] }]);
  });

  it('check suppressions in the order asked', async () => {
    const item = {
      identifier: { type: 'email', value: 'a@example.test' },
      connection: 'lethe',
      dataFrom: '2026-01-01T00:00:00Z',
    };
    expect(await controller.checkSuppressions(by, { items: [{ ...item, ref: 'x' }, item] })).toEqual({
      items: [
        { ref: 'x', suppressed: false, scope: null, until: null },
        { ref: null, suppressed: false, scope: null, until: null },
      ],
    });
  });
});
