/** A package is the whole of what was read, or none. */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId, type TenantId } from '#kernel';
import { readConfig } from '#platform';
import type { CaseFile } from '../case-file.js';
import type { RequestState } from '../request-state.js';
import { PackageContents } from './package-contents.js';
import { PackageFolder } from './package-folder.js';
import { indexPage } from './package-index.js';
import { PackageParts } from './package-parts.js';
import type { PackageOwn } from './package-own.js';
import type { PackageRegister } from './package-register.js';

let dataDir: string;
beforeEach(async () => void (dataDir = await mkdtemp(join(tmpdir(), 'lethe-contents-'))));
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const facts = { controller: 'c', regimes: [], territory: null, purposes: [], systems: [], policies: [] };
const file = { identifiers: () => Promise.resolve([]) } as unknown as CaseFile;
const own = { tables: () => Promise.resolve([]) } as unknown as PackageOwn;
const register = { factsFor: () => Promise.resolve(facts) } as unknown as PackageRegister;

describe('what goes into a package', () => {
  it('is refused when a finished step’s records are not in the data folder; a step taken over by hand has none', async () => {
    const folder = new PackageFolder(readConfig({ LETHE_DATA_DIR: dataDir }), file);
    const contents = new PackageContents(new PackageParts(folder), own, register, file);
    const owner = { tenant: newId() as TenantId, requestId: newId(), keyHolder: newId() as SubjectId };
    const [read, byHand] = [newId(), newId()];
    const steps = [
      { stepId: read, finished: true },
      { stepId: byHand, finished: false, handled: 'manual' },
    ];
    const state = { steps, tasks: [] } as unknown as RequestState;
    expect(await contents.lost(owner, state)).toEqual([steps[0]]);
    await expect(contents.gather(owner, state)).rejects.toMatchObject({ status: 503, code: 'package-parts-missing' });
    await mkdir(folder.path(owner, 'parts', read), { recursive: true });
    await writeFile(folder.path(owner, 'parts', read, 'index.json'), '[]');
    expect((await contents.gather(owner, state)).tables).toEqual([]);
    expect(await contents.lost(owner, state)).toEqual([]);
  });

  it('names what could not be read, and why', async () => {
    const folder = new PackageFolder(readConfig({ LETHE_DATA_DIR: dataDir }), file);
    const contents = new PackageContents(new PackageParts(folder), own, register, file);
    const owner = { tenant: newId() as TenantId, requestId: newId(), keyHolder: newId() as SubjectId };
    const [undone, byHand] = [newId(), newId()];
    const steps = [
      { stepId: undone, connectionId: 'shop', handled: 'accepted', failure: { code: 'no-such-table' } },
      { stepId: byHand, connectionId: 'crm', handled: 'manual' },
    ];
    const tasks = [{ systemId: byHand, completed: { outcome: 'done' } }];
    const systems = [{ connectionId: 'shop', name: 'Shop' }];
    const state = { steps, tasks, plan: { head: { systems, unsearched: [] } } } as unknown as RequestState;
    const { notSearched } = await contents.gather(owner, state);
    expect(notSearched).toEqual([
      { name: 'Shop', why: 'could not be read: no-such-table', outcome: 'open' },
      { name: 'crm', why: 'could not be read: no connector', outcome: 'done' },
    ]);
    const page = indexPage(
      { packageId: 'p', requestId: 'r', createdAt: '2026-11-20T09:00:00Z' },
      {
        ...{ controller: 'c', tables: [], information: [], withheld: [], notSearched },
      },
    );
    expect(page).toContain('Shop (could not be read: no-such-table): not searched');
  });
});
