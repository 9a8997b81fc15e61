/** Acceptance 12: what is changed behind the service's back is found at the next start or check, and named. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { Database, leafHash } from '#ledger';
import { FileKeys } from '#platform';
import { Suppressions } from '#subjects';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { accepted, decisionOn, definePurpose } from '../support/obeying-systems.js';
import { ServiceProcess } from '../support/service-process.js';
import { backUp } from '../support/signed-logs.js';
import { until } from '../support/until.js';

/** In the short form one fault of each kind: a row, a head, a key, a suppression, a decision. */
const LONG = process.env['LETHE_TEST_LONG'] !== undefined;
const SHORT = new Set([
  'the bytes of a row',
  'the signed head',
  'an epoch, exchanged',
  'a suppression, taken out with the seal of all',
  'a withdrawal, turned into consent',
]);

let service: ServiceProcess;
let tenant: TenantId;
let size = 0;
/** Sets the log back to where it stood before the withdrawal. */
let setBack: () => Promise<void>;
/** Position of a withdrawal. */
let withdrawn = 0;
beforeAll(async () => {
  service = await ServiceProcess.prepare();
  tenant = (await ledger().query<{ id: TenantId }>('SELECT id FROM tenant')).rows[0]!.id;
  await service.start();
  withdrawn = await withdraw();
  await service.end('SIGTERM');
  // Until the last thing it writes is signed as well; a chore may write between a look and the end.
  await until('a log that is signed to its end', async () => {
    await service.start();
    const signed = await until('signed', async () => {
      const { body } = await service.get('/v1/ledger', { as: 'auditor' });
      return body.signedSize === body.size && Number(body.size);
    });
    await service.end('SIGTERM');
    size = (await ledger().query<{ size: number }>('SELECT size::int FROM log_head')).rows[0]!.size;
    return size === signed;
  });
  const vault = new Database({ connectionString: service.environment['LETHE_KEYSTORE_URL']! });
  const suppressions = new Suppressions(vault, await FileKeys.open(keyDirectory()), systemClock);
  const expiresAt = new Date(Date.now() + 86_400_000);
  for (const name of ['ada', 'bob', 'cyd'])
    await suppressions.suppress(tenant, [{ type: 'email', value: `${name}@example.test` }], {
      ...{ scope: { kind: 'all-sources' }, before: new Date(), expiresAt },
    });
  await vault.close();
}, 240_000);
afterAll(() => service.close(), 240_000);

const ledger = () => service.superusers.ledger;
const keystore = () => service.superusers.keystore;
const keyDirectory = (): string => `${service.dataDir}-keys`;
const headFile = (): string => {
  const folder = join(service.dataDir, 'checkpoints', tenant);
  return join(folder, readdirSync(folder).sort().at(-1)!);
};

/** Somebody consents and withdraws; answers the position of the withdrawal. */
async function withdraw(): Promise<number> {
  await definePurpose(service);
  const decide = (decision: string): Promise<{ position: number }> =>
    accepted(service.post('/v1/consents', decisionOn('ada', decision, new Date()), { as: 'system' }));
  await decide('given');
  setBack = await backUp({ superuser: ledger() }, tenant);
  return (await decide('withdrawn')).position;
}

async function check(): Promise<{ status: number; out: string }> {
  const out: string[] = [];
  const say = (line: string): void => void out.push(line);
  const status = await runVerb(['verify-store'], { say, complain: say, environment: service.environment } as never);
  return { status, out: out.join('\n') };
}

/** Changes a file; answers how to put it back. */
function spoil(path: string, change: (text: string) => string): () => Promise<void> {
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, change(good));
  return async () => writeFileSync(path, good);
}

/** Runs statements as the superuser; answers how to put the rows back. */
async function spoilRows(
  table:
    | 'tenant'
    | 'event'
    | 'log_head'
    | 'checkpoint'
    | 'consent_record'
    | 'member'
    | 'credential'
    | 'suppression'
    | 'suppression_seal',
  statement: string,
  values: unknown[] = [],
) {
  const database = table.startsWith('suppression') ? keystore() : ledger();
  await database.query(`CREATE TABLE good_${table} AS SELECT * FROM ${table}`);
  await database.query(statement, values);
  return async () => {
    await database.query(`DELETE FROM ${table}`);
    await database.query(`INSERT INTO ${table} SELECT * FROM good_${table}`);
    await database.query(`DROP TABLE good_${table}`);
  };
}

/** A valid key file of that name, with another secret. */
function otherKey(name: string): string {
  const body = `lethe-key 1\nname ${name}\nsecret ${randomBytes(32).toString('base64')}\n`;
  return `${body}sha256 ${createHash('sha256').update(body).digest('hex')}\n`;
}

const flip = (text: string): string =>
  text.replace(/secret (.)/, (_, sign: string) => `secret ${sign === 'A' ? 'B' : 'A'}`);
const epochFile = (): string => readdirSync(keyDirectory()).find((name) => /^kek-.*\.key$/.test(name))!;

const TURNED = `UPDATE consent_record SET decision = 'given' WHERE decision = 'withdrawn'`;

type Fault = [what: string, plant: () => Promise<() => Promise<void>>, named: () => string];

const exchanged = (what: string, name: () => string): Fault => [
  `${what}, exchanged`,
  async () => spoil(join(keyDirectory(), `${name()}.key`), () => otherKey(name())),
  () => `Key file ${name()} is not the one`,
];

/** Nothing is served under keys that are not those of the installation. */
const keyFaults: Fault[] = [
  [
    'a key file',
    async () => spoil(join(keyDirectory(), 'mac-suppression.key'), flip),
    () => 'Key file mac-suppression was changed',
  ],
  [
    'a key file, taken out',
    async () => {
      const path = join(keyDirectory(), 'mac-lookup.key');
      renameSync(path, `${path}.away`);
      return async () => renameSync(`${path}.away`, path);
    },
    () => 'Key mac-lookup is missing',
  ],
  exchanged('a key file', () => 'mac-lookup'),
  exchanged('the key of the log', () => 'sign-log'),
  exchanged('its next key', () => 'sign-log-next'),
  exchanged('the key of certificates', () => 'sign-certificate'),
  exchanged('an epoch', () => epochFile().slice(0, -'.key'.length)),
];

const faults: Fault[] = [
  [
    'the bytes of a row',
    () => spoilRows('event', `UPDATE event SET bytes = replace(bytes, '"v":1', '"v":1 ') WHERE position = 3`),
    () => 'leaf 3 its bytes are not those that were sealed',
  ],
  [
    'the type of a row',
    () => spoilRows('event', `UPDATE event SET type = 'Other.v1' WHERE position = 2`),
    () => 'leaf 2 its stream, version, type or date',
  ],
  [
    'a row and its hash together',
    async () => {
      const { rows } = await ledger().query<{ bytes: string }>('SELECT bytes FROM event WHERE position = 1');
      const bytes = rows[0]!.bytes.replace('"actorRef":"system"', '"actorRef":"nobody"');
      return spoilRows('event', 'UPDATE event SET bytes = $1, leaf_hash = $2 WHERE position = 1', [
        bytes,
        leafHash(Buffer.from(bytes)),
      ]);
    },
    () => `leaves 0 to ${size - 1} do not give the root that was signed`,
  ],
  [
    'a row, taken out',
    () => spoilRows('event', 'DELETE FROM event WHERE position = 4'),
    () => 'leaf 4 to 4 is missing',
  ],
  [
    'the last rows, taken out with the head',
    async () => {
      const repairs: (() => Promise<void>)[] = [];
      for (const table of ['event', 'log_head', 'checkpoint'] as const) repairs.push(await spoilRows(table, 'SELECT'));
      await setBack();
      return async () => {
        for (const repair of repairs) await repair();
      };
    },
    () => 'rolled back',
  ],
  [
    'the head',
    () => spoilRows('log_head', `UPDATE log_head SET root = decode(repeat('00', 32), 'hex')`),
    () => `head of ${size} leaves does not have the root`,
  ],
  [
    'a log, taken out with its tenant',
    () => spoilRows('tenant', 'DELETE FROM tenant'),
    () => `log ${tenant} was signed and is nowhere`,
  ],
  [
    'the signed head',
    async () => spoil(headFile(), (text) => text.replace(/\n\d+\n/, (found) => `\n${Number(found) + 1}\n`)),
    () => `signed head ${tenant}/${headFile().slice(-12)} was changed`,
  ],
  ...keyFaults,
  [
    'a suppression, changed',
    () =>
      spoilRows(
        'suppression',
        `UPDATE suppression SET expires_at = now() WHERE mac = (SELECT min(mac) FROM suppression)`,
      ),
    () => 'was changed',
  ],
  [
    'a suppression, taken out',
    () => spoilRows('suppression', 'DELETE FROM suppression WHERE mac = (SELECT min(mac) FROM suppression)'),
    () => 'suppressions are not those that were sealed',
  ],
  [
    'a suppression, taken out with the seal of all',
    async () => {
      const row = await spoilRows(
        'suppression',
        'DELETE FROM suppression WHERE mac = (SELECT min(mac) FROM suppression)',
      );
      const seal = await spoilRows('suppression_seal', 'DELETE FROM suppression_seal');
      return async () => {
        await row();
        await seal();
      };
    },
    () => 'suppressions are not those that were sealed',
  ],
  [
    'a suppression, added',
    () =>
      spoilRows(
        'suppression',
        `INSERT INTO suppression SELECT tenant, '\\x00', key_id, normaliser, scope_kind, scope, before, expires_at, created_on, row_mac FROM suppression LIMIT 1`,
      ),
    () => 'suppression 00 was changed',
  ],
  [
    'a withdrawal, turned into consent',
    () => spoilRows('consent_record', TURNED),
    () => `consent_record of leaf ${withdrawn} is not what the leaf says`,
  ],
  [
    'a role, added to a member',
    () => spoilRows('member', `UPDATE member SET roles = roles || '{privacy-officer}' WHERE label = 'admin'`),
    () => 'is not what its leaves say',
  ],
  [
    'a scope, added to a key',
    () => spoilRows('credential', `UPDATE credential SET scopes = scopes || '{tasks}' WHERE kind = 'system'`),
    () => 'is not what its leaves say',
  ],
];

describe('the check of the store', () => {
  it('finds nothing where nothing was changed', async () => {
    const said = await check();
    expect(said).toEqual({ status: 0, out: `${size} leaves of 1 tenants read, 0 things changed` });
  }, 240_000);

  it.each(faults.filter(([what]) => LONG || SHORT.has(what)))(
    'names %s',
    async (_, plant, named) => {
      const words = named();
      const repair = await plant();
      const said = await check();
      await repair();
      expect(said.status).toBe(1);
      expect(said.out).toContain(words);
      expect(await check()).toMatchObject({ status: 0 });
    },
    240_000,
  );
});

/** Starts of the service: for CI. */
const itLong = LONG ? it : it.skip;

describe('the next start', () => {
  itLong(
    'names a changed row and a removed suppression',
    async () => {
      const rows = await spoilRows(
        'event',
        `UPDATE event SET bytes = replace(bytes, '"v":1', '"v":1 ') WHERE position = 3`,
      );
      const removed = await spoilRows(
        'suppression',
        'DELETE FROM suppression WHERE mac = (SELECT min(mac) FROM suppression)',
      );
      await service.start();
      await service.end('SIGTERM');
      expect(service.output).toContain('"where":"leaf 3"');
      expect(service.output).toContain('"where":"suppressions"');
      await rows();
      await removed();
    },
    240_000,
  );

  (LONG ? it : it.skip).each(keyFaults)(
    'is none with %s',
    async (_, plant, named) => {
      const repair = await plant();
      await expect(service.start()).rejects.toThrow(named());
      await repair();
    },
    240_000,
  );

  itLong(
    'names a withdrawal that was turned into consent',
    async () => {
      const rows = await spoilRows('consent_record', TURNED);
      await service.start();
      await service.end('SIGTERM');
      await rows();
      expect(service.output).toContain(`"where":"consent_record of leaf ${withdrawn}"`);
    },
    240_000,
  );

  it('of a service whose tenant was taken out with its log is unready, and says so', async () => {
    const restore = await spoilRows('tenant', 'DELETE FROM tenant');
    await service.start();
    const ready = await service.get('/readyz');
    await service.end('SIGTERM');
    await restore();
    expect([ready.status, JSON.stringify(ready.body)]).toEqual([503, expect.stringContaining('rollback-detected')]);
    expect(service.output).toContain(`"logs":["${tenant}"]`);
  }, 240_000);
});
