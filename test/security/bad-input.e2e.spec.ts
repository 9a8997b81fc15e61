/** No input on any route gives a 5xx, unbounded time or memory, an echo of what was sent, or anything half-done. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assertSound } from '../support/ledger-fixture.js';
import { ServiceProcess } from '../support/service-process.js';
import { Attack, emptyTally, imported, type Tally } from './attack.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const FULL = process.env['LETHE_TEST_FULL'] === '1';
const TOTAL = FULL ? 100_000 : LONG ? 20_000 : 1_200;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const GROWTH_KIB = 100 * 1024;
/** Of all calls: a machine that is busy with other suites may refuse a few. */
const SHED_SHARE = 0.01;
const canary = 'kanarienvogel-7f3a';

const sentOf = ({ routes }: Tally): number => [...routes.values()].reduce((sum, one) => sum + one, 0);

describe('bad input', () => {
  let service: ServiceProcess;
  let attack: Attack;

  beforeAll(async () => {
    service = await ServiceProcess.prepare();
    await service.start({ NODE_OPTIONS: imported('collect-on-signal.mjs') });
    const news = { name: 'News', legalBasis: 'consent', model: 'opt-in' };
    await service.put('/v1/purposes/newsletter', news, { as: 'admin' });
    const notice = { id: 'signup', version: '1', language: 'en', text: 'News.', purposes: ['newsletter'] };
    expect((await service.post('/v1/notices', notice)).status).toBe(201);
    attack = new Attack(service, canary);
    await attack.prepare();
  }, 60_000);
  afterAll(async () => {
    attack.close();
    await service.close();
  });

  it(`of ${TOTAL} kinds is refused as a problem document, seed ${SEED}`, async () => {
    const tally = emptyTally();
    const { operations } = attack;
    // What a process allocates once, for its first calls, is no growth.
    await attack.run({ ...tally, routes: new Map() }, 4, SEED + 500_000);
    const before = await attack.held();
    const began = performance.now();
    await attack.run(tally, Math.ceil(TOTAL / operations.length), SEED);
    const seconds = (performance.now() - began) / 1000;
    const after = await attack.held();
    const sent = sentOf(tally);
    const lists = [tally.codes, tally.routes].map((map) => [...map].map(([name, n]) => `${name} ${n}`).join(', '));
    const memory = `RSS ${Math.round(before / 1024)} -> ${Math.round(after / 1024)} MiB`;
    process.stdout.write(
      [
        `bad input: seed ${SEED}, ${sent} calls on ${operations.length} routes in ${Math.round(seconds)} s, ${memory}, shed ${tally.shed}`,
        `  slowest ${Math.round(tally.slowest.ms)} ms: ${tally.slowest.what}; over 2 s at first: ${tally.slow.length}`,
        `  codes: ${lists[0]}`,
        `  calls per route: ${lists[1]}\n`,
      ].join('\n'),
    );
    expect(tally.wrong.slice(0, 20)).toEqual([]);
    expect(sent).toBeGreaterThanOrEqual(TOTAL);
    expect(tally.shed / sent).toBeLessThan(SHED_SHARE);
    expect(Math.min(...tally.routes.values())).toBeGreaterThanOrEqual(Math.floor(TOTAL / operations.length));
    expect(after - before).toBeLessThan(GROWTH_KIB);
    expect(await attack.slowAgain(tally)).toEqual([]);
    // The generator is worth something only if it gets past the first rule.
    expect(tally.codes.get('body-invalid')).toBeGreaterThan(0);
    expect(tally.codes.size).toBeGreaterThan(8);
  }, 7_200_000);

  it('leaves the ledger sound and every fact with its row', async () => {
    const superuser = service.superusers.ledger;
    const { rows: tenants } = await superuser.query<{ id: string }>('SELECT id FROM tenant');
    const tenant = tenants[0]!.id;
    const leaves = await assertSound({ superuser }, tenant as Parameters<typeof assertSound>[1]);
    const countOf = (type: string): number =>
      leaves.filter((leaf) => (JSON.parse(leaf.bytes) as { type: string }).type === type).length;
    const pairs = [
      ['ConsentRecorded.v1', 'consent_record'],
      ['AccessRecorded.v1', "access_entry WHERE source <> 'lethe' AND true"],
      ['SubjectRegistered.v1', 'subject'],
      ['IdentifierAdded.v1', 'subject_identifier'],
      ['MemberAdded.v1', 'member'],
      ['CredentialIssued.v1', 'credential'],
      ['NoticePublished.v1', 'notice'],
    ] as const;
    for (const [type, table] of pairs) {
      const { rows } = await superuser.query<{ rows: number }>(
        `SELECT count(*)::int AS rows FROM ${table} ${table.includes('WHERE') ? 'AND' : 'WHERE'} tenant = $1`,
        [tenant],
      );
      expect([table, rows[0]!.rows]).toEqual([table, countOf(type)]);
    }
  }, 120_000);
});

describe('a service with planted faults', () => {
  it('is noticed: 500 and cuts now and then, sheds of a wrong form or without end, a slow route, memory never given back (control)', async () => {
    const service = await ServiceProcess.prepare();
    await service.start({
      NODE_OPTIONS: `${imported('collect-on-signal.mjs')} ${imported('plant-http-faults.mjs')}`,
    });
    const attack = new Attack(service, canary);
    await attack.prepare();
    const tally = emptyTally();
    const before = await attack.held();
    await attack.run(tally, 4, SEED);
    const growth = (await attack.held()) - before;
    for (const said of ['500 planted', 'the connection was cut', '503 is no problem document'])
      expect([said, tally.wrong.filter((one) => one.includes(said)).length > 2]).toEqual([said, true]);
    expect(tally.shed / sentOf(tally)).toBeGreaterThan(SHED_SHARE);
    expect(await attack.slowAgain({ ...tally, slow: tally.slow.slice(0, 1) })).toHaveLength(1);
    expect(growth).toBeGreaterThan(GROWTH_KIB);
    attack.close();
    // It would wait for the calls that the plant has swallowed.
    await service.end('SIGKILL');
    await service.close();
  }, 120_000);
});
