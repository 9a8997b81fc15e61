/** Where a package and its parts lie: a folder a request below the data directory, everything in it sealed under one key. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { isUuid, newId, type SubjectId, type TenantId } from '#kernel';
import { CONFIG, type Config } from '#platform';
import type { Sealed } from '#subjects';
import { CaseFile } from '../case-file.js';

/** Whose package it is. */
export interface PackageOwner {
  tenant: TenantId;
  requestId: string;
  keyHolder: SubjectId;
}

const KEY = 'key.json';
/** Folder of what the steps collect. */
export const PARTS = 'parts';
const keyPlace = (requestId: string): string => `package/${requestId}/key`;

/**
 * The key of a package is sealed under the person's case key: destroying that one destroys every package with its copies.
 * Several replicas need a data directory they share.
 */
@Injectable()
export class PackageFolder {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly file: CaseFile,
  ) {}

  /** Path below the folder of a request. */
  path({ tenant, requestId }: Pick<PackageOwner, 'tenant' | 'requestId'>, ...parts: string[]): string {
    if (!isUuid(tenant) || !isUuid(requestId)) throw new Error('a package belongs to a request');
    return join(this.config.dataDir, 'packages', tenant, requestId, ...parts);
  }

  /** The key of the package, made on first use; two makers at once end with the same one. */
  async key(owner: PackageOwner): Promise<Buffer> {
    const path = this.path(owner, KEY);
    const known = await this.sealedKey(path);
    if (known) return this.open(owner, known);
    await mkdir(this.path(owner), { recursive: true, mode: 0o700 });
    const fresh = randomBytes(32).toString('base64');
    const sealed = await this.file.seal(owner.tenant, owner, fresh, keyPlace(owner.requestId));
    const draft = `${path}.${newId()}`;
    await writeFile(draft, JSON.stringify(sealed), { mode: 0o600, flag: 'wx', flush: true });
    // A link fails when the name is taken, unlike a rename.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await unlink(draft);
    const winner = await this.sealedKey(path);
    if (!winner) throw new Error('the key of a package vanished while it was made');
    return this.open(owner, winner);
  }

  /** The key stays in the folder for good: where it is missing, the folder is away, and nothing in it was ever deleted. */
  isThere(owner: Pick<PackageOwner, 'tenant' | 'requestId'>): Promise<boolean> {
    return this.has(owner, KEY);
  }

  /** True when the file is there. Throws when nobody can tell. */
  async has(owner: Pick<PackageOwner, 'tenant' | 'requestId'>, name: string): Promise<boolean> {
    return stat(this.path(owner, name)).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
  }

  /** Removes a file or folder; one that is gone is fine. */
  async remove(owner: Pick<PackageOwner, 'tenant' | 'requestId'>, ...parts: string[]): Promise<void> {
    await rm(this.path(owner, ...parts), { recursive: true, force: true });
  }

  /** Removes what these steps have collected and left; what others collect in the same folder stays. */
  async removeParts(owner: Pick<PackageOwner, 'tenant' | 'requestId'>, stepIds: readonly string[]): Promise<void> {
    const names = (await this.has(owner, PARTS)) ? await readdir(this.path(owner, PARTS)) : [];
    const own = names.filter((name) => stepIds.some((id) => name.startsWith(id)));
    for (const name of own) await this.remove(owner, PARTS, name);
    // Unless somebody collects in it, who may have begun just now.
    await rmdir(this.path(owner, PARTS)).catch(() => undefined);
  }

  private async sealedKey(path: string): Promise<Sealed | undefined> {
    try {
      return JSON.parse(await readFile(path, 'utf8')) as Sealed;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  private async open({ tenant, requestId }: PackageOwner, sealed: Sealed): Promise<Buffer> {
    return Buffer.from(await this.file.open<string>(tenant, sealed, keyPlace(requestId)), 'base64');
  }
}
