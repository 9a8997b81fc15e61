/** A backup of the key store that nothing opens any more is refused; where its keys lie already, a later one takes their place. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, systemClock, type SubjectId, type TenantId } from '#kernel';
import { Database } from '#ledger';
import { FileKeys } from '#platform';
import { KeyStore } from '#subjects';
import { ServiceProcess } from '../../../test/support/service-process.js';
import { runVerb } from './run-verb.js';

interface Key {
  tenant: TenantId;
  subject: SubjectId;
  class: string;
  epoch: string;
  wrapped: Buffer;
}

let service: ServiceProcess;
let files: FileKeys;
let old: Key[];

const folder = (name: string): string => join(service.dataDir, name);
const done = [0, expect.any(String)];

async function lethe(...words: string[]): Promise<[number, string]> {
  const said: string[] = [];
  const note = (line: string): number => said.push(line);
  const status = await runVerb(words, { say: note, complain: note, environment: service.commandEnvironment });
  return [status, said.join('\n')];
}

const restore = (keys: string): ReturnType<typeof lethe> =>
  lethe('restore', folder('first'), '--replace', '--keys', folder(keys), '--kept', folder('first-kept'));

async function living(): Promise<Key[]> {
  const text = 'SELECT tenant, subject, class, epoch, wrapped FROM subject_key WHERE wrapped IS NOT NULL';
  return (await service.superusers.keystore.query<Key>(text)).rows;
}

const opens = ({ tenant, epoch, wrapped }: Key): Promise<boolean> =>
  files.unwrap(tenant, epoch, wrapped).then(
    () => true,
    () => false,
  );

/** Puts keys back as nobody should: what a restore of the wrong backup once did. */
async function putBack(keys: readonly Key[]): Promise<void> {
  for (const { tenant, subject, class: keyClass, epoch, wrapped } of keys)
    await service.superusers.keystore.query('INSERT INTO subject_key VALUES ($1, $2, $3, $4, $5, now())', [
      ...[tenant, subject, keyClass, epoch, wrapped],
    ]);
}

/** Three people; a backup of everything, the end of the epoch, and a backup of the keys. */
beforeAll(async () => {
  service = await ServiceProcess.prepare();
  const { rows } = await service.superusers.ledger.query<{ id: TenantId }>('SELECT id FROM tenant');
  files = await FileKeys.open(`${service.dataDir}-keys`);
  const database = new Database({ connectionString: service.databases[1]!.urls.appUrl });
  const keyStore = new KeyStore(database, files, systemClock);
  for (let person = 0; person < 3; person += 1) await keyStore.keyFor(rows[0]!.id, newId() as SubjectId, 'identity');
  await database.close();
  expect(await lethe('backup', folder('first'))).toEqual(done);
  old = await living();
  expect(await lethe('keys', 'rotate', 'epoch')).toEqual(done);
  expect(await lethe('backup', folder('later'), '--only', 'keys')).toEqual(done);
  await files.currentEpoch();
}, 120_000);
afterAll(() => service.close());
beforeEach(() => service.superusers.keystore.query('TRUNCATE subject_key, key_epoch, key_epoch_tenant, key_ring'));

describe('a key store that was lost after its epoch was replaced', () => {
  it('is not restored from a backup that nothing opens', async () => {
    expect(await restore('first-keys')).toEqual([2, expect.stringMatching(/epoch \S+ was destroyed.*a later backup/)]);
    expect(await living()).toEqual([]);
  });

  it('is restored from one that was made since', async () => {
    expect(await restore('later-keys')).toEqual(done);
    const keys = await living();
    expect(keys).toHaveLength(old.length);
    expect(await Promise.all(keys.map(opens))).not.toContain(false);
  });

  it('takes no harm from keys that nothing opens; only what was shredded stays as it is', async () => {
    const [shredded, ...others] = old;
    await putBack(others);
    await service.superusers.keystore.query('INSERT INTO subject_key VALUES ($1, $2, $3, NULL, NULL, now(), now())', [
      shredded!.tenant,
      shredded!.subject,
      shredded!.class,
    ]);
    expect(await restore('later-keys')).toEqual(done);
    const keys = await living();
    expect(keys).toHaveLength(others.length);
    expect(await Promise.all(keys.map(opens))).not.toContain(false);
  });

  it('is restored with what nothing opened even when the backup was made: no other has it', async () => {
    expect(await restore('later-keys')).toEqual(done);
    const [subject] = await living();
    await service.superusers.keystore.query('DELETE FROM subject_key WHERE subject = $1', [subject!.subject]);
    await putBack(old.filter((key) => key.subject === subject!.subject && key.class === subject!.class));
    expect(await lethe('backup', folder('with-gone'), '--only', 'keys')).toEqual(done);
    expect(await restore('with-gone-keys')).toEqual(done);
  });
});
