/** Puts an access package together: collected records, Lethe's own data, the information, a manifest; sealed on disk. */
import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock, type JsonObject, type TenantId } from '#kernel';
import type { NewEvent } from '#ledger';
import { CLOCK } from '#platform';
import { PackageContents, type Contents } from './package-contents.js';
import { manifestName, PackageExpiry, zipName, zipPlace } from './package-expiry.js';
import { PackageFolder, type PackageOwner } from './package-folder.js';
import { indexPage, manifestOf, type PackageHead } from './package-index.js';
import { informationPage } from './package-information.js';
import { PackageParts } from './package-parts.js';
import { sealWhole } from './package-seal.js';
import { csvOf, htmlOf, jsonOf } from './package-tables.js';
import { ZipWriter } from './package-zip.js';
import { PackageBuilder, type StepRecords } from '../ports.js';
import type { RequestState, StepState } from '../request-state.js';
import { fact } from '../request.js';

@Injectable()
export class BuildPackage extends PackageBuilder {
  constructor(
    private readonly parts: PackageParts,
    private readonly contents: PackageContents,
    private readonly folder: PackageFolder,
    private readonly expiry: PackageExpiry,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  async collect(tenant: TenantId, request: RequestState, step: StepRecords): Promise<Record<string, number>> {
    const index = await this.parts.replace(ownerOf(tenant, request), step, request.regimes);
    return Object.fromEntries(index.map(({ dataset, count }) => [dataset, count]));
  }

  lost(tenant: TenantId, request: RequestState): Promise<StepState[]> {
    return this.contents.lost(ownerOf(tenant, request), request);
  }

  /** A repeat after a crash builds a new one; the unfinished file before it is deleted when it would have expired. */
  async build(tenant: TenantId, request: RequestState): Promise<NewEvent[]> {
    const owner = ownerOf(tenant, request);
    const contents = await this.contents.gather(owner, request);
    const packageId = newId();
    const head = { packageId, requestId: request.id, createdAt: this.clock.now().toISOString() };
    // Before the deletion is planned, which waits for a folder without its key.
    const key = await this.folder.key(owner);
    const expiresAt = await this.expiry.schedule(tenant, request.id, packageId);
    const manifest = await this.write(owner, key, head, contents);
    await this.keepManifest(owner, key, packageId, manifest);
    const manifestHash = createHash('sha256').update(manifest).digest('hex');
    const records = contents.tables.reduce((sum, table) => sum + table.count, 0);
    return [fact('PackageBuilt.v1', { requestId: request.id, packageId, manifestHash, records, expiresAt })];
  }

  /** Writes the sealed zip; returns the text of its manifest. */
  private async write(owner: PackageOwner, key: Buffer, head: PackageHead, contents: Contents): Promise<string> {
    const path = this.folder.path(owner, zipName(head.packageId));
    return sealWhole(path, key, zipPlace(head.packageId), async (writer) => {
      const zip = new ZipWriter(writer, this.clock.now());
      await fill(zip, head, contents);
      const manifest = pretty(manifestOf(head, contents, zip.files));
      await zip.add('manifest.json', [manifest]);
      await zip.finish();
      return manifest;
    });
  }

  /** Outlives the package: what was in it, and the hashes of its files (practice, rule 21). */
  private async keepManifest(owner: PackageOwner, key: Buffer, packageId: string, manifest: string): Promise<void> {
    const path = this.folder.path(owner, manifestName(packageId));
    await sealWhole(path, key, `package/manifest/${packageId}`, (writer) => writer.write(Buffer.from(manifest)));
  }
}

async function fill(zip: ZipWriter, head: PackageHead, contents: Contents): Promise<void> {
  await zip.add('index.html', [indexPage(head, contents)]);
  await zip.add('information.html', [informationPage(contents.controller, contents.information)]);
  await zip.add('information.json', [pretty(contents.information.map((item) => ({ ...item })))]);
  for (const table of contents.tables) {
    await zip.add(`${table.path}.json`, jsonOf(table));
    await zip.add(`${table.path}.csv`, csvOf(table));
    await zip.add(`${table.path}.html`, htmlOf(table));
  }
}

function pretty(value: JsonObject | JsonObject[]): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

export function ownerOf(tenant: TenantId, { id, keyHolder }: RequestState): PackageOwner {
  return { tenant, requestId: id, keyHolder };
}
