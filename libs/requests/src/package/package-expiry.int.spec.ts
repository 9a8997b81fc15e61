/** A package that expired is deleted, and said to be, only when its file is really gone: on a real worker and a real folder. */
import { mkdtemp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, TestClock, type SubjectId } from '#kernel';
import { JobWorker, jobsMigrations } from '#jobs';
import { readConfig, type Logger } from '#platform';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { until } from '../../../../test/support/until.js';
import { CaseFile } from '../case-file.js';
import type { RequestState } from '../request-state.js';
import type { Requests } from '../requests.js';
import {
  manifestName,
  PACKAGE_EXPIRY,
  PackageExpiry,
  packageExpiryPayload,
  packageStream,
  zipName,
} from './package-expiry.js';
import { PackageFolder } from './package-folder.js';
import { draftOf } from './package-seal.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const clock = new TestClock(new Date('2026-11-02T09:00:00Z'));
let given: SubjectsFixture;
let dataDir: string;
let folder: PackageFolder;
let expiry: PackageExpiry;
let jobs: JobWorker;
const states = new Map<string, RequestState>();
const warned: { code: string }[] = [];

beforeAll(async () => {
  given = await openSubjects(clock, jobsMigrations);
  dataDir = await mkdtemp(join(tmpdir(), 'lethe-expiry-'));
  folder = new PackageFolder(readConfig({ LETHE_DATA_DIR: dataDir }), new CaseFile(given.sealer, given.keys));
  jobs = new JobWorker(given.store, clock, { pollMs: 20 });
  const requests = {
    store: given.store,
    load: async (_: unknown, id: string) => states.get(id),
  } as unknown as Requests;
  const log = { warn: (fields: { code: string }) => warned.push(fields) } as unknown as Logger;
  expiry = new PackageExpiry(folder, requests, clock, log);
  jobs.handle(PACKAGE_EXPIRY, { payload: packageExpiryPayload }, (job, context) => expiry.run(job, context));
  jobs.start();
});
afterAll(async () => {
  await jobs.stop();
  await given.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function aPackage(...made: ((packageId: string) => string)[]) {
  const owner = { tenant: given.tenant, requestId: newId(), keyHolder: newId() as SubjectId };
  const packageId = newId();
  await folder.key(owner);
  const stepId = newId();
  for (const name of [stepId, `${stepId}.${newId()}`])
    await mkdir(folder.path(owner, 'parts', name), { recursive: true });
  for (const name of made) await writeFile(folder.path(owner, name(packageId)), 'sealed');
  await expiry.schedule(owner.tenant, owner.requestId, packageId);
  const now = (state: object): void =>
    void states.set(owner.requestId, { formerSteps: [], steps: [{ stepId }], ...state } as unknown as RequestState);
  // One without a manifest is followed by another, and so far by none.
  now(made.includes(manifestName) ? { package: { packageId } } : {});
  return {
    ...{ stepId, packageId, now },
    path: folder.path(owner),
    names: async () => (await readdir(folder.path(owner))).map((name) => name.replace(packageId, '*')).sort(),
    told: async () => (await given.store.load(owner.tenant, packageStream(packageId))).map(({ type }) => type),
    /** State of its job, and whether it looks again later. */
    job: async () => {
      const { rows } = await given.ledger.superuser.query<{ state: string; run_at: Date; payload: string }>(
        'SELECT state, run_at, payload FROM job WHERE dedupe_key = $1',
        [`package/${packageId}/expiry`],
      );
      return rows[0]!;
    },
  };
}
type Made = Awaited<ReturnType<typeof aPackage>>;

const ended = (made: Made) => until('the job ended', async () => (await made.job()).state === 'done');
const looksAgain = (made: Made) =>
  until('it looks again in an hour', async () => {
    const { state, run_at: at } = await made.job();
    return state === 'ready' && at.getTime() === clock.now().getTime() + HOUR;
  });

describe('a package that expired', () => {
  it('is deleted with its parts, and said to be; one never finished without a word, and its request keeps what it has read', async () => {
    const whole = await aPackage(zipName, manifestName);
    const drafts = [zipName, manifestName].map((name) => (id: string) => draftOf(name(id)));
    const torso = await aPackage(zipName, ...drafts);
    clock.advance(7 * DAY);
    await Promise.all([ended(whole), ended(torso)]);
    expect(await whole.names()).toEqual(['*.manifest.sealed', 'key.json']);
    expect(await torso.names()).toEqual(['key.json', 'parts']);
    expect(await readdir(join(torso.path, 'parts'))).toContain(torso.stepId);
    expect([await whole.told(), await torso.told()]).toEqual([['PackageExpired.v1'], []]);
  });

  it.each([
    ['an empty place where the folder was', 'away', (path: string) => mkdir(path)],
    ['nothing where the folder was', 'away', () => Promise.resolve()],
    ['errors from the disk', 'ENOTDIR', (path: string) => writeFile(path, 'no folder')],
  ])('waits for its data folder through %s, logs the code and no path, and is deleted then', async (_, code, put) => {
    warned.length = 0;
    const made = await aPackage(zipName, manifestName);
    const [at, away] = [dirname(made.path), `${dirname(made.path)}.away`];
    await rename(at, away);
    await put(at);
    clock.advance(7 * DAY);
    for (let looks = 0; looks < 10; looks++) {
      await looksAgain(made);
      if (looks < 9) clock.advance(HOUR);
    }
    expect(await made.told()).toEqual([]);
    expect(new Set(warned.map((one) => one.code))).toEqual(new Set([code]));
    expect(JSON.stringify(warned)).not.toContain(dataDir);
    await rm(at, { recursive: true, force: true });
    await rename(away, at);
    clock.advance(HOUR);
    await ended(made);
    expect(await made.names()).toEqual(['*.manifest.sealed', 'key.json']);
    expect(await made.told()).toEqual(['PackageExpired.v1']);
  });

  it('takes nothing along that a reopened request has collected since', async () => {
    const made = await aPackage(zipName, manifestName);
    const other = newId();
    await mkdir(join(made.path, 'parts', other));
    const { packageId, stepId } = made;
    made.now({ package: { packageId, former: true }, formerSteps: [{ stepId }], steps: [{ stepId: other }] });
    clock.advance(7 * DAY);
    await ended(made);
    expect(await readdir(join(made.path, 'parts'))).toEqual([other]);
    expect(await made.told()).toEqual(['PackageExpired.v1']);
  });

  it('has a job that the build before can read too', async () => {
    const { payload } = await (await aPackage(zipName, manifestName)).job();
    expect(Object.keys(JSON.parse(payload) as object).sort()).toEqual(['expiresAt', 'packageId', 'requestId']);
  });

  it('is looked for no longer when its folder went with the case file', async () => {
    const made = await aPackage(zipName, manifestName);
    made.now({ fileEnded: true });
    await rm(made.path, { recursive: true });
    clock.advance(7 * DAY);
    await ended(made);
    expect(await made.told()).toEqual([]);
  });

  it('is said to be deleted also when the process died after the file', async () => {
    const made = await aPackage(manifestName);
    clock.advance(7 * DAY);
    await ended(made);
    expect(await made.told()).toEqual(['PackageExpired.v1']);
  });
});
